//! Records as rows of their tables: complete when they come from a file, and checked where a value is used.

use chrono::NaiveDate;

use super::LoadError;
use crate::clock::Timestamp;
use crate::import::{Noun, Record};
use crate::schema::ColumnDefault;
use crate::tier::{self, TierError, Value, row_of};

/// Reads the row that a tier answered. An error names table, column and row.
pub(super) fn read(noun: &'static Noun, answer: &tier::Record) -> Result<Record, TierError> {
    let row = row_of(answer, noun.table)?;
    let values = noun.table.columns.iter().zip(row);
    Ok(values.fold(Record::new(noun), |record, (column, value)| record.with(column.name, value)))
}

/// Fills the columns that the file left open with their defaults. A time left open is the other time of the record, or
/// `now`; an id left open is NULL.
pub(super) fn complete(mut record: Record, now: Timestamp) -> Record {
    let columns = record.noun().table.columns;
    let mut times = columns.iter().filter(|column| column.default == Some(ColumnDefault::Now));
    let time = times.find_map(|column| record.time(column.name)).unwrap_or(now);
    for column in columns {
        if !record.is_null(column.name) {
            continue;
        }
        let value = match column.default {
            None => Value::Null(column.kind),
            Some(ColumnDefault::Now) => time.into(),
            Some(ColumnDefault::Bool(bit)) => bit.into(),
            Some(ColumnDefault::Int(int)) => int.into(),
            Some(ColumnDefault::Text(text)) => text.into(),
        };
        record = record.with(column.name, value);
    }
    record
}

/// Returns the values of some columns.
pub(super) fn pick<'a>(row: &Record, columns: impl IntoIterator<Item = &'a str>) -> Vec<Value> {
    columns.into_iter().filter_map(|column| row.get(column)).cloned().collect()
}

/// Returns the integer in a column.
pub(super) fn int(row: &Record, column: &str) -> Result<i64, LoadError> {
    row.int(column).ok_or_else(|| unexpected(row, column, "an integer"))
}

/// Returns the instant in a column.
pub(super) fn time(row: &Record, column: &str) -> Result<Timestamp, LoadError> {
    row.time(column).ok_or_else(|| unexpected(row, column, "an instant"))
}

/// Returns the day in a column.
pub(super) fn date(row: &Record, column: &str) -> Result<NaiveDate, LoadError> {
    time(row, column).map(Timestamp::date)
}

fn unexpected(row: &Record, column: &str, expected: &'static str) -> LoadError {
    let found = row.get(column).map_or_else(|| "missing".to_owned(), |value| format!("{value:?}"));
    LoadError::Value {
        column: format!("{}.{column}", row.noun().table.name),
        row: row.int("id").map_or_else(|| "a row without an id".to_owned(), |id| format!("row {id}")),
        // The debug form begins with the type. The value itself stays out of logs.
        found: found.split('(').next().unwrap_or_default().to_owned(),
        expected,
    }
}

#[cfg(test)]
mod tests {
    use super::super::nouns;
    use super::*;
    use crate::schema::ColumnType;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn defaults_fill_what_the_file_left_open() {
        let now = at("2026-01-01");
        let message = complete(Record::new(&nouns::MESSAGES).with("created_at", at("2020-01-01")), now);
        assert_eq!(message.get("is_read"), Some(&Value::Bool(false)));
        assert_eq!(message.get("id"), Some(&Value::Null(ColumnType::Int)));
        let times = |record: Record| {
            let row = complete(record, now);
            (time(&row, "created_at").expect("a time"), time(&row, "updated_at").expect("a time"))
        };
        let conversation = || Record::new(&nouns::CONVERSATIONS);
        assert_eq!(times(conversation()), (now, now));
        for column in ["created_at", "updated_at"] {
            let only = at("2020-01-02");
            assert_eq!(times(conversation().with(column, only)), (only, only));
        }
    }

    #[test]
    fn wrong_type_names_table_column_and_row() {
        let row = Record::new(&nouns::MESSAGES).with("id", 7).with("sender_id", "x");
        let error = int(&row, "sender_id").expect_err("text");
        assert_eq!(error.to_string(), "messages.sender_id of row 7 is Text, expected an integer");
        let error = time(&row, "created_at").expect_err("nothing");
        assert_eq!(error.to_string(), "messages.created_at of row 7 is missing, expected an instant");
    }
}
