//! What the service serves, one folder a noun: its row, its lists with their SQL, its routes, and how it moves.
//!
//! Resources never look at each other. `lib.rs` tells how to add one.

pub mod behavior;
pub mod conversations;
pub mod messages;
pub mod posts;
pub mod stocks;

use utoipa_axum::router::OpenApiRouter;

use crate::archive::Family;
use crate::web::state::App;

/// Everything that moves, in the order `archive run` takes it.
pub fn families() -> [&'static Family; 3] {
    [&messages::archive::FAMILY, &posts::archive::FAMILY, &stocks::archive::FAMILY]
}

/// The routes of every resource.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(conversations::http::routes())
        .merge(messages::http::routes())
        .merge(posts::http::routes())
        .merge(stocks::http::routes())
        .merge(behavior::http::routes())
}
