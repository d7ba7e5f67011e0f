//! The tables of messages.

use thermocline_core::archived::{
    OPEN, batch_index, blocks, closed_index, original_index, signatures, versions,
};
use thermocline_core::table::{ColumnDefault, ColumnType, ID, Only, Table, column, index, table};

/// `messages`, `messages_archive`
pub const MESSAGES: Table = table(
    "messages",
    &[
        ID,
        column("conversation_id", ColumnType::Int).of("conversations"),
        column("sender_id", ColumnType::Int).of("users"),
        column("content", ColumnType::Text),
        column("created_at", ColumnType::Time).default(ColumnDefault::Now),
        column("is_read", ColumnType::Bool).default(ColumnDefault::Bool(false)),
    ],
    "Messages that have not been archived.",
)
.moves_to("messages_archive")
.indexes(&[
    index("messages_key", &["conversation_id", "created_at DESC", "id DESC"], "a conversation's pages"),
    index("messages_due", &["created_at", "id"], "the mover's scan for due rows"),
]);

/// `messages_archive`
pub const MESSAGES_ARCHIVE: Table = table(
    "messages_archive",
    &versions::<{ MESSAGES.columns.len() + 4 }>(MESSAGES.columns),
    "Versions of archived messages.",
)
.key(&["conversation_id", "created_at", "id"])
.indexes(&[
    index(
        "messages_archive_open",
        &["conversation_id", "created_at DESC", "original_id DESC"],
        "a conversation's pages",
    )
    .unique()
    .only(OPEN),
    closed_index("messages_archive_closed"),
    index(
        "messages_archive_unread",
        &["conversation_id", "sender_id"],
        "the unread messages of a conversation",
    )
    .only(Only::False("is_read")),
    original_index("messages_archive_original"),
    batch_index("messages_archive_batch"),
]);

/// `messages_archive_blocks`
pub const MESSAGES_BLOCKS: Table =
    blocks("messages_archive_blocks", &[batch_index("messages_archive_blocks_batch")]);

/// `messages_archive_signatures`
pub const MESSAGES_SIGNATURES: Table =
    signatures("messages_archive_signatures", &[batch_index("messages_archive_signatures_batch")]);
