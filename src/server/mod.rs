//! The HTTP server: routes, the order of the middleware, start and stop.

use std::future::Future;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::web::finish::{RequestIds, finish, panicked};
use crate::web::problem::Problem;
use crate::web::state::App;
use crate::web::{etag, problem, timing};
use crate::{mcp, ops, resources};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Thermocline",
        description = "One API over a hot and a cold database, in which nobody can tell where a row lives.\n\n\
            Every list takes the same parameters and has the same envelope. Errors are problem details (RFC 9457).",
        license(name = "Apache-2.0")
    ),
    modifiers(&Bearer),
    security(("bearer" = []))
)]
struct Api;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(scheme));
    }
}

/// The largest request body in bytes. No route reads one; a larger one is refused unread.
const BODY_LIMIT: usize = 64 * 1024;

fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Api::openapi())
        .merge(resources::routes())
        .merge(ops::health::routes())
        .merge(ops::metrics::routes())
}

/// Returns the description of the API.
pub fn openapi() -> utoipa::openapi::OpenApi {
    routes().into_openapi()
}

/// Returns every route behind the middleware.
pub fn router(app: App, request_timeout: Duration) -> Router {
    let ids = RequestIds::new(app.clock());
    let (router, api) = routes().split_for_parts();
    let router = router.merge(mcp::http::routes(&app, Some(&[])));
    // By default the page requests a badge from validator.swagger.io, which reveals the address of this server.
    let docs = SwaggerUi::new("/docs").config(Config::default().validator_url("none"));
    router
        .merge(docs.url("/openapi.json", api))
        .route("/problems/{name}", get(problem::page))
        .fallback(|| async { Problem::NotFound { what: "path" } })
        .method_not_allowed_fallback(|| async { Problem::MethodNotAllowed })
        .with_state(app)
        // From the inside out: the response to a panic, too, is timed, compressed, kept private and finished.
        .layer(RequestBodyLimitLayer::new(BODY_LIMIT))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(TimeoutLayer::with_status_code(http::StatusCode::GATEWAY_TIMEOUT, request_timeout))
        .layer(axum::middleware::from_fn(timing::server_timing))
        .layer(axum::middleware::from_fn(ops::metrics::track))
        .layer(CompressionLayer::new())
        .layer(axum::middleware::from_fn(etag::private_api))
        .layer(axum::middleware::from_fn_with_state(ids, finish))
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
