//! The console: one page for browsers that speaks the public API alone. Its sources are in `console/`; the built files, which
//! are kept beside them, are a part of the program.

mod files;
mod policy;
mod provider;

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{Redirect, Response};
use axum::routing::get;
use axum::{Extension, Router};
use bytes::Bytes;
use serde::Serialize;

use crate::web::base_path::BasePath;
use crate::web::context::RequestContext;
use crate::web::etag;
use crate::web::problem::Problem;
use crate::web::state::App;

pub use provider::Provider;

/// The words of the project.
const GLOSSARY: &str = include_str!("../../docs/glossary.md");

/// The parts of the console that settings change.
#[derive(Clone, Debug, Default)]
pub struct ConsoleSettings {
    /// Who signs users in; without one they paste a token.
    pub provider: Option<Provider>,
}

/// The settings, as the page asks for them.
#[derive(Debug, Serialize)]
struct Config<'a> {
    version: &'static str,
    prices_public: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    oidc: Option<&'a Provider>,
}

/// Returns the routes, which are no part of the described API.
pub fn routes(settings: &ConsoleSettings, base: &BasePath) -> Router<App> {
    let entrance = base.join("/console/");
    Router::new()
        .route("/console", get(|| async move { Redirect::to(&entrance) }))
        .route("/console/", get(page))
        .route("/console/config.json", get(config))
        .route("/console/glossary.md", get(glossary))
        .route("/console/{*file}", get(file))
        .layer(Extension(Arc::new(settings.clone())))
}

type Settings = Extension<Arc<ConsoleSettings>>;

async fn page(settings: Settings, context: RequestContext) -> Result<Response, Problem> {
    respond("index.html", &settings, &context)
}

async fn file(
    settings: Settings,
    Path(name): Path<String>,
    context: RequestContext,
) -> Result<Response, Problem> {
    respond(&name, &settings, &context)
}

fn respond(name: &str, settings: &ConsoleSettings, context: &RequestContext) -> Result<Response, Problem> {
    let mut response = files::respond(name, &context.headers).ok_or(Problem::NotFound { what: "path" })?;
    policy::apply(response.headers_mut(), settings.provider.as_ref());
    Ok(response)
}

/// Explains the figures that the page shows.
async fn glossary(context: RequestContext) -> Response {
    etag::answer(&context.headers, "text/markdown; charset=utf-8", Bytes::from_static(GLOSSARY.as_bytes()))
}

async fn config(settings: Settings, State(app): State<App>, context: RequestContext) -> Response {
    context.json(&Config {
        version: env!("CARGO_PKG_VERSION"),
        prices_public: app.prices_public(),
        oidc: settings.provider.as_ref(),
    })
}
