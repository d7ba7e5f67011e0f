//! The Model Context Protocol through a real socket: each tool answers as the route behind it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::http_errors::tokens::{LATER, signed};
use crate::http_lists::world::World;
use crate::support::{Answer, Service};

/// Sends a message with these headers beside those of every client.
async fn post(service: &Service, token: &str, headers: &[(&str, &str)], message: &Value) -> Answer {
    let mut request = service
        .request(Method::POST, "/mcp")
        .bearer_auth(token)
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    service.send(request.body(message.to_string())).await
}

fn message(method: &str, params: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
}

async fn call(service: &Service, token: &str, tool: &str, arguments: &Value) -> Value {
    let message = message("tools/call", &json!({"name": tool, "arguments": arguments}));
    let answer = post(service, token, &[("mcp-protocol-version", "2025-06-18")], &message).await;
    assert_eq!(answer.status, 200, "{tool} {arguments}: {}", answer.text());
    answer.json()
}

#[tokio::test]
async fn tools_answer_as_the_routes_behind_them() {
    let world = World::new().await;
    let service = &world.service;
    let first = service.json(1, "/api/conversations/1/messages?limit=5").await;
    let next = first["next"].as_str().expect("next");
    let old = world.talk.rows[100].id;
    for (tool, arguments, path) in [
        ("list_conversations", json!({}), "/api/conversations?limit=20".to_owned()),
        ("read_messages", json!({"conversation_id": 1}), "/api/conversations/1/messages?limit=20".to_owned()),
        (
            "read_messages",
            json!({"conversation_id": "1", "limit": 5, "before": next, "around": null}),
            format!("/api/conversations/1/messages?limit=5&before={next}"),
        ),
        (
            "read_messages",
            json!({"conversation_id": 1, "around": old, "to": "2026-01-31"}),
            format!("/api/conversations/1/messages?limit=20&around={old}&to=2026-01-31"),
        ),
        (
            "search_messages",
            json!({"conversation_id": 1, "q": "hello", "limit": 3}),
            "/api/conversations/1/messages/search?q=hello&limit=3".to_owned(),
        ),
        ("list_posts", json!({"author_id": 2}), "/api/posts?author_id=2&limit=20".to_owned()),
        (
            "list_posts",
            json!({"at": "2026-01-29", "limit": 50}),
            "/api/posts?at=2026-01-29&limit=50".to_owned(),
        ),
    ] {
        let result = &call(service, &service.token(1), tool, &arguments).await["result"];
        assert_eq!(result["isError"], false, "{tool}: {result}");
        let expected = service.json(1, &path).await;
        assert_eq!(result["structuredContent"], expected, "{tool} {arguments}");
        let text = result["content"][0]["text"].as_str().expect("a text");
        assert_eq!(serde_json::from_str::<Value>(text).expect("JSON"), expected, "{tool}");
    }
    let post =
        &call(service, &service.token(1), "read_post", &json!({"post_id": 135, "limit": 7})).await["result"];
    let page = &post["structuredContent"];
    assert_eq!(page["post"], service.json(1, "/api/posts/135").await["post"]);
    assert_eq!(page["comments"], service.json(1, "/api/posts/135/comments?limit=7").await["comments"]);
    assert_eq!(page["has_more"], true);
}

#[tokio::test]
async fn prices_are_read_for_several_stocks() {
    use thermocline::load::nouns;

    use crate::support::{price, stock};
    let service = Service::start().await;
    service.load(&nouns::STOCKS, vec![stock(1, "2330", "台積電")]).await;
    let day = "2026-01-05".parse().expect("a date");
    let day = price(Some(1), 1, day, [Some(9_650); 5], [Some(1_000); 3]);
    service.load(&nouns::PRICES, vec![day]).await;
    let arguments = json!({"symbols": ["2330", "XXXX"], "start_date": "2026-01-01"});
    let result = &call(&service, &service.token(1), "get_prices", &arguments).await["result"];
    let path = "/api/stocks/prices?symbols=2330,XXXX&start_date=2026-01-01&limit=30";
    assert_eq!(result["structuredContent"], service.json(1, path).await);
    assert_eq!(result["structuredContent"]["unknown"], json!(["XXXX"]));
    let none =
        &call(&service, &service.token(1), "get_prices", &json!({"symbols": ["XXXX"]})).await["result"];
    assert_eq!(refusal(none), "not-found: There is no stock with the symbol XXXX.");
}

/// Returns the text of a refused call.
fn refusal(result: &Value) -> &str {
    assert_eq!((&result["isError"], result.get("structuredContent")), (&json!(true), None), "{result}");
    result["content"][0]["text"].as_str().expect("a text")
}

#[tokio::test]
async fn tools_have_the_rights_of_the_token() {
    let world = World::new().await;
    let service = &world.service;
    for (token, tool, arguments, refused) in [
        (9, "read_messages", json!({"conversation_id": 1}), "not-found: There is no such conversation."),
        (
            9,
            "search_messages",
            json!({"conversation_id": 1, "q": "a"}),
            "not-found: There is no such conversation.",
        ),
        (
            1,
            "read_messages",
            json!({"conversation_id": 424_242}),
            "not-found: There is no such conversation.",
        ),
        (1, "read_messages", json!({}), "invalid-parameter: `conversation_id` is required"),
        (
            1,
            "read_messages",
            json!({"conversation_id": {}}),
            "invalid-parameter: `conversation_id` must be a text",
        ),
        (
            1,
            "read_messages",
            json!({"conversation_id": 1, "limit": 51}),
            "invalid-parameter: `limit` must be a whole",
        ),
        (
            1,
            "read_messages",
            json!({"conversation_id": 1, "page": 1}),
            "invalid-parameter: `page` is not a parameter",
        ),
        (
            1,
            "read_messages",
            json!({"conversation_id": 1, "before": "x"}),
            "invalid-cursor: `before` is not a cursor",
        ),
        (1, "search_messages", json!({"conversation_id": 1}), "invalid-parameter: `q` is required"),
        (1, "read_post", json!({"post_id": 424_242}), "not-found: There is no such post."),
    ] {
        let result = &call(service, &service.token(token), tool, &arguments).await["result"];
        assert!(refusal(result).starts_with(refused), "{tool} {arguments}: {result}");
    }
    // An admin reads every conversation, and lists their own.
    let result =
        &call(service, &service.admin(9), "read_messages", &json!({"conversation_id": 1})).await["result"];
    assert_eq!(result["isError"], false);
    let unknown = call(service, &service.token(1), "delete_messages", &json!({})).await;
    assert_eq!(unknown["error"]["code"], -32602, "{unknown}");
    world.service.cold.set(crate::support::Mode::Unreachable);
    let old = json!({"conversation_id": 1, "to": "2020-01-01"});
    let result = &call(service, &service.token(1), "read_messages", &old).await["result"];
    assert!(refusal(result).starts_with("tier-unavailable: The cold database"), "{result}");
}

#[tokio::test]
async fn a_restricted_token_calls_no_other_tools() {
    let world = World::new().await;
    let token = |scope: &str| signed(&json!({"sub": "1", "exp": LATER, "scope": scope}));
    let read = json!({"conversation_id": 1});
    for (scope, tool, arguments, allowed) in [
        ("messages:read", "read_messages", &read, true),
        ("messages:read", "list_conversations", &json!({}), true),
        ("messages:read", "list_posts", &json!({}), false),
        ("messages:read", "get_prices", &json!({"symbols": ["XXXX"]}), false),
        ("posts:read", "list_posts", &json!({}), true),
        ("posts:read", "read_post", &json!({"post_id": 135}), true),
        ("posts:read", "read_messages", &read, false),
        ("posts:read", "search_messages", &json!({"conversation_id": 1, "q": "a"}), false),
        ("prices:read", "list_conversations", &json!({}), false),
        ("prices:read", "read_post", &json!({"post_id": 135}), false),
    ] {
        let result = &call(&world.service, &token(scope), tool, arguments).await["result"];
        assert_eq!(result["isError"], !allowed, "{scope} {tool}: {result}");
        assert!(allowed || refusal(result).starts_with("forbidden: "), "{scope} {tool}: {result}");
    }
}

#[tokio::test]
async fn a_session_is_not_needed() {
    let service = Service::start().await;
    let token = service.token(1);
    let hello = message(
        "initialize",
        &json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}),
    );
    let answer = post(&service, &token, &[], &hello).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    assert_eq!(answer.header("mcp-session-id"), "");
    let result = &answer.json()["result"];
    assert_eq!(result["serverInfo"]["name"], "thermocline");
    assert!(result["capabilities"]["tools"].is_object(), "{result}");
    let noted = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    assert_eq!(post(&service, &token, &[], &noted).await.status, 202);
    let listed =
        post(&service, &token, &[("mcp-protocol-version", "2025-06-18")], &message("tools/list", &json!({})))
            .await;
    let tools = listed.json()["result"]["tools"].as_array().expect("tools").clone();
    let names: Vec<&str> = tools.iter().filter_map(|tool| tool["name"].as_str()).collect();
    let expected =
        ["list_conversations", "read_messages", "search_messages", "list_posts", "read_post", "get_prices"];
    assert_eq!(names, expected);
    for tool in &tools {
        assert_eq!(
            (&tool["inputSchema"]["type"], &tool["annotations"]["readOnlyHint"]),
            (&json!("object"), &json!(true))
        );
        assert!(tool["description"].is_string() && tool["outputSchema"].is_object(), "{tool}");
    }
}

#[tokio::test]
async fn requests_that_do_not_belong_here_are_refused() {
    let service = Service::start().await;
    let list = message("tools/list", &json!({}));
    for (headers, status) in [
        (vec![("origin", "https://evil.example")], 403),
        (vec![("origin", "https://evil.example"), ("host", "evil.example")], 403),
        (vec![("origin", "null")], 403),
        (vec![("origin", "http://localhost:6274")], 200),
        (vec![("origin", "http://127.0.0.1:3000")], 200),
        (vec![("host", "thermocline.example")], 200),
    ] {
        let answer = post(&service, &service.token(1), &headers, &list).await;
        assert_eq!(answer.status, status, "{headers:?}: {}", answer.text());
        if status == 403 {
            answer.problem("/mcp", 403, "forbidden");
        }
    }
    let answer = post(&service, "no token", &[], &list).await;
    answer.problem("/mcp", 401, "unauthorized");
    assert!(answer.header("www-authenticate").starts_with("Bearer "));
    for method in [Method::GET, Method::DELETE] {
        let answer = service.send(service.request(method, "/mcp").bearer_auth(service.token(1))).await;
        answer.problem("/mcp", 405, "method-not-allowed");
    }
    let request = service.request(Method::POST, "/mcp").bearer_auth(service.token(1));
    let answer = service.send(request.header("content-type", "application/json").body("{}")).await;
    assert!((400..500).contains(&answer.status), "{}", answer.status);
    let unknown = post(&service, &service.token(1), &[], &message("no/such/method", &json!({}))).await;
    assert_eq!(unknown.json()["error"]["code"], -32601, "{}", unknown.text());
}
