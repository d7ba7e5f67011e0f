//! The statements of the journal.

use thermocline_database::Statement;

thermocline_database::queries! {
    /// Statements on the tables of the journal.
    pub(super) mod sql = "journal" {
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
