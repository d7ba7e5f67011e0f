use std::sync::Mutex;
use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::extract::rejection::JsonRejection;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::writer::MutexGuardWriter;

use super::*;
use crate::clock::Timestamp;
use crate::web::problem::examples;
use crate::web::testing::{Answer, request, send};

fn finished(router: Router) -> Router {
    let clock = Clock::fixed(Timestamp::default());
    router
        .layer(CatchPanicLayer::custom(panicked))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, Duration::from_millis(50)))
        .layer(from_fn_with_state(RequestIds::new(&clock), finish))
}

/// Requests `/x/y` with the request id `abc`, and checks that the problem has both.
async fn fail(router: Router, name: &str, status: u16) -> Answer {
    let get = request("GET", "/x/y?secret=1", &[("x-request-id", "abc")]);
    let answer = send(&finished(router), get).await;
    finished_problem(&answer, name, status);
    answer
}

fn finished_problem(answer: &Answer, name: &str, status: u16) {
    let body = answer.problem(name, status);
    assert_eq!(body["instance"], "/x/y");
    assert_eq!(body["request_id"], "abc");
    assert_eq!(answer.header("x-request-id"), "abc");
}

fn on_get(response: impl IntoResponse + Clone + Send + Sync + 'static) -> Router {
    Router::new().route("/x/y", get(|| async { response }))
}

#[tokio::test]
async fn problems_get_path_and_request_id_and_keep_their_headers() {
    for problem in examples() {
        let kind = problem.kind();
        let answer = fail(on_get(problem), kind.name, kind.status.as_u16()).await;
        let retry_after = match kind.name {
            "rate-limited" => "7",
            "overloaded" => "1",
            "tier-unavailable" => "5",
            "recover-due" => "60",
            _ => "",
        };
        assert_eq!(answer.header("retry-after"), retry_after, "{}", kind.name);
        let challenge = answer.header("www-authenticate");
        assert_eq!(!challenge.is_empty(), kind.name == "unauthorized");
        if kind.name == "tier-unavailable" {
            assert!(answer.body.contains("\"tier\":\"cold\""));
        }
        assert!(!answer.body.contains("hunter2"));
    }
}

#[tokio::test]
async fn an_unknown_path_is_a_problem() {
    fail(Router::new(), "not-found", 404).await;
}

#[tokio::test]
async fn a_wrong_method_is_a_problem_that_keeps_allow() {
    let post_only = Router::new().route("/x/y", post(|| async {}));
    let answer = fail(post_only.clone(), "method-not-allowed", 405).await;
    assert_eq!(answer.header("allow"), "POST");

    // The same when the middleware stands around the router instead of inside it.
    let around = Router::new().fallback_service(post_only);
    let answer = fail(around, "method-not-allowed", 405).await;
    assert_eq!(answer.header("allow"), "POST");
}

#[tokio::test]
async fn a_body_over_the_limit_is_a_problem() {
    let router =
        Router::new().route("/x/y", post(|body: String| async { body })).layer(DefaultBodyLimit::max(3));
    let mut request = request("POST", "/x/y", &[("x-request-id", "abc")]);
    *request.body_mut() = Body::from("four");
    finished_problem(&send(&finished(router), request).await, "payload-too-large", 413);
}

#[tokio::test]
async fn bad_json_is_a_problem_that_says_where() {
    async fn number(body: Result<Json<i64>, JsonRejection>) -> Result<String, Problem> {
        Ok(body?.to_string())
    }
    let router = finished(Router::new().route("/x/y", post(number)));
    let headers = [("content-type", "application/json"), ("x-request-id", "abc")];
    for text in ["{\"a\":", "\"five\""] {
        let mut request = request("POST", "/x/y", &headers);
        *request.body_mut() = Body::from(text);
        let answer = send(&router, request).await;
        finished_problem(&answer, "invalid-parameter", 400);
        assert!(answer.body.contains("line 1 column"), "{}", answer.body);
    }
    let mut too_large = request("POST", "/x/y", &headers);
    *too_large.body_mut() = Body::from("1".repeat(3_000_000));
    finished_problem(&send(&router, too_large).await, "payload-too-large", 413);
}

#[tokio::test]
async fn a_panic_is_a_problem_without_its_message() {
    fn boom(text: &str) {
        assert!(text.is_empty(), "hunter2 {text}");
    }
    let router = Router::new().route("/x/y", get(|| async { boom("!") }));
    let log = Log::new();
    let answer = fail(router, "internal", 500).await;
    assert!(!answer.body.contains("hunter2"));
    assert_eq!(log.lines_with("panic: hunter2 !").len(), 1);
}

#[tokio::test]
async fn a_timeout_is_a_504_problem() {
    let slow = || async { tokio::time::sleep(Duration::from_secs(5)).await };
    fail(Router::new().route("/x/y", get(slow)), "timeout", 504).await;
}

#[tokio::test]
async fn foreign_errors_lose_their_body_and_its_headers() {
    let headers = [("etag", "\"1\""), ("content-encoding", "gzip"), ("retry-after", "9")];
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    let answer = fail(on_get((status, headers, "hunter2")), "internal", 500).await;
    assert!(!answer.body.contains("hunter2"));
    assert_eq!(answer.header("etag"), "");
    assert_eq!(answer.header("content-encoding"), "");

    let status = StatusCode::TOO_MANY_REQUESTS;
    let answer = fail(on_get((status, headers)), "rate-limited", 429).await;
    assert_eq!(answer.header("retry-after"), "9");

    for (status, name) in
        [(401, "unauthorized"), (403, "forbidden"), (415, "invalid-parameter"), (503, "internal")]
    {
        let code = StatusCode::from_u16(status).expect("a status");
        fail(on_get(code), name, status).await;
    }
}

#[tokio::test]
async fn successes_and_marked_errors_keep_their_body() {
    let get = || request("GET", "/x/y", &[]);
    let answer = send(&finished(on_get("fine")), get()).await;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, "fine"));
    assert!(!answer.header("x-request-id").is_empty());

    let unhealthy = (StatusCode::SERVICE_UNAVAILABLE, Extension(KeepBody), "ill");
    let answer = send(&finished(on_get(unhealthy)), get()).await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (503, "ill"));

    let not_modified = send(&finished(on_get(StatusCode::NOT_MODIFIED)), get()).await;
    assert_eq!(not_modified.status, StatusCode::NOT_MODIFIED);
    assert_eq!(not_modified.body, "");
}

#[tokio::test]
async fn head_has_the_headers_of_get_and_no_body() {
    for router in [Router::new(), on_get(Problem::Timeout), on_get("fine")] {
        let router = finished(router);
        let headers = [("x-request-id", "abc")];
        let get = send(&router, request("GET", "/x/y", &headers)).await;
        let head = send(&router, request("HEAD", "/x/y", &headers)).await;
        assert_eq!(head.status, get.status);
        assert_eq!(head.headers, get.headers);
        assert_eq!(head.header("content-length"), get.body.len().to_string());
        assert_eq!(head.body, "");
    }
}

#[tokio::test]
async fn a_safe_request_id_is_echoed_and_any_other_replaced() {
    let router =
        finished(Router::new().route("/x/y", get(|id: Extension<RequestId>| async move { id.to_string() })));
    let longest = "x".repeat(64);
    for id in ["a", "A-Z.0_9", &longest] {
        let answer = send(&router, request("GET", "/x/y", &[("x-request-id", id)])).await;
        assert_eq!(answer.header("x-request-id"), id);
        assert_eq!(answer.body, id, "the handler sees the same id");
    }
    let too_long = "x".repeat(65);
    let mut seen = Vec::new();
    for headers in [
        &[][..],
        &[("x-request-id", "")],
        &[("x-request-id", "a b")],
        &[("x-request-id", "a\"b")],
        &[("x-request-id", "é")],
        &[("x-request-id", &too_long)],
        &[("x-request-id", "one"), ("x-request-id", "two")],
    ] {
        let answer = send(&router, request("GET", "/x/y", headers)).await;
        let id = answer.header("x-request-id").to_owned();
        assert!(headers.iter().all(|(_, sent)| *sent != id), "{id}");
        assert!(!seen.contains(&id), "{id} came twice");
        seen.push(id);
    }
    assert_eq!(seen[0], "00000000000001-1", "the clock's number, and a counter");
}

#[tokio::test]
async fn an_internal_error_is_logged_once_with_its_causes_and_the_request_id() {
    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] std::io::Error);

    let log = Log::new();
    let outer = Outer(std::io::Error::other("hunter2"));
    let answer = fail(on_get(Problem::internal(outer)), "internal", 500).await;
    assert!(!answer.body.contains("outer") && !answer.body.contains("hunter2"));
    let lines = log.lines_with("outer: hunter2");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("request_id=abc"), "{lines:?}");
    assert!(!lines[0].contains("secret=1"), "the query may hold secrets");
}

#[tokio::test]
async fn log_lines_of_handlers_carry_the_request_id() {
    let log = Log::new();
    let router = Router::new().route("/x/y", get(|| async { tracing::info!("in the handler") }));
    send(&finished(router), request("GET", "/x/y", &[("x-request-id", "abc")])).await;
    let lines = log.lines_with("in the handler");
    assert!(lines[0].contains("request_id=abc"), "{lines:?}");
}

/// The log lines.
struct Sink(Arc<Mutex<Vec<u8>>>);

impl<'a> MakeWriter<'a> for Sink {
    type Writer = MutexGuardWriter<'a, Vec<u8>>;

    fn make_writer(&'a self) -> Self::Writer {
        self.0.make_writer()
    }
}

/// Captures the log of this thread until it is dropped.
struct Log {
    text: Arc<Mutex<Vec<u8>>>,
    _guard: tracing::subscriber::DefaultGuard,
}

impl Log {
    fn new() -> Self {
        let text = Arc::new(Mutex::new(Vec::new()));
        let subscriber =
            tracing_subscriber::fmt().with_ansi(false).with_writer(Sink(Arc::clone(&text))).finish();
        Self { text, _guard: tracing::subscriber::set_default(subscriber) }
    }

    fn lines_with(&self, part: &str) -> Vec<String> {
        let text = self.text.lock().expect("not poisoned").clone();
        String::from_utf8(text)
            .expect("UTF-8")
            .lines()
            .filter(|line| line.contains(part))
            .map(str::to_owned)
            .collect()
    }
}
