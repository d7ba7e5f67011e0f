//! The declaration of tables in cold: the versions of moved rows, the counted blocks beside them, and the signatures of these.
//!
//! A version is visible at epoch E when `from_epoch <= E` and (`to_epoch IS NULL` or `to_epoch > E`). Each list needs an index of
//! the open versions, which are nearly all, and one of the closed ones, so that a read after a large restore does not walk
//! through versions that nobody can see. Every unique key holds the column by which a distributed server would spread the table.

use crate::table::{Column, ColumnType, ID, Index, Only, StorageForm, Table, column, index, table};

/// The rows of an index of open versions.
pub const OPEN: Only = Only::Null("to_epoch");
/// The rows of an index of closed versions.
pub const CLOSED: Only = Only::NotNull("to_epoch");
/// The move that brought a row.
pub const FROM_EPOCH: Column = column("from_epoch", ColumnType::Int);
/// The name of a resource.
pub const RESOURCE: Column = column("resource", ColumnType::Text).form(StorageForm::Code(20));

/// Returns the columns of a moved table in cold: a number of its own, the columns of the row in hot, when it moved, and
/// between which epochs it is visible. `N` is four more than the number of columns in hot.
pub const fn versions<const N: usize>(own: &[Column]) -> [Column; N] {
    let mut columns = [ID; N];
    let mut place = 0;
    while place < own.len() {
        let Column { archived, kind, form, nullable, .. } = own[place];
        columns[place + 1] = Column { form, nullable, ..column(archived, kind) };
        place += 1;
    }
    columns[N - 3] = column("archived_at", ColumnType::Time);
    columns[N - 2] = FROM_EPOCH;
    columns[N - 1] = column("to_epoch", ColumnType::Int).null();
    columns
}

/// Declares the index that finds a batch.
pub const fn batch_index(name: &'static str) -> Index {
    index(name, &["from_epoch"], "the rows of a batch, to prove or undo it")
}

/// Declares the index that finds what a move closed.
pub const fn closed_index(name: &'static str) -> Index {
    index(
        name,
        &["to_epoch"],
        "the versions that a move closed; few are closed after the epoch a reader asks for",
    )
    .only(CLOSED)
}

/// Declares the index that finds a row by its id in hot.
pub const fn original_index(name: &'static str) -> Index {
    index(name, &["original_id"], "a row by the id it had in hot")
}

const BLOCK: [Column; 6] = [
    column("scope", ColumnType::Int),
    column("level", ColumnType::Int).form(StorageForm::Small),
    column("upper_at", ColumnType::Time),
    column("upper_id", ColumnType::Int),
    FROM_EPOCH,
    column("n", ColumnType::Int),
];

/// Declares a table of counted blocks.
pub const fn blocks(name: &'static str, indexes: &'static [Index]) -> Table {
    let about = "Counted blocks: `n` is a signed delta; a block holds `sum(n)` rows of its scope at epoch E over \
        `from_epoch <= E`.";
    table(name, &BLOCK, about).key(&["scope", "level", "upper_at", "upper_id", "from_epoch"]).indexes(indexes)
}

const SIGNATURE: [Column; 5] = [
    column("scope", ColumnType::Int),
    column("upper_at", ColumnType::Time),
    column("upper_id", ColumnType::Int),
    FROM_EPOCH,
    column("bits", ColumnType::Bytes),
];

/// Declares a table of signatures.
pub const fn signatures(name: &'static str, indexes: &'static [Index]) -> Table {
    let about = "Signatures of counted blocks of level 0: which texts a search cannot find in the open rows of a block. A signature \
        holds while its move is the last that counted in the block; a block without one is read.";
    table(name, &SIGNATURE, about).key(&["scope", "upper_at", "upper_id", "from_epoch"]).indexes(indexes)
}
