//! The documentation of the declaration: `docs/data-model.md`.

use std::fmt::Write as _;

use super::model::{ColumnModel, DefaultValue, TableModel, Type};
use super::{Dialect, Index, Table};
use crate::migrate::TierSchema;
use thermocline_core::journal_tables::{LIVE_ERASED, LIVE_MOVED, LIVE_STATE};

const HEAD: &str = "\
# Data model

Written by `thermocline db generate --docs` from the declared tables (`tables.rs` of each resource, and `crates/core` for those of
the journal); a test fails when the two differ.

Times are UTC with microseconds, ids are 64-bit (a platform's own 32-bit ids are left as they are), prices are
`DECIMAL(10, 2)`. SQLite stores times and days as integer microseconds since 1970, prices as exact decimal text of scale 2,
true and false as 1 and 0. JSON shows times as RFC 3339 with `Z` and microseconds, days as `YYYY-MM-DD`, and prices as
numbers with their exact digits.
";

const LIVE: &str = "
The tables of the change feed, where hot has one. In SQL Server `messages` then has a column `live_version` (`ROWVERSION`), in PostgreSQL
too (`xid8`), in SQLite `live_versions` holds the version of each message that was inserted or changed since.
";

const COLD: &str = "\
The tables that the mover writes to, in PostgreSQL 14 or later, or in a SQLite file. The API shows `original_id` as `id`. A version
is visible at epoch E when `from_epoch <= E` and (`to_epoch` is NULL or `to_epoch > E`). Every unique key contains the column that
a distributed server would distribute the table by. There are no foreign keys between tables, and readers depend on no sequence. In
SQLite `id` alone is the primary key.
";

/// Returns the whole page.
pub fn markdown(hot: &TierSchema, cold: &TierSchema) -> String {
    let mut page = HEAD.to_owned();
    page.push_str("\n## Hot\n\nThe tables that the platform writes to, in SQL Server 2019 or later, in PostgreSQL 14 or later, or in a SQLite file.\n");
    for table in hot.tables {
        section(&mut page, table, &HOT_SERVERS);
    }
    page.push_str(LIVE);
    for table in [&LIVE_STATE, &LIVE_MOVED, &LIVE_ERASED] {
        section(&mut page, table, &HOT_SERVERS);
    }
    page.push_str("\n## Cold\n\n");
    page.push_str(COLD);
    for table in cold.tables {
        section(&mut page, table, &[Dialect::Postgres]);
    }
    page
}

/// The servers of hot.
const HOT_SERVERS: [Dialect; 2] = [Dialect::Mssql, Dialect::Postgres];

fn section(page: &mut String, table: &Table, servers: &[Dialect]) {
    let model = TableModel::from(table);
    let moves = table.archived.map_or_else(String::new, |to| format!(" Moves to `{to}`."));
    let _ = write!(page, "\n### `{}`\n\n{}{moves}\n\n", table.name, table.about);
    let name_of = |server: &Dialect| if *server == Dialect::Mssql { "SQL Server" } else { "PostgreSQL" };
    let names = servers.iter().map(name_of).collect::<Vec<_>>().join(" | ");
    let _ = writeln!(page, "| column | {names} | SQLite | |\n|---|{}---|---|", "---|".repeat(servers.len()));
    for column in &model.columns {
        let name = |dialect: &Dialect| {
            let name = dialect.type_name(&column.kind).replace(" COLLATE \"C\"", "");
            name.replace(" COLLATE Latin1_General_BIN2", "")
        };
        let _ = writeln!(
            page,
            "| `{}` | `{}` | `{}` | {} |",
            column.name,
            servers.iter().map(name).collect::<Vec<_>>().join("` | `"),
            name(&Dialect::Sqlite),
            remarks(&model, column)
        );
    }
    let _ = write!(page, "\n- primary key ({})\n", model.key.join(", "));
    for index in table.indexes {
        let _ = writeln!(page, "{}", line(index, &model));
    }
    if !table.rows.is_empty() {
        let _ = writeln!(page, "- created with a row for each of {}", table.rows.join(", "));
    }
}

fn line(index: &Index, table: &TableModel) -> String {
    let shown = table.indexes.iter().find(|shown| shown.name == index.name).map(ToString::to_string);
    let shown = shown.unwrap_or_default();
    let kind = if index.unique { "" } else { "index " };
    format!("- `{}`: {kind}{shown}: {}", index.name, index.about)
}

fn remarks(table: &TableModel, column: &ColumnModel) -> String {
    let mut remarks = Vec::new();
    if column.identity {
        remarks.push("assigned by the database".to_owned());
    }
    if column.nullable {
        remarks.push("may be NULL".to_owned());
    }
    if matches!(column.kind, Type::Text { exact: true, .. }) {
        remarks.push("compared byte by byte".to_owned());
    }
    match &column.default {
        None => {}
        Some(DefaultValue::Now) => remarks.push("default: now (not in SQLite)".to_owned()),
        Some(value) => remarks.push(format!("default: {value}")),
    }
    for foreign in table.foreign.iter().filter(|foreign| foreign.columns == [column.name.as_str()]) {
        remarks.push(format!("references `{}`", foreign.table));
    }
    remarks.join("; ")
}
