//! The statements of the adoption.

use super::original::{self, Original};
use super::source::Source;
use crate::model::{Family, Moved};
use thermocline_database::Statement;

thermocline_database::queries! {
    /// Statements of the adoption.
    pub(super) mod sql = "adopt" {
        Shared: "queries.sql",
        Postgres: "queries.postgres.sql",
        Mssql: "queries.mssql.sql",
    }
    [
        activity_losers, adopt_activity, adoptions, classes, clear_activity, clear_rejects, copied, copy, count_actions,
        count_leaves, count_original, count_nodes, differs, drop_original, drop_schema, forget, forget_original, held, hold_back, known,
        last_adopted, left_hot, look, losers, lowest_id, make_schema, newest_adopted, original_rows, originals, page,
        progress, put_back, references, resolved, set_aside, set_phase, set_zone, sort_out, sorted_out, strays, zones,
    ]
}

/// Returns the statement that finds children in hot whose owner is not there.
pub(super) fn strays(family: &Family, moved: &Moved) -> Statement {
    let owner = moved.table.columns[moved.owner].name;
    let (table, owners) = (moved.table.name, family.own().table.name);
    sql::strays().bind(table, &[("table", table), ("owners", owners), ("owner", owner)])
}

/// Returns the statement that moves a table of the platform to a schema.
pub(super) fn put_back(original: &Original, schema: &str) -> Statement {
    let values = [("source", &*original.place()), ("schema", &*original::quoted(schema))];
    sql::put_back().bind(&original.name, &values)
}

/// Returns every statement of this room as it is sent for these families and a platform's tables as its models make them.
pub fn statements(families: &[&Family]) -> Vec<Statement> {
    let mut all: Vec<Statement> = vec![
        *sql::adoptions(),
        *sql::classes(),
        *sql::clear_activity(),
        *sql::clear_rejects(),
        *sql::drop_schema(),
        *sql::forget(),
        *sql::held(),
        *sql::hold_back(),
        *sql::last_adopted(),
        *sql::left_hot(),
        *sql::make_schema(),
        *sql::newest_adopted(),
        *sql::originals(),
        *sql::progress(),
        *sql::resolved(),
        *sql::set_phase(),
        *sql::set_zone(),
        *sql::zones(),
    ];
    for family in families {
        all.push(family.own().sql(sql::lowest_id()));
        let children = &family.tables[..family.tables.len() - 1];
        all.extend(children.iter().map(|moved| strays(family, moved)));
        let original = Original::sample(family.own());
        if let Ok(source) = Source::of(&original, family, original::UTC) {
            all.extend(source.statements());
        }
    }
    let original = Original::sample_activity();
    if let Ok(source) = super::activity::ActivitySource::of(&original, original::UTC) {
        all.extend(source.statements());
    }
    let aside = Original::sample_activity();
    all.extend([sql::set_aside(), sql::drop_original(), sql::count_original()].map(|template| aside.sql(template)));
    all.push(put_back(&aside, "public"));
    all.retain(|statement| {
        let text = statement.for_sqlite().or(statement.for_postgres()).unwrap_or_default();
        !text.contains("{source}")
    });
    all
}
