//! Requests that are refused.

use reqwest::Method;

use super::{ALL, CHANGES, Live};
use crate::support::Service;

const TICKET: &str = "/api/changes/ticket";

#[tokio::test]
async fn without_a_feed_the_problem_names_the_setting() {
    let service = Service::start().await;
    let begun = crate::support::cutoff(0);
    let talk = crate::support::conversation(1, 1, Some(2), begun);
    service.load(&thermocline::load::nouns::CONVERSATIONS, vec![talk]).await;
    for path in [CHANGES, ALL, TICKET, "/api/changes/stream"] {
        let body = service.get(&service.token(1), path).await.problem(path, 404, "not-found");
        assert!(body["detail"].as_str().expect("a text").contains("THERMOCLINE_LIVE"), "{body}");
    }
    let page = service.json(1, "/api/conversations/1/messages").await;
    assert!(page.get("changes").is_none(), "{page}");
}

#[tokio::test]
async fn faults_are_problems() {
    let live = Live::start().await;
    let service = &live.service;
    let token = live.now().await;
    let cursor = {
        live.write(1, "hello", 0).await;
        let page = service.json(1, "/api/conversations/1/messages?limit=1").await;
        page["prev"].as_str().expect("a cursor").to_owned()
    };
    let bad = [
        (format!("{CHANGES}?since=x"), "invalid-cursor"),
        (format!("{CHANGES}?since="), "invalid-cursor"),
        (format!("{CHANGES}?since={cursor}"), "invalid-cursor"),
        (format!("{ALL}?since={token}&since={token}"), "invalid-parameter"),
        (format!("{ALL}?limit=0"), "invalid-parameter"),
        (format!("{ALL}?limit=101"), "invalid-parameter"),
        (format!("{ALL}?page=1"), "invalid-parameter"),
        (format!("{ALL}?ticket=x"), "invalid-parameter"),
        (format!("{TICKET}?since={token}"), "invalid-parameter"),
        ("/api/conversations/x/messages/changes".to_owned(), "invalid-parameter"),
    ];
    for (path, name) in &bad {
        service.get(&service.token(1), path).await.problem(path, 400, name);
    }
    let request = service.request(Method::GET, ALL).bearer_auth(service.token(1));
    let request = request.header("accept", "text/event-stream").header("last-event-id", "x");
    let body = service.send(request).await.problem(ALL, 400, "invalid-cursor");
    assert_eq!(body["parameter"], "Last-Event-ID");
    // Other people's conversations do not exist.
    for path in ["/api/conversations/3/messages/changes", "/api/conversations/99/messages/changes/stream"] {
        service.get(&service.token(1), path).await.problem(path, 404, "not-found");
    }
    let path = "/api/conversations/99/messages/changes";
    service.get(&service.admin(7), path).await.problem(path, 404, "not-found");
    let request = service.request(Method::GET, ALL).bearer_auth(service.token(1));
    service.send(request.header("accept", "image/png")).await.problem(ALL, 406, "not-acceptable");
    let request = service.request(Method::GET, "/api/changes/stream").bearer_auth(service.token(1));
    let refused = service.send(request.header("accept", "application/json")).await;
    refused.problem("/api/changes/stream", 406, "not-acceptable");
}

#[tokio::test]
async fn a_token_in_a_url_is_refused() {
    let live = Live::start().await;
    let service = &live.service;
    let token = service.token(1);
    for path in [ALL, CHANGES, "/api/changes/stream", TICKET] {
        for name in ["token", "access_token", "ticket", "since", "jwt"] {
            let path = format!("{path}?{name}={token}");
            let answer = service.send(service.request(Method::GET, &path)).await;
            let body = answer.problem(&path, 401, "unauthorized");
            assert!(body["detail"].as_str().expect("a text").contains("URL"), "{body}");
            service.get(&token, &path).await.problem(&path, 400, "invalid-parameter");
        }
    }
    service.send(service.request(Method::GET, ALL)).await.problem(ALL, 401, "unauthorized");
}
