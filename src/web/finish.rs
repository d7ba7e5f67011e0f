//! The outermost middleware: gives each request an id, and each error its final form.
//!
//! Order, from the outside in: [`finish`], compression, the time limit, `CatchPanicLayer::custom(`[`panicked`]`)`, the
//! router. An error response that none of them turned into a problem becomes one here.

#[cfg(test)]
mod tests;

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{
    ACCEPT_RANGES, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderName, HeaderValue,
    LAST_MODIFIED,
};
use http::{HeaderMap, Method, StatusCode};
use tracing::Instrument;

use crate::clock::Clock;
use crate::telemetry::explain;
use crate::web::base_path::BasePath;
use crate::web::problem::{BearerError, PROBLEM_JSON, Problem};

/// The header with the request id, in requests and responses.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request, kept in its extensions: 1 to 64 characters of `A-Za-z0-9._-`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The source of request ids: a random number of the process and a counter.
#[derive(Clone, Debug)]
pub struct RequestIds {
    process: i64,
    next: Arc<AtomicU64>,
}

impl RequestIds {
    /// Draws the number of the process from `clock`.
    pub fn new(clock: &Clock) -> Self {
        Self { process: clock.draw(), next: Arc::new(AtomicU64::new(1)) }
    }

    /// Returns the id that the client sent, if it is safe to log and to send back, and otherwise a new one.
    pub fn of(&self, headers: &HeaderMap) -> RequestId {
        let mut sent = headers.get_all(X_REQUEST_ID).iter();
        if let (Some(id), None) = (sent.next(), sent.next())
            && (1..=64).contains(&id.len())
            && let Ok(id) = id.to_str()
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
        {
            return RequestId(id.into());
        }
        self.draw()
    }

    /// Returns a new id.
    pub fn draw(&self) -> RequestId {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        RequestId(format!("{:014x}-{number:x}", self.process).into())
    }
}

/// Marks an error response, as a response extension, whose body is part of the contract and stays as it is, such as the
/// health report with a 503.
#[derive(Clone, Copy, Debug)]
pub struct KeepBody;

/// Assigns the request id and renders errors, for `axum::middleware::from_fn_with_state(RequestIds::new(&clock), finish)`.
pub async fn finish(State(ids): State<RequestIds>, mut request: Request, next: Next) -> Response {
    let id = ids.of(request.headers());
    let method = request.method().clone();
    let base = request.extensions().get::<BasePath>().cloned().unwrap_or_default();
    let path = base.join(request.uri().path());
    request.extensions_mut().insert(id.clone());
    let span = tracing::info_span!("request", request_id = %id, %method, path);

    let mut response = next.run(request).instrument(span).await;
    if let Some(problem) = problem_of(&mut response) {
        if let Problem::Internal { source } = &problem {
            // The event repeats the id, because a filter may have switched the span off.
            let error = source
                .as_deref()
                .map_or("an error response without a problem".to_owned(), |error| explain(error));
            tracing::error!(request_id = %id, %method, path, error, "request failed");
        }
        response = render(&problem, response, &id, (&base, &path), &method);
    }
    identify(&mut response, &id);
    response
}

/// Returns the response to a request that is refused before the router. `path` is without the prefix.
pub fn refused(
    problem: &Problem,
    id: &RequestId,
    (base, path): (&BasePath, &str),
    method: &Method,
) -> Response {
    let bare = problem.kind().status.into_response();
    let mut response = render(problem, bare, id, (base, &base.join(path)), method);
    identify(&mut response, id);
    response
}

fn identify(response: &mut Response, id: &RequestId) {
    if let Ok(id) = HeaderValue::from_str(id.as_str()) {
        response.headers_mut().insert(X_REQUEST_ID, id);
    }
}

/// Turns a panic into a 500 whose message only the log shows, for `CatchPanicLayer::custom`.
#[expect(clippy::needless_pass_by_value, reason = "the layer's signature")]
pub fn panicked(payload: Box<dyn Any + Send + 'static>) -> Response {
    let message = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&'static str>().copied())
        .unwrap_or("unknown payload");
    Problem::internal(format!("panic: {message}")).into_response()
}

/// Returns the problem that a response carries or, for any other error response, stands for.
fn problem_of(response: &mut Response) -> Option<Problem> {
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        return Some(problem);
    }
    let status = response.status();
    let failed = status.is_client_error() || status.is_server_error();
    if !failed || response.extensions().get::<KeepBody>().is_some() {
        return None;
    }
    Some(match status {
        StatusCode::UNAUTHORIZED => Problem::Unauthorized {
            error: BearerError::Missing,
            description: "A token is needed.".to_owned(),
        },
        StatusCode::FORBIDDEN => Problem::Forbidden { scope: "admin" },
        StatusCode::NOT_FOUND => Problem::NotFound { what: "path" },
        StatusCode::METHOD_NOT_ALLOWED => Problem::MethodNotAllowed,
        StatusCode::NOT_ACCEPTABLE => Problem::NotAcceptable { offered: "another media type".to_owned() },
        StatusCode::PAYLOAD_TOO_LARGE => Problem::PayloadTooLarge,
        StatusCode::TOO_MANY_REQUESTS => Problem::RateLimited { retry_after: 1 },
        StatusCode::REQUEST_TIMEOUT | StatusCode::GATEWAY_TIMEOUT => Problem::Timeout,
        _ if status.is_client_error() => Problem::parameter("request", "cannot be read"),
        _ => Problem::Internal { source: None },
    })
}

/// Returns the final response. Headers of `response` that do not describe its body stay: `Allow`, `Vary`, `Retry-After`.
fn render(
    problem: &Problem,
    response: Response,
    id: &RequestId,
    (base, path): (&BasePath, &str),
    method: &Method,
) -> Response {
    let (mut parts, _) = response.into_parts();
    // A browser repeats a request after 408 at once; the contract knows only 504.
    if parts.status == StatusCode::REQUEST_TIMEOUT {
        parts.status = StatusCode::GATEWAY_TIMEOUT;
    }
    for name in [ACCEPT_RANGES, CONTENT_ENCODING, ETAG, LAST_MODIFIED] {
        parts.headers.remove(name);
    }
    if let Some((name, value)) = problem.header() {
        parts.headers.entry(name).or_insert(value);
    }
    let body = problem.body(base, parts.status, Some(path), Some(id.as_str()));
    parts.headers.insert(CONTENT_TYPE, PROBLEM_JSON);
    parts.headers.insert(CONTENT_LENGTH, body.len().into());
    // A response to HEAD has the headers of GET, its length included, and no body.
    let body = if method == Method::HEAD { Body::empty() } else { Body::from(body) };
    Response::from_parts(parts, body)
}
