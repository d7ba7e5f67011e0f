//! The media types and forms in which clients ask for answers: `Accept`, the formats of prices, and `ids=string`.

use reqwest::Method;
use serde_json::{Value, json};
use thermocline::archive::ArchiveOptions;
use thermocline::clock::DAY;
use thermocline::load::nouns;

use crate::support::prices_tiers::Market;
use crate::support::{Answer, Service, at, comment, conversation, cutoff, message, post, stock};

async fn small() -> Service {
    let service = Service::start().await;
    let begun = at("2025-12-01T00:00:00Z");
    service
        .load(
            &nouns::CONVERSATIONS,
            vec![conversation(1, 1, Some(2), begun), conversation(2, 1, None, begun)],
        )
        .await;
    service.load(&nouns::STOCKS, vec![stock(1, "2330", "a stock")]).await;
    let said = (0..8).map(|n| message(1_000 + n, 1, 1, "{\"id\":7}", cutoff((n - 4) * DAY)));
    service.load(&nouns::MESSAGES, said.collect()).await;
    service.load(&nouns::POSTS, vec![post(100, 1, "post", cutoff(-DAY))]).await;
    service.load(&nouns::COMMENTS, vec![comment(500, 100, 2, "comment", cutoff(0))]).await;
    assert_eq!(service.archive("messages", &ArchiveOptions::default()).await, 4);
    service
}

async fn with_accept(service: &Service, path: &str, accept: &str) -> Answer {
    let request = service.request(Method::GET, path).bearer_auth(service.admin(1));
    service.send(request.header("accept", accept)).await
}

const JSON_ROUTES: [&str; 10] = [
    "/api/conversations",
    "/api/conversations/1/messages",
    "/api/conversations/1/messages/search?q=id",
    "/api/conversations/1/messages/1000",
    "/api/posts",
    "/api/posts/100",
    "/api/posts/100/comments",
    "/api/stocks",
    "/api/users/1/behavior",
    "/openapi.json",
];

#[tokio::test]
async fn an_accept_header_that_names_nothing_there_is_is_406() {
    let service = small().await;
    for path in JSON_ROUTES.into_iter().chain(["/", "/health", "/api/health", "/openapi-3.0.json"]) {
        for accept in [
            "application/json",
            "*/*",
            "application/*;q=0.1",
            "image/png, */*;q=0.1",
            "application/problem+json",
            "",
        ] {
            assert_eq!(with_accept(&service, path, accept).await.status, 200, "{path}: {accept}");
        }
        for accept in
            ["image/png", "text/csv", "application/json;q=0", "*/*;q=0", "application/xml, text/plain;q=0.5"]
        {
            let answer = with_accept(&service, path, accept).await;
            let detail = answer.problem(path, 406, "not-acceptable")["detail"].to_string();
            assert!(detail.contains("application/json"), "{path}: {detail}");
        }
    }
    for path in ["/livez", "/readyz", "/metrics"] {
        assert_eq!(with_accept(&service, path, "text/plain").await.status, 200, "{path}");
        with_accept(&service, path, "application/json").await.problem(path, 406, "not-acceptable");
    }
    // Errors of the request come first, and are problems whatever the client accepts.
    for (path, status, name) in [
        ("/api/posts?page=0", 400, "invalid-parameter"),
        ("/api/posts/424242", 404, "not-found"),
        ("/nothing", 404, "not-found"),
    ] {
        with_accept(&service, path, "image/png").await.problem(path, status, name);
    }
}

/// The parameter `format` and the path choose before the header does, but they offer no more than there is.
#[tokio::test]
async fn an_accept_header_and_a_format_of_prices_agree_or_are_refused() {
    let service = small().await;
    let prices = "/api/stocks/symbols/2330/prices";
    for (path, accept, content_type) in [
        (format!("{prices}?format=csv"), "application/json", "text/csv; charset=utf-8"),
        (format!("{prices}?format=json"), "text/csv", "application/json"),
        (prices.to_owned(), "text/csv, application/json;q=0.5", "text/csv; charset=utf-8"),
        (prices.to_owned(), "application/problem+json", "application/json"),
        (format!("{prices}/csv"), "text/csv", "text/csv; charset=utf-8"),
        (format!("{prices}/csv"), "application/problem+json", "text/csv; charset=utf-8"),
        (format!("{prices}/ndjson"), "*/*", "application/x-ndjson"),
    ] {
        let answer = with_accept(&service, &path, accept).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, content_type), "{path}: {accept}");
    }
    for (path, accept) in [
        (prices.to_owned(), "image/png"),
        (format!("{prices}?format=csv"), "image/png"),
        (format!("{prices}/csv"), "application/json"),
        (format!("{prices}/columns"), "text/csv"),
    ] {
        with_accept(&service, &path, accept).await.problem(&path, 406, "not-acceptable");
    }
}

#[tokio::test]
async fn each_format_of_prices_has_a_path_of_its_own() {
    let market = Market::weekdays().await;
    for base in ["/api/stocks/1/prices", "/api/stocks/symbols/2330/prices", "/api/stocks/prices"] {
        let more = if base == "/api/stocks/prices" { "&symbols=2330,0050" } else { "" };
        for (format, content_type) in [
            ("columns", "application/json"),
            ("csv", "text/csv; charset=utf-8"),
            ("ndjson", "application/x-ndjson"),
        ] {
            let own = market.get(&format!("{base}/{format}?limit=3{more}")).await;
            let chosen = market.get(&format!("{base}?limit=3&format={format}{more}")).await;
            assert_eq!(own.text(), chosen.text(), "{base} {format}");
            assert_eq!(own.header("content-type").expect("a type"), content_type, "{base} {format}");
            let refused = market.get(&format!("{base}/{format}?format=csv{more}")).await;
            assert_eq!(refused.problem(), (400, "format".to_owned()), "{base} {format}");
        }
    }
}

/// Returns `value` with its ids as texts.
fn with_texts(value: &Value, key: &str) -> Value {
    match value {
        Value::Object(members) => {
            members.iter().map(|(key, value)| (key.clone(), with_texts(value, key))).collect()
        }
        Value::Array(items) => items.iter().map(|item| with_texts(item, "")).collect(),
        Value::Number(number) if key == "id" || key.ends_with("_id") => number.to_string().into(),
        other => other.clone(),
    }
}

#[tokio::test]
async fn ids_are_texts_on_request_on_every_json_route() {
    let service = small().await;
    let token = service.admin(1);
    let with = |path: &str, parameter: &str| {
        format!("{path}{}{parameter}", if path.contains('?') { '&' } else { '?' })
    };
    for path in &JSON_ROUTES[..9] {
        let plain = service.get(&token, path).await;
        let texts = service.get(&token, &with(path, "ids=string")).await;
        assert_eq!(texts.json(), with_texts(&plain.json(), ""), "{path}");
        assert_ne!(plain.text(), texts.text(), "{path} holds ids");
        assert_ne!(plain.header("etag"), texts.header("etag"), "{path}");
        let same = service.get(&token, &with(path, "ids=number")).await;
        assert_eq!(plain.text(), same.text(), "{path}");
        let bad = with(path, "ids=text");
        let refused = service.get(&token, &bad).await.problem(&bad, 400, "invalid-parameter");
        assert_eq!(refused["parameter"], "ids", "{path}");
        let request = service.request(Method::GET, &with(path, "ids=string")).bearer_auth(&token);
        let known = service.send(request.header("if-none-match", texts.header("etag"))).await;
        assert_eq!(known.status, 304, "{path}");
    }
    // A text that looks like an id stays, and links keep the parameter.
    let page = service.get(&token, "/api/conversations/1/messages?per_page=1&ids=string").await;
    assert_eq!(page.json()["messages"][0]["content"], "{\"id\":7}");
    assert_eq!(page.json()["messages"][0]["id"], "1007");
    assert_eq!(page.json()["total"], 8);
    assert!(page.header("link").contains("ids=string"), "{}", page.header("link"));
    let conversations = service.json(1, "/api/conversations?ids=string").await;
    let rows = conversations["conversations"].as_array().expect("rows");
    assert!(rows.iter().any(|row| row["user2_id"].is_null()), "{conversations}");
}

#[tokio::test]
async fn ids_are_texts_in_streams_of_prices() {
    let market = Market::weekdays().await;
    for uri in [
        "/api/stocks/1/prices?start_date=1990-01-01",
        "/api/stocks/1/prices?format=columns",
        "/api/stocks/prices?symbols=2330,0050,none",
    ] {
        let (plain, texts) = (market.get(uri).await, market.get(&format!("{uri}&ids=string")).await);
        assert_eq!(texts.json(), with_texts(&plain.json(), ""), "{uri}");
        assert!(texts.text().contains("\"stock_id\":\"1\""), "{uri}");
    }
    let lines = market.get("/api/stocks/1/prices/ndjson?start_date=1990-01-01&ids=string").await;
    let first: Value = serde_json::from_str(lines.text().lines().next().expect("a line")).expect("JSON");
    assert!(first["id"].is_string(), "{first}");
    let csv = market.get("/api/stocks/1/prices/csv?ids=string").await;
    assert_eq!(csv.text(), market.get("/api/stocks/1/prices/csv").await.text());
}

#[tokio::test]
async fn the_entrance_is_json_or_a_page() {
    let service = Service::start().await;
    let answer = service.get("", "/").await;
    let body = answer.json();
    assert_eq!(body["name"], "thermocline");
    assert_eq!(body["version"], env!("CARGO_PKG_VERSION"));
    for (_, link) in body["links"].as_object().expect("links") {
        let status = service.get("", link.as_str().expect("a path")).await.status;
        assert!([200, 401].contains(&status), "{link}: {status}");
    }
    let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";
    let page = with_accept(&service, "/", browser).await;
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(page.text().contains("<a href=\"/docs/\">"), "{}", page.text());
    assert_eq!(with_accept(&service, "/", "text/html;q=0.5, application/json").await.json(), json!(body));
}
