//! Health of the service and its tiers.

use std::time::{Duration, Instant};

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use http::StatusCode;
use moka::future::Cache;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::clock::Timestamp;
use crate::schema::spread;
use crate::telemetry::explain;
use crate::tier::{Engine, Statement, Tier};
use crate::web::finish::KeepBody;
use crate::web::problem::{Details, Problem};
use crate::web::shared::Redis;
use crate::web::state::App;

/// Seconds after which another try of a probe makes sense.
const RETRY_AFTER: u64 = 5;
/// The time after which a tier without an answer counts as unhealthy.
const TIMEOUT: Duration = Duration::from_secs(3);

crate::queries! {
    /// Statements of the health probes.
    mod sql = "health" { Shared: "queries.sql" }
    [hot, cold]
}

/// Returns the statements of the module.
pub fn statements() -> Vec<Statement> {
    sql::all().into_iter().copied().collect()
}

/// Returns the routes. They need no token.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(health))
        .routes(routes!(api_health))
        .routes(routes!(livez))
        .routes(routes!(readyz))
        .layer(Extension(Checks::default()))
}

/// The checks in progress. Concurrent requests share one: probes need no token, and a flood of them must not reach
/// the databases.
#[derive(Clone, Debug)]
struct Checks(Cache<&'static str, Service>);

impl Default for Checks {
    fn default() -> Self {
        Self(Cache::new(3))
    }
}

impl Checks {
    async fn of(&self, engine: &dyn Engine) -> Service {
        self.share(engine.tier().name(), check(engine)).await
    }

    async fn of_redis(&self, redis: &Redis) -> Service {
        self.share("redis", check_redis(redis)).await
    }

    async fn share(&self, name: &'static str, check: impl Future<Output = Service>) -> Service {
        let service = self.0.get_with(name, check).await;
        // The next one who asks gets a new answer.
        self.0.invalidate(name).await;
        service
    }
}

/// A report on the service.
#[derive(Debug, Serialize, ToSchema)]
struct Health {
    /// `degraded` while only cold is away.
    #[schema(value_type = ServiceStatus)]
    status: &'static str,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    timestamp: Timestamp,
    /// The version of the program.
    version: &'static str,
    /// The hot tier, for existing monitors.
    #[schema(value_type = Connection)]
    database: &'static str,
    services: Services,
}

/// The answer of a service that is not healthy: the report, or a problem.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only described")]
enum HealthFailure {
    Report(Health),
    Problem(Details<'static>),
}

/// The state of the service.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "only described")]
enum ServiceStatus {
    Healthy,
    Degraded,
    Unhealthy,
}

/// Whether a database answers.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "only described")]
enum Connection {
    Connected,
    Disconnected,
}

/// The state of a tier, or of Redis.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "only described")]
enum TierStatus {
    Healthy,
    Unhealthy,
}

/// The tiers, and what servers share.
#[derive(Debug, Serialize, ToSchema)]
struct Services {
    hot: Service,
    /// Absent in hot-only mode.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    cold: Option<Service>,
    /// Absent where none is set. Its state does not count for that of the service, which answers as well without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    redis: Option<Service>,
}

/// One tier, or Redis.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct Service {
    #[schema(value_type = TierStatus)]
    status: &'static str,
    /// The time of its answer in milliseconds.
    latency_ms: f64,
    /// The workers of cold that do not answer: what is on them cannot be read. Absent when all do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    silent_workers: Vec<String>,
}

async fn check(engine: &dyn Engine) -> Service {
    let begun = Instant::now();
    let statement = match engine.tier() {
        Tier::Hot => sql::hot(),
        Tier::Cold => sql::cold(),
    };
    let answer = tokio::time::timeout(TIMEOUT, engine.probe(statement)).await;
    let latency_ms = millis_since(begun);
    if let Ok(Err(error)) = &answer {
        tracing::warn!(error = explain(error), "a tier is unhealthy");
    }
    let answers = matches!(answer, Ok(Ok(())));
    let silent_workers =
        if answers && engine.is_spread() { silent_workers(engine).await } else { Vec::new() };
    let status = if answers && silent_workers.is_empty() { "healthy" } else { "unhealthy" };
    Service { status, latency_ms, silent_workers }
}

async fn check_redis(redis: &Redis) -> Service {
    let begun = Instant::now();
    let status = if redis.probe().await { "healthy" } else { "unhealthy" };
    Service { status, latency_ms: millis_since(begun), silent_workers: Vec::new() }
}

fn millis_since(begun: Instant) -> f64 {
    (begun.elapsed().as_secs_f64() * 1e6).round() / 1e3
}

/// Returns the workers of a spread tier that do not answer. The probe does not reach them: the coordinator answers it alone.
async fn silent_workers(engine: &dyn Engine) -> Vec<String> {
    let asked = tokio::time::timeout(TIMEOUT, engine.fetch(spread::sql::silent_workers(), &[])).await;
    let names = match asked {
        Ok(Ok(records)) => records.iter().filter_map(|record| record.text("worker").ok()).collect(),
        // The coordinator waits for a worker that accepts the connection and stays silent.
        _ => vec!["unknown".to_owned()],
    };
    if !names.is_empty() {
        tracing::warn!(workers = names.join(", "), "workers of cold do not answer");
    }
    names
}

async fn report(app: &App, checks: &Checks) -> Health {
    let cold = async {
        match app.cold() {
            Some(cold) => Some(checks.of(cold).await),
            None => None,
        }
    };
    let redis = async {
        match app.shared() {
            Some(shared) => Some(checks.of_redis(shared.redis()).await),
            None => None,
        }
    };
    let (hot, cold, redis) = futures::future::join3(checks.of(app.hot()), cold, redis).await;
    let well = |service: &Service| service.status == "healthy";
    let (database, status) = match (well(&hot), cold.as_ref().is_none_or(well)) {
        (false, _) => ("disconnected", "unhealthy"),
        (true, false) => ("connected", "degraded"),
        (true, true) => ("connected", "healthy"),
    };
    Health {
        status,
        timestamp: app.clock().now(),
        version: env!("CARGO_PKG_VERSION"),
        database,
        services: Services { hot, cold, redis },
    }
}

/// Whether the service and its tiers are well.
#[utoipa::path(get, path = "/health", operation_id = "get_health", tag = "operations", security(()),
    responses((status = 200, body = Health, description = "Healthy, or degraded."),
        (status = 503, body = HealthFailure, description = "Unhealthy: the same report.")))]
async fn health(State(app): State<App>, Extension(checks): Extension<Checks>) -> Response {
    let health = report(&app, &checks).await;
    let status = if health.status == "unhealthy" { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    (status, Extension(KeepBody), Json(health)).into_response()
}

/// The same under the path of the API, for existing monitors.
#[utoipa::path(get, path = "/api/health", operation_id = "get_api_health", tag = "operations", security(()),
    responses((status = 200, body = Health, description = "Healthy, or degraded."),
        (status = 503, body = HealthFailure, description = "Unhealthy: the same report.")))]
async fn api_health(app: State<App>, checks: Extension<Checks>) -> Response {
    health(app, checks).await
}

/// The process runs.
#[utoipa::path(get, path = "/livez", operation_id = "get_liveness", tag = "operations", security(()),
    responses((status = 200, body = String, content_type = "text/plain", description = "The text `ok`.")))]
async fn livez() -> &'static str {
    "ok"
}

/// Requests can be answered, from hot at least.
#[utoipa::path(get, path = "/readyz", operation_id = "get_readiness", tag = "operations", security(()),
    responses((status = 200, body = String, content_type = "text/plain", description = "The text `ok`."),
        (status = 503, description = "The hot database does not answer.")))]
async fn readyz(State(app): State<App>, Extension(checks): Extension<Checks>) -> Response {
    match checks.of(app.hot()).await.status {
        "healthy" => "ok".into_response(),
        _ => Problem::TierUnavailable { tier: Tier::Hot.name(), retry_after: RETRY_AFTER }.into_response(),
    }
}
