//! The tables of the journal, which stand beside those of the resources in each tier.

use crate::archived::RESOURCE;
use crate::table::{Column, ColumnDefault, Kind, Only, StorageForm, Table, column, index, table};

const STATE: [Column; 9] = [
    RESOURCE,
    column("pair", Kind::Int).null(),
    column("epoch", Kind::Int).default(ColumnDefault::Int(0)),
    column("token", Kind::Int).null(),
    column("cold_newest_at", Kind::Time).null(),
    column("cold_newest_id", Kind::Int).null(),
    column("mover", Kind::Text).form(StorageForm::Length(200)).null(),
    column("held", Kind::Bool).default(ColumnDefault::Bool(false)),
    column("updated_at", Kind::Time).null(),
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

/// The rows of hot that cold cannot hold.
pub static ARCHIVE_REJECTS: Table = table(
    "archive_rejects",
    &[RESOURCE, column("id", Kind::Int), column("reason", Kind::Text), column("at", Kind::Time)],
    "Rows that cold cannot hold, with the reason. They stay in hot.",
)
.key(&["resource", "id"]);

/// The erased rows, in hot. Cold has the same, so that no backup of one tier brings a row back.
pub static ERASURES_IN_HOT: Table = table(
    "archive_erasures",
    &[RESOURCE, column("id", Kind::Int), column("reason", Kind::Text), column("at", Kind::Time)],
    "Rows that were erased. No move, import or recovery brings them back.",
)
.key(&["resource", "id"]);

const HEAD: [Column; 6] = [
    RESOURCE,
    column("pair", Kind::Int).null(),
    column("claimed", Kind::Int).default(ColumnDefault::Int(0)),
    column("floor", Kind::Int).default(ColumnDefault::Int(0)),
    column("mover", Kind::Text).null(),
    column("claimed_at", Kind::Time).null(),
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
        column("id", Kind::Int),
        column("reason", Kind::Text),
        column("at", Kind::Time),
        column("pending", Kind::Int).null(),
    ],
    "Rows that were or are being erased. No move, import or recovery brings them back.",
)
.key(&["resource", "id"])
.indexes(&[index("archive_erasures_pending", &["pending"], "the rows still to be erased")
    .only(Only::NotNull("pending"))]);
