//! All error responses: status, problem, headers, and the order in which a request is checked.

mod tier_failures;
pub mod tokens;

use reqwest::Method;
use thermocline::archive::ArchiveOptions;
use thermocline::clock::DAY;
use thermocline::load::nouns;

use crate::support::{Service, at, comment, conversation, cutoff, message, post};

/// Creates two conversations and two posts, one of each archived.
async fn small() -> Service {
    let service = Service::start().await;
    fill(&service).await;
    service
}

async fn fill(service: &Service) {
    let begun = at("2025-12-01T00:00:00Z");
    let talks = vec![conversation(1, 1, Some(2), begun), conversation(2, 1, Some(3), begun)];
    service.load(&nouns::CONVERSATIONS, talks).await;
    let said = (0..40).map(|n| message(1_000 + n, 1, 1, &format!("a number: {n}"), cutoff((n - 20) * DAY)));
    service.load(&nouns::MESSAGES, said.collect()).await;
    service.load(&nouns::MESSAGES, vec![message(2_000, 2, 1, "another", cutoff(DAY))]).await;
    let posts = (0..40).map(|n| post(100 + n, n % 2 + 1, "post", cutoff((n - 20) * DAY + 1)));
    service.load(&nouns::POSTS, posts.collect()).await;
    let comments = (0..4).map(|n| comment(500 + n, 100 + n * 13, 2, "comment", cutoff(0)));
    service.load(&nouns::COMMENTS, comments.collect()).await;
    for resource in ["messages", "posts"] {
        assert_eq!(service.archive(resource, &ArchiveOptions::default()).await, 20);
    }
}

/// Lists that take every list parameter.
const LISTS: [&str; 4] =
    ["/api/conversations", "/api/conversations/1/messages", "/api/posts", "/api/posts/100/comments"];
const SEARCH: &str = "/api/conversations/1/messages/search";

/// Queries that no list accepts, with the parameter that is at fault.
const BAD: [(&str, &str); 92] = [
    ("page=0", "page"),
    ("page=-1", "page"),
    ("page=1000000001", "page"),
    ("page=99999999999999999999", "page"),
    ("page=abc", "page"),
    ("page=1.5", "page"),
    ("page=1e3", "page"),
    ("page=%2B1", "page"),
    ("page=+1", "page"),
    ("page=", "page"),
    ("page", "page"),
    ("page=0x10", "page"),
    ("page=%D9%A1", "page"),
    ("page=1%00", "page"),
    ("page=null", "page"),
    ("per_page=0", "per_page"),
    ("per_page=101", "per_page"),
    ("per_page=-20", "per_page"),
    ("per_page=ten", "per_page"),
    ("offset=-1", "offset"),
    ("offset=1000000000001", "offset"),
    ("offset=9223372036854775808", "offset"),
    ("offset=x", "offset"),
    ("offset=", "offset"),
    ("limit=0", "limit"),
    ("limit=101", "limit"),
    ("limit=-1", "limit"),
    ("limit=all", "limit"),
    ("offset=0&limit=1000", "limit"),
    ("before=", "before"),
    ("before=x", "before"),
    ("before=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "before"),
    ("before=0", "before"),
    ("before=2026-01-01", "before"),
    ("before=%00", "before"),
    ("after=", "after"),
    ("after=x", "after"),
    ("after=%25", "after"),
    ("after=../../etc/passwd", "after"),
    ("around=0", "around"),
    ("around=-5", "around"),
    ("around=9223372036854775808", "around"),
    ("around=x", "around"),
    ("around=", "around"),
    ("at=", "at"),
    ("at=now", "at"),
    ("at=2026-13-01", "at"),
    ("at=2026-02-30", "at"),
    ("at=2026-02-30T00:00:00Z", "at"),
    ("at=2026-1-5", "at"),
    ("at=1767225600", "at"),
    ("at=2026-01-01T25:00:00Z", "at"),
    ("at=10000-01-01T00:00:00Z", "at"),
    ("at=0000-01-01", "at"),
    ("at=2026-01-31T08:00:00+08:00", "at"),
    ("from=yesterday", "from"),
    ("from=", "from"),
    ("to=2026-01-32", "to"),
    ("to=x", "to"),
    ("from=2026-01-03&to=2026-01-01", "to"),
    ("from=2026-01-02&to=2026-01-01", "to"),
    ("from=2026-01-02T00:00:00Z&to=2026-01-01", "to"),
    ("from=2026-01-01T00:00:00.000001Z&to=2026-01-01T00:00:00Z", "to"),
    ("as_of=x", "as_of"),
    ("as_of=", "as_of"),
    ("page=1&as_of=AAAA", "as_of"),
    ("count=maybe", "count"),
    ("count=EXACT", "count"),
    ("count=", "count"),
    ("count=true", "count"),
    ("partial=deny", "partial"),
    ("partial=", "partial"),
    ("partial=Allow", "partial"),
    ("page=1&page=1", "page"),
    ("limit=5&limit=5", "limit"),
    ("from=2026-01-01&from=2026-01-02", "from"),
    ("page=1&offset=0", "offset"),
    ("offset=0&per_page=5", "offset"),
    ("page=1&limit=5", "limit"),
    ("per_page=5&limit=5", "limit"),
    ("page=1&around=5", "around"),
    ("offset=1&at=2026-01-01", "at"),
    ("around=1000&at=2026-01-01", "at"),
    ("unknown=1", "unknown"),
    ("Page=1", "Page"),
    ("q=x", "q"),
    ("page%5B%5D=1", "page[]"),
    ("=1", ""),
    ("%zz=1", "%zz"),
    ("page=%zz", "page"),
    ("page=%ff", "page"),
    ("at=%c3%28", "at"),
];

async fn refused(service: &Service, path: &str, kind: &str, parameter: &str) {
    let answer = service.get(&service.token(1), path).await;
    let body = answer.problem(path, 400, kind);
    assert_eq!(body["parameter"], parameter, "{path}: {body}");
    let detail = body["detail"].as_str().unwrap_or_default();
    assert!(detail.contains(&format!("`{parameter}`")), "{path}: {detail}");
}

#[tokio::test]
async fn invalid_list_parameters_are_rejected() {
    let service = small().await;
    for list in LISTS {
        for (query, parameter) in BAD {
            let is_cursor = ["before", "after", "as_of"].contains(&parameter);
            let kind = if is_cursor { "invalid-cursor" } else { "invalid-parameter" };
            refused(&service, &format!("{list}?{query}"), kind, parameter).await;
        }
    }
    for (query, parameter) in [
        ("author_id=0", "author_id"),
        ("author_id=-1", "author_id"),
        ("author_id=x", "author_id"),
        ("author_id=", "author_id"),
        ("author_id=1&author_id=2", "author_id"),
        ("author_id=9223372036854775808", "author_id"),
    ] {
        refused(&service, &format!("/api/posts?{query}"), "invalid-parameter", parameter).await;
    }
    refused(&service, "/api/conversations?author_id=1", "invalid-parameter", "author_id").await;
}

#[tokio::test]
async fn invalid_search_parameters_are_rejected() {
    let service = small().await;
    let long = "x".repeat(1_001);
    for (query, parameter) in [
        ("", "q"),
        ("limit=5", "q"),
        ("q=", "q"),
        ("q", "q"),
        ("q=%00", "q"),
        ("q=a%00b", "q"),
        ("q=%ff", "q"),
        ("q=%E5%A5", "q"),
        ("q=%2", "q"),
        ("q=a&q=b", "q"),
        (&format!("q={long}"), "q"),
        ("q=a&page=1", "page"),
        ("q=a&offset=0", "offset"),
        ("q=a&count=exact", "count"),
        ("q=a&around=1000", "around"),
        ("q=a&from=2026-01-01", "from"),
        ("q=a&as_of=x", "as_of"),
        ("q=a&limit=0", "limit"),
        ("q=a&limit=101", "limit"),
        ("q=a&partial=yes", "partial"),
    ] {
        refused(&service, &format!("{SEARCH}?{query}"), "invalid-parameter", parameter).await;
    }
    refused(&service, &format!("{SEARCH}?q=a&before=x"), "invalid-cursor", "before").await;
    refused(&service, &format!("{SEARCH}?q=a&after=%00"), "invalid-cursor", "after").await;
    // A limit of a thousand characters does not depend on their size in bytes.
    let most = "%F0%9F%91%8D".repeat(1_000);
    assert_eq!(service.get(&service.token(1), &format!("{SEARCH}?q={most}")).await.status, 200);
}

#[tokio::test]
async fn ids_must_be_positive_integers() {
    let service = small().await;
    for id in [
        "0",
        "-1",
        "x",
        "1.0",
        "%2B1",
        "%201",
        "99999999999999999999",
        "9223372036854775808",
        "%00",
        "%ff",
        "1%2F2",
        "1;2",
        "null",
    ] {
        for (path, parameter) in [
            (format!("/api/conversations/{id}/messages"), "id"),
            (format!("/api/conversations/{id}/messages/search?q=a"), "id"),
            (format!("/api/conversations/{id}/messages/1000"), "id"),
            (format!("/api/conversations/1/messages/{id}"), "message_id"),
            (format!("/api/posts/{id}"), "id"),
            (format!("/api/posts/{id}/comments"), "id"),
        ] {
            refused(&service, &path, "invalid-parameter", parameter).await;
        }
    }
    for path in ["/api/conversations/1/messages/1000", "/api/posts/100"] {
        refused(&service, &format!("{path}?page=1"), "invalid-parameter", "page").await;
        refused(&service, &format!("{path}?%zz"), "invalid-parameter", "%zz").await;
    }
    // The largest id is valid.
    let path = "/api/posts/9223372036854775807";
    service.get(&service.token(1), path).await.problem(path, 404, "not-found");
}

/// A cursor is valid for its own list, filter and time span only; an `as_of` is no cursor, and a cursor no `as_of`.
#[tokio::test]
async fn cursors_of_other_lists_are_rejected() {
    let service = small().await;
    let lists = [
        "/api/conversations/1/messages",
        "/api/conversations/2/messages",
        "/api/conversations/1/messages?from=2026-01-01",
        "/api/conversations/1/messages?to=2026-01-01",
        "/api/conversations/1/messages?from=2026-01-02",
        "/api/conversations",
        "/api/posts",
        "/api/posts?author_id=1",
        "/api/posts?author_id=2",
        "/api/posts/100/comments",
        "/api/posts/113/comments",
        "/api/conversations/1/messages/search?q=a",
        "/api/conversations/1/messages/search?q=b",
        "/api/conversations/2/messages/search?q=a",
    ];
    let with =
        |list: &str, query: String| format!("{list}{}{query}", if list.contains('?') { '&' } else { '?' });
    for from in lists {
        let page = service.json(1, from).await;
        let cursor = page["prev"].as_str().expect("prev");
        for to in lists {
            for name in ["before", "after"] {
                let path = with(to, format!("{name}={cursor}"));
                if from == to {
                    assert_eq!(service.get(&service.token(1), &path).await.status, 200, "{path}");
                } else {
                    refused(&service, &path, "invalid-cursor", name).await;
                }
            }
            if to.contains("search") {
                continue;
            }
            refused(&service, &with(to, format!("page=1&as_of={cursor}")), "invalid-cursor", "as_of").await;
            if let Some(as_of) = page["as_of"].as_str() {
                refused(&service, &with(to, format!("before={as_of}")), "invalid-cursor", "before").await;
                let path = with(to, format!("page=1&as_of={as_of}"));
                if from == to {
                    assert_eq!(service.get(&service.token(1), &path).await.status, 200, "{path}");
                } else {
                    refused(&service, &path, "invalid-cursor", "as_of").await;
                }
            }
        }
    }
    // Spans written in two ways, and searches in two cases, are the same lists.
    let page = service.json(1, "/api/conversations/1/messages?from=2026-01-01").await;
    let prev = page["prev"].as_str().expect("prev");
    service
        .json(1, &format!("/api/conversations/1/messages?from=2026-01-01T08:00:00%2B08:00&before={prev}"))
        .await;
    let page = service.json(1, &format!("{SEARCH}?q=a")).await;
    let prev = page["prev"].as_str().expect("prev");
    service.json(1, &format!("{SEARCH}?q=A&before={prev}")).await;
}

/// With a valid cursor, the parameter that conflicts with it is at fault, and changes of the cursor are noticed.
#[tokio::test]
async fn cursors_cannot_be_combined_or_changed() {
    let service = small().await;
    let list = "/api/conversations/1/messages";
    let page = service.json(1, list).await;
    let (cursor, as_of) = (page["next"].as_str().expect("next"), page["as_of"].as_str().expect("as_of"));
    for (query, parameter) in [
        (format!("before={cursor}&page=1"), "before"),
        (format!("per_page=5&after={cursor}"), "after"),
        (format!("offset=0&before={cursor}"), "before"),
        (format!("before={cursor}&after={cursor}"), "after"),
        (format!("before={cursor}&around=1000"), "around"),
        (format!("after={cursor}&at=2026-01-01"), "at"),
        (format!("before={cursor}&before={cursor}"), "before"),
        (format!("before={cursor}&as_of={as_of}"), "as_of"),
        (format!("limit=5&as_of={as_of}"), "as_of"),
        (format!("around=1000&as_of={as_of}"), "as_of"),
    ] {
        refused(&service, &format!("{list}?{query}"), "invalid-parameter", parameter).await;
    }
    let both = format!("{SEARCH}?q=a&before={cursor}&after={cursor}");
    refused(&service, &both, "invalid-parameter", "after").await;
    for place in 0..cursor.len() {
        let mut changed = cursor.to_owned();
        let other = if changed[place..].starts_with('A') { "B" } else { "A" };
        changed.replace_range(place..=place, other);
        refused(&service, &format!("{list}?before={changed}"), "invalid-cursor", "before").await;
    }
    for changed in [
        &cursor[1..],
        &format!("{cursor}A"),
        &format!("{cursor}%3D"),
        &format!("%20{cursor}"),
        &"A".repeat(600),
    ] {
        refused(&service, &format!("{list}?before={changed}"), "invalid-cursor", "before").await;
    }
    // A cursor gives no access: another user's cursor does not open the conversation.
    let path = format!("{list}?before={cursor}");
    service.get(&service.token(3), &path).await.problem(&path, 404, "not-found");
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems() {
    let service = small().await;
    for path in [
        "/api",
        "/api/",
        "/nothing",
        "/api/nothing",
        "/API/posts",
        "/api/posts/",
        "/api/posts/100/",
        "/api//posts",
        "/api/posts/100/comments/",
        "/api/posts/100/likes",
        "/api/conversations/",
        "/api/conversations/1",
        "/api/conversations/1/messages/",
        "/api/conversations/1/messages/1000/x",
        "/api/conversations/1/messages/search/",
        "/health/",
        "/problems/nothing",
        "/problems/",
    ] {
        service.get(&service.token(1), path).await.problem(path, 404, "not-found");
        service.send(service.request(Method::POST, path)).await.problem(
            path,
            if path == "/problems/nothing" { 405 } else { 404 },
            if path == "/problems/nothing" { "method-not-allowed" } else { "not-found" },
        );
    }
    let search = format!("{SEARCH}?q=a");
    let paths = LISTS.into_iter().chain([
        search.as_str(),
        "/api/conversations/1/messages/1000",
        "/api/posts/100",
        "/health",
        "/api/health",
        "/livez",
        "/readyz",
    ]);
    for path in paths {
        for method in
            [Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS, Method::TRACE]
        {
            let request = service.request(method.clone(), path).bearer_auth(service.token(1));
            let answer = service.send(request.body("{not json")).await;
            answer.problem(path, 405, "method-not-allowed");
            assert_eq!(answer.header("allow"), "GET,HEAD", "{method} {path}");
        }
    }
    // Every problem links to its page.
    for kind in thermocline::web::problem::KINDS {
        let page = service.get("", &format!("/problems/{}", kind.name)).await;
        assert_eq!(page.status, 200, "{}", kind.name);
        assert!(page.text().contains(kind.title), "{}", kind.name);
    }
}

/// The order is 401, 400, 404: a caller without a token learns nothing, and an invalid request does not learn whether
/// the row exists.
#[tokio::test]
async fn checks_run_in_a_fixed_order() {
    let service = small().await;
    for (bad, absent) in [
        ("/api/conversations/1/messages?page=0", "/api/conversations/1/messages"),
        ("/api/conversations/2/messages?page=0", "/api/conversations/2/messages"),
        ("/api/conversations/424242/messages?limit=x", "/api/conversations/424242/messages"),
        ("/api/conversations/1/messages/search?q=", "/api/conversations/1/messages/search?q=a"),
        ("/api/conversations/1/messages/1000?x=1", "/api/conversations/1/messages/1000"),
        ("/api/conversations/424242/messages/x", "/api/conversations/424242/messages/1000"),
        ("/api/posts/424242?x=1", "/api/posts/424242"),
        ("/api/posts/424242/comments?page=0", "/api/posts/424242/comments"),
        ("/api/posts/424242/comments?before=x", "/api/posts/424242/comments"),
    ] {
        // User 8 is in no conversation.
        for path in [bad, absent] {
            service.send(service.request(Method::GET, path)).await.problem(path, 401, "unauthorized");
            service.get("x.y.z", path).await.problem(path, 401, "unauthorized");
        }
        let answer = service.get(&service.token(8), bad).await;
        assert_eq!(answer.status, 400, "{bad}: {}", answer.text());
        service.get(&service.token(8), absent).await.problem(absent, 404, "not-found");
    }
}

#[tokio::test]
async fn conversations_exist_for_their_users_and_admins_only() {
    let service = small().await;
    let problem = async |token: &str, path: &str| {
        let mut body = service.get(token, path).await.problem(path, 404, "not-found");
        for own in ["instance", "request_id"] {
            body.as_object_mut().expect("a problem").remove(own);
        }
        body
    };
    for rest in
        ["messages", "messages?page=3", "messages/search?q=a", "messages/1000", "messages?around=1000"]
    {
        let path = |id: i64| format!("/api/conversations/{id}/{rest}");
        for user in [1, 2] {
            assert_eq!(service.get(&service.token(user), &path(1)).await.status, 200, "{user}: {rest}");
        }
        // A caller cannot distinguish a conversation of others from one that does not exist.
        let (theirs, absent) =
            (problem(&service.token(3), &path(1)).await, problem(&service.token(3), &path(424_242)).await);
        assert_eq!(theirs, absent, "{rest}");
        assert_eq!(service.get(&service.admin(8), &path(1)).await.status, 200, "admin: {rest}");
        problem(&service.admin(8), &path(424_242)).await;
    }
    // `admin` is a word of the scope, not a part of one.
    for scope in ["administrator", "Admin", "not-admin", ""] {
        let token = tokens::signed(&serde_json::json!({"sub": "8", "exp": tokens::LATER, "scope": scope}));
        problem(&token, "/api/conversations/1/messages").await;
    }
}
