//! Metrics for Prometheus: requests by route and status, statements by tier.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use http::Method;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::archive::metrics::STEP_SECONDS;
use crate::tier::usage::STATEMENT_SECONDS;
use crate::web::state::App;

const REQUESTS: &str = "thermocline_http_requests_total";
const REQUEST_SECONDS: &str = "thermocline_http_request_seconds";
/// The time between two aggregations of histograms.
const AGGREGATED_EVERY: Duration = Duration::from_secs(5);
/// Upper bounds of the histograms, in seconds.
const BUCKETS: [f64; 11] = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0, 10.0];

/// The recorder of this process, shared by all servers in it.
static RECORDER: LazyLock<Option<PrometheusHandle>> = LazyLock::new(|| {
    let builder = [REQUEST_SECONDS, STATEMENT_SECONDS, STEP_SECONDS]
        .iter()
        .try_fold(PrometheusBuilder::new(), |builder, name| {
            builder.set_buckets_for_metric(Matcher::Full((*name).to_owned()), &BUCKETS)
        });
    let installed = builder.and_then(PrometheusBuilder::install_recorder);
    installed.inspect_err(|error| tracing::error!(%error, "metrics are not available")).ok()
});

/// Installs the recorder. Earlier measurements are lost.
pub fn install() {
    LazyLock::force(&RECORDER);
}

/// Aggregates what was measured, again and again, for ever. Otherwise every measurement stays in memory until somebody reads
/// the metrics.
pub async fn aggregate() {
    loop {
        tokio::time::sleep(AGGREGATED_EVERY).await;
        if let Some(recorder) = RECORDER.as_ref() {
            recorder.run_upkeep();
        }
    }
}

/// Returns the route `GET /metrics`.
pub fn routes() -> OpenApiRouter<App> {
    install();
    OpenApiRouter::new().routes(routes!(get_metrics))
}

/// The metrics, for Prometheus.
#[utoipa::path(get, path = "/metrics", operation_id = "get_metrics", tag = "operations", security(()),
    responses((status = 200, body = String, content_type = "text/plain", description = "The metrics, a line each.")))]
async fn get_metrics() -> String {
    RECORDER.as_ref().map(PrometheusHandle::render).unwrap_or_default()
}

/// Returns a method as a label: its own name if some client has a reason to send it, and one name for all others. A client
/// could otherwise add series without end.
pub fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// Middleware that counts and times requests by route pattern: with paths, every id would be a series of its own.
pub async fn track(request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let method = method_label(request.method());
    let response = next.run(request).await;
    let status = response.status().as_u16().to_string();
    metrics::counter!(REQUESTS, "method" => method, "route" => route.clone(), "status" => status)
        .increment(1);
    metrics::histogram!(REQUEST_SECONDS, "route" => route).record(begun.elapsed().as_secs_f64());
    response
}
