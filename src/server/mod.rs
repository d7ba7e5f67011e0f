//! The HTTP server: routes and the order of the middleware. Connections are in [`listener`].

mod activity;
mod body;
mod connection;
mod entrance;
mod host;
pub mod limits;
pub mod listener;
mod open;
pub mod refusal;
mod signals;
mod socket;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use axum::{Extension, Router};
use tokio::net::TcpListener;
use tower::ServiceBuilder;
use tower_http::CompressionLevel;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use self::refusal::Refusals;
use crate::clock::Clock;
use crate::console::{self, ConsoleSettings};
use crate::openapi::{self, Api, Form};
use crate::ops::archive::{DueRules, Statuses};
use crate::ops::latency::Latencies;
use crate::web::admission::{self, Exempt, Gate};
use crate::web::base_path::{self, BasePath};
use crate::web::cors::{self, AllowedOrigins};
use crate::web::finish::{RequestIds, finish, panicked};
use crate::web::problem::Problem;
use crate::web::state::App;
use crate::web::{accept, etag, problem, security_headers, timing};
use crate::{mcp, ops, resources};

pub use limits::Limits;
pub use signals::{ignore_hangup, stop_signal, stop_signal_once};

/// The largest request body in bytes. A larger one is refused unread.
const BODY_LIMIT: usize = 64 * 1024;
/// The level of gzip: half the time of 6, the usual one, for 6 % more bytes of JSON.
const COMPRESSION: i32 = 4;

fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Api::openapi())
        .merge(openapi::routes::entrance())
        .merge(resources::routes())
        .merge(ops::health::routes())
        .merge(ops::archive::routes())
}

/// Returns the description of the API.
pub fn openapi(form: &Form) -> serde_json::Value {
    openapi::document(&routes().merge(ops::metrics::routes()).into_openapi(), form)
}

/// The parts of the server that settings change.
#[derive(Clone, Debug)]
pub struct Options {
    /// The time until the response to a request must begin.
    pub request_timeout: Duration,
    /// The prefix of all paths.
    pub base: BasePath,
    /// The origins whose pages may read answers.
    pub origins: AllowedOrigins,
    /// When rows are due, for the status of the archive.
    pub due: DueRules,
    /// The console.
    pub console: ConsoleSettings,
    /// The limits of requests.
    pub gate: Arc<Gate>,
    /// Whether every request is logged.
    pub access_log: bool,
    /// Whether metrics are served at an address of their own, and therefore not here.
    pub has_ops_address: bool,
}

impl From<Duration> for Options {
    /// Returns options with this time limit and nothing else.
    fn from(request_timeout: Duration) -> Self {
        Self {
            request_timeout,
            base: BasePath::default(),
            origins: AllowedOrigins::None,
            due: DueRules::default(),
            console: ConsoleSettings::default(),
            gate: Gate::open(),
            access_log: false,
            has_ops_address: false,
        }
    }
}

/// Returns the routes for an address of operators: probes and metrics.
pub fn ops_router(app: App) -> Router {
    let ids = RequestIds::new(app.clock());
    let (router, _) = ops::health::routes().merge(ops::metrics::routes()).split_for_parts();
    router
        .fallback(|| async { Problem::NotFound { what: "path" } })
        .method_not_allowed_fallback(|| async { Problem::MethodNotAllowed })
        .with_state(app)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(ids, finish))
}

/// Returns every route behind the middleware.
pub fn router(app: App, options: impl Into<Options>) -> Router {
    let options = options.into();
    let ids = RequestIds::new(app.clock());
    let routes = if options.has_ops_address { routes() } else { routes().merge(ops::metrics::routes()) };
    let (router, api) = routes.split_for_parts();
    let origins = options.origins.names();
    let latencies = Latencies::default();
    let router = router
        .merge(mcp::http::routes(&app, origins.as_deref()))
        .merge(openapi::routes::pages(api, &options.base))
        .merge(console::routes(&options.console, &options.base))
        .route("/problems/{name}", get(problem::page))
        .fallback(|| async { Problem::NotFound { what: "path" } })
        .method_not_allowed_fallback(|| async { Problem::MethodNotAllowed })
        .with_state(app);
    // All layers at once, from the outside in: each layer of a router is a box of its own, which every layer around it would copy for
    // each request. The response to a panic, too, is timed, compressed, kept private and finished.
    let layers = ServiceBuilder::new()
        .option_layer(cors::layer(&options.origins))
        .layer(from_fn(security_headers::security_headers))
        .layer(from_fn_with_state(ids, finish))
        .layer(from_fn_with_state(options.gate, admission::begin))
        .layer(from_fn(ops::traces::trace))
        .option_layer(options.access_log.then(|| from_fn(ops::access_log::log)))
        .layer(from_fn(etag::private_api))
        .layer(from_fn_with_state(latencies.clone(), ops::latency::measure))
        .layer(from_fn(ops::metrics::track))
        .layer(from_fn(host::check))
        .layer(from_fn_with_state(Exempt(&ops::PATHS), admission::admit))
        .layer(CompressionLayer::new().quality(CompressionLevel::Precise(COMPRESSION)))
        .layer(from_fn(timing::server_timing))
        .layer(TimeoutLayer::with_status_code(http::StatusCode::GATEWAY_TIMEOUT, options.request_timeout))
        .layer(from_fn(accept::refuse_unacceptable))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(RequestBodyLimitLayer::new(BODY_LIMIT))
        .layer(Extension(latencies))
        .layer(Extension(Statuses::new(&options.due)));
    let router = router.layer(layers);
    base_path::mount(options.base, router)
}

/// Serves without a limit of connections until `stop` resolves, then finishes the requests in progress.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let refusals = Refusals::new(BasePath::default(), &Clock::system());
    listener::serve(listener, router, Limits::default(), refusals, stop).await;
    Ok(())
}
