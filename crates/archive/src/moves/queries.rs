//! The statements of moves.

use std::collections::BTreeSet;

use crate::model::Family;
use thermocline_database::Statement;

thermocline_database::queries! {
    /// Statements of moves.
    pub mod sql = "archive" {
        Shared: "queries.sql",
        Sqlite: "queries.sqlite.sql",
        Postgres: "queries.postgres.sql",
        Mssql: "queries.mssql.sql",
    }
    [
        any_open, close, cold_by, drop_versions, erase_later, erased_again, erased_wholly, erased_with, erasing, forget_adopted, forget_purged, held,
        hot_by, hot_of, note_erased, note_purged, noted, open_of, open_weights, reject, retry, take, take_followed, undo_activity, undo_closed,
        undo_erased, undo_purged, undo_rows, versions, was_erased,
    ]
}

/// Returns the statement that reads which of some ids are in a table of hot.
pub fn present(table: &str) -> Statement {
    sql::hot_of().bind(table, &[("table", table), ("columns", "id"), ("key", "id")])
}

/// Returns every statement of this module as it is sent for these families.
pub fn statements(families: &[&Family]) -> Vec<Statement> {
    let mut all: Vec<Statement> =
        sql::all().into_iter().filter(|sql| !sql.sqlite().contains('{')).copied().collect();
    for family in families {
        all.push(family.own().sql(sql::any_open()));
        for moved in &family.tables {
            all.extend([sql::open_weights(), sql::held()].map(|template| moved.sql(template)));
            all.extend([sql::undo_rows(), sql::undo_closed()].map(|template| moved.sql(template)));
            for key in BTreeSet::from([0, moved.owner]) {
                let by_id = [
                    sql::hot_of(),
                    sql::take(),
                    sql::open_of(),
                    sql::close(),
                    sql::versions(),
                    sql::drop_versions(),
                ];
                all.extend(by_id.map(|template| moved.sql_by(template, key)));
            }
            if moved.scope.is_some() {
                let keys = BTreeSet::from([0, moved.owner]);
                all.extend(keys.into_iter().map(|key| moved.sql_by(sql::take_followed(), key)));
            }
            if moved.has_ids() {
                all.push(moved.sql_by(sql::erased_again(), 0));
            }
            if moved.action.is_some() {
                all.extend([sql::hot_by(), sql::cold_by()].map(|template| moved.sql(template)));
            }
        }
    }
    let columns = families.iter().flat_map(|family| &family.tables).flat_map(|moved| moved.table.columns);
    let parents: BTreeSet<&str> = columns.filter_map(|column| column.references).collect();
    all.extend(parents.into_iter().map(present));
    all
}
