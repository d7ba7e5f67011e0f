//! The HTTP server: routes, the order of the middleware, start and stop.

use std::future::Future;
use std::time::Duration;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use tokio::net::TcpListener;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::openapi::{self, Api, Form};
use crate::web::base_path::{self, BasePath};
use crate::web::cors::{self, AllowedOrigins};
use crate::web::finish::{RequestIds, finish, panicked};
use crate::web::problem::Problem;
use crate::web::state::App;
use crate::web::{accept, etag, problem, security_headers, timing};
use crate::{mcp, ops, resources};

/// The largest request body in bytes. No route reads one; a larger one is refused unread.
const BODY_LIMIT: usize = 64 * 1024;

fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Api::openapi())
        .merge(openapi::routes::entrance())
        .merge(resources::routes())
        .merge(ops::health::routes())
        .merge(ops::metrics::routes())
}

/// Returns the description of the API.
pub fn openapi(form: &Form) -> serde_json::Value {
    openapi::document(&routes().into_openapi(), form)
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
}

impl From<Duration> for Options {
    /// Returns options with this time limit and nothing else.
    fn from(request_timeout: Duration) -> Self {
        Self { request_timeout, base: BasePath::default(), origins: AllowedOrigins::None }
    }
}

/// Returns every route behind the middleware.
pub fn router(app: App, options: impl Into<Options>) -> Router {
    let options = options.into();
    let ids = RequestIds::new(app.clock());
    let (router, api) = routes().split_for_parts();
    let origins = options.origins.names();
    let router = router
        .merge(mcp::http::routes(&app, origins.as_deref()))
        .merge(openapi::routes::pages(&api, &options.base))
        .route("/problems/{name}", get(problem::page))
        .fallback(|| async { Problem::NotFound { what: "path" } })
        .method_not_allowed_fallback(|| async { Problem::MethodNotAllowed })
        .with_state(app)
        // From the inside out: the response to a panic, too, is timed, compressed, kept private and finished.
        .layer(RequestBodyLimitLayer::new(BODY_LIMIT))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(accept::refuse_unacceptable))
        .layer(TimeoutLayer::with_status_code(http::StatusCode::GATEWAY_TIMEOUT, options.request_timeout))
        .layer(from_fn(timing::server_timing))
        .layer(from_fn(ops::metrics::track))
        .layer(CompressionLayer::new())
        .layer(from_fn(etag::private_api))
        .layer(from_fn_with_state(ids, finish))
        .layer(from_fn(security_headers::security_headers));
    let router = match cors::layer(&options.origins) {
        Some(cors) => router.layer(cors),
        None => router,
    };
    base_path::mount(options.base.clone(), router)
}

/// Serves until `stop` resolves, then finishes the requests in progress.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, router).with_graceful_shutdown(stop).await
}

/// Resolves at SIGTERM or ctrl-c.
pub async fn stop_signal() {
    let interrupt = async {
        // Without a handler the signal ends the process by itself.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}
