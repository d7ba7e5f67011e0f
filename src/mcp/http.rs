//! The route of the protocol.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};

use super::server::Server;
use crate::web::auth::Caller;
use crate::web::finish::KeepBody;
use crate::web::problem::Problem;
use crate::web::state::App;

/// The origins of pages on the user's own machine.
const LOCAL: [&str; 3] = ["http://localhost:*", "http://127.0.0.1:*", "http://[::1]:*"];

type Service = StreamableHttpService<Server, NeverSessionManager>;

/// Returns the route. Pages of other origins than `origins` and the user's own machine are refused, as the protocol
/// demands against DNS rebinding; `None` allows all.
pub fn routes(app: &App, origins: Option<&[String]>) -> Router<App> {
    let service = service(app.clone(), origins);
    Router::new().route(
        "/mcp",
        post(move |caller: Caller, request: Request| {
            let service = service.clone();
            async move { answer(&service, caller, request).await }
        }),
    )
}

fn service(app: App, origins: Option<&[String]>) -> Service {
    // A browser names the origin of the page in every such request, whatever name its address was resolved by. Host says
    // nothing more, and behind a proxy it is the name of the proxy.
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .disable_allowed_hosts();
    let config = match origins {
        Some(origins) => {
            let allowed = LOCAL.iter().map(|origin| (*origin).to_owned()).chain(origins.iter().cloned());
            config.with_allowed_origins(allowed).enforce_origin_validation()
        }
        None => config.disable_allowed_origins(),
    };
    Service::new(move || Ok(Server::new(app.clone())), Arc::default(), config)
}

async fn answer(service: &Service, caller: Caller, mut request: Request) -> Response {
    request.extensions_mut().insert(caller);
    let mut response = service.handle(request).await.map(Body::new);
    match response.status() {
        // The only check that the token does not answer.
        StatusCode::FORBIDDEN => Problem::ForeignOrigin.into_response(),
        status if status.is_client_error() && is_json(response.headers()) => {
            // An error of the protocol, which its clients read.
            response.extensions_mut().insert(KeepBody);
            response
        }
        _ => response,
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"))
}
