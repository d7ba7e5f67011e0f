//! One field of text into one value, or the reason why not.
//!
//! A reason names the column and the offending value, so that a line of the rejects file explains itself.

use chrono::{Datelike, NaiveDate};
use rust_decimal::Decimal;

use crate::clock::Timestamp;

/// Longest part of a value that a reason shows, in characters.
const SHOWN: usize = 80;
/// `DECIMAL(10,2)`.
const SCALE: u32 = 2;
const LARGEST: Decimal = Decimal::from_parts(1_410_065_407, 2, 0, false, SCALE);

/// Why a record is not let in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Reject {
    /// One line of text for the rejects file.
    pub reason: String,
}

impl Reject {
    /// `column: why: "value"`.
    pub fn value(column: &str, why: &str, value: &str) -> Self {
        let shown: String = value.chars().take(SHOWN).collect();
        let more = if shown.len() < value.len() { "…" } else { "" };
        Self {
            // Debug form: a line end or a control character in the value would break the report.
            reason: format!("{column}: {why}: {shown:?}{more}"),
        }
    }

    /// The reason of a record with too many or too few fields.
    pub fn width(expected: usize, found: usize) -> Self {
        Self { reason: format!("expected {expected} fields, found {found}") }
    }

    /// The reason of something that is not about one value.
    pub fn because(reason: &impl ToString) -> Self {
        Self { reason: reason.to_string() }
    }
}

/// `None` for a field that is empty or blank.
pub fn filled(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
}

/// A positive 64-bit id.
pub fn id(column: &str, text: &str) -> Result<i64, Reject> {
    let id = text.trim().parse().ok().filter(|id| *id > 0);
    id.ok_or_else(|| Reject::value(column, "not a positive 64-bit id", text))
}

/// A 64-bit number of things, so not negative.
pub fn count(column: &str, text: &str) -> Result<i64, Reject> {
    let count = text.trim().parse().ok().filter(|count| *count >= 0);
    count.ok_or_else(|| Reject::value(column, "not a 64-bit count", text))
}

/// An instant, in every form [`Timestamp`] reads.
pub fn time(column: &str, text: &str) -> Result<Timestamp, Reject> {
    let time = text.trim().parse::<Timestamp>();
    time.map_err(|error| Reject::value(column, &error.to_string(), text))
}

/// A day of the years 1 to 9999.
pub fn date(column: &str, text: &str) -> Result<NaiveDate, Reject> {
    let date = text.trim().parse::<NaiveDate>().ok();
    date.filter(|date| (1..=9999).contains(&date.year()))
        .ok_or_else(|| Reject::value(column, "not a date such as 2026-01-31", text))
}

/// A truth value as databases write it; an empty field is false.
pub fn flag(column: &str, text: &str) -> Result<bool, Reject> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "t" | "1" => Ok(true),
        "false" | "f" | "0" | "" => Ok(false),
        _ => Err(Reject::value(column, "neither true nor false", text)),
    }
}

/// An amount that `DECIMAL(10,2)` keeps exactly, at scale 2.
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

/// Text of `least` to `most` characters.
pub fn text(column: &str, text: &str, least: usize, most: usize) -> Result<String, Reject> {
    let length = text.chars().count();
    if length < least {
        return Err(Reject::value(column, "empty", text));
    }
    if length > most {
        let why = format!("{length} characters, over the limit of {most}");
        return Err(Reject::value(column, &why, text));
    }
    Ok(text.to_owned())
}

/// A stock symbol, 1 to 20 characters; it is text, so leading zeros stay.
pub fn symbol(column: &str, symbol: &str) -> Result<String, Reject> {
    text(column, symbol.trim(), 1, 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_is_kept_exactly_or_refused() {
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
        assert_eq!(id("id", "9223372036854775807"), Ok(i64::MAX));
        for text in ["0", "-1", "", "1.0", "9223372036854775808", "１"] {
            assert!(id("id", text).is_err(), "{text}");
        }
        assert_eq!(count("volume", "0"), Ok(0));
        assert!(count("volume", "-1").is_err());
        assert!(date("trade_date", "+10000-01-01").is_err());
        assert!(flag("is_read", "yes").is_err());
    }

    /// Characters, not bytes: a Chinese title of 200 has 600 bytes.
    #[test]
    fn text_is_measured_in_characters() {
        assert!(text("title", &"標".repeat(200), 0, 200).is_ok());
        assert!(text("title", &"標".repeat(201), 0, 200).is_err());
        assert!(text("username", "", 1, 255).is_err());
        assert_eq!(symbol("symbol", " 0050 "), Ok("0050".to_owned()));
    }

    #[test]
    fn a_reason_is_one_short_line() {
        let reject = id("sender_id", &format!("\n{}", "老".repeat(100))).expect_err("no id");
        let expected = format!("sender_id: not a positive 64-bit id: \"\\n{}\"…", "老".repeat(79));
        assert_eq!(reject.reason, expected);
    }
}
