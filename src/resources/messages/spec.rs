//! The declaration of messages.

use super::{ALL, CONTAINING, archive, http, sql, tables};
use crate::import::Noun;
use crate::resources::resource::{Moves, Resource};

/// Messages as files hold them.
pub static MESSAGE_RECORDS: Noun = Noun::new("messages", &tables::MESSAGES).requires(&["created_at"]);

/// Messages move alone.
pub static MESSAGES: Resource = Resource::new("messages", &[&tables::MESSAGES])
    .importing(&[&MESSAGE_RECORDS])
    .in_cold(&[&tables::MESSAGES_ARCHIVE], &[&tables::MESSAGES_BLOCKS, &tables::MESSAGES_SIGNATURES])
    .listed(&[&ALL, &CONTAINING])
    .querying(sql::queries::all)
    .routed(http::routes)
    .moving(Moves { family: || &archive::FAMILY, due_by_activity: false });
