//! The journal of moves: what both databases know of the moves that happened, and whether they agree.
//!
//! | table | tier | one row for each |
//! |---|---|---|
//! | `archive_state` | hot | resource: its epoch, and the token of the move that raised it ([`state`]) |
//! | `archive_head` | cold | resource: the number that was claimed last, and by which mover ([`claim`]) |
//! | `archive_batches` | cold | move: its kind, token, rows and digest ([`entry`]) |
//!
//! A move exists in cold before hot commits it. Hot's epoch and token therefore always have an entry in cold, and no entry
//! that hot was seen to commit lies above hot's epoch. Where either does not hold, one database is older than the other:
//! a [`ConsistencyError`], which no other room raises.

pub mod claim;
mod consistency;
mod digest;
pub mod entry;
mod kind;
pub mod pair;
pub mod proof;
pub mod state;

use thermocline_database::Statement;

pub use consistency::{ConsistencyError, Disagreement, JournalError};
pub use digest::Digest;
pub use entry::Entry;
pub use kind::MoveKind;
pub use pair::PairError;
pub use state::State;

thermocline_database::queries! {
    mod sql = "journal" {
        Shared: "queries.sql",
        Postgres: "queries.postgres.sql",
        Mssql: "queries.mssql.sql",
    }
    [
        above, claim, claims, confirm, delete, epochs, head, hold, insert, kinds, last_known, lock_claim,
        lock_state, locked_state, newest, next, oldest_readable_epoch, pair_cold, pair_hot, proven, quarantine,
        quarantined, raise, raise_oldest_readable_epoch, recent, release, spanned, standing, state, subtract,
        vacuum_bound,
    ]
}

/// Returns every statement of the journal.
pub fn statements() -> Vec<Statement> {
    sql::all().into_iter().copied().collect()
}
