//! How messages move: alone, counted by conversation.

use std::sync::LazyLock;

use crate::archive::family::Blocks;
use crate::archive::{Archived, Due, Family, Moved};
use crate::page::Key;
use crate::schema::MESSAGES;
use crate::tier::{Statement, Value, cold_sql, hot_sql};

/// Messages.
pub static FAMILY: LazyLock<Family> = LazyLock::new(|| Family {
    resource: "messages",
    tables: vec![Moved::new(&MESSAGES, "id").written_by("sender_id", "chat")],
    due: Due { pick: hot_sql!("due"), count: hot_sql!("due_count") },
    due_by_activity: None,
    by_day: false,
    key,
    archived: Archived::new(&MESSAGES),
    blocks: Some(Blocks::new(
        "messages_archive_blocks",
        |row| vec![row[1].int()],
        |_conversation| &BLOCK_KEYS,
    )),
    supersede: None,
});

static BLOCK_KEYS: LazyLock<Statement> = LazyLock::new(|| cold_sql!("block_keys"));

/// Of a row in the order of [`MESSAGES`].
fn key(row: &[Value]) -> Key {
    Key::new(row[4].time(), row[0].int())
}
