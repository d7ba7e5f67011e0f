//! The resources of the API: one directory for each, with its declaration, its lists with their SQL, and its routes.
//!
//! [`registry`] lists them. No resource uses another, except that conversations show their users and last messages.

pub mod behavior;
pub mod conversations;
pub mod messages;
pub mod posts;
pub mod registry;
pub mod resource;
pub mod stocks;
pub mod users;

use utoipa_axum::router::OpenApiRouter;

use crate::web::state::App;

pub use registry::families;

/// Returns the routes of every resource.
pub fn routes() -> OpenApiRouter<App> {
    let routes = registry::RESOURCES.into_iter().filter_map(|resource| resource.routes);
    routes.fold(OpenApiRouter::new(), |router, routes| router.merge(routes()))
}
