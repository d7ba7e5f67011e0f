//! The texts that engines send besides named queries: they open connections, run transactions, insert rows and migrate.
//!
//! They are listed for operators and for checks; sessions use the same constants and functions. Settings that a driver sends
//! when it connects (SQLite's pragmas, PostgreSQL's start-up options) are not statements of the program and are not listed.

use thermocline_core::table::ColumnType;

use crate::schema::Dialect;
use crate::{Value, mssql, postgres, sqlite};

/// One text of an engine, as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// Its name in the listing.
    pub name: String,
    /// What it is for, as one sentence.
    pub purpose: String,
    /// The text.
    pub sql: String,
    /// Its parameters: a name and a type each.
    pub parameters: Vec<(String, &'static str)>,
}

impl Text {
    pub(crate) fn new(name: &str, purpose: &str, sql: impl Into<String>) -> Self {
        Self { name: name.to_owned(), purpose: purpose.to_owned(), sql: sql.into(), parameters: Vec::new() }
    }
}

/// Returns the texts that an engine sends for connections, transactions and migrations.
pub fn of_engine(dialect: Dialect) -> Vec<Text> {
    match dialect {
        Dialect::Sqlite => sqlite::texts(),
        Dialect::Postgres => postgres::texts(),
        Dialect::Mssql => mssql::texts(),
    }
}

/// Returns the texts with which an engine inserts rows into `table`, listed as `insert.{name}`; there may be one for each way
/// rows can travel.
pub fn of_insert(dialect: Dialect, name: &str, table: &str, columns: &[(&str, ColumnType)]) -> Vec<Text> {
    let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    let typed = || {
        columns.iter().map(|(name, kind)| ((*name).to_owned(), type_of(dialect, kind.name()).unwrap_or("")))
    };
    let text = |way: &str, purpose: &str, sql: String, parameters| Text {
        name: format!("insert.{name}{way}"),
        purpose: format!("Inserts rows into {table}{purpose}"),
        sql,
        parameters,
    };
    match dialect {
        Dialect::Sqlite => {
            let purpose = "; up to 64 rows in one statement, of which one is shown.";
            vec![text("", purpose, sqlite::insert_text(table, &names, 1), typed().collect())]
        }
        Dialect::Postgres => {
            let arrays = columns.iter().map(|(name, kind)| ((*name).to_owned(), array(*kind)));
            let mut texts = vec![text(
                "",
                ", a column as one array.",
                postgres::insert_text(table, &names),
                arrays.collect(),
            )];
            if names.first() == Some(&"id") {
                let highest = vec![("highest id".to_owned(), "BIGINT")];
                texts.push(text(
                    " (ids)",
                    ", afterwards: it gives out none of their ids.",
                    postgres::reserve_text(table),
                    highest,
                ));
            }
            texts
        }
        Dialect::Mssql => {
            let row: Vec<Value> = columns.iter().map(|(_, kind)| Value::Null(*kind)).collect();
            let json = vec![("rows, a JSON list of lists".to_owned(), "NVARCHAR(MAX)")];
            vec![
                text("", ", all in one parameter.", mssql::insert_text(table, &names, &row), json),
                text(
                    " (values)",
                    " that do not travel as JSON; of several rows one is shown.",
                    mssql::values_text(table, &names, &[&row]),
                    typed().collect(),
                ),
            ]
        }
    }
}

/// Returns the type under which an engine receives a parameter of the catalogue type `word`; `None` for an unknown word.
pub fn type_of(dialect: Dialect, word: &str) -> Option<&'static str> {
    let types = match word {
        "int" => ["INTEGER", "BIGINT", "BIGINT"],
        "text" => ["TEXT", "TEXT", "NVARCHAR(MAX)"],
        "time" => ["INTEGER (microseconds since 1970)", "TIMESTAMPTZ", "DATETIME2(7)"],
        "date" => ["INTEGER (microseconds since 1970)", "DATE", "DATE"],
        "price" => ["TEXT", "NUMERIC", "DECIMAL"],
        "bool" => ["INTEGER", "BOOLEAN", "BIT"],
        "bytes" => ["BLOB", "BYTEA", "VARBINARY(MAX)"],
        "ints" => ["TEXT (JSON list)", "BIGINT[]", "NVARCHAR(MAX) (JSON list)"],
        _ => return None,
    };
    Some(match dialect {
        Dialect::Sqlite => types[0],
        Dialect::Postgres => types[1],
        Dialect::Mssql => types[2],
    })
}

const fn array(kind: ColumnType) -> &'static str {
    match kind {
        ColumnType::Int => "BIGINT[]",
        ColumnType::Text => "TEXT[]",
        ColumnType::Time => "TIMESTAMPTZ[]",
        ColumnType::Date => "DATE[]",
        ColumnType::Price => "NUMERIC[]",
        ColumnType::Bool => "BOOLEAN[]",
        ColumnType::Bytes => "BYTEA[]",
    }
}
