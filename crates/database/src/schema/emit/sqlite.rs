//! SQLite. It adds columns; most other changes rebuild the table.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::{complete, create_index, filler, needs_filling, references};
use crate::schema::Dialect;
use crate::schema::diff::{Alter, Change, diff};
use crate::schema::model::{ColumnModel, Model, TableModel};

const DIALECT: Dialect = Dialect::Sqlite;

pub(super) fn statements(from: &Model, to: &Model, changes: &[Change]) -> Vec<String> {
    let mut statements = Vec::new();
    let beyond = beyond_alter(from, to, changes);
    let mut rebuilt = BTreeSet::new();
    for change in changes {
        match change {
            Change::DropTable(table) => statements.push(format!("DROP TABLE {}", table.name)),
            Change::AddTable(table) => {
                statements.push(create_table(table));
                statements.extend(complete(DIALECT, table));
            }
            Change::Alter { table, what } if !beyond.contains(table) => statements.extend(alter(table, what)),
            // All changes of the table at once.
            Change::Alter { table, .. } => {
                if let (true, Some(old), Some(new)) =
                    (rebuilt.insert(table), from.table(table), to.table(table))
                {
                    statements.extend(rebuild(old, new));
                }
            }
        }
    }
    statements
}

/// Returns the tables that must be rebuilt.
pub(super) fn made_anew(from: &Model, to: &Model) -> BTreeSet<String> {
    let (from, to) = (DIALECT.fold(from), DIALECT.fold(to));
    beyond_alter(&from, &to, &diff(&from, &to))
}

fn beyond_alter(from: &Model, to: &Model, changes: &[Change]) -> BTreeSet<String> {
    let is_beyond = |change: &Change| match change {
        Change::Alter { table, what } if needs_rebuild(from.table(table), to.table(table), what) => {
            Some(table.clone())
        }
        _ => None,
    };
    changes.iter().filter_map(is_beyond).collect()
}

/// Returns whether a change needs a rebuild.
fn needs_rebuild(from: Option<&TableModel>, to: Option<&TableModel>, what: &Alter) -> bool {
    let refers = |table: Option<&TableModel>, column: &ColumnModel| {
        table.is_some_and(|table| table.foreign.iter().any(|foreign| foreign.columns.contains(&column.name)))
    };
    match what {
        Alter::AddColumn(column) => needs_filling(column) || refers(to, column),
        Alter::DropColumn(column) => refers(from, column),
        Alter::DropIndex(index) => index.constraint,
        Alter::Column { .. } | Alter::Key { .. } | Alter::AddForeign(_) | Alter::DropForeign(_) => true,
        Alter::AddIndex(_) => false,
    }
}

fn alter(table: &str, what: &Alter) -> Option<String> {
    match what {
        Alter::AddColumn(column) => Some(format!("ALTER TABLE {table} ADD COLUMN {}", definition(column))),
        Alter::DropColumn(column) => Some(format!("ALTER TABLE {table} DROP COLUMN {}", column.name)),
        Alter::AddIndex(index) => Some(create_index(DIALECT, table, index)),
        Alter::DropIndex(index) => Some(format!("DROP INDEX {}", index.name)),
        // Handled by the rebuild.
        Alter::Column { .. } | Alter::Key { .. } | Alter::AddForeign(_) | Alter::DropForeign(_) => None,
    }
}

fn definition(column: &ColumnModel) -> String {
    let mut text = format!("{} {}", column.name, DIALECT.type_name(&column.kind));
    if column.identity {
        // AUTOINCREMENT: never reuse the id of a row that was moved.
        text.push_str(" PRIMARY KEY AUTOINCREMENT");
        return text;
    }
    if !column.nullable {
        text.push_str(" NOT NULL");
    }
    if let Some(value) = &column.default {
        let _ = write!(text, " DEFAULT {}", DIALECT.default_text(value));
    }
    text
}

fn create_table(table: &TableModel) -> String {
    let numbered = table.columns.iter().any(|column| column.identity);
    let mut lines: Vec<String> = Vec::new();
    for column in &table.columns {
        let mut line = definition(column);
        for foreign in table.foreign.iter().filter(|foreign| foreign.columns == [column.name.as_str()]) {
            let _ = write!(line, " {}", references(foreign));
        }
        lines.push(line);
    }
    if !numbered {
        lines.push(format!("PRIMARY KEY ({})", table.key.join(", ")));
    }
    for index in table.indexes.iter().filter(|index| index.constraint) {
        lines.push(format!("UNIQUE ({})", index.list()));
    }
    // A key of several columns is the storage order; a small table may have both.
    let place = if !numbered && table.key.len() > 1 { " WITHOUT ROWID" } else { "" };
    format!("CREATE TABLE {} (\n    {}\n){place}", table.name, lines.join(",\n    "))
}

/// Rebuilds a table with its rows under its own name, so that references stay valid. Foreign keys are checked at the
/// commit; the highest id ever assigned is kept.
fn rebuild(from: &TableModel, to: &TableModel) -> Vec<String> {
    let name = &to.name;
    let kept = format!("{name}_as_it_was");
    let numbered = to.columns.iter().any(|column| column.identity);
    let columns: Vec<&str> = to.columns.iter().map(|column| column.name.as_str()).collect();
    let values: Vec<String> =
        to.columns.iter().map(|column| value(column, from.column(&column.name))).collect();
    let mut statements = vec![
        "PRAGMA defer_foreign_keys = ON".to_owned(),
        format!("CREATE TABLE {kept} AS SELECT * FROM {name}"),
    ];
    if numbered {
        statements.push(format!(
            "CREATE TABLE {name}_last_id AS SELECT seq FROM sqlite_sequence WHERE name = '{name}'"
        ));
    }
    statements.extend([
        format!("DROP TABLE {name}"),
        create_table(to),
        format!("INSERT INTO {name} ({}) SELECT {} FROM {kept}", columns.join(", "), values.join(", ")),
        format!("DROP TABLE {kept}"),
    ]);
    if numbered {
        statements.extend([
            format!("DELETE FROM sqlite_sequence WHERE name = '{name}'"),
            format!("INSERT INTO sqlite_sequence (name, seq) SELECT '{name}', seq FROM {name}_last_id"),
            format!("DROP TABLE {name}_last_id"),
        ]);
    }
    let indexes = to.indexes.iter().filter(|index| !index.constraint);
    statements.extend(indexes.map(|index| create_index(DIALECT, name, index)));
    statements
}

/// Returns the value of a column for existing rows.
fn value(to: &ColumnModel, from: Option<&ColumnModel>) -> String {
    let given = to.default.as_ref().map(|value| DIALECT.default_text(value));
    let Some(from) = from else {
        return given.unwrap_or_else(|| if to.nullable { "NULL".into() } else { filler(DIALECT, &to.kind) });
    };
    let value = if from.kind == to.kind {
        to.name.clone()
    } else {
        format!("CAST({} AS {})", to.name, DIALECT.type_name(&to.kind))
    };
    match given {
        Some(given) if from.nullable && !to.nullable => format!("coalesce({value}, {given})"),
        _ => value,
    }
}
