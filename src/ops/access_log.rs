//! The access log: one line a request, when its answer is sent or given up. Of the requests that an overloaded server refuses
//! before it looks at them only some have a line: a flood must neither fill the disk nor take the processors.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use http::{Method, StatusCode};

use super::metrics::{NO_ROUTE, method_label};
use crate::web::admission::{Guarded, Visit};
use crate::web::finish::RequestId;

/// The target of the lines, so that a log filter can name them.
const TARGET: &str = "thermocline::access";
/// Lines in a second of requests that are refused before the router.
const REFUSALS: NonZeroU32 = NonZeroU32::new(100).unwrap();

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
        let visit = self.visit.as_ref();
        tracing::info!(
            target: TARGET,
            method = method_label(&self.method),
            route = self.route.as_ref().map_or(NO_ROUTE, MatchedPath::as_str),
            status = self.status.map(|status| status.as_u16()),
            ms = millis(self.begun.elapsed()),
            caller = visit.and_then(Visit::caller),
            address = visit.and_then(Visit::address).as_ref().map(IpAddr::to_string),
            request_id = self.request_id.as_ref().map(RequestId::as_str),
            trace_id = self.trace_id,
            "request"
        );
    }
}

fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

/// Lines for requests that are refused before the router.
#[derive(Debug)]
pub struct Refusals {
    rate: DefaultDirectRateLimiter,
    /// Refusals without a line since the last one.
    omitted: AtomicU64,
}

impl Default for Refusals {
    fn default() -> Self {
        Self { rate: RateLimiter::direct(Quota::per_second(REFUSALS)), omitted: AtomicU64::new(0) }
    }
}

impl Refusals {
    /// Logs a refusal, or counts it for the next line.
    pub fn log(&self, method: &Method, status: StatusCode, time: Duration, address: IpAddr, id: &RequestId) {
        if self.rate.check().is_err() {
            self.omitted.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let omitted = self.omitted.swap(0, Ordering::Relaxed);
        tracing::info!(
            target: TARGET,
            method = method_label(method),
            route = NO_ROUTE,
            status = status.as_u16(),
            ms = millis(time),
            address = address.to_string(),
            request_id = id.as_str(),
            omitted = (omitted > 0).then_some(omitted),
            "request"
        );
    }
}
