//! Failing tiers: requests that fail, requests that still succeed, and no internal detail in any answer.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::{SEARCH, small};
use crate::support::{Answer, Mode, Service, cutoff, message};
use thermocline::clock::DAY;
use thermocline::load::nouns;

const TALK: &str = "/api/conversations/1/messages";

/// Checks that no text of a driver, a statement or a schema is shown.
fn tells_nothing(answer: &Answer) {
    let headers = format!("{:?}", answer.headers);
    for inner in
        ["hunter2", "db-internal", "such table", "SELECT", "posts.", "messages.", "sqlite", "panic", "src/"]
    {
        assert!(!answer.text().contains(inner) && !headers.contains(inner), "{inner} in {}", answer.text());
    }
}

fn ids(body: &Value, name: &str) -> Vec<i64> {
    body[name].as_array().expect("rows").iter().filter_map(|row| row["id"].as_i64()).collect()
}

#[tokio::test]
async fn internal_errors_are_500_without_details() {
    let service = small().await;
    service.in_hot("-- test\nALTER TABLE posts RENAME TO posts_gone", &[]).await;
    for path in ["/api/posts", "/api/posts?author_id=1&limit=5", "/api/posts/139", "/api/posts?partial=allow"]
    {
        let request = service.request(Method::GET, path).bearer_auth(service.token(1));
        let answer = service.send(request.header("x-request-id", "find-me.1")).await;
        let body = answer.problem(path, 500, "internal");
        assert_eq!(body["request_id"], "find-me.1", "the client's own id, to be found in the log");
        tells_nothing(&answer);
    }
    assert_eq!(service.get(&service.token(1), TALK).await.status, 200, "what is whole goes on");
}

#[tokio::test]
async fn a_panic_is_a_500_and_the_service_continues() {
    let service = small().await;
    service.hot.set(Mode::Panicking);
    for path in [TALK, "/api/posts", "/api/posts/100/comments", "/health"] {
        let answer = service.get(&service.token(1), path).await;
        answer.problem(path, 500, "internal");
        tells_nothing(&answer);
    }
    service.hot.set(Mode::Up);
    assert_eq!(service.get(&service.token(1), TALK).await.status, 200);
}

#[tokio::test]
async fn an_unresponsive_tier_is_a_504() {
    let service = Service::start_with(Duration::from_millis(100)).await;
    service.hot.set(Mode::Hung);
    for path in [TALK, "/api/posts", "/api/posts/100"] {
        let answer = service.get(&service.token(1), path).await;
        answer.problem(path, 504, "timeout");
        tells_nothing(&answer);
    }
    assert_eq!(service.get("", "/livez").await.status, 200, "the process runs");
    service.hot.set(Mode::Up);
    assert_eq!(service.get(&service.token(1), "/api/posts").await.status, 200);
}

#[tokio::test]
async fn without_hot_every_request_fails() {
    let service = small().await;
    service.hot.set(Mode::Unreachable);
    for path in [TALK, "/api/posts?partial=allow", "/api/posts/100", "/api/conversations"] {
        let answer = service.get(&service.token(1), path).await;
        assert_eq!(answer.problem(path, 503, "tier-unavailable")["tier"], "hot");
        tells_nothing(&answer);
    }
    for (path, status) in [("/health", 503), ("/api/health", 503), ("/readyz", 503), ("/livez", 200)] {
        assert_eq!(service.get("", path).await.status, status, "{path}");
    }
    let health = service.get("", "/health").await;
    assert_eq!(health.json()["status"], "unhealthy");
    assert_eq!(health.json()["database"], "disconnected");
    tells_nothing(&health);
}

#[tokio::test]
async fn without_cold_first_pages_succeed() {
    let service = small().await;
    let token = service.token(1);
    service.cold.set(Mode::Unreachable);
    for (list, name, newest) in [(TALK, "messages", 1_039), ("/api/posts", "posts", 139)] {
        for query in [
            "per_page=10",
            "limit=10",
            "page=2&per_page=9",
            "offset=5&limit=10",
            "from=2026-02-10",
            "count=none&per_page=10",
        ] {
            let body = service.json(1, &format!("{list}?{query}")).await;
            assert!(body.get("partial").is_none() && body.get("missing").is_none(), "{list}?{query}: whole");
            if query.starts_with("from") {
                assert_eq!(body["total"], 9, "{query}: a span without archived rows is counted by hot alone");
            } else {
                assert!(body["total"].is_null() && body["has_more"] == true, "{list}?{query}: {body}");
            }
        }
        assert_eq!(
            ids(&service.json(1, &format!("{list}?limit=3")).await, name),
            [newest, newest - 1, newest - 2]
        );
        for query in [
            "count=exact",
            "limit=5&count=exact",
            "page=3&per_page=10",
            "offset=19&limit=5",
            "limit=50",
            "to=2026-01-20",
            "at=2026-01-20",
        ] {
            let path = format!("{list}?{query}");
            let answer = service.get(&token, &path).await;
            let body = answer.problem(&path, 503, "tier-unavailable");
            assert_eq!(body["tier"], "cold", "{path}");
            tells_nothing(&answer);
        }
    }
    for path in [
        format!("{TALK}/1000"),
        "/api/posts/100".to_owned(),
        "/api/posts/100/comments".to_owned(),
        format!("{SEARCH}?q=a%20number&limit=30"),
        format!("{TALK}?around=1000"),
    ] {
        let answer = service.get(&token, &path).await;
        assert_eq!(answer.problem(&path, 503, "tier-unavailable")["tier"], "cold");
    }
    for path in
        [format!("{TALK}/1039"), "/api/posts/139/comments".to_owned(), format!("{SEARCH}?q=number&limit=5")]
    {
        assert_eq!(service.get(&token, &path).await.status, 200, "{path}: hot alone has it");
    }
    let health = service.get("", "/health").await;
    assert_eq!((health.status, &health.json()["status"]), (200, &json!("degraded")));
    assert_eq!(service.get("", "/readyz").await.status, 200);
}

/// A known total stays valid as long as no rows move.
#[tokio::test]
async fn a_known_total_is_returned_without_cold() {
    let service = small().await;
    assert_eq!(service.json(1, TALK).await["total"], 40);
    service.cold.set(Mode::Unreachable);
    let body = service.json(1, &format!("{TALK}?per_page=5&count=exact")).await;
    assert_eq!((&body["total"], &body["pages"]), (&json!(40), &json!(8)));
}

#[tokio::test]
async fn partial_responses_are_marked_and_leave_no_gap() {
    let service = small().await;
    // A late row: it belongs among cold rows, so it cannot be shown before cold answers.
    service.load(&nouns::MESSAGES, vec![message(1_900, 1, 1, "late", cutoff(-10 * DAY + 1))]).await;
    let whole: Vec<i64> = ids(&service.json(1, &format!("{TALK}?per_page=100")).await, "messages");
    service.cold.set(Mode::Unreachable);
    let hot: Vec<i64> = (1_020..1_040).rev().collect();
    for query in
        ["limit=50", "per_page=50&count=none", "offset=0&limit=30&count=none", "at=2026-02-18&limit=50"]
    {
        let body = service.json(1, &format!("{TALK}?{query}&partial=allow")).await;
        assert_eq!(ids(&body, "messages"), hot, "{query}");
        assert_eq!((&body["partial"], &body["missing"]), (&json!(true), &json!(["cold"])), "{query}");
        assert!(body["total"].is_null(), "{query}");
        assert_eq!(body["has_more"], true, "{query}: there is more");
        // When cold is back, `next` continues where the partial page ended.
        service.cold.set(Mode::Up);
        let next = body["next"].as_str().expect("next");
        let rest = service.json(1, &format!("{TALK}?before={next}&limit=100")).await;
        assert_eq!([ids(&body, "messages"), ids(&rest, "messages")].concat(), whole, "{query}");
        service.cold.set(Mode::Unreachable);
    }
    // A page of archived rows only has no rows, and keeps its place.
    let body = service.json(1, &format!("{TALK}?to=2026-01-20&limit=5&partial=allow")).await;
    assert_eq!(
        (ids(&body, "messages"), &body["partial"], &body["has_more"]),
        (vec![], &json!(true), &json!(true))
    );
    service.cold.set(Mode::Up);
    let next = body["next"].as_str().expect("next");
    let rest = service.json(1, &format!("{TALK}?to=2026-01-20&limit=5&before={next}")).await;
    let expected = service.json(1, &format!("{TALK}?to=2026-01-20&limit=5")).await;
    assert_eq!(rest["messages"], expected["messages"]);
    service.cold.set(Mode::Unreachable);

    // A total that could not be counted makes the answer partial, too.
    for query in ["limit=5&count=exact&to=2026-02-20", "per_page=5&count=exact&to=2026-02-20"] {
        let body = service.json(1, &format!("{TALK}?{query}&partial=allow")).await;
        assert_eq!((&body["total"], &body["partial"]), (&Value::Null, &json!(true)), "{query}: {body}");
    }
    // While both tiers answer, the parameter changes nothing.
    service.cold.set(Mode::Up);
    let body = service.json(1, &format!("{TALK}?per_page=100&partial=allow")).await;
    assert!(body.get("partial").is_none() && body["total"] == 41, "{body}");
    assert_eq!(ids(&body, "messages"), whole);
}
