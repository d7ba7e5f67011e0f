//! The declaration of messages.

use super::{ALL, CONTAINING, archive, http, sql, tables};
use crate::resources::resource::{Import, Moves, Resource};

/// Messages move alone.
pub static MESSAGES: Resource = Resource::new("messages", &[&tables::MESSAGES])
    .importing(&[Import::new("messages", &tables::MESSAGES)])
    .in_cold(&[&tables::MESSAGES_ARCHIVE], &[&tables::MESSAGES_BLOCKS])
    .listed(&[&ALL, &CONTAINING])
    .querying(sql::queries::all)
    .routed(http::routes)
    .moving(Moves { family: || &archive::FAMILY, due_by_activity: false });
