//! Values on the PostgreSQL wire.
//!
//! Instants and dates are read as integers, so that every microsecond of the years 1 to 9999 is exact and `infinity`
//! is an error, not a panic.

use chrono::{Datelike as _, Days, NaiveDate};
use rust_decimal::Decimal;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{
    PgArgumentBuffer, PgArguments, PgHasArrayType, PgRow, PgTypeInfo, PgValueRef, Postgres,
};
use sqlx::{Arguments as _, Decode, Encode, Row as _, Type, ValueRef as _};
use thermocline_core::clock::DAY;

use crate::Value;
use crate::record::OUTSIDE;
use crate::schema::ColumnType;

/// Microseconds from 1970 to 2000, PostgreSQL's epoch.
const CENTURY: i64 = 946_684_800_000_000;
/// Days from 1970 to 2000.
const CENTURY_DAYS: i64 = 10_957;
/// The scale of a price.
const SCALE: u32 = 2;

/// A `TIMESTAMPTZ`, in microseconds since 1970. A `TIMESTAMP`, such as a platform's, is in UTC: every session is. A `DATE` is
/// its midnight, as on the other engines.
struct Instant(i64);
/// A `DATE`, in days since 1970.
struct Day(i64);
/// An integer of any width: a platform's ids may have 32 bits.
struct Whole(i64);

/// The object ids of built-in types and their arrays never change.
macro_rules! fixed_type {
    ($name:ident, $oid:literal, $array:literal $(, also $also:literal)*) => {
        impl Type<Postgres> for $name {
            fn type_info() -> PgTypeInfo {
                PgTypeInfo::with_oid(Oid($oid))
            }

            fn compatible(found: &PgTypeInfo) -> bool {
                [$oid $(, $also)*].iter().any(|oid| found.oid() == Some(Oid(*oid)))
            }
        }

        impl PgHasArrayType for $name {
            fn array_type_info() -> PgTypeInfo {
                PgTypeInfo::with_oid(Oid($array))
            }
        }
    };
}

fixed_type!(Instant, 1184, 1185, also 1114, also 1082);
fixed_type!(Day, 1082, 1182);
fixed_type!(Whole, 20, 1016, also 23, also 21);

impl Encode<'_, Postgres> for Instant {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Encode::<Postgres>::encode(self.0 - CENTURY, buffer)
    }
}

impl Decode<'_, Postgres> for Instant {
    fn decode(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        let is_date = Day::compatible(&value.type_info());
        // Reads as many bytes as there are.
        let since_2000 = <i64 as Decode<Postgres>>::decode(value)?;
        // Far outside the years 1 to 9999 the sum may overflow. The reader rejects it either way.
        let micros = if is_date { since_2000.saturating_mul(DAY) } else { since_2000 };
        Ok(Self(micros.saturating_add(CENTURY)))
    }
}

impl Decode<'_, Postgres> for Whole {
    fn decode(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        // Reads as many bytes as there are.
        <i64 as Decode<Postgres>>::decode(value).map(Self)
    }
}

impl Encode<'_, Postgres> for Day {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Encode::<Postgres>::encode(i32::try_from(self.0 - CENTURY_DAYS)?, buffer)
    }
}

impl Decode<'_, Postgres> for Day {
    fn decode(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        <i32 as Decode<Postgres>>::decode(value).map(|days| Self(i64::from(days) + CENTURY_DAYS))
    }
}

impl From<NaiveDate> for Day {
    fn from(day: NaiveDate) -> Self {
        Self((day - NaiveDate::default()).num_days())
    }
}

impl From<&Day> for Option<NaiveDate> {
    fn from(Day(days): &Day) -> Self {
        let (first, distance) = (NaiveDate::default(), Days::new(days.unsigned_abs()));
        let day = if *days < 0 { first.checked_sub_days(distance) } else { first.checked_add_days(distance) };
        day.filter(|day| (1..=9999).contains(&day.year()))
    }
}

/// Reads a column of a row.
fn get<'r, T: Decode<'r, Postgres> + Type<Postgres>>(
    row: &'r PgRow,
    column: &str,
) -> Result<Option<T>, String> {
    row.try_get(column).map_err(|error| error.to_string())
}

/// Reads an integer.
pub fn int(row: &PgRow, column: &str) -> Result<Option<i64>, String> {
    Ok(get::<Whole>(row, column)?.map(|Whole(int)| int))
}

/// Text.
pub fn text(row: &PgRow, column: &str) -> Result<Option<String>, String> {
    get(row, column)
}

/// A boolean.
pub fn bool(row: &PgRow, column: &str) -> Result<Option<bool>, String> {
    get(row, column)
}

/// Microseconds since 1970.
pub fn micros(row: &PgRow, column: &str) -> Result<Option<i64>, String> {
    Ok(get::<Instant>(row, column)?.map(|Instant(micros)| micros))
}

/// A day.
pub fn date(row: &PgRow, column: &str) -> Result<Option<NaiveDate>, String> {
    let day = |day: Day| Option::<NaiveDate>::from(&day).ok_or_else(|| OUTSIDE.to_owned());
    get(row, column)?.map(day).transpose()
}

/// Reads a decimal at the scale of prices. The driver drops the decimals of zero.
pub fn price(row: &PgRow, column: &str) -> Result<Option<Decimal>, String> {
    Ok(get::<Decimal>(row, column)?.map(|mut price| {
        price.rescale(SCALE);
        price
    }))
}

/// Binds the parameters of a statement, each with its type, NULLs too.
pub fn bind(params: &[Value]) -> Result<PgArguments, BoxDynError> {
    let mut arguments = PgArguments::default();
    for param in params {
        match param {
            Value::Null(ColumnType::Int) => arguments.add(None::<i64>),
            Value::Null(ColumnType::Text) => arguments.add(None::<&str>),
            Value::Null(ColumnType::Time) => arguments.add(None::<Instant>),
            Value::Null(ColumnType::Date) => arguments.add(None::<Day>),
            Value::Null(ColumnType::Price) => arguments.add(None::<Decimal>),
            Value::Null(ColumnType::Bool) => arguments.add(None::<bool>),
            Value::Null(ColumnType::Bytes) => arguments.add(None::<&[u8]>),
            Value::Int(value) => arguments.add(*value),
            Value::Text(text) => arguments.add(&**text),
            Value::Time(at) => arguments.add(Instant(at.micros())),
            Value::Date(day) => arguments.add(Day::from(*day)),
            Value::Price(price) => arguments.add(*price),
            Value::Bool(bit) => arguments.add(*bit),
            Value::Bytes(bytes) => arguments.add(&**bytes),
            Value::Ints(ints) => arguments.add(&**ints),
        }?;
    }
    Ok(arguments)
}

/// Binds each column of `rows` as one array for `UNNEST`.
pub fn bind_columns(rows: &[Vec<Value>], columns: usize) -> Result<PgArguments, BoxDynError> {
    let mut arguments = PgArguments::default();
    for place in 0..columns {
        let cells = || rows.iter().map(|row| &row[place]);
        match rows.first().map_or(ColumnType::Int, |row| kind(&row[place])) {
            ColumnType::Int => arguments.add(column(cells(), |value| match value {
                Value::Int(int) => Some(*int),
                _ => None,
            })?),
            ColumnType::Text => arguments.add(column(cells(), |value| match value {
                Value::Text(text) => Some(&**text),
                _ => None,
            })?),
            ColumnType::Time => arguments.add(column(cells(), |value| match value {
                Value::Time(at) => Some(Instant(at.micros())),
                _ => None,
            })?),
            ColumnType::Date => arguments.add(column(cells(), |value| match value {
                Value::Date(day) => Some(Day::from(*day)),
                _ => None,
            })?),
            ColumnType::Price => arguments.add(column(cells(), |value| match value {
                Value::Price(price) => Some(*price),
                _ => None,
            })?),
            ColumnType::Bool => arguments.add(column(cells(), |value| match value {
                Value::Bool(bit) => Some(*bit),
                _ => None,
            })?),
            ColumnType::Bytes => arguments.add(column(cells(), |value| match value {
                Value::Bytes(bytes) => Some(&**bytes),
                _ => None,
            })?),
        }?;
    }
    Ok(arguments)
}

/// Binds one column. All values must have the first row's type, since others would arrive as NULL.
fn column<'a, T>(
    cells: impl Iterator<Item = &'a Value>,
    read: impl Fn(&'a Value) -> Option<T>,
) -> Result<Vec<Option<T>>, BoxDynError> {
    cells
        .map(|value| match (read(value), value) {
            (None, Value::Null(_)) => Ok(None),
            (None, other) => Err(format!("a column of another kind holds {other:?}").into()),
            (some, _) => Ok(some),
        })
        .collect()
}

fn kind(value: &Value) -> ColumnType {
    match value {
        Value::Null(kind) => *kind,
        Value::Int(_) | Value::Ints(_) => ColumnType::Int,
        Value::Text(_) => ColumnType::Text,
        Value::Time(_) => ColumnType::Time,
        Value::Date(_) => ColumnType::Date,
        Value::Price(_) => ColumnType::Price,
        Value::Bool(_) => ColumnType::Bool,
        Value::Bytes(_) => ColumnType::Bytes,
    }
}
