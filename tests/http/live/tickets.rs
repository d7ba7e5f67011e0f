//! Tickets: one stream, once.

use reqwest::Method;

use super::{ALL, CHANGES, Live, Stream};
use crate::http_errors::tokens::{LATER, signed};
use crate::support::{NOW, at};

async fn ticket(live: &Live, token: &str) -> String {
    let answer = live.service.get(token, "/api/changes/ticket").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let body = answer.json();
    assert_eq!(body["expires_in"], 60);
    body["ticket"].as_str().expect("a ticket").to_owned()
}

#[tokio::test]
async fn a_ticket_opens_one_stream_once() {
    let live = Live::start().await;
    let service = &live.service;
    let ticket_of_1 = ticket(&live, &service.token(1)).await;
    let since = live.now().await;
    let path = format!("{CHANGES}?ticket={ticket_of_1}&since={since}");
    let open = || service.request(Method::GET, &path).header("accept", "text/event-stream");
    // Neither a request for JSON nor one that fails spends it.
    let answer = service.send(service.request(Method::GET, &path)).await;
    answer.problem(&path, 400, "invalid-parameter");
    let elsewhere = format!("/api/conversations/3/messages/changes/stream?ticket={ticket_of_1}");
    service.send(service.request(Method::GET, &elsewhere)).await.problem(&elsewhere, 404, "not-found");
    let bad = format!("{CHANGES}/stream?ticket={ticket_of_1}&since=x");
    service.send(service.request(Method::GET, &bad)).await.problem(&bad, 400, "invalid-cursor");
    let mut stream = Stream::open(open()).await;
    let written = live.write(1, "hello", 0).await;
    assert_eq!(stream.ids(1).await, [written]);
    service.send(open()).await.problem(&path, 401, "unauthorized");
    drop(stream);
    service.send(open()).await.problem(&path, 401, "unauthorized");
    // It is no token.
    service.get(&ticket_of_1, ALL).await.problem(ALL, 401, "unauthorized");
    let again = format!("/api/changes/ticket?ticket={ticket_of_1}");
    service.send(service.request(Method::GET, &again)).await.problem(&again, 400, "invalid-parameter");
}

#[tokio::test]
async fn a_ticket_has_the_rights_and_the_end_of_its_token() {
    let live = Live::start().await;
    let service = &live.service;
    let prices = signed(&serde_json::json!({"sub": "1", "exp": LATER, "scope": "prices:read"}));
    service.get(&prices, "/api/changes/ticket").await.problem("/api/changes/ticket", 403, "forbidden");
    let old = ticket(&live, &service.token(1)).await;
    service.clock.set(at(NOW).plus(61_000_000));
    let path = format!("/api/changes/stream?ticket={old}");
    service.send(service.request(Method::GET, &path)).await.problem(&path, 401, "unauthorized");
    let fresh = ticket(&live, &service.token(3)).await;
    let path = format!("/api/changes/stream?ticket={fresh}");
    let mut stream = Stream::open(service.request(Method::GET, &path)).await.begun().await;
    live.write(1, "not for them", 0).await;
    let written = live.write(3, "for them", 0).await;
    assert_eq!(stream.ids(1).await, [written]);
    service.clock.set(at(NOW).plus(61_000_000 + 3_600_000_000));
    assert_eq!(stream.next().await, None, "the token has expired");
}
