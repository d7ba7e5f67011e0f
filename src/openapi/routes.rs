//! The routes of the description: the documents themselves, a page that shows them, and the entrance of the service.

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use utoipa_swagger_ui::Config;

use super::{Form, Version, document};
use crate::web::accept::{Accept, Offered};
use crate::web::base_path::BasePath;
use crate::web::context::RequestContext;
use crate::web::etag;
use crate::web::ids::IdStyle;
use crate::web::problem::Problem;
use crate::web::state::App;

/// The page sets styles in its elements; scripts come from files alone.
const EXPLORER_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// Returns the described route of this module: the entrance.
pub fn entrance() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get_service))
}

/// The service's name and version, with links to its documentation.
#[derive(Debug, Serialize, ToSchema)]
struct ServiceInfo {
    /// The name of the program.
    #[schema(example = "thermocline")]
    name: &'static str,
    /// The version of the program.
    #[schema(example = "0.1.0")]
    version: &'static str,
    /// The purpose of the program.
    description: &'static str,
    links: ServiceLinks,
}

/// Paths of the service.
#[derive(Debug, Serialize, ToSchema)]
struct ServiceLinks {
    /// The console: chat, charts and the tiers.
    #[schema(format = "uri-reference", example = "/console/")]
    console: String,
    /// The page that shows the description of the API.
    #[schema(format = "uri-reference", example = "/docs/")]
    docs: String,
    /// The description in OpenAPI 3.1.
    #[schema(format = "uri-reference", example = "/openapi.json")]
    openapi: String,
    /// The description in OpenAPI 3.0.
    #[schema(format = "uri-reference", example = "/openapi-3.0.json")]
    openapi_3_0: String,
    /// The state of the service and its databases.
    #[schema(format = "uri-reference", example = "/health")]
    health: String,
    /// The conversations of the caller.
    #[schema(format = "uri-reference", example = "/api/conversations")]
    conversations: String,
    /// Posts.
    #[schema(format = "uri-reference", example = "/api/posts")]
    posts: String,
    /// Stocks.
    #[schema(format = "uri-reference", example = "/api/stocks")]
    stocks: String,
}

/// Name, version and links of the service; a page for browsers.
#[utoipa::path(get, path = "/", operation_id = "get_service", tag = "operations", security(()),
    responses((status = 200, body = ServiceInfo, description = "Name, version and links.")))]
async fn get_service(context: RequestContext) -> Result<Response, Problem> {
    const TYPES: [(&str, bool); 2] = [("application/json", false), ("text/html", true)];
    let path = |path: &str| context.base.join(path);
    let service = ServiceInfo {
        name: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
        description: env!("CARGO_PKG_DESCRIPTION"),
        links: ServiceLinks {
            console: path("/console/"),
            docs: path("/docs/"),
            openapi: path("/openapi.json"),
            openapi_3_0: path("/openapi-3.0.json"),
            health: path("/health"),
            conversations: path("/api/conversations"),
            posts: path("/api/posts"),
            stocks: path("/api/stocks"),
        },
    };
    let answer = if Accept::of(&context.headers).prefer(&TYPES) == Some(true) {
        etag::answer(&context.headers, "text/html; charset=utf-8", Bytes::from(page(&service)))
    } else {
        context.json(&service)
    };
    Ok((axum::Extension(Offered(&["application/json", "text/html"])), answer).into_response())
}

/// Returns the entrance as a page. Nothing in it needs escaping: a prefix has no such characters.
fn page(service: &ServiceInfo) -> String {
    let ServiceInfo { version, description, links, .. } = service;
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>Thermocline</title>\n\
         <h1>Thermocline {version}</h1>\n<p>{description}</p>\n<ul>\n\
         <li><a href=\"{console}\">Console: chat, charts and the two tiers</a></li>\n\
         <li><a href=\"{docs}\">Try the API</a></li>\n\
         <li><a href=\"{openapi}\">Description in OpenAPI 3.1</a>, <a href=\"{openapi_3_0}\">in 3.0</a></li>\n\
         <li><a href=\"{health}\">Health of the service and its databases</a></li>\n</ul>\n\
         <p>Everything under <code>/api</code> needs a token: <code>Authorization: Bearer</code>.</p>\n</html>\n",
        console = links.console,
        docs = links.docs,
        openapi = links.openapi,
        openapi_3_0 = links.openapi_3_0,
        health = links.health,
    )
}

/// The documents. Each is written when it is asked for first, so that no start waits for them.
struct Documents {
    api: utoipa::openapi::OpenApi,
    base: BasePath,
    written: [[OnceLock<Bytes>; 2]; 2],
}

impl Documents {
    fn get(&self, version: Version, ids: IdStyle) -> Bytes {
        let place = &self.written[usize::from(version == Version::V3_0)][usize::from(ids == IdStyle::Text)];
        let write = || {
            let form = Form { version, ids, base: self.base.clone() };
            Bytes::from(document(&self.api, &form).to_string())
        };
        place.get_or_init(write).clone()
    }
}

/// Returns the routes of the documents and of the page that shows them, which are not described themselves.
pub fn pages(api: utoipa::openapi::OpenApi, base: &BasePath) -> Router<App> {
    let documents = Arc::new(Documents { api, base: base.clone(), written: Default::default() });
    let serve = |version: Version| {
        let documents = Arc::clone(&documents);
        get(move |context: RequestContext| async move {
            context.params(&[])?;
            let body = documents.get(version, IdStyle::of_query(context.uri.query()));
            Ok::<_, Problem>(etag::answer(&context.headers, "application/json", body))
        })
    };
    // Without `none` the page requests a badge from validator.swagger.io, which reveals the address of this server.
    let config = Config::from(base.join("/openapi.json"))
        .validator_url("none")
        .persist_authorization(true)
        .display_request_duration(true);
    let explorer = Arc::new(config);
    let entrance = base.join("/docs/");
    Router::new()
        .route("/openapi.json", serve(Version::V3_1))
        .route("/openapi-3.0.json", serve(Version::V3_0))
        .route("/docs", get(|| async move { Redirect::to(&entrance) }))
        .route("/docs/", get(explorer_file).with_state(Arc::clone(&explorer)))
        .route("/docs/{*file}", get(explorer_file).with_state(explorer))
}

/// Serves a file of the page.
async fn explorer_file(
    State(config): State<Arc<Config<'static>>>,
    file: Option<Path<String>>,
) -> Result<Response, Problem> {
    let name = file.map_or_else(String::new, |Path(name)| name);
    let file =
        utoipa_swagger_ui::serve(&name, config).map_err(|error| Problem::internal(error.to_string()))?;
    let file = file.ok_or(Problem::NotFound { what: "path" })?;
    let mut response = if file.content_type == "text/html" {
        Html(file.bytes.into_owned()).into_response()
    } else {
        let content_type = HeaderValue::from_str(&file.content_type).map_err(Problem::internal)?;
        ([(CONTENT_TYPE, content_type)], file.bytes.into_owned()).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, EXPLORER_POLICY);
    if file.gzpipped {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Ok(response)
}
