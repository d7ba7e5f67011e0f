//! The statements of the adoption.

use super::original::{self, Original};
use super::source::Source;
use crate::model::Family;
use thermocline_database::Statement;

thermocline_database::queries! {
    /// Statements of the adoption.
    pub(super) mod sql = "adopt" {
        Shared: "queries.sql",
        Postgres: "queries.postgres.sql",
    }
    [
        activity_losers, adopt_activity, adoptions, brought_open, came_from_hot, classes, clear_activity,
        clear_rejects, close_brought, copied, copy, count_actions, count_leaves, count_nodes, count_original, differs,
        drop_original, drop_schema, forget_activity, forget_author, forget_copies, forget_kept, forget_original, held, hold_back,
        known, last_adopted, left_hot, look, losers, lowest_id, make_schema, newest_adopted, note_schema,
        noted_schema, open_schema, original_rows, originals, page, progress, put_back, references, resolved, set_aside, set_phase,
        set_zone, sort_out, sorted_out, start_again, unpair,
    ]
}

/// Returns the statement that moves a table of the platform to a schema.
pub(super) fn put_back(original: &Original, schema: &str) -> Statement {
    let values = [("source", &*original.place()), ("schema", &*original::quoted(schema))];
    sql::put_back().bind(&original.name, &values)
}

/// Returns the statement that notes the schema that the tables of a platform came from.
pub(super) fn note_schema(schema: &str) -> Statement {
    let comment = format!("'{}'", schema.replace('\'', "''"));
    sql::note_schema().bind(schema, &[("comment", &comment)])
}

/// Returns every statement of this module as it is sent for these families and a platform's tables as its models make them.
pub fn statements(families: &[&Family]) -> Vec<Statement> {
    let mut all: Vec<Statement> = vec![
        *sql::adoptions(),
        *sql::classes(),
        *sql::clear_activity(),
        *sql::clear_rejects(),
        *sql::drop_schema(),
        *sql::forget_activity(),
        *sql::held(),
        *sql::hold_back(),
        *sql::last_adopted(),
        *sql::left_hot(),
        *sql::make_schema(),
        *sql::newest_adopted(),
        *sql::noted_schema(),
        *sql::open_schema(),
        *sql::unpair(),
        *sql::originals(),
        *sql::progress(),
        *sql::resolved(),
        *sql::set_phase(),
        *sql::set_zone(),
        *sql::start_again(),
    ];
    for family in families {
        all.push(family.own().sql(sql::lowest_id()));
        for moved in &family.tables {
            let templates = [sql::came_from_hot(), sql::brought_open(), sql::close_brought()];
            all.extend(templates.map(|template| moved.sql(template)));
        }
        let original = Original::sample(family.own());
        if let Ok(source) = Source::of(&original, family, None) {
            all.extend(source.statements());
        }
    }
    let original = Original::sample_activity();
    if let Ok(source) = super::activity::ActivitySource::of(&original, None) {
        all.extend(source.statements());
    }
    let aside = Original::sample_activity();
    all.extend(
        [sql::set_aside(), sql::drop_original(), sql::count_original()].map(|template| aside.sql(template)),
    );
    all.extend([put_back(&aside, "public"), note_schema("public")]);
    all.retain(|statement| {
        let text = statement.for_sqlite().or(statement.for_postgres()).unwrap_or_default();
        !text.contains("{source}")
    });
    all
}
