//! The description of the API in OpenAPI, and the pages that show it.
//!
//! Routes describe only themselves: parameters, the answer, and errors that other routes do not have. `document` adds the
//! rest, the same for every route, and brings the whole into a form that code generators take:
//!
//! 1. `operations`: one operation for each media type; the errors, headers and parameters that all routes share.
//! 2. `schemas`: no composition where plain objects do.
//! 3. `ids`: on request, ids as texts.
//! 4. `v3_0`: on request, for tools that read OpenAPI 3.0 only.

mod errors;
mod ids;
mod operations;
pub mod routes;
mod schemas;
mod v3_0;

use serde_json::{Value, json};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use crate::web::base_path::BasePath;
use crate::web::ids::IdStyle;
use crate::web::problem::Details;
use crate::web::schema::{ConversationOrder, CountMode, PartialMode, PriceFormat, SortOrder, TierName};

/// The parts of the description that belong to no route.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Thermocline",
        description = "One API over a hot and a cold database, in which nobody can tell where a row lives.\n\n\
            Every list takes the same parameters and has the same envelope; a request uses one style of paging: pages, \
            offsets, or a cursor. Errors are problem details (RFC 9457), always of the type `application/problem+json`; \
            `application/json` stands beside it for generators that know no other.\n\n\
            `ids=string` writes every id as a text, for clients whose numbers end at 2^53. This description with \
            `?ids=string` has those types. `/openapi-3.0.json` is the same description for tools that read OpenAPI 3.0.",
        contact(name = "The operator of this server"),
        license(name = "Apache-2.0", url = "https://www.apache.org/licenses/LICENSE-2.0.html")
    ),
    tags(
        (name = "conversations", description = "The conversations of the caller."),
        (name = "messages", description = "The messages of a conversation, for its two users."),
        (name = "posts", description = "Posts and their comments."),
        (name = "stocks", description = "Stocks and their daily prices."),
        (name = "charts", description = "The Universal Data Feed, as charting libraries ask for it."),
        (name = "users", description = "The names of users, and their activity."),
        (name = "operations", description = "Health, probes and metrics, without a token; the archive, for admins.")
    ),
    components(schemas(Details, TierName, ConversationOrder, CountMode, PartialMode, SortOrder, PriceFormat)),
    modifiers(&Bearer),
    security(("bearer" = []))
)]
pub struct Api;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some("A JWT that this server accepts."));
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(scheme.build()));
    }
}

/// A version of OpenAPI.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Version {
    /// OpenAPI 3.1
    #[default]
    #[value(name = "3.1")]
    V3_1,
    /// OpenAPI 3.0
    #[value(name = "3.0")]
    V3_0,
}

/// The form in which the API is described.
#[derive(Clone, Debug, Default)]
pub struct Form {
    /// The version of OpenAPI.
    pub version: Version,
    /// The form in which ids are written.
    pub ids: IdStyle,
    /// The prefix of the paths.
    pub base: BasePath,
}

/// Returns the description of the routes that `api` holds.
///
/// # Panics
/// If a description cannot be written as JSON, which the tests rule out.
pub fn document(api: &utoipa::openapi::OpenApi, form: &Form) -> Value {
    let mut document = serde_json::to_value(api).expect("a description is JSON");
    let url = if form.base.as_str().is_empty() { "/" } else { form.base.as_str() };
    document["servers"] = json!([{ "url": url, "description": "This server." }]);
    operations::complete(&mut document);
    schemas::simplify(&mut document);
    if form.ids == IdStyle::Text {
        ids::as_texts(&mut document);
    }
    if form.version == Version::V3_0 {
        v3_0::convert(&mut document);
    }
    document
}
