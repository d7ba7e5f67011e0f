//! The table of conversations.

use thermocline_core::table::{ColumnDefault, ColumnType, ID, Table, column, index, table};

/// `conversations`
pub const CONVERSATIONS: Table = table(
    "conversations",
    &[
        ID,
        column("user1_id", ColumnType::Int).of("users"),
        column("user2_id", ColumnType::Int).of("users").null(),
        column("created_at", ColumnType::Time).default(ColumnDefault::Now),
        column("updated_at", ColumnType::Time).default(ColumnDefault::Now),
    ],
    "A conversation of two users. Conversations are not archived.",
)
.indexes(&[
    index("conversations_user1", &["user1_id", "updated_at DESC", "id DESC"], "a user's conversations"),
    index("conversations_user2", &["user2_id", "updated_at DESC", "id DESC"], "the same for the second user"),
]);
