//! The access log: one line a request, when its answer is sent or given up.

use std::net::IpAddr;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use http::{Method, StatusCode};

use crate::web::admission::{Guarded, Visit};
use crate::web::finish::RequestId;

/// The target of the lines, so that a log filter can name them.
const TARGET: &str = "thermocline::access";

/// A line in the making. It is written when this is dropped, so that a request whose client hung up has one too.
#[derive(Debug)]
struct Line {
    begun: Instant,
    method: Method,
    route: Option<MatchedPath>,
    request_id: Option<RequestId>,
    visit: Option<Visit>,
    /// None unless the request is traced.
    trace_id: Option<String>,
    /// None until there is an answer.
    status: Option<StatusCode>,
}

/// Middleware that logs requests. It needs [`crate::web::admission::begin`] outside of it.
pub async fn log(request: Request, next: Next) -> Response {
    let extensions = request.extensions();
    let mut line = Line {
        begun: Instant::now(),
        method: request.method().clone(),
        route: extensions.get().cloned(),
        request_id: extensions.get().cloned(),
        visit: extensions.get().cloned(),
        trace_id: super::traces::current_id(),
        status: None,
    };
    let response = next.run(request).await;
    line.status = Some(response.status());
    response.map(|body| Body::new(Guarded::new(body, line)))
}

impl Drop for Line {
    fn drop(&mut self) {
        let millis = (self.begun.elapsed().as_secs_f64() * 1e6).round() / 1e3;
        let visit = self.visit.as_ref();
        tracing::info!(
            target: TARGET,
            method = super::metrics::method_label(&self.method),
            route = self.route.as_ref().map_or("none", MatchedPath::as_str),
            status = self.status.map(|status| status.as_u16()),
            ms = millis,
            caller = visit.and_then(Visit::caller),
            address = visit.and_then(Visit::address).as_ref().map(IpAddr::to_string),
            request_id = self.request_id.as_ref().map(RequestId::as_str),
            trace_id = self.trace_id,
            "request"
        );
    }
}
