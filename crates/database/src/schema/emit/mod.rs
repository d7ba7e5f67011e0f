//! The SQL that creates and changes tables.
//!
//! Every script is a migration and runs in one transaction. SQL Server's is split by `GO` lines, since a batch may not
//! refer to objects it creates.

mod mssql;
mod plan;
mod postgres;
mod sqlite;

pub use plan::Plan;

use super::Dialect;
use super::diff::{Alter, Change, diff};
use super::model::{ColumnModel, DefaultValue, ForeignKey, IndexModel, Model, TableModel, Type};

/// The steps from one schema to another on one engine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    /// Warnings about lost data and steps to review, a sentence each.
    pub notes: Vec<String>,
    /// The statements without semicolons.
    pub statements: Vec<String>,
}

impl Script {
    /// Returns the text of a migration.
    pub fn text(&self, dialect: Dialect) -> String {
        let mut text: String = self.notes.iter().flat_map(|note| ["-- ", note, "\n"]).collect();
        let parted = if dialect == Dialect::Mssql { "GO\n" } else { "" };
        if self.statements.is_empty() {
            text.push_str("-- Nothing to do on this engine.\n");
        }
        let statements = self.statements.iter().map(|statement| format!("{statement};\n"));
        text.push_str(&statements.collect::<Vec<_>>().join(parted));
        text
    }
}

/// Creates every table of `model` on an empty database.
pub fn create(dialect: Dialect, model: &Model) -> Script {
    migrate(dialect, &Model::default(), model)
}

/// Changes the schema `from` into `to`. Both are as declared, or lifted from an engine ([`Dialect::lift`]).
pub fn migrate(dialect: Dialect, from: &Model, to: &Model) -> Script {
    let declared = to;
    let (from, to) = (dialect.fold(from), dialect.fold(to));
    let changes = diff(&from, &to);
    let statements = match dialect {
        Dialect::Sqlite => sqlite::statements(&from, &to, &changes),
        Dialect::Postgres => postgres::statements(&changes),
        Dialect::Mssql => mssql::statements(&from, &to, &changes),
    };
    Script { notes: notes(&changes, declared), statements }
}

/// Returns the warnings for the reader of the migration.
fn notes(changes: &[Change], declared: &Model) -> Vec<String> {
    let mut notes = Vec::new();
    // An engine without a default clock fills in the current time as well.
    let is_unknown = |table: &str, column: &ColumnModel| {
        declared.table(table).and_then(|table| table.column(&column.name)).is_some_and(needs_filling)
    };
    for change in changes {
        match change {
            Change::DropTable(table) => notes.push(format!("DATA LOSS: {} goes, with its rows.", table.name)),
            Change::Alter { table, what: Alter::DropColumn(column) } => {
                let column = &column.name;
                notes.push(format!("DATA LOSS: {table}.{column} goes, with its values."));
                let added = changes.iter().find_map(|change| match change {
                    Change::Alter { table: other, what: Alter::AddColumn(added) } if other == table => {
                        Some(&added.name)
                    }
                    _ => None,
                });
                if let Some(added) = added {
                    notes.push(format!(
                        "A rename is never guessed: if {table}.{column} is to become {table}.{added}, write that here instead."
                    ));
                }
            }
            Change::Alter { table, what: Alter::AddColumn(column) } if is_unknown(table, column) => {
                let text = "gets an empty value in every row: what it held is not known any more.";
                notes.push(format!("{table}.{} {text}", column.name));
            }
            Change::Alter { table, what: Alter::Column { from, to } } => {
                let column = &to.name;
                if from.kind != to.kind {
                    notes.push(format!(
                        "{table}.{column} changes from {} to {}: it fails where a value does not fit.",
                        from.kind, to.kind
                    ));
                }
                if from.nullable && !to.nullable && to.default.is_none() {
                    notes.push(format!("{table}.{column} is required: it fails where it is NULL."));
                }
            }
            Change::Alter { table, what: Alter::AddIndex(index) } if index.unique => {
                notes.push(format!(
                    "{} fails where rows of {table} agree in ({}).",
                    index.name,
                    index.list()
                ));
            }
            _ => {}
        }
    }
    notes
}

/// Returns why a change cannot be generated, a sentence each.
pub fn obstacles(from: &Model, to: &Model) -> Vec<String> {
    let mut obstacles = Vec::new();
    for change in diff(from, to) {
        let Change::Alter { table, what } = change else { continue };
        match what {
            Alter::AddColumn(column) if needs_filling(&column) => obstacles.push(format!(
                "{table}.{} is required and has no default: say what the rows there hold, or let it be NULL",
                column.name
            )),
            Alter::Key { from, to } => obstacles.push(format!(
                "the primary key of {table} changes from ({}) to ({}): that is written by hand",
                from.join(", "),
                to.join(", ")
            )),
            Alter::Column { from, to } if from.identity != to.identity => obstacles.push(format!(
                "{table}.{} begins or ceases to number the rows: that is written by hand",
                to.name
            )),
            // SQL Server cannot change a column that is part of a key.
            Alter::Column { from: old, to: new }
                if (old.kind != new.kind || old.nullable != new.nullable)
                    && is_key(from, &table, &new.name) =>
            {
                obstacles.push(format!(
                    "{table}.{} is part of the primary key, and changes: that is written by hand",
                    new.name
                ));
            }
            _ => {}
        }
    }
    obstacles
}

fn is_key(model: &Model, table: &str, column: &str) -> bool {
    model.table(table).is_some_and(|table| table.key.iter().any(|name| name == column))
}

/// Returns whether existing rows lack a value for the column.
fn needs_filling(column: &ColumnModel) -> bool {
    !column.nullable && column.default.is_none()
}

/// Returns a value for existing rows.
fn filler(dialect: Dialect, kind: &Type) -> String {
    match (dialect, kind) {
        (_, Type::Time | Type::Date) => dialect.default_text(&DefaultValue::Now),
        (_, Type::Bool) => dialect.default_text(&DefaultValue::Bool(false)),
        (_, Type::Json) => "'null'".to_owned(),
        (Dialect::Sqlite, Type::Bytes) => "x''".to_owned(),
        (Dialect::Postgres, Type::Bytes) => "''".to_owned(),
        (Dialect::Mssql, Type::Bytes) => "0x".to_owned(),
        (_, Type::Text { .. } | Type::Other(_)) => dialect.default_text(&DefaultValue::Text(String::new())),
        _ => "0".to_owned(),
    }
}

/// Returns `CREATE INDEX` for an index that is not part of its table's definition.
fn create_index(dialect: Dialect, table: &str, index: &IndexModel) -> String {
    let unique = if index.unique { "UNIQUE " } else { "" };
    let only = index.only.as_ref();
    let only = only.map_or_else(String::new, |only| format!("\n    WHERE {}", dialect.predicate_text(only)));
    format!("CREATE {unique}INDEX {} ON {table} ({}){only}", index.name, index.list())
}

/// Returns what a new table needs besides its definition: indexes and initial rows.
fn complete(dialect: Dialect, table: &TableModel) -> Vec<String> {
    let indexes = table.indexes.iter().filter(|index| !index.constraint);
    let mut statements: Vec<String> =
        indexes.map(|index| create_index(dialect, &table.name, index)).collect();
    let text = |row: &String| format!("({})", dialect.default_text(&DefaultValue::Text(row.clone())));
    let rows: Vec<String> = table.rows.iter().map(text).collect();
    if let (Some(first), false) = (table.columns.first(), rows.is_empty()) {
        statements.push(format!("INSERT INTO {} ({}) VALUES {}", table.name, first.name, rows.join(", ")));
    }
    statements
}

fn foreign_name(table: &str, foreign: &ForeignKey) -> String {
    foreign.name.clone().unwrap_or_else(|| format!("{table}_{}", foreign.columns.join("_")))
}

fn references(foreign: &ForeignKey) -> String {
    format!("REFERENCES {} ({})", foreign.table, foreign.references.join(", "))
}
