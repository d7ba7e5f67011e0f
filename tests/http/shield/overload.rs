//! Refusals of an overloaded server: before the router, and as the router writes them.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use thermocline::clock::Clock;
use thermocline::load::nouns;
use thermocline::server::refusal::Refusals;
use thermocline::server::{self, Options};
use thermocline::web::admission::{Capacity, Gate};
use tokio::net::TcpListener;

use super::raw::limits;
use crate::support::waiting::until;
use crate::support::{Mode, Service, client, conversation, cutoff, message};

const PAGE: &str = "/api/conversations/1/messages?limit=5";

/// A service that has as many requests as it may, at two addresses: one refuses before the router, one in it.
struct Full {
    service: Service,
    before_router: String,
    in_router: String,
    client: reqwest::Client,
}

/// A status, headers without what differs in each response, and a body without the request id.
type Refusal = (u16, BTreeMap<String, String>, String);

impl Full {
    async fn start(prefix: &str) -> Self {
        let service = Service::start().await;
        let begun = cutoff(0);
        service.load(&nouns::CONVERSATIONS, vec![conversation(1, 1, Some(2), begun)]).await;
        service.load(&nouns::MESSAGES, vec![message(1, 1, 1, "hello", begun)]).await;
        let gate = Gate::new(Capacity { requests: 1, ..Capacity::default() });
        let options = || Options {
            gate: Arc::clone(&gate),
            base: prefix.parse().expect("a prefix"),
            origins: "https://example.org".parse().expect("an origin"),
            ..Options::from(Duration::from_hours(1))
        };
        let clock = Clock::system();
        let serve = async |refusals: Refusals| {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            let addr = listener.local_addr().expect("an address");
            let router = server::router(service.app.clone(), options());
            tokio::spawn(server::listener::serve(listener, router, limits(), refusals, pending()));
            format!("http://{addr}")
        };
        let before_router = serve(Refusals::before(&options(), &clock)).await;
        let in_router = serve(Refusals::new(options().base, &clock)).await;
        let client = client().build().expect("a client");
        let full = Self { service, before_router, in_router, client };
        full.service.hot.set(Mode::Hung);
        tokio::spawn(full.request(&full.in_router, Method::GET, PAGE).send());
        until("a request that the database does not answer", async || full.service.hot.hanging() == 1).await;
        full
    }

    fn request(&self, server: &str, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.client.request(method, format!("{server}{path}"));
        request.bearer_auth(self.service.token(1))
    }

    async fn refusal(request: reqwest::RequestBuilder) -> Refusal {
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        let mut headers: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in answer.headers() {
            headers.entry(name.to_string()).or_default().push_str(value.to_str().expect("text"));
        }
        headers.remove("date");
        let id = headers.remove("x-request-id").expect("a request id");
        // Its length differs from id to id.
        headers.remove("content-length").expect("a length");
        let body = answer.text().await.expect("a body");
        (status, headers, body.replace(&id, "ID"))
    }
}

/// Removes the headers that the router alone adds, for pages of other origins.
fn without_origins((status, mut headers, body): Refusal) -> Refusal {
    headers
        .remove("access-control-expose-headers")
        .expect("the router names the headers that pages may read");
    let vary = headers.remove("vary").expect("the answer depends on the origin");
    let others = vary.replacen("origin", "", 1);
    assert_ne!(others, vary, "the answer depends on the origin");
    if !others.is_empty() {
        headers.insert("vary".to_owned(), others);
    }
    (status, headers, body)
}

#[tokio::test]
async fn a_refusal_before_the_router_is_that_of_the_router() {
    for prefix in ["", "/base"] {
        let full = Full::start(prefix).await;
        for (method, path) in [
            (Method::GET, PAGE.to_owned()),
            (Method::GET, format!("{prefix}{PAGE}")),
            (Method::HEAD, "/api/posts".to_owned()),
            (Method::POST, format!("{prefix}/mcp")),
            (Method::GET, format!("{prefix}/docs")),
            (Method::GET, "/nothing?secret=1".to_owned()),
            (Method::GET, format!("{prefix}/health/more")),
        ] {
            let mut refusals = Vec::new();
            for server in [&full.before_router, &full.in_router] {
                refusals.push(Full::refusal(full.request(server, method.clone(), &path)).await);
            }
            let [early, late] = refusals.try_into().expect("two answers");
            assert_eq!(early, without_origins(late), "{method} {path}");
            assert_eq!(early.0, 503, "{method} {path}");
            assert_eq!(early.1["retry-after"], "1", "{method} {path}");
            assert_eq!(early.2.contains("/problems/overloaded"), method != Method::HEAD, "{}", early.2);
        }
    }
}

#[tokio::test]
async fn probes_and_pages_of_other_origins_pass_the_entrance() {
    let full = Full::start("/base").await;
    for path in ["/livez", "/base/livez", "/metrics", "/base/metrics"] {
        let answer = full.request(&full.before_router, Method::GET, path).send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "{path}");
    }
    let request =
        full.request(&full.before_router, Method::GET, PAGE).header("origin", "https://example.org");
    let (status, headers, _) = Full::refusal(request).await;
    assert_eq!(status, 503);
    assert_eq!(headers["access-control-allow-origin"], "https://example.org", "the page may read why");
}

#[tokio::test]
async fn refusals_before_the_router_are_counted_and_keep_the_id_of_the_client() {
    let full = Full::start("").await;
    let request = full.request(&full.before_router, Method::DELETE, PAGE).header("x-request-id", "mine");
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.headers()["x-request-id"], "mine");
    assert!(answer.text().await.expect("a body").contains("\"request_id\":\"mine\""));
    let metrics = full.request(&full.before_router, Method::GET, "/metrics").send().await.expect("metrics");
    let metrics = metrics.text().await.expect("text");
    let counted = |start: &str| {
        let line = metrics.lines().find(|line| line.starts_with(start));
        line.is_some_and(|line| !line.ends_with(" 0"))
    };
    assert!(
        counted("thermocline_http_requests_total{method=\"DELETE\",route=\"none\",status=\"503\"} "),
        "{metrics}"
    );
    assert!(counted("thermocline_http_refused_total{reason=\"requests\"} "), "{metrics}");
}
