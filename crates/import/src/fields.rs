//! Parses one field of text into a value, or says why it is rejected.
//!
//! A reason names the column and quotes the value, so that a line of the rejects file explains itself.

use chrono::{Datelike, NaiveDate};
use rust_decimal::Decimal;

use super::spreadsheet;
use super::symbol::{self, unwrapped};
use thermocline_core::clock::Timestamp;
use thermocline_core::table::{Column, ColumnType, StorageForm};
use thermocline_core::value::Value;

/// Longest part of a value that a reason quotes, in characters.
const QUOTED: usize = 80;
/// `DECIMAL(10,2)`.
const SCALE: u32 = 2;
const LARGEST: Decimal = Decimal::from_parts(1_410_065_407, 2, 0, false, SCALE);

/// Why a record is rejected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Reject {
    /// One line of text for the rejects file.
    pub reason: String,
}

impl Reject {
    /// Formats `column: why: "value"`.
    pub fn value(column: &str, why: &str, value: &str) -> Self {
        let quoted: String = value.chars().take(QUOTED).collect();
        let more = if quoted.len() < value.len() { "…" } else { "" };
        // Debug form: a line end or a control character in the value would break the report.
        Self::because(&format!("{column}: {why}: {quoted:?}{more}"))
    }

    /// Rejects a record with the wrong number of fields.
    pub fn width(expected: usize, found: usize) -> Self {
        Self::because(&format!("expected {expected} fields, found {found}"))
    }

    /// Rejects a record for a reason that is not about one value.
    pub fn because(reason: &impl ToString) -> Self {
        Self { reason: reason.to_string() }
    }
}

/// Parses a value that must be there.
pub fn required(column: &Column, text: &str) -> Result<Value, Reject> {
    let name = column.name;
    match column.kind {
        ColumnType::Int if column.identity || column.references.is_some() => id(name, text).map(Value::from),
        ColumnType::Int => count(name, text).map(Value::from),
        ColumnType::Text => self::text(column, text).map(Value::from),
        ColumnType::Time => time(name, text).map(Value::from),
        ColumnType::Date => date(name, text).map(Value::from),
        ColumnType::Price => decimal(name, text).map(Value::from),
        ColumnType::Bool => flag(name, text).map(Value::from),
        ColumnType::Bytes => Err(Reject::value(name, "no file holds bytes", text)),
    }
}

/// Parses a value that may be missing: an empty or blank field is NULL.
pub fn optional(column: &Column, text: &str) -> Result<Value, Reject> {
    match text.trim() {
        "" => Ok(Value::Null(column.kind)),
        text => required(column, text),
    }
}

/// Checks text against the length its column declares. Codes lose the blanks around them and the apostrophe that keeps a
/// spreadsheet from running them, and must not be empty.
///
/// The length counts UTF-16 code units on every engine, as `NVARCHAR` of SQL Server does: a row that one engine takes
/// is a row that every engine takes.
pub fn text<'a>(column: &Column, text: &'a str) -> Result<&'a str, Reject> {
    let (text, limit) = match column.form {
        StorageForm::Code(limit) => {
            let code = not_empty(column.name, spreadsheet::unescape(unwrapped(text).trim_matches(' ')))?;
            if let Some(why) = symbol::reject_reason(code) {
                return Err(Reject::value(column.name, why, text));
            }
            (code, limit)
        }
        StorageForm::Length(limit) => (text, limit),
        StorageForm::Plain | StorageForm::Small | StorageForm::Json => return Ok(text),
    };
    let length = text.encode_utf16().count();
    if length > usize::from(limit) {
        let why = format!("{length} UTF-16 code units, over the limit of {limit}");
        return Err(Reject::value(column.name, &why, text));
    }
    Ok(text)
}

/// The largest id a file may hold. Some 2^40 rows can be added after it.
const LARGEST_ID: i64 = i64::MAX - (1 << 40);

/// Rejects empty text.
pub fn not_empty<'a>(column: &str, text: &'a str) -> Result<&'a str, Reject> {
    if text.is_empty() { Err(Reject::value(column, "empty", text)) } else { Ok(text) }
}

/// Parses a positive 64-bit id. Databases number new rows from the largest id on, so the last ones stay free.
fn id(column: &str, text: &str) -> Result<i64, Reject> {
    let id: Option<i64> = text.trim().parse().ok().filter(|id| *id > 0);
    let id = id.ok_or_else(|| Reject::value(column, "not a positive 64-bit id", text))?;
    if id > LARGEST_ID {
        let why = format!("over {LARGEST_ID}: no row could be added after it");
        return Err(Reject::value(column, &why, text));
    }
    Ok(id)
}

/// Parses a 64-bit count, which is not negative.
pub fn count(column: &str, text: &str) -> Result<i64, Reject> {
    let count = text.trim().parse().ok().filter(|count| *count >= 0);
    count.ok_or_else(|| Reject::value(column, "not a 64-bit count", text))
}

/// Parses an instant, in every form [`Timestamp`] reads, and with the offsets that databases write: `+08`, `+0530`, ` +00:00`,
/// `+07:36:42`, ` UTC`.
fn time(column: &str, text: &str) -> Result<Timestamp, Reject> {
    let bare = text.trim();
    let time = bare.parse::<Timestamp>().or_else(|error| with_offset(bare).ok_or(error));
    time.map_err(|error| Reject::value(column, &error.to_string(), text))
}

/// Reads an instant that ends in an offset as a database writes it.
fn with_offset(text: &str) -> Option<Timestamp> {
    if let Some(utc) = text.strip_suffix(" UTC").or_else(|| text.strip_suffix(" Z")) {
        return is_local_time(utc).then(|| utc.parse().ok()).flatten();
    }
    // The date has dashes of its own.
    let sign = text.get(11..)?.rfind(['+', '-'])? + 11;
    let (local, offset) = (text[..sign].trim_end(), &text[sign + 1..]);
    if !is_local_time(local) {
        return None;
    }
    let digits: String = offset.chars().filter(|character| *character != ':').collect();
    let are_groups = offset.split(':').all(|group| group.len() == 2) || offset.len() == 4;
    if !are_groups || !digits.bytes().all(|byte| byte.is_ascii_digit()) || !matches!(digits.len(), 2 | 4 | 6)
    {
        return None;
    }
    let part = |at: usize| digits.get(at..at + 2).map_or(Some(0), |part| part.parse::<i64>().ok());
    let (hours, minutes, seconds) = (part(0)?, part(2)?, part(4)?);
    if hours > 23 || minutes > 59 || seconds > 59 {
        return None;
    }
    let east = (hours * 3_600 + minutes * 60 + seconds) * 1_000_000;
    let local: Timestamp = local.parse().ok()?;
    let micros = if text.as_bytes()[sign] == b'+' { local.micros() - east } else { local.micros() + east };
    Timestamp::from_micros(micros)
}

/// Returns whether a text is a date with a time and without an offset.
fn is_local_time(text: &str) -> bool {
    text.len() > 11 && text.bytes().all(|byte| byte.is_ascii_digit() || b"-:. T".contains(&byte))
}

/// Parses a day of the years 1 to 9999.
fn date(column: &str, text: &str) -> Result<NaiveDate, Reject> {
    let date = text.trim().parse::<NaiveDate>().ok();
    date.filter(|date| (1..=9999).contains(&date.year()))
        .ok_or_else(|| Reject::value(column, "not a date such as 2026-01-31", text))
}

/// Parses a truth value as databases write it.
fn flag(column: &str, text: &str) -> Result<bool, Reject> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "t" | "1" => Ok(true),
        "false" | "f" | "0" => Ok(false),
        _ => Err(Reject::value(column, "neither true nor false", text)),
    }
}

/// Parses an amount that `DECIMAL(10,2)` holds exactly, at scale 2.
pub fn decimal(column: &str, text: &str) -> Result<Decimal, Reject> {
    let reject = |why| Err(Reject::value(column, why, text));
    let text = text.trim();
    // The parser would also take `1_000` and `.`.
    if !text.bytes().any(|byte| byte.is_ascii_digit()) || text.contains('_') {
        return reject("not a decimal number");
    }
    let Ok(exact) = Decimal::from_str_exact(text) else {
        return reject("not a decimal number, or one of too many digits");
    };
    let mut amount = exact.normalize();
    if amount.scale() > SCALE {
        return reject("more than 2 decimals");
    }
    if amount.abs() > LARGEST {
        return reject("over 99999999.99");
    }
    amount.rescale(SCALE);
    Ok(amount)
}

#[cfg(test)]
mod tests {
    use super::super::testing::STOCKS_TABLE;
    use super::*;

    #[test]
    fn decimal_is_exact_or_rejected() {
        for (text, kept) in [
            ("96.500", "96.50"),
            ("96", "96.00"),
            (" +0.10", "0.10"),
            ("-0.00", "0.00"),
            ("99999999.99", "99999999.99"),
            ("-99999999.990", "-99999999.99"),
        ] {
            let amount = decimal("open_price", text).expect(text);
            assert_eq!(amount.to_string(), kept, "{text}");
        }
        let long = "1".repeat(40);
        for text in ["96.125", "100000000", "1e5", "1_000", "1,000", ".", "-", "NaN", "--", &long] {
            assert!(decimal("open_price", text).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_are_whole_and_in_range() {
        assert_eq!(id("id", &LARGEST_ID.to_string()), Ok(LARGEST_ID));
        for text in
            ["9223372036854775807", "9223370937343148032", "0", "-1", "", "1.0", "9223372036854775808", "１"]
        {
            assert!(id("id", text).is_err(), "{text}");
        }
        assert_eq!(count("volume", "0"), Ok(0));
        assert!(count("volume", "-1").is_err());
        assert!(date("trade_date", "+10000-01-01").is_err());
        assert!(flag("is_read", "yes").is_err());
    }

    /// The unit is that of `NVARCHAR`: neither bytes nor characters.
    #[test]
    fn length_is_checked_in_utf16_code_units() {
        let column = &STOCKS_TABLE.columns[2];
        // A character outside the BMP is two units.
        for (character, units) in [("a", 1), ("標", 1), ("𠮷", 2), ("😀", 2)] {
            let longest = character.repeat(200 / units);
            assert_eq!(text(column, &longest), Ok(longest.as_str()));
            let reject = text(column, &format!("{longest}a")).expect_err("one unit over");
            let reason = "name: 201 UTF-16 code units, over the limit of 200: ";
            assert!(reject.reason.starts_with(reason), "{reject}");
        }
    }

    #[test]
    fn times_are_read_as_databases_write_them() {
        let read =
            |text: &str| time("created_at", text).map(|at| at.to_string()).map_err(|reject| reject.reason);
        for (text, expected) in [
            ("2026-01-01 00:00:00+00", "2026-01-01T00:00:00.000000Z"),
            ("2026-01-01 08:00:00.123456+08", "2026-01-01T00:00:00.123456Z"),
            ("2026-01-01 00:00:00.1234567 +00:00", "2026-01-01T00:00:00.123456Z"),
            ("2025-12-31 18:30:00-0530", "2026-01-01T00:00:00.000000Z"),
            ("2026-01-01 07:36:42+07:36:42", "2026-01-01T00:00:00.000000Z"),
            ("2026-01-01 00:00:00 UTC", "2026-01-01T00:00:00.000000Z"),
            ("2026-01-01T00:00:00.1234567Z", "2026-01-01T00:00:00.123456Z"),
            ("1969-12-31 23:59:59.9999999 +00:00", "1969-12-31T23:59:59.999999Z"),
            ("2026-01-01", "2026-01-01T00:00:00.000000Z"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(expected), "{text}");
        }
        for text in [
            "2026-01-01 00:00:00+8",
            "2026-01-01 00:00:00+080",
            "2026-01-01 00:00:00+24",
            "2026-01-01 00:00:00+08:60",
            "2026-01-01 00:00:00+08 +08",
            "2026-01-01+08",
            "2026-01-01 00:00:00 +",
            "2026-01-01 00:00:00+0é",
            "0001-01-01 00:00:00+08",
            "infinity",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn codes_lose_the_blanks_around_them_and_are_not_empty() {
        let symbol = &STOCKS_TABLE.columns[1];
        assert_eq!(text(symbol, " 0050 "), Ok("0050"));
        assert_eq!(text(symbol, "=\"0050\""), Ok("0050"));
        for odd in ["=0050", "\"0050\"", "0050\u{200b}", "０050", "\u{a0}0050"] {
            assert!(text(symbol, odd).is_err(), "{odd:?}");
        }
        assert!(text(symbol, "  ").is_err());
    }

    #[test]
    fn reason_is_one_short_line() {
        let reject = id("sender_id", &format!("\n{}", "老".repeat(100))).expect_err("no id");
        let expected = format!("sender_id: not a positive 64-bit id: \"\\n{}\"…", "老".repeat(79));
        assert_eq!(reject.reason, expected);
    }
}
