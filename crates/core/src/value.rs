//! Parameters of statements and values of rows, the same for every engine.

use std::sync::Arc;

use chrono::NaiveDate;
use rust_decimal::Decimal;

use crate::clock::Timestamp;
use crate::table::ColumnType;

/// A parameter of a statement or a value of a row. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// NULL. The type is sent along, since servers ask for it.
    Null(ColumnType),
    /// A 64-bit integer.
    Int(i64),
    /// Unicode text.
    Text(Arc<str>),
    /// A UTC instant.
    Time(Timestamp),
    /// A day.
    Date(NaiveDate),
    /// An exact decimal of scale 2.
    Price(Decimal),
    /// A boolean.
    Bool(bool),
    /// Bytes.
    Bytes(Arc<[u8]>),
    /// A list of integers, for `IN` and for joining columns of many rows.
    Ints(Arc<[i64]>),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<Timestamp> for Value {
    fn from(value: Timestamp) -> Self {
        Self::Time(value)
    }
}

impl From<NaiveDate> for Value {
    fn from(value: NaiveDate) -> Self {
        Self::Date(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.into())
    }
}

impl From<Vec<i64>> for Value {
    fn from(value: Vec<i64>) -> Self {
        Self::Ints(value.into())
    }
}

impl Value {
    /// Returns the integer of a column that is declared as an integer and not NULL. Rows are checked when they are read.
    ///
    /// # Panics
    /// For any other value. The transaction is then rolled back, which is safer than to go on with a wrong number.
    pub fn int(&self) -> i64 {
        match self {
            Self::Int(value) => *value,
            other => panic!("expected an integer, not {}", other.type_name()),
        }
    }

    /// Returns the instant, or the midnight of the date, of a column that is declared so and not NULL.
    ///
    /// # Panics
    /// For any other value, as [`Value::int`].
    pub fn time(&self) -> Timestamp {
        match self {
            Self::Time(at) => *at,
            Self::Date(day) => Timestamp::midnight(*day),
            other => panic!("expected an instant or a date, not {}", other.type_name()),
        }
    }

    /// Returns the name of the value's type, without the value.
    const fn type_name(&self) -> &'static str {
        match self {
            Self::Null(_) => "NULL",
            Self::Int(_) => "an integer",
            Self::Text(_) => "text",
            Self::Time(_) => "an instant",
            Self::Date(_) => "a date",
            Self::Price(_) => "a price",
            Self::Bool(_) => "a boolean",
            Self::Bytes(_) => "bytes",
            Self::Ints(_) => "a list of integers",
        }
    }

    /// Returns `value`, or a NULL of `kind`.
    pub fn or_null<T: Into<Self>>(value: Option<T>, kind: ColumnType) -> Self {
        value.map_or(Self::Null(kind), Into::into)
    }
}

impl From<Decimal> for Value {
    fn from(value: Decimal) -> Self {
        Self::Price(value)
    }
}
