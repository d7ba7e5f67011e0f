//! The tables of the journal, which stand beside those of the resources in each tier.

use crate::archived::RESOURCE;
use crate::table::{Column, ColumnDefault, ColumnType, Only, StorageForm, Table, column, index, table};

const STATE: [Column; 9] = [
    RESOURCE,
    column("pair", ColumnType::Int).null(),
    column("epoch", ColumnType::Int).default(ColumnDefault::Int(0)),
    column("token", ColumnType::Int).null(),
    column("cold_newest_at", ColumnType::Time).null(),
    column("cold_newest_id", ColumnType::Int).null(),
    column("mover", ColumnType::Text).form(StorageForm::Length(200)).null(),
    column("held", ColumnType::Bool).default(ColumnDefault::Bool(false)),
    column("updated_at", ColumnType::Time).null(),
];

/// Declares the state of each resource in hot.
pub const fn archive_state(resources: &'static [&'static str]) -> Table {
    table(
        "archive_state",
        &STATE,
        "The epoch of each resource. It is kept in hot so that it changes in the transaction that removes the rows.",
    )
    .key(&["resource"])
    .rows(resources)
}

const CONTROL: [Column; 5] = [
    RESOURCE,
    column("paused", ColumnType::Bool).default(ColumnDefault::Bool(false)),
    column("rows_per_second", ColumnType::Int).null(),
    column("max_hot_latency_ms", ColumnType::Int).null(),
    column("changed_at", ColumnType::Time).null(),
];

/// Declares the requests of operators to the movers of each resource. Moves keep the row of `archive_state` locked, so it is a
/// table of its own.
pub const fn archive_control(resources: &'static [&'static str]) -> Table {
    table(
        "archive_control",
        &CONTROL,
        "The requests of operators to all movers of a resource: `archive pause`, `continue` and `pace`.",
    )
    .key(&["resource"])
    .rows(resources)
}

/// The rows of hot that cold cannot hold.
pub static ARCHIVE_REJECTS: Table = table(
    "archive_rejects",
    &[
        RESOURCE,
        column("id", ColumnType::Int),
        column("reason", ColumnType::Text),
        column("at", ColumnType::Time),
    ],
    "Rows that cold cannot hold, with the reason. They stay in hot.",
)
.key(&["resource", "id"]);

/// The erased rows, in hot. Cold has the same, so that no backup of one tier brings a row back.
pub static ERASURES_IN_HOT: Table = table(
    "archive_erasures",
    &[
        RESOURCE,
        column("id", ColumnType::Int),
        column("reason", ColumnType::Text),
        column("at", ColumnType::Time),
    ],
    "Rows that were erased. No move, import or recovery brings them back.",
)
.key(&["resource", "id"]);

const HEAD: [Column; 6] = [
    RESOURCE,
    column("pair", ColumnType::Int).null(),
    column("claimed", ColumnType::Int).default(ColumnDefault::Int(0)),
    column("floor", ColumnType::Int).default(ColumnDefault::Int(0)),
    column("mover", ColumnType::Text).null(),
    column("claimed_at", ColumnType::Time).null(),
];

/// Declares the claim of each resource in cold.
pub const fn archive_head(resources: &'static [&'static str]) -> Table {
    table("archive_head", &HEAD, "The claim row of each resource. The active mover holds the newest number.")
        .key(&["resource"])
        .rows(resources)
}

/// The moves.
pub static ARCHIVE_BATCHES: Table = table(
    "archive_batches",
    &[
        RESOURCE,
        column("epoch", ColumnType::Int),
        column("kind", ColumnType::Text),
        column("token", ColumnType::Int),
        column("row_count", ColumnType::Int),
        column("first_at", ColumnType::Time).null(),
        column("first_id", ColumnType::Int).null(),
        column("last_at", ColumnType::Time).null(),
        column("last_id", ColumnType::Int).null(),
        column("digest", ColumnType::Text),
        column("started", ColumnType::Time),
        column("finished", ColumnType::Time),
        column("confirmed", ColumnType::Bool).default(ColumnDefault::Bool(false)),
    ],
    "The journal: one row for each move.",
)
.key(&["resource", "epoch"])
.indexes(&[index("archive_batches_confirmed", &["resource", "epoch DESC"], "the newest confirmed batch")
    .only(Only::True("confirmed"))]);

/// The erased rows, in cold.
pub static ERASURES_IN_COLD: Table = table(
    "archive_erasures",
    &[
        RESOURCE,
        column("id", ColumnType::Int),
        column("reason", ColumnType::Text),
        column("at", ColumnType::Time),
        column("pending", ColumnType::Int).null(),
    ],
    "Rows that were or are being erased. No move, import or recovery brings them back.",
)
.key(&["resource", "id"])
.indexes(&[index("archive_erasures_pending", &["pending"], "the rows still to be erased")
    .only(Only::NotNull("pending"))]);

/// The progress of adopting a platform's own archive.
pub static ARCHIVE_ADOPTION: Table = table(
    "archive_adoption",
    &[
        column("source", ColumnType::Text),
        column("phase", ColumnType::Text),
        column("zone", ColumnType::Text),
        column("last_id", ColumnType::Int),
        column("row_count", ColumnType::Int),
        column("left_hot", ColumnType::Int),
        column("at", ColumnType::Time),
    ],
    "The progress of each table of a platform's own archive. Nothing is served or moved before all are done.",
)
.key(&["source"]);

/// The rows of a platform's own archive that did not become versions.
pub static ADOPTION_REJECTS: Table = table(
    "archive_adoption_rejects",
    &[
        column("source", ColumnType::Text),
        column("id", ColumnType::Int),
        column("original_id", ColumnType::Int).null(),
        column("class", ColumnType::Text),
        column("detail", ColumnType::Text),
        column("content", ColumnType::Text).null(),
        column("at", ColumnType::Time),
    ],
    "Rows of a platform's own archive that did not become versions, whole, with the reason. They stay for good.",
)
.key(&["source", "id"])
.indexes(&[
    index("archive_adoption_rejects_original", &["source", "original_id"], "the rows of an id, to erase them"),
    index("archive_adoption_rejects_class", &["source", "class", "id"], "the rows of a class"),
]);

/// The change feed, in hot where it is wanted: its state.
pub static LIVE_STATE: Table = table(
    "live_state",
    &[
        column("one", ColumnType::Int),
        column("incarnation", ColumnType::Int),
        column("floor", ColumnType::Int),
    ],
    "The change feed, where it is wanted. Tokens of another incarnation, or of a version below the floor, have expired. In SQLite \
     `version` is the newest one.",
)
.key(&["one"]);

const LIVE: [Column; 3] =
    [column("version", ColumnType::Int), column("id", ColumnType::Int), column("scope", ColumnType::Int)];

/// The messages that moved to cold above the floor.
pub static LIVE_MOVED: Table = table(
    "live_moved",
    &LIVE,
    "Messages that moved to cold with a version at or above the floor. A reader of the feed who has not seen them reads them \
     there. `scope` is the conversation.",
)
.key(&["version", "id"]);

/// The messages that were erased above the floor.
pub static LIVE_ERASED: Table = table(
    "live_erased",
    &LIVE,
    "Messages that were erased above the floor. In SQL Server `version` is a ROWVERSION.",
)
.key(&["version", "id"]);
