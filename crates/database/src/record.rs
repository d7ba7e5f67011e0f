//! Rows of an answer, read the same way on every engine.

pub mod portable;

use std::sync::Arc;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use sqlx::postgres::PgRow;
use sqlx::{Row as _, ValueRef as _};

use self::portable::{Cell, PortableRow};
use super::postgres::codec as postgres;
use super::{Tier, TierError, Value, mssql};
use crate::schema::ColumnType;
use thermocline_core::clock::Timestamp;
use thermocline_core::keyset::Key;

/// One row, read by column name. Errors name the statement, the column and the problem. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Record {
    row: Arc<Row>,
    tier: Tier,
    statement: &'static str,
}

/// The row of a driver, or one of SQLite or that was kept.
#[derive(Debug)]
enum Row {
    Postgres(PgRow),
    Mssql(tiberius::Row),
    Portable(PortableRow),
}

impl Record {
    pub(super) fn portable(row: PortableRow, tier: Tier, statement: &'static str) -> Self {
        Self { row: Arc::new(Row::Portable(row)), tier, statement }
    }

    pub(super) fn postgres(row: PgRow, tier: Tier, statement: &'static str) -> Self {
        Self { row: Arc::new(Row::Postgres(row)), tier, statement }
    }

    pub(super) fn mssql(row: tiberius::Row, tier: Tier, statement: &'static str) -> Self {
        Self { row: Arc::new(Row::Mssql(row)), tier, statement }
    }

    /// Returns about how much memory the record takes, in bytes; 0 for one of a server.
    pub(super) fn size(&self) -> usize {
        match &*self.row {
            Row::Portable(row) => row.size(),
            Row::Postgres(_) | Row::Mssql(_) => 0,
        }
    }

    pub(super) fn error(&self, column: &str, problem: impl Into<String>) -> TierError {
        TierError::Row {
            tier: self.tier,
            statement: self.statement,
            column: column.to_owned(),
            problem: problem.into(),
        }
    }

    fn read<T>(&self, column: &str, value: Result<T, String>) -> Result<T, TierError> {
        value.map_err(|problem| self.error(column, problem))
    }

    fn required<T>(&self, column: &str, value: Option<T>) -> Result<T, TierError> {
        value.ok_or_else(|| self.error(column, "is null"))
    }

    /// Returns whether the column is NULL.
    pub fn is_null(&self, column: &str) -> Result<bool, TierError> {
        let null = match &*self.row {
            Row::Postgres(row) => {
                row.try_get_raw(column).map(|value| value.is_null()).map_err(|e| e.to_string())
            }
            Row::Mssql(row) => mssql::is_null(row, column),
            Row::Portable(row) => row.cell(column).map(|cell| *cell == Cell::Null),
        };
        self.read(column, null)
    }

    /// Returns whether the answer has this column.
    pub fn has(&self, column: &str) -> bool {
        self.is_null(column).is_ok()
    }

    /// Reads an integer or NULL.
    pub fn int_or_null(&self, column: &str) -> Result<Option<i64>, TierError> {
        self.read(
            column,
            match &*self.row {
                Row::Postgres(row) => postgres::int(row, column),
                Row::Mssql(row) => mssql::int(row, column),
                Row::Portable(row) => row.int(column),
            },
        )
    }

    /// Reads an integer.
    pub fn int(&self, column: &str) -> Result<i64, TierError> {
        self.required(column, self.int_or_null(column)?)
    }

    /// Reads text or NULL.
    pub fn text_or_null(&self, column: &str) -> Result<Option<String>, TierError> {
        self.read(
            column,
            match &*self.row {
                Row::Postgres(row) => postgres::text(row, column),
                Row::Mssql(row) => mssql::text(row, column),
                Row::Portable(row) => row.text(column).map(|text| text.map(str::to_owned)),
            },
        )
    }

    /// Reads text or NULL, which is copied once.
    fn shared_text_or_null(&self, column: &str) -> Result<Option<Arc<str>>, TierError> {
        match &*self.row {
            Row::Portable(row) => Ok(self.read(column, row.text(column))?.map(Arc::from)),
            Row::Postgres(row) => {
                let text = row.try_get::<Option<&str>, _>(column).map_err(|error| error.to_string());
                Ok(self.read(column, text)?.map(Arc::from))
            }
            Row::Mssql(_) => Ok(self.text_or_null(column)?.map(Arc::from)),
        }
    }

    /// Text.
    pub fn text(&self, column: &str) -> Result<String, TierError> {
        self.required(column, self.text_or_null(column)?)
    }

    /// Reads a boolean or NULL.
    pub fn bool_or_null(&self, column: &str) -> Result<Option<bool>, TierError> {
        self.read(
            column,
            match &*self.row {
                Row::Postgres(row) => postgres::bool(row, column),
                Row::Mssql(row) => mssql::int(row, column).map(|bit| bit.map(|bit| bit != 0)),
                Row::Portable(row) => row.int(column).map(|bit| bit.map(|bit| bit != 0)),
            },
        )
    }

    /// A boolean.
    pub fn bool(&self, column: &str) -> Result<bool, TierError> {
        self.required(column, self.bool_or_null(column)?)
    }

    /// Reads bytes or NULL.
    pub fn bytes_or_null(&self, column: &str) -> Result<Option<Vec<u8>>, TierError> {
        self.read(
            column,
            match &*self.row {
                Row::Postgres(row) => row.try_get(column).map_err(|error| error.to_string()),
                Row::Mssql(row) => mssql::bytes(row, column),
                Row::Portable(row) => row.bytes(column).map(|bytes| bytes.map(<[u8]>::to_vec)),
            },
        )
    }

    /// Bytes.
    pub fn bytes(&self, column: &str) -> Result<Vec<u8>, TierError> {
        self.required(column, self.bytes_or_null(column)?)
    }

    /// Reads an instant or NULL.
    pub fn time_or_null(&self, column: &str) -> Result<Option<Timestamp>, TierError> {
        let micros = match &*self.row {
            Row::Postgres(row) => postgres::micros(row, column),
            Row::Mssql(row) => return self.read(column, mssql::time(row, column)),
            Row::Portable(row) => row.int(column),
        };
        self.read(column, micros)?
            .map(|micros| Timestamp::from_micros(micros).ok_or_else(|| self.error(column, OUTSIDE)))
            .transpose()
    }

    /// An instant.
    pub fn time(&self, column: &str) -> Result<Timestamp, TierError> {
        self.required(column, self.time_or_null(column)?)
    }

    /// Reads a date or NULL.
    pub fn date_or_null(&self, column: &str) -> Result<Option<NaiveDate>, TierError> {
        match &*self.row {
            Row::Mssql(_) | Row::Portable(_) => Ok(self.time_or_null(column)?.map(Timestamp::date)),
            Row::Postgres(row) => self.read(column, postgres::date(row, column)),
        }
    }

    /// A day.
    pub fn date(&self, column: &str) -> Result<NaiveDate, TierError> {
        self.required(column, self.date_or_null(column)?)
    }

    /// Reads a decimal or NULL.
    pub fn price_or_null(&self, column: &str) -> Result<Option<Decimal>, TierError> {
        match &*self.row {
            Row::Portable(row) => self
                .read(column, row.text(column))?
                .map(|text| text.parse().map_err(|_| self.error(column, "is not a decimal")))
                .transpose(),
            Row::Postgres(row) => self.read(column, postgres::price(row, column)),
            Row::Mssql(row) => self.read(column, mssql::price(row, column)),
        }
    }

    /// Reads the key in two columns; `None` when they are NULL.
    pub fn key_or_null(&self, at: &str, id: &str) -> Result<Option<Key>, TierError> {
        Ok(match (self.time_or_null(at)?, self.int_or_null(id)?) {
            (Some(at), Some(id)) => Some(Key::new(at, id)),
            _ => None,
        })
    }

    /// Reads the column as a value of its type, to copy it.
    pub fn value(&self, column: &str, kind: ColumnType) -> Result<Value, TierError> {
        Ok(match kind {
            ColumnType::Int => Value::or_null(self.int_or_null(column)?, kind),
            ColumnType::Text => self.shared_text_or_null(column)?.map_or(Value::Null(kind), Value::Text),
            ColumnType::Time => Value::or_null(self.time_or_null(column)?, kind),
            ColumnType::Date => Value::or_null(self.date_or_null(column)?, kind),
            ColumnType::Price => Value::or_null(self.price_or_null(column)?, kind),
            ColumnType::Bool => Value::or_null(self.bool_or_null(column)?, kind),
            ColumnType::Bytes => {
                Value::or_null(self.bytes_or_null(column)?.map(|bytes| Value::Bytes(bytes.into())), kind)
            }
        })
    }
}

/// The error for an instant that not every tier can store.
pub(super) const OUTSIDE: &str = "lies outside the years 1 to 9999";
