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
        above, adopted, claim, claims, confirm, control, controlled, delete, epochs, head, hold, insert, kinds, last_known, live_bound,
        live_drop, live_kept, live_raise, lock_claim,
        lock_control, lock_state, locked_state, newest, next, oldest_readable_epoch, pair_cold, pair_hot, proven, quarantine,
        quarantined, raise, raise_oldest_readable_epoch, recent, release, set_control, spanned, standing, state, subtract,
        vacuum_bound,
    ]
}

/// Returns every statement of the journal.
pub fn statements() -> Vec<Statement> {
    let is_whole = |statement: &&Statement| {
        statement.for_sqlite().is_none_or(|text| !text.contains('{')) && *statement != sql::live_bound()
    };
    let mut all: Vec<Statement> = sql::all().into_iter().filter(is_whole).copied().collect();
    all.extend(super::live::statements());
    all
}
