//! The family of messages: they move alone and are counted by conversation.

use std::sync::LazyLock;

use super::sql::queries;
use super::tables::MESSAGES;
use crate::archive::{Blocks, Due, Family, Moved, Signatures};
use crate::page::Key;
use crate::tier::Value;

/// Messages.
pub static FAMILY: LazyLock<Family> = LazyLock::new(|| Family {
    resource: "messages",
    tables: vec![Moved::new(&MESSAGES, "id").written_by("sender_id", "chat").followed_by("conversation_id")],
    due: Due { pick: *queries::due(), count: *queries::due_count() },
    due_by_activity: None,
    by_day: false,
    key,
    blocks: Some(Blocks {
        table: "messages_archive_blocks",
        scopes: |row| vec![row[1].int()],
        expressions: &["conversation_id"],
        keys: |_conversation| queries::block_keys(),
        signatures: Some(Signatures { table: "messages_archive_signatures", texts: queries::block_texts }),
    }),
    supersede: None,
});

/// Returns the key of a row in the order of [`MESSAGES`].
fn key(row: &[Value]) -> Key {
    Key::new(row[4].time(), row[0].int())
}
