//! The cold tier: what the mover writes to.
//!
//! A row is visible at epoch E when `from_epoch <= E` and (`to_epoch IS NULL` or `to_epoch > E`). Each list has two
//! indexes, of the open versions, which are nearly all, and of the closed ones, so that a read after a large restore
//! does not wade through versions nobody can see. Every unique key holds the column a distributed server would spread
//! the table by.

use super::hot::{COMMENTS, LIKES, MESSAGES, POSTS, PRICES};
use super::{
    Column, ColumnDefault, ID, Index, Kind, Only, RESOURCE, RESOURCES, StorageForm, Table, column, index,
    table,
};

const OPEN: Only = Only::Null("to_epoch");
const CLOSED: Only = Only::NotNull("to_epoch");
const EPOCH: Column = column("from_epoch", Kind::Int);

/// The columns of a moved table's twin: a number of its own, what the row held in hot, when it moved, and between which
/// epochs it is seen.
const fn versions<const N: usize>(own: &[Column]) -> [Column; N] {
    let mut columns = [ID; N];
    let mut place = 0;
    while place < own.len() {
        let Column { archived, kind, form, nullable, .. } = own[place];
        columns[place + 1] = Column { form, nullable, ..column(archived, kind) };
        place += 1;
    }
    columns[N - 3] = column("archived_at", Kind::Time);
    columns[N - 2] = EPOCH;
    columns[N - 1] = column("to_epoch", Kind::Int).null();
    columns
}

const fn batch(name: &'static str) -> Index {
    index(name, &["from_epoch"], "a batch, to prove it or take it back")
}

const fn closed(name: &'static str) -> Index {
    index(
        name,
        &["to_epoch"],
        "what a move closed: hardly anything is closed after the epoch a reader asks for",
    )
    .only(CLOSED)
}

const fn original(name: &'static str) -> Index {
    index(name, &["original_id"], "a row by the id it had in hot")
}

const MESSAGES_ARCHIVE: Table = table(
    "messages_archive",
    &versions::<{ MESSAGES.columns.len() + 4 }>(MESSAGES.columns),
    "Messages that moved.",
)
.key(&["conversation_id", "id"])
.indexes(&[
    index(
        "messages_archive_open",
        &["conversation_id", "created_at DESC", "original_id DESC"],
        "a conversation's pages",
    )
    .unique()
    .only(OPEN),
    closed("messages_archive_closed"),
    original("messages_archive_original"),
    batch("messages_archive_batch"),
]);

const POSTS_ARCHIVE: Table =
    table("posts_archive", &versions::<{ POSTS.columns.len() + 4 }>(POSTS.columns), "Posts that moved.")
        .key(&["author_id", "id"])
        .indexes(&[
            index("posts_archive_open", &["created_at DESC", "original_id DESC"], "all posts").only(OPEN),
            closed("posts_archive_closed"),
            index(
                "posts_archive_author_open",
                &["author_id", "created_at DESC", "original_id DESC"],
                "an author's posts",
            )
            .unique()
            .only(OPEN),
            original("posts_archive_original"),
            batch("posts_archive_batch"),
        ]);

const COMMENTS_ARCHIVE: Table = table(
    "comments_archive",
    &versions::<{ COMMENTS.columns.len() + 4 }>(COMMENTS.columns),
    "Comments that moved with their post.",
)
.key(&["post_id", "id"])
.indexes(&[
    index("comments_archive_open", &["post_id", "created_at DESC", "original_id DESC"], "a post's comments")
        .unique()
        .only(OPEN),
    index(
        "comments_archive_closed",
        &["post_id", "created_at DESC", "original_id DESC"],
        "the same, of closed versions",
    )
    .only(CLOSED),
    closed("comments_archive_closed_epoch"),
    original("comments_archive_original"),
    batch("comments_archive_batch"),
]);

const LIKES_ARCHIVE: Table = table(
    "likes_archive",
    &versions::<{ LIKES.columns.len() + 4 }>(LIKES.columns),
    "Likes that moved with their post.",
)
.key(&["post_id", "id"])
.indexes(&[
    index("likes_archive_open", &["post_id", "user_id"], "the number of a post's likes").unique().only(OPEN),
    index("likes_archive_closed", &["post_id", "user_id"], "the same, of closed versions").only(CLOSED),
    closed("likes_archive_closed_epoch"),
    batch("likes_archive_batch"),
]);

const PRICES_HISTORY: Table = table(
    "stock_prices_history",
    &versions::<{ PRICES.columns.len() + 4 }>(PRICES.columns),
    "Prices that moved; one open version a stock and day.",
)
.key(&["stock_id", "id"])
.indexes(&[
    index("stock_prices_history_open", &["stock_id", "trade_date DESC"], "a stock's days")
        .unique()
        .only(OPEN),
    closed("stock_prices_history_closed"),
    original("stock_prices_history_original"),
    batch("stock_prices_history_batch"),
]);

/// `user_behavior_analytics`
pub const BEHAVIOR: Table = table(
    "user_behavior_analytics",
    &[
        ID,
        column("user_id", Kind::Int),
        column("action_type", Kind::Text).form(StorageForm::Length(50)),
        column("action_count", Kind::Int),
        column("analysis_date", Kind::Date),
        column("metadata", Kind::Text).form(StorageForm::Json).null(),
        column("created_at", Kind::Time),
        RESOURCE,
        EPOCH,
    ],
    "What users did a day. Rows are deltas: their sum is the count.",
)
.key(&["user_id", "id"])
.indexes(&[
    index("user_behavior_analytics_user", &["user_id", "analysis_date DESC"], "a user's days"),
    index("user_behavior_analytics_batch", &["resource", "from_epoch"], "a batch, to take it back"),
]);

const BLOCK: [Column; 6] = [
    column("scope", Kind::Int),
    column("level", Kind::Int).form(StorageForm::Small),
    column("upper_at", Kind::Time),
    column("upper_id", Kind::Int),
    EPOCH,
    column("n", Kind::Int),
];

const fn blocks(name: &'static str, indexes: &'static [Index]) -> Table {
    let about = "Counted blocks: `n` is a signed delta; a block holds `sum(n)` rows of its scope at epoch E over \
        `from_epoch <= E`.";
    table(name, &BLOCK, about).key(&["scope", "level", "upper_at", "upper_id", "from_epoch"]).indexes(indexes)
}

const MESSAGES_BLOCKS: Table = blocks("messages_archive_blocks", &[batch("messages_archive_blocks_batch")]);
const POSTS_BLOCKS: Table = blocks("posts_archive_blocks", &[batch("posts_archive_blocks_batch")]);

const HEAD: Table = table(
    "archive_head",
    &[
        RESOURCE,
        column("pair", Kind::Int).null(),
        column("claimed", Kind::Int).default(ColumnDefault::Int(0)),
        column("floor", Kind::Int).default(ColumnDefault::Int(0)),
        column("mover", Kind::Text).null(),
        column("claimed_at", Kind::Time).null(),
    ],
    "The claim row of each resource: who moves holds the newest number.",
)
.key(&["resource"])
.rows(RESOURCES);

const BATCHES: Table = table(
    "archive_batches",
    &[
        RESOURCE,
        column("epoch", Kind::Int),
        column("kind", Kind::Text),
        column("token", Kind::Int),
        column("row_count", Kind::Int),
        column("first_at", Kind::Time).null(),
        column("first_id", Kind::Int).null(),
        column("last_at", Kind::Time).null(),
        column("last_id", Kind::Int).null(),
        column("digest", Kind::Text),
        column("started", Kind::Time),
        column("finished", Kind::Time),
        column("confirmed", Kind::Bool).default(ColumnDefault::Bool(false)),
    ],
    "The journal of moves.",
)
.key(&["resource", "epoch"])
.indexes(&[index("archive_batches_confirmed", &["resource", "epoch DESC"], "the newest confirmed batch")
    .only(Only::True("confirmed"))]);

const ERASURES: Table = table(
    "archive_erasures",
    &[
        RESOURCE,
        column("id", Kind::Int),
        column("reason", Kind::Text),
        column("at", Kind::Time),
        column("pending", Kind::Int).null(),
    ],
    "Rows that were or are being erased: no move, import or recovery brings one back.",
)
.key(&["resource", "id"])
.indexes(&[index("archive_erasures_pending", &["pending"], "what is still to be erased")
    .only(Only::NotNull("pending"))]);

/// Every table of the cold tier.
pub const TABLES: [&Table; 11] = [
    &MESSAGES_ARCHIVE,
    &POSTS_ARCHIVE,
    &COMMENTS_ARCHIVE,
    &LIKES_ARCHIVE,
    &PRICES_HISTORY,
    &BEHAVIOR,
    &MESSAGES_BLOCKS,
    &POSTS_BLOCKS,
    &HEAD,
    &BATCHES,
    &ERASURES,
];
