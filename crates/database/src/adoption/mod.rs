//! Adopting the tables of a platform in the hot tier: what has to change before the first migration finds them as it needs
//! them.

mod nulls;
mod orphans;
pub mod plan;
pub mod platform;
pub mod postgres;
mod sample;
mod zone;

use std::collections::BTreeMap;

pub use nulls::count_nulls;
pub use orphans::{count_orphans, missing_keys, prepare as prepare_keys};
pub use sample::texts;
pub use zone::{PlatformZone, offset_text};

use crate::schema::Dialect;

/// Numbers of rows by table and column.
pub type RowCounts = BTreeMap<(String, String), i64>;

/// The choices of the operator who adopts a platform.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Adoption {
    /// The zone of the times that the platform has stored so far; `None` if they are in UTC.
    pub zone: Option<PlatformZone>,
}

/// The changes by which a platform's tables are adopted.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Preparation {
    /// Why the tables cannot be adopted, a sentence each. Unless this is empty, nothing is changed.
    pub refusals: Vec<String>,
    /// Facts that an operator should know, a sentence each.
    pub notes: Vec<String>,
    /// The statements, in their order. They and the first migration are one transaction.
    pub statements: Vec<String>,
}

/// Returns the select list of a statement that counts rows of a table: `tbl`, `col` and `n`.
fn counted(dialect: Dialect, table: &str, column: &str) -> String {
    match dialect {
        Dialect::Mssql => format!("SELECT N'{table}' AS tbl, N'{column}' AS col, COUNT_BIG(*) AS n"),
        Dialect::Sqlite | Dialect::Postgres => {
            format!("SELECT '{table}' AS tbl, '{column}' AS col, count(*) AS n")
        }
    }
}

/// Returns the statement that has the rows of several; `None` for none.
fn united(parts: impl Iterator<Item = String>) -> Option<String> {
    let parts: Vec<String> = parts.collect();
    (!parts.is_empty()).then(|| parts.join("\nUNION ALL "))
}
