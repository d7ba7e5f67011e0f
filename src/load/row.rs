//! Rows on their way into hot, and rows that are there.

use chrono::NaiveDate;

use super::LoadError;
use crate::clock::Timestamp;
use crate::import;
use crate::schema::{ColumnDefault, Kind, Table};
use crate::tier::{Record, TierError, Value, values};

/// A row of a table: a value for each column of the declaration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    table: &'static Table,
    values: Vec<Value>,
}

impl Row {
    /// Reads the row that a tier answered.
    pub(super) fn read(table: &'static Table, record: &Record) -> Result<Self, TierError> {
        Ok(Self { table, values: values(record, table.columns)? })
    }

    /// Returns the row of a record of a file, with defaults in the columns that the file left open. A time left open is
    /// the other time of the record, or `now`; an id left open is NULL.
    pub(super) fn of(record: &import::Record, now: Timestamp) -> Self {
        let table = record.noun().table;
        let is_time_of_row = |preset| preset == Some(ColumnDefault::Now);
        let mut times = table.columns.iter().filter(|column| is_time_of_row(column.default));
        let time = times.find_map(|column| record.time(column.name)).unwrap_or(now);
        let values =
            table.columns.iter().zip(record.values()).map(|(column, value)| match (value, column.default) {
                (None | Some(Value::Null(_)), Some(ColumnDefault::Now)) => time.into(),
                (None | Some(Value::Null(_)), Some(ColumnDefault::Bool(bit))) => bit.into(),
                (None | Some(Value::Null(_)), Some(ColumnDefault::Int(int))) => int.into(),
                (None | Some(Value::Null(_)), Some(ColumnDefault::Text(text))) => text.into(),
                (None, None) => Value::Null(column.kind),
                (Some(value), _) => value.clone(),
            });
        Self { table, values: values.collect() }
    }

    /// Creates a row of the given columns. The others hold NULL.
    pub(super) fn new<const N: usize>(table: &'static Table, given: [(&str, Value); N]) -> Self {
        let null = |kind: Kind| Value::Null(kind);
        let mut row = Self { table, values: table.columns.iter().map(|column| null(column.kind)).collect() };
        for (column, value) in given {
            row.set(column, value);
        }
        row
    }

    /// Puts a value into a column of the table.
    pub(super) fn set(&mut self, column: &str, value: Value) {
        if let Some(place) = self.place(column) {
            self.values[place] = value;
        }
    }

    fn place(&self, column: &str) -> Option<usize> {
        self.table.columns.iter().position(|known| known.name == column)
    }

    /// Returns the value in a column that the table has; NULL for any other.
    pub(super) fn get(&self, column: &str) -> &Value {
        self.place(column).map_or(&Value::Null(Kind::Int), |place| &self.values[place])
    }

    /// Returns the values of some columns.
    pub(super) fn pick(&self, columns: &[&str]) -> Vec<Value> {
        columns.iter().map(|column| self.get(column).clone()).collect()
    }

    /// Returns all values in the order of the declaration.
    pub(super) fn into_values(self) -> Vec<Value> {
        self.values
    }

    /// Returns the row's id; `None` while it has none.
    pub(super) fn id(&self) -> Option<i64> {
        if let Value::Int(id) = self.get("id") { Some(*id) } else { None }
    }

    /// Returns whether a column holds NULL.
    pub(super) fn is_null(&self, column: &str) -> bool {
        matches!(self.get(column), Value::Null(_))
    }

    /// Returns the integer in a column.
    pub(super) fn int(&self, column: &str) -> Result<i64, LoadError> {
        if let Value::Int(int) = self.get(column) {
            Ok(*int)
        } else {
            Err(self.unexpected(column, "an integer"))
        }
    }

    /// Returns the instant in a column.
    pub(super) fn time(&self, column: &str) -> Result<Timestamp, LoadError> {
        if let Value::Time(at) = self.get(column) {
            Ok(*at)
        } else {
            Err(self.unexpected(column, "an instant"))
        }
    }

    /// Returns the day in a column.
    pub(super) fn date(&self, column: &str) -> Result<NaiveDate, LoadError> {
        if let Value::Date(day) = self.get(column) { Ok(*day) } else { Err(self.unexpected(column, "a day")) }
    }

    fn unexpected(&self, column: &str, expected: &'static str) -> LoadError {
        let found = format!("{:?}", self.get(column));
        LoadError::Value {
            column: format!("{}.{column}", self.table.name),
            row: self.id().map_or_else(|| "a row without an id".to_owned(), |id| format!("row {id}")),
            // The debug form begins with the type. The value itself stays out of logs.
            found: found.split('(').next().unwrap_or_default().to_owned(),
            expected,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::{Record, nouns};
    use crate::schema;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn defaults_fill_what_the_file_left_open() {
        let now = at("2026-01-01");
        let message = Record::new(&nouns::MESSAGES).with("created_at", at("2020-01-01"));
        let row = Row::of(&message, now);
        assert_eq!((row.get("is_read"), row.id()), (&Value::Bool(false), None));
        let times = |record: &Record| {
            let row = Row::of(record, now);
            (row.time("created_at").expect("a time"), row.time("updated_at").expect("a time"))
        };
        let conversation = Record::new(&nouns::CONVERSATIONS);
        assert_eq!(times(&conversation), (now, now));
        assert_eq!(
            times(&conversation.clone().with("updated_at", at("2020-01-02"))),
            (at("2020-01-02"), at("2020-01-02"))
        );
        assert_eq!(
            times(&conversation.with("created_at", at("2020-01-01"))),
            (at("2020-01-01"), at("2020-01-01"))
        );
    }

    #[test]
    fn wrong_type_names_table_column_and_row() {
        let row = Row::new(&schema::MESSAGES, [("id", 7.into()), ("sender_id", "x".into())]);
        let error = row.int("sender_id").expect_err("text");
        assert_eq!(error.to_string(), "messages.sender_id of row 7 is Text, expected an integer");
        let error = row.time("created_at").expect_err("NULL");
        assert_eq!(error.to_string(), "messages.created_at of row 7 is Null, expected an instant");
        assert!(row.date("created_at").is_err());
    }
}
