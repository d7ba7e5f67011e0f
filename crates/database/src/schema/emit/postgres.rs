//! PostgreSQL.

use super::{complete, create_index, filler, foreign_name, needs_filling, references};
use crate::schema::Dialect;
use crate::schema::diff::{Alter, Change};
use crate::schema::model::{ColumnModel, TableModel};

const DIALECT: Dialect = Dialect::Postgres;

pub(super) fn statements(changes: &[Change]) -> Vec<String> {
    let mut statements = Vec::new();
    for change in changes {
        match change {
            Change::DropTable(table) => statements.push(format!("DROP TABLE {}", table.name)),
            Change::AddTable(table) => {
                statements.push(create_table(table));
                statements.extend(complete(DIALECT, table));
            }
            Change::Alter { table, what } => statements.extend(alter(table, what)),
        }
    }
    statements
}

fn alter(table: &str, what: &Alter) -> Vec<String> {
    let on = |text: String| format!("ALTER TABLE {table} {text}");
    match what {
        Alter::AddColumn(column) if needs_filling(column) => vec![
            on(format!("ADD COLUMN {} DEFAULT {}", definition(column), filler(DIALECT, &column.kind))),
            on(format!("ALTER COLUMN {} DROP DEFAULT", column.name)),
        ],
        Alter::AddColumn(column) => vec![on(format!("ADD COLUMN {}", definition(column)))],
        Alter::DropColumn(column) => vec![on(format!("DROP COLUMN {}", column.name))],
        Alter::Column { from, to } => change(table, from, to),
        Alter::AddIndex(index) => vec![create_index(DIALECT, table, index)],
        Alter::DropIndex(index) if index.constraint => vec![on(format!("DROP CONSTRAINT {}", index.name))],
        Alter::DropIndex(index) => vec![format!("DROP INDEX {}", index.name)],
        Alter::AddForeign(foreign) => vec![on(format!(
            "ADD CONSTRAINT {} FOREIGN KEY ({}) {}",
            foreign_name(table, foreign),
            foreign.columns.join(", "),
            references(foreign)
        ))],
        Alter::DropForeign(foreign) => {
            vec![on(format!("DROP CONSTRAINT {}", foreign_name(table, foreign)))]
        }
        // Rejected before: see `obstacles`.
        Alter::Key { .. } => Vec::new(),
    }
}

fn change(table: &str, from: &ColumnModel, to: &ColumnModel) -> Vec<String> {
    let name = &to.name;
    let on = |text: String| format!("ALTER TABLE {table} ALTER COLUMN {name} {text}");
    let mut statements = Vec::new();
    let retyped = from.kind != to.kind;
    if from.default.is_some() && (retyped || to.default.is_none()) {
        statements.push(on("DROP DEFAULT".to_owned()));
    }
    if retyped {
        let kind = DIALECT.type_name(&to.kind);
        let bare = kind.split(" COLLATE").next().unwrap_or_default();
        statements.push(on(format!("TYPE {kind} USING {name}::{bare}")));
    }
    if let Some(value) = &to.default
        && (retyped || from.default != to.default)
    {
        statements.push(on(format!("SET DEFAULT {}", DIALECT.default_text(value))));
    }
    match (from.nullable, to.nullable) {
        (true, false) => {
            if let Some(value) = &to.default {
                let value = DIALECT.default_text(value);
                statements.push(format!("UPDATE {table} SET {name} = {value} WHERE {name} IS NULL"));
            }
            statements.push(on("SET NOT NULL".to_owned()));
        }
        (false, true) => statements.push(on("DROP NOT NULL".to_owned())),
        _ => {}
    }
    statements
}

fn definition(column: &ColumnModel) -> String {
    let mut text = format!("{} {}", column.name, DIALECT.type_name(&column.kind));
    if column.identity {
        return text + " GENERATED ALWAYS AS IDENTITY";
    }
    if !column.nullable {
        text += " NOT NULL";
    }
    if let Some(value) = &column.default {
        text += " DEFAULT ";
        text += &DIALECT.default_text(value);
    }
    text
}

fn create_table(table: &TableModel) -> String {
    let mut lines: Vec<String> = table.columns.iter().map(definition).collect();
    lines.push(format!("PRIMARY KEY ({})", table.key.join(", ")));
    for foreign in &table.foreign {
        let (name, columns) = (foreign_name(&table.name, foreign), foreign.columns.join(", "));
        lines.push(format!("CONSTRAINT {name} FOREIGN KEY ({columns}) {}", references(foreign)));
    }
    for index in table.indexes.iter().filter(|index| index.constraint) {
        lines.push(format!("CONSTRAINT {} UNIQUE ({})", index.name, index.list()));
    }
    format!("CREATE TABLE {} (\n    {}\n)", table.name, lines.join(",\n    "))
}
