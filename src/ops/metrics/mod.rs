//! Metrics for Prometheus. The [`catalogue`] lists all of them; they are recorded where they arise.

pub mod catalogue;
mod process;

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{Method, StatusCode};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use utoipa_axum::{router::OpenApiRouter, routes};

use self::catalogue::{
    ANSWER_SECONDS, BUILD, CACHE_ENTRIES, Kind, METRICS, POOL_IN_USE, POOL_MOST, POOL_OPEN, REQUEST_SECONDS,
    REQUESTS,
};
use crate::tier::Engine;
use crate::web::state::App;
use crate::web::timing::TiersAsked;

/// The label of requests without a route, or refused before it is known.
pub const NO_ROUTE: &str = "none";
/// The time between two aggregations of histograms.
const AGGREGATED_EVERY: Duration = Duration::from_secs(5);
/// Upper bounds of the histograms, in seconds.
const BUCKETS: [f64; 11] = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0, 10.0];

/// The recorder of this process, shared by all servers in it.
static RECORDER: LazyLock<Option<PrometheusHandle>> = LazyLock::new(|| {
    let histograms = METRICS.iter().filter(|metric| metric.kind == Kind::Histogram);
    let builder = histograms.map(|metric| metric.name).try_fold(PrometheusBuilder::new(), |builder, name| {
        builder.set_buckets_for_metric(Matcher::Full(name.to_owned()), &BUCKETS)
    });
    let installed = builder.and_then(PrometheusBuilder::install_recorder);
    let recorder =
        installed.inspect_err(|error| tracing::error!(%error, "metrics are not available")).ok()?;
    catalogue::describe();
    metrics::gauge!(BUILD, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    Some(recorder)
});

/// Installs the recorder. Earlier measurements are lost.
pub fn install() {
    LazyLock::force(&RECORDER);
}

/// Aggregates measurements at intervals, for ever. Otherwise each of them stays in memory until the metrics are read.
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
async fn get_metrics(State(app): State<App>) -> String {
    sample(&app).await;
    let mut text = RECORDER.as_ref().map(PrometheusHandle::render).unwrap_or_default();
    process::write(&mut text);
    // A metric without a value yet is described all the same, so that its name is known.
    for metric in METRICS {
        if !text.contains(&format!("# TYPE {} ", metric.name)) {
            catalogue::write_description(&mut text, metric);
        }
    }
    text
}

/// Sets the gauges of what is known without asking a database.
async fn sample(app: &App) {
    sample_pools("primary", app.hot());
    if let Some(cold) = app.cold() {
        sample_pools("primary", cold);
        for (server, replica) in replicas(cold) {
            sample_pools(&server, replica);
        }
    }
    for (cache, entries) in app.caches().await {
        metrics::gauge!(CACHE_ENTRIES, "cache" => cache).set(entries as f64);
    }
}

fn sample_pools(server: &str, engine: &dyn Engine) {
    for size in engine.pools() {
        let gauge = |name: &'static str, value: usize| {
            let (tier, server) = (engine.tier().name(), server.to_owned());
            metrics::gauge!(name, "tier" => tier, "server" => server, "pool" => size.pool).set(value as f64);
        };
        gauge(POOL_OPEN, size.open);
        gauge(POOL_IN_USE, size.in_use);
        gauge(POOL_MOST, size.most);
    }
}

/// Returns the replicas of a tier with their names in the metrics.
pub(super) fn replicas(engine: &dyn Engine) -> impl Iterator<Item = (String, &dyn Engine)> {
    engine.all_replicas().into_iter().zip(1..).map(|(replica, number)| (format!("replica-{number}"), replica))
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

/// Counts a request of a route.
pub fn count(method: &Method, route: &str, status: StatusCode) {
    let (route, status) = (route.to_owned(), status.as_u16().to_string());
    let method = method_label(method);
    metrics::counter!(REQUESTS, "method" => method, "route" => route, "status" => status).increment(1);
}

/// Middleware that counts and times requests by route pattern (with paths, every id would be a series of its own), and by the
/// tiers they asked.
pub async fn track(request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let route = request.extensions().get::<MatchedPath>().map_or(NO_ROUTE, MatchedPath::as_str).to_owned();
    let method = request.method().clone();
    let is_probe = super::PATHS.contains(&request.uri().path());
    let response = next.run(request).await;
    let seconds = begun.elapsed().as_secs_f64();
    count(&method, &route, response.status());
    metrics::histogram!(REQUEST_SECONDS, "route" => route).record(seconds);
    let asked = response.extensions().get::<TiersAsked>().and_then(|asked| asked.name());
    if let Some(tiers) = asked.filter(|_| !is_probe) {
        metrics::histogram!(ANSWER_SECONDS, "tiers" => tiers).record(seconds);
    }
    response
}
