//! The declaration of messages.

use super::{ALL, CONTAINING, archive, http, sql};
use crate::resources::resource::{Import, Moves, Resource};
use crate::schema;

/// Messages move alone.
pub static MESSAGES: Resource = Resource::new("messages", &[&schema::MESSAGES])
    .importing(&[Import::new("messages", &schema::MESSAGES)])
    .listed(&[&ALL, &CONTAINING])
    .querying(sql::queries::all)
    .routed(http::routes)
    .moving(Moves { family: || &archive::FAMILY, due_by_activity: false });
