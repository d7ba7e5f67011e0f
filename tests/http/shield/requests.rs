//! Limits of requests.

use std::future::pending;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use futures::future::select_all;
use reqwest::Method;
use thermocline::load::nouns;
use thermocline::server::{self, Options};
use thermocline::web::admission::{Capacity, Gate};
use tokio::time::Instant;

use super::raw::{Raw, assert_problem, limits, serve, soon};
use crate::support::waiting::until;
use crate::support::{Mode, Service, client, conversation, cutoff, message};

const PAGE: &str = "/api/conversations/1/messages?limit=5";

/// A service with limits, and a client of it.
struct Limited {
    service: Service,
    url: String,
    client: reqwest::Client,
}

async fn limited(capacity: Capacity) -> Limited {
    let service = Service::start().await;
    let begun = cutoff(0);
    service.load(&nouns::CONVERSATIONS, vec![conversation(1, 1, Some(2), begun)]).await;
    service.load(&nouns::MESSAGES, vec![message(1, 1, 1, "hello", begun)]).await;
    let options =
        Options { gate: Gate::new(capacity), access_log: true, ..Options::from(Duration::from_mins(1)) };
    let router = server::router(service.app.clone(), options);
    let (addr, _) = serve(router, limits(), pending()).await;
    let client = client().build().expect("a client");
    Limited { service, url: format!("http://{addr}"), client }
}

impl Limited {
    fn ask(&self, user: i64, path: &str) -> tokio::task::JoinHandle<(u16, Option<String>, String)> {
        let request = self.client.request(Method::GET, format!("{}{path}", self.url));
        let request = request.bearer_auth(self.service.token(user));
        tokio::spawn(async move {
            let answer = request.send().await.expect("an answer");
            let retry_after =
                answer.headers().get("retry-after").map(|value| value.to_str().expect("text").to_owned());
            (answer.status().as_u16(), retry_after, answer.text().await.expect("a body"))
        })
    }
}

fn assert_refused(answer: &(u16, Option<String>, String), status: u16, name: &str) {
    assert_eq!(answer.0, status, "{answer:?}");
    assert_eq!(answer.1.as_deref(), Some("1"), "{answer:?}");
    assert!(answer.2.contains(&format!("\"type\":\"/problems/{name}\"")), "{answer:?}");
}

#[tokio::test]
async fn more_requests_than_the_limit_are_refused_at_once_and_probes_are_answered() {
    let limited = limited(Capacity { requests: 4, ..Capacity::default() }).await;
    limited.service.hot.set(Mode::Hung);
    // The database answers none of them, so the first answer is the refusal of the one too many.
    let asked = (0..5).map(|_| limited.ask(1, PAGE));
    let (refused, _, held) = soon("a refusal", select_all(asked)).await;
    assert_refused(&refused.expect("an answer"), 503, "overloaded");
    for path in ["/livez", "/metrics"] {
        assert_eq!(limited.ask(1, path).await.expect("an answer").0, 200, "{path}");
    }
    limited.service.hot.set(Mode::Up);
    for request in held {
        request.abort();
    }
    until("room for another request", async || limited.ask(1, PAGE).await.expect("an answer").0 == 200).await;
    assert_eq!(limited.ask(1, "/readyz").await.expect("an answer").0, 200);
}

#[tokio::test]
async fn a_request_that_waits_for_a_database_steps_aside() {
    let limited = limited(Capacity { requests: 100, slots: 1, ..Capacity::default() }).await;
    limited.service.hot.set(Mode::Hung);
    let held = limited.ask(1, PAGE);
    until("a request that waits", async || limited.service.hot.hanging() == 1).await;
    limited.service.hot.set(Mode::Up);
    until("a free slot", async || limited.ask(2, PAGE).await.expect("an answer").0 == 200).await;
    assert_eq!(limited.service.hot.hanging(), 1, "the first request waits beside it");
    held.abort();
}

#[tokio::test]
async fn a_caller_has_a_limit_of_its_own() {
    let limited = limited(Capacity { requests_per_caller: 2, ..Capacity::default() }).await;
    limited.service.hot.set(Mode::Hung);
    let (refused, _, held) = soon("a refusal", select_all((0..3).map(|_| limited.ask(1, PAGE)))).await;
    assert_refused(&refused.expect("an answer"), 429, "rate-limited");
    let other = limited.ask(2, "/api/conversations/1/messages?limit=0").await.expect("an answer");
    assert_eq!(other.0, 400, "another caller is not concerned: {other:?}");
    for request in held {
        request.abort();
    }
}

#[tokio::test]
async fn a_caller_has_a_rate_of_its_own() {
    let limited = limited(Capacity { rate_per_caller: 1, ..Capacity::default() }).await;
    let begun = Instant::now();
    let mut statuses = Vec::new();
    for _ in 0..50 {
        statuses.push(limited.ask(1, PAGE).await.expect("an answer").0);
    }
    let answered = statuses.iter().filter(|status| **status == 200).count();
    assert!((1..=1 + begun.elapsed().as_secs() as usize).contains(&answered), "{statuses:?}");
    assert!(statuses.iter().all(|status| [200, 429].contains(status)), "{statuses:?}");
    assert_eq!(limited.ask(2, PAGE).await.expect("an answer").0, 200, "another caller is not concerned");
}

#[tokio::test]
async fn a_request_has_one_host() {
    let limited = limited(Capacity::default()).await;
    let addr: SocketAddr = limited.url.trim_start_matches("http://").parse().expect("an address");
    for (hosts, accepted) in [
        ("host: test\r\n", true),
        ("", false),
        ("host: test\r\nhost: test\r\n", false),
        ("host: a b\r\n", false),
        ("host:\r\n", false),
    ] {
        let mut raw = Raw::connect(&addr.to_string()).await;
        raw.send(&format!("GET /livez HTTP/1.1\r\n{hosts}connection: close\r\n\r\n")).await;
        let response = raw.rest().await;
        if accepted {
            assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
        } else {
            assert_problem(&response, 400, "invalid-parameter");
            assert!(response.contains("\"parameter\":\"Host\""), "{response}");
            assert!(response.contains("x-request-id: "), "{response}");
        }
    }
}

#[tokio::test]
async fn unknown_methods_are_one_label() {
    let limited = limited(Capacity::default()).await;
    let addr = limited.url.trim_start_matches("http://").to_owned();
    let mut raw = Raw::connect(&addr).await;
    for number in 0..50 {
        raw.send(&format!("ODD{number} /livez HTTP/1.1\r\nhost: test\r\n\r\n")).await;
        assert_problem(&raw.response().await, 405, "method-not-allowed");
    }
    let (_, _, metrics) = limited.ask(1, "/metrics").await.expect("metrics");
    assert!(!metrics.contains("ODD"), "a method of a client is in the metrics");
    assert!(metrics.contains("method=\"other\""), "{metrics}");
}

#[tokio::test]
async fn metrics_move_to_the_address_of_operators() {
    let service = Service::start().await;
    let options = Options { has_ops_address: true, ..Options::from(Duration::from_secs(10)) };
    let main = server::router(service.app.clone(), options);
    let ops = server::ops_router(service.app.clone());
    let statuses = async |router: Router| {
        let (addr, _) = serve(router, limits(), pending()).await;
        let mut statuses = Vec::new();
        for path in ["/livez", "/readyz", "/health", "/metrics", "/api/posts"] {
            let response = Raw::connect(&addr).await.get(path).await;
            statuses.push(response["HTTP/1.1 ".len()..][..3].to_owned());
        }
        statuses.join(" ")
    };
    assert_eq!(statuses(main).await, "200 200 200 404 401");
    assert_eq!(statuses(ops).await, "200 200 200 200 404");
}
