//! Columns that may be NULL and must not, and rows of the platform without a value in them.

use super::{Preparation, RowCounts, counted, united};
use crate::schema::Dialect;
use crate::schema::model::{ColumnModel, DefaultValue};

/// Returns the statement that counts the rows without a value in each of some columns: `tbl`, `col` and `n`.
pub fn count_nulls(dialect: Dialect, columns: &[(String, String)]) -> Option<String> {
    let one = |(table, column): &(String, String)| {
        let (from, is_null) = (dialect.quoted(table), dialect.quoted(column));
        format!("{} FROM {from} WHERE {is_null} IS NULL", counted(dialect, table, column))
    };
    united(columns.iter().map(one))
}

/// Refuses columns in which rows have no value. `nulls` has the number of such rows by table and column.
pub(super) fn refuse(nulls: &RowCounts, done: &mut Preparation) {
    for ((table, column), n) in nulls.iter().filter(|(_, n)| **n > 0) {
        let rows = if *n == 1 { "row" } else { "rows" };
        done.refusals.push(format!("{table}.{column} is NULL in {n} {rows}: give them a value"));
    }
}

/// Returns the value for rows without one, where it is known: a message is unread until it was read.
pub(super) fn filler(dialect: Dialect, meant: &ColumnModel) -> Option<String> {
    match &meant.default {
        Some(value @ (DefaultValue::Bool(_) | DefaultValue::Int(_))) => Some(dialect.default_text(value)),
        _ => None,
    }
}
