//! The statements of this module.

use crate::model::{Family, Moved};
use thermocline_core::table::{Column, ColumnType};
use thermocline_database::{RESERVE_IDS, Statement};

thermocline_database::queries! {
    /// Statements of recoveries.
    pub(super) mod sql = "recover" {
        Shared: "queries.sql",
        Sqlite: "queries.sqlite.sql",
        Postgres: "queries.postgres.sql",
        Mssql: "queries.mssql.sql",
    }
    [
        close_above, highest_id, ids_after, open_versions_of, referred, replace, reserve_ids, strays, versions_above,
        watermark,
    ]
}

/// Returns the template that reads the next ids of a table of hot.
pub fn ids_after() -> &'static Statement {
    sql::ids_after()
}

/// Returns the statement that reads the newest key of the open versions. A key by day has no second part.
pub(super) fn watermark(family: &Family) -> Statement {
    let own = family.own();
    let day = own.table.columns.iter().find(|column| column.kind == ColumnType::Date);
    let (at, id) = day.map_or(("created_at", "original_id"), |day| (day.archived, "0"));
    sql::watermark().bind(own.archived, &[("table", own.archived), ("at", at), ("id", id)])
}

/// Returns the columns of a table that refer to tables outside of its family.
pub(super) fn outward<'a>(
    family: &'a Family,
    moved: &'a Moved,
) -> impl Iterator<Item = &'static Column> + 'a {
    let is_own = |table: &str| family.tables.iter().any(|other| other.table.name == table);
    moved.table.columns.iter().filter(move |column| column.references.is_some_and(|table| !is_own(table)))
}

/// Returns the statement that reads the ids in a column of the open rows.
pub(super) fn referred(moved: &Moved, column: &Column) -> Statement {
    let subject = format!("{}.{}", moved.archived, column.archived);
    sql::referred().bind(&subject, &[("table", moved.archived), ("column", column.archived)])
}

/// Returns the statement that finds children in hot whose owner is not there.
pub fn strays(family: &Family, moved: &Moved) -> Statement {
    let owner = moved.table.columns[moved.owner].name;
    let (table, owners) = (moved.table.name, family.own().table.name);
    sql::strays().bind(table, &[("table", table), ("owners", owners), ("owner", owner)])
}

/// Returns the template that makes hot give out no id of a table up to one.
pub(super) fn reserve_ids() -> Statement {
    sql::reserve_ids().bind("", &[("reserve", RESERVE_IDS)])
}

/// Returns the statement that makes hot give out no id of a table of parents up to one.
pub(super) fn reserve_parents(table: &str) -> Statement {
    reserve_ids().bind(table, &[("table", table)])
}

/// Returns the statement that sets every column but the id, from parameters in the order of the columns.
pub(super) fn replace(moved: &Moved) -> Statement {
    let assigned = |value: fn(usize, ColumnType) -> String| {
        let columns = moved.table.columns.iter().enumerate().skip(1);
        let terms = columns.map(|(at, column)| format!("{} = {}", column.name, value(at + 1, column.kind)));
        terms.collect::<Vec<_>>().join(", ")
    };
    let table = moved.table.name;
    let parameters: Vec<String> = moved.table.columns.iter().map(Column::parameter).collect();
    let values = [
        ("parameters", &*parameters.join(", ")),
        ("table", table),
        ("values", &*assigned(|n, _| format!("${n}"))),
        ("typed_values", &assigned(parameter_in_mssql)),
    ];
    sql::replace().bind(table, &values)
}

fn parameter_in_mssql(n: usize, kind: ColumnType) -> String {
    match kind {
        ColumnType::Time => format!("CAST(@P{n} AS DATETIME2(6))"),
        ColumnType::Date => format!("CAST(@P{n} AS DATE)"),
        ColumnType::Price => format!("CAST(@P{n} AS DECIMAL(10, 2))"),
        ColumnType::Int | ColumnType::Text | ColumnType::Bool | ColumnType::Bytes => format!("@P{n}"),
    }
}

/// Returns every statement of this module as it is sent for these families.
pub fn statements(families: &[&Family]) -> Vec<Statement> {
    let mut all = Vec::new();
    for family in families {
        all.push(watermark(family));
        all.push(family.own().sql(sql::ids_after()));
        all.extend(family.children().iter().map(|moved| strays(family, moved)));
        for moved in &family.tables {
            all.push(moved.sql(sql::open_versions_of()));
            for column in outward(family, moved) {
                all.push(referred(moved, column));
                all.extend(column.references.map(reserve_parents));
            }
            all.extend([sql::versions_above(), sql::close_above()].map(|template| moved.sql(template)));
            if moved.has_ids() {
                all.push(replace(moved));
                all.extend([moved.sql(sql::highest_id()), moved.sql(&reserve_ids())]);
            }
        }
    }
    all
}
