//! Values on the TDS wire.

use std::borrow::Cow;

use chrono::{Datelike as _, NaiveDate};
use rust_decimal::Decimal;
use tiberius::numeric::Numeric;
use tiberius::time::{Date, DateTime2, Time};
use tiberius::{ColumnData, Row, ToSql};

use super::super::Value;
use crate::schema::ColumnType;
use thermocline_core::clock::{DAY, Timestamp};

/// 1970-01-01 in days since 0001-01-01, the protocol's epoch.
const UNIX_DAY: i64 = 719_162;
/// 1900-01-01, the epoch of older types.
const OLD_DAY: i64 = 693_595;
const MICROS_PER_SECOND: i64 = 1_000_000;

/// A parameter. NULLs that would be sent without a type are written into the text instead ([`with_nulls`]).
#[derive(Debug)]
pub(super) struct Param<'a>(pub &'a Value);

/// Returns the statement with NULLs written out that the driver would send without a type, which not every server
/// accepts.
pub(super) fn with_nulls<'a>(text: &'a str, params: &[Value]) -> Cow<'a, str> {
    if params.iter().all(|param| written_out(param).is_none()) {
        return Cow::Borrowed(text);
    }
    let mut parts = text.split("@P");
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        let param = part[..digits].parse::<usize>().ok().and_then(|place| params.get(place.checked_sub(1)?));
        match param.and_then(written_out) {
            Some(null) => whole.extend([null, &part[digits..]]),
            None => whole.extend(["@P", part]),
        }
    }
    Cow::Owned(whole)
}

const fn written_out(param: &Value) -> Option<&'static str> {
    match param {
        Value::Null(ColumnType::Text) => Some("CAST(NULL AS NVARCHAR(MAX))"),
        Value::Null(ColumnType::Time) => Some("CAST(NULL AS DATETIME2(6))"),
        Value::Null(ColumnType::Date) => Some("CAST(NULL AS DATE)"),
        Value::Null(ColumnType::Price) => Some("CAST(NULL AS DECIMAL(10, 2))"),
        _ => None,
    }
}

impl ToSql for Param<'_> {
    fn to_sql(&self) -> ColumnData<'_> {
        match self.0 {
            Value::Null(ColumnType::Bool) => ColumnData::Bit(None),
            Value::Null(ColumnType::Bytes) => ColumnData::Binary(None),
            Value::Null(_) => ColumnData::I64(None),
            Value::Int(int) => ColumnData::I64(Some(*int)),
            Value::Text(text) => ColumnData::String(Some(Cow::Borrowed(text))),
            Value::Time(at) => ColumnData::DateTime2(Some(datetime2(*at))),
            Value::Date(day) => ColumnData::Date(Some(date(*day))),
            Value::Price(price) => ColumnData::Numeric(Some(numeric(*price))),
            Value::Bool(bit) => ColumnData::Bit(Some(*bit)),
            Value::Bytes(bytes) => ColumnData::Binary(Some(Cow::Borrowed(bytes))),
            Value::Ints(ints) => ColumnData::String(Some(Cow::Owned(json(ints)))),
        }
    }
}

fn datetime2(at: Timestamp) -> DateTime2 {
    let (days, micros) = (at.micros().div_euclid(DAY) + UNIX_DAY, at.micros().rem_euclid(DAY));
    // The parameter is declared with the full scale of 100 ns.
    DateTime2::new(Date::new(days as u32), Time::new(micros.cast_unsigned() * 10, 7))
}

fn date(day: NaiveDate) -> Date {
    Date::new((day.num_days_from_ce() - 1).cast_unsigned())
}

fn numeric(price: Decimal) -> Numeric {
    Numeric::new_with_scale(price.mantissa(), price.scale() as u8)
}

fn json(ints: &[i64]) -> String {
    let ints: Vec<String> = ints.iter().map(i64::to_string).collect();
    format!("[{}]", ints.join(","))
}

/// Returns the cell of a column.
fn cell<'a>(row: &'a Row, column: &str) -> Result<&'a ColumnData<'static>, String> {
    let found = row.cells().find(|(named, _)| named.name() == column);
    found.map(|(_, cell)| cell).ok_or_else(|| "is not in the answer".to_owned())
}

fn unfit<T>(cell: &ColumnData<'_>, expected: &str) -> Result<T, String> {
    // The debug form begins with the type. The value is not shown, since it may be private.
    let form = format!("{cell:?}");
    let kind = form.split('(').next().unwrap_or_default();
    Err(format!("is {kind}, expected {expected}"))
}

/// Returns whether a column is NULL.
pub(in super::super) fn is_null(row: &Row, column: &str) -> Result<bool, String> {
    Ok(match cell(row, column)? {
        ColumnData::U8(value) => value.is_none(),
        ColumnData::I16(value) => value.is_none(),
        ColumnData::I32(value) => value.is_none(),
        ColumnData::I64(value) => value.is_none(),
        ColumnData::F32(value) => value.is_none(),
        ColumnData::F64(value) => value.is_none(),
        ColumnData::Bit(value) => value.is_none(),
        ColumnData::String(value) => value.is_none(),
        ColumnData::Guid(value) => value.is_none(),
        ColumnData::Binary(value) => value.is_none(),
        ColumnData::Numeric(value) => value.is_none(),
        ColumnData::Xml(value) => value.is_none(),
        ColumnData::DateTime(value) => value.is_none(),
        ColumnData::SmallDateTime(value) => value.is_none(),
        ColumnData::Time(value) => value.is_none(),
        ColumnData::Date(value) => value.is_none(),
        ColumnData::DateTime2(value) => value.is_none(),
        ColumnData::DateTimeOffset(value) => value.is_none(),
    })
}

/// Reads an integer of any width, or a bit.
pub(in super::super) fn int(row: &Row, column: &str) -> Result<Option<i64>, String> {
    match cell(row, column)? {
        ColumnData::U8(value) => Ok(value.map(i64::from)),
        ColumnData::I16(value) => Ok(value.map(i64::from)),
        // A platform's own ids are INT, and so is a NULL without a type.
        ColumnData::I32(value) => Ok(value.map(i64::from)),
        ColumnData::I64(value) => Ok(*value),
        ColumnData::Bit(value) => Ok(value.map(i64::from)),
        // ROWVERSION.
        ColumnData::Binary(None) => Ok(None),
        ColumnData::Binary(Some(bytes)) => match <[u8; 8]>::try_from(&**bytes) {
            Ok(bytes) => Ok(Some(i64::from_be_bytes(bytes))),
            Err(_) => Err("is a binary value, expected an integer".to_owned()),
        },
        other => unfit(other, "an integer"),
    }
}

/// Text.
pub(in super::super) fn text(row: &Row, column: &str) -> Result<Option<String>, String> {
    match cell(row, column)? {
        ColumnData::String(value) => Ok(value.as_ref().map(ToString::to_string)),
        other => unfit(other, "text"),
    }
}

/// Bytes.
pub(in super::super) fn bytes(row: &Row, column: &str) -> Result<Option<Vec<u8>>, String> {
    match cell(row, column)? {
        ColumnData::Binary(value) => Ok(value.as_ref().map(|bytes| bytes.to_vec())),
        other => unfit(other, "bytes"),
    }
}

/// Reads an instant, truncated to microseconds.
pub(in super::super) fn time(row: &Row, column: &str) -> Result<Option<Timestamp>, String> {
    let micros = match cell(row, column)? {
        ColumnData::DateTime2(value) => {
            value.map(|at| micros(i64::from(at.date().days()) - UNIX_DAY, micros_of_day(at.time())))
        }
        ColumnData::Date(value) => value.map(|day| micros(i64::from(day.days()) - UNIX_DAY, 0)),
        // DATETIME, in units of 1/300 s, before the first migration widens it.
        ColumnData::DateTime(value) => value.map(|at| {
            let day = i64::from(at.days()) + OLD_DAY - UNIX_DAY;
            micros(day, i64::from(at.seconds_fragments()) * MICROS_PER_SECOND / 300)
        }),
        ColumnData::I32(None) => None,
        other => return unfit(other, "an instant"),
    };
    let outside = || "lies outside the years 1 to 9999".to_owned();
    micros.map(|micros| Timestamp::from_micros(micros).ok_or_else(outside)).transpose()
}

const fn micros(day: i64, of_day: i64) -> i64 {
    day * DAY + of_day
}

fn micros_of_day(time: Time) -> i64 {
    let increments = time.increments().cast_signed();
    match time.scale() {
        scale @ 0..=6 => increments * 10_i64.pow(6 - u32::from(scale)),
        scale => increments / 10_i64.pow(u32::from(scale) - 6),
    }
}

/// Reads a decimal.
pub(in super::super) fn price(row: &Row, column: &str) -> Result<Option<Decimal>, String> {
    match cell(row, column)? {
        ColumnData::Numeric(None) | ColumnData::I32(None) => Ok(None),
        // DECIMAL may hold more than 96 bits.
        ColumnData::Numeric(Some(value)) => {
            Decimal::try_from_i128_with_scale(value.value(), u32::from(value.scale()))
                .map(Some)
                .map_err(|_| "is too large a decimal".to_owned())
        }
        other => unfit(other, "a decimal"),
    }
}

/// Returns the first column with U+FFFD, which replaces invalid UTF-16 in a row read leniently.
pub(super) fn replaced(row: &Row) -> Option<String> {
    row.cells().find_map(|(column, cell)| match cell {
        ColumnData::String(Some(text)) if text.contains('\u{fffd}') => Some(column.name().to_owned()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_null_without_a_type_on_the_wire_has_one_in_the_text() {
        let mut params = vec![Value::Null(ColumnType::Text), Value::Int(2), Value::Null(ColumnType::Price)];
        params.resize(12, Value::Null(ColumnType::Int));
        let text = "SELECT @P1, @P2, @P3, @P10, @P11, @P99, '@P'";
        assert_eq!(
            with_nulls(text, &params),
            "SELECT CAST(NULL AS NVARCHAR(MAX)), @P2, CAST(NULL AS DECIMAL(10, 2)), @P10, @P11, @P99, '@P'"
        );
        assert!(matches!(with_nulls(text, &params[1..2]), Cow::Borrowed(same) if same == text));
    }
}
