//! Time and randomness, the two inputs a test must control.
//!
//! Nothing else in the program asks the machine for the time or for random bits; `clippy.toml` forbids it. A [`Clock`]
//! is passed in.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveDateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Microseconds in a day.
pub const DAY: i64 = 86_400_000_000;
/// Microseconds by which the clock that dated a row may be ahead of ours. A row dated later lies in the future.
pub const SKEW: i64 = 10 * 60 * 1_000_000;

/// A UTC instant in microseconds since 1970-01-01, the resolution of every tier.
///
/// SQL Server has 100 ns and Rust 1 ns. A cursor that loses precision would repeat a page for ever, so every input is
/// truncated to microseconds, towards the past.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 0001-01-01T00:00:00Z, the earliest instant `DATETIME2` can hold.
    pub const MIN: Self = Self(-62_135_596_800_000_000);
    /// 9999-12-31T23:59:59.999999Z, the latest instant `DATETIME2` can hold.
    pub const MAX: Self = Self(253_402_300_799_999_999);

    /// Returns the instant `micros` microseconds after 1970-01-01T00:00:00Z; `None` if a tier cannot store it.
    pub fn from_micros(micros: i64) -> Option<Self> {
        (Self::MIN.0..=Self::MAX.0).contains(&micros).then_some(Self(micros))
    }

    /// Returns the microseconds since 1970-01-01T00:00:00Z.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Returns this instant shifted by `micros`, clamped to the range every tier can store.
    #[must_use]
    pub fn plus(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros).clamp(Self::MIN.0, Self::MAX.0))
    }

    /// Returns midnight UTC at the start of `date`.
    pub fn midnight(date: NaiveDate) -> Self {
        Self(date.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_micros())
    }

    /// Returns the UTC date of this instant.
    pub fn date(self) -> NaiveDate {
        self.datetime().date_naive()
    }

    /// Returns this instant as a calendar date and time.
    pub fn datetime(self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0).unwrap_or_default()
    }
}

impl fmt::Display for Timestamp {
    /// Writes RFC 3339 in UTC with six decimals: `2026-01-31T08:00:00.000000Z`. Each row of an answer has one, and chrono's formatter
    /// took a twentieth of the instructions of a page of messages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = self.date();
        let (seconds, micros) =
            (self.0.div_euclid(1_000_000).rem_euclid(86_400), self.0.rem_euclid(1_000_000));
        let mut text = *b"0000-00-00T00:00:00.000000Z";
        let mut put = |end: usize, mut number: u64, digits: usize| {
            for digit in text[end - digits..end].iter_mut().rev() {
                *digit = b'0' + (number % 10) as u8;
                number /= 10;
            }
        };
        put(4, u64::from(date.year().unsigned_abs()), 4);
        put(7, u64::from(date.month()), 2);
        put(10, u64::from(date.day()), 2);
        put(13, seconds.unsigned_abs() / 3_600, 2);
        put(16, seconds.unsigned_abs() / 60 % 60, 2);
        put(19, seconds.unsigned_abs() % 60, 2);
        put(26, micros.unsigned_abs(), 6);
        f.write_str(str::from_utf8(&text).unwrap_or_default())
    }
}

/// The text is neither RFC 3339 nor a date, or is outside the years 1 to 9999.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a time: expected RFC 3339 such as 2026-01-31T08:00:00Z, or a date such as 2026-01-31")]
pub struct BadTimestamp;

impl FromStr for Timestamp {
    type Err = BadTimestamp;

    /// Parses RFC 3339 with an offset, the same without one as UTC, or a date as its midnight.
    fn from_str(text: &str) -> Result<Self, BadTimestamp> {
        let micros = if let Ok(at) = DateTime::parse_from_rfc3339(text) {
            at.timestamp_micros()
        } else if let Some(at) = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"]
            .iter()
            .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
        {
            at.and_utc().timestamp_micros()
        } else {
            Self::midnight(text.parse().map_err(|_| BadTimestamp)?).0
        };
        Self::from_micros(micros).ok_or(BadTimestamp)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Parses a time span such as `30d`, `12h`, `90m` or `45s` into microseconds.
pub fn span(text: &str) -> Result<i64, String> {
    let fault = || "expected a number with d, h, m or s behind it, such as 30d".to_owned();
    let (number, unit) = text.split_at(text.len() - text.chars().next_back().map_or(0, char::len_utf8));
    let unit = match unit {
        "d" => DAY,
        "h" => DAY / 24,
        "m" => 60_000_000,
        "s" => 1_000_000,
        _ => return Err(fault()),
    };
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(fault());
    }
    number.parse::<i64>().ok().and_then(|number| number.checked_mul(unit)).ok_or_else(fault)
}

/// The source of time and random numbers: the machine, or a test.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    fixed: Option<Arc<Fixed>>,
}

#[derive(Debug)]
struct Fixed {
    now: AtomicI64,
    drawn: AtomicI64,
}

impl Clock {
    /// Returns the machine's clock and random number generator.
    pub fn system() -> Self {
        Self::default()
    }

    /// Returns a clock that stays at `now` until [`Clock::set`] moves it, and draws 1, 2, 3, … as random numbers.
    pub fn fixed(now: Timestamp) -> Self {
        Self { fixed: Some(Arc::new(Fixed { now: AtomicI64::new(now.micros()), drawn: AtomicI64::new(0) })) }
    }

    /// Sets a fixed clock. Has no effect on the machine's clock.
    pub fn set(&self, now: Timestamp) {
        if let Some(fixed) = &self.fixed {
            fixed.now.store(now.micros(), Ordering::SeqCst);
        }
    }

    /// Returns the current instant.
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine")]
    pub fn now(&self) -> Timestamp {
        Timestamp(match &self.fixed {
            Some(fixed) => fixed.now.load(Ordering::SeqCst),
            None => micros(SystemTime::now()),
        })
    }

    /// Draws an unpredictable number from 1 to 2^53 - 1, which survives clients that parse JSON numbers as floats.
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine")]
    pub fn draw(&self) -> i64 {
        match &self.fixed {
            Some(fixed) => fixed.drawn.fetch_add(1, Ordering::SeqCst) + 1,
            None => rand::random_range(1..1 << 53),
        }
    }
}

/// Returns the microseconds since 1970-01-01T00:00:00Z, negative before it.
fn micros(time: SystemTime) -> i64 {
    let micros = |span: Duration| i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => micros(since),
        Err(before) => -micros(before.duration()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_accepted_form_means_the_same_instant() {
        let expected = Timestamp(1_673_019_480_000_000);
        for text in [
            "2023-01-06T23:38:00+08:00",
            "2023-01-06T15:38:00Z",
            "2023-01-06 15:38:00",
            "2023-01-06T15:38:00.000000999Z",
        ] {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
        assert_eq!(expected.to_string(), "2023-01-06T15:38:00.000000Z");
        assert_eq!("2023-01-06".parse(), Ok(expected.plus(-56_280_000_000)));
    }

    #[test]
    fn what_no_tier_can_hold_is_refused() {
        for text in ["", "now", "2023-13-01", "+10000-01-01", "2023-02-30T00:00:00Z", "-0001-01-01"] {
            assert_eq!(text.parse::<Timestamp>(), Err(BadTimestamp), "{text}");
        }
        assert_eq!(Timestamp::MIN.to_string(), "0001-01-01T00:00:00.000000Z");
        assert_eq!(Timestamp::MAX.to_string(), "9999-12-31T23:59:59.999999Z");
    }

    proptest::proptest! {
        #[test]
        fn an_instant_is_written_as_chrono_does(micros in Timestamp::MIN.0..=Timestamp::MAX.0) {
            let at = Timestamp(micros);
            let expected = at.datetime().to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
            proptest::prop_assert_eq!(at.to_string(), expected);
        }
    }

    #[test]
    fn a_clock_before_1970_is_read() {
        assert_eq!(micros(UNIX_EPOCH + Duration::from_micros(7)), 7);
        assert_eq!(micros(UNIX_EPOCH - Duration::from_micros(7)), -7);
    }

    #[test]
    fn a_span_has_a_unit() {
        assert_eq!(span("30d"), Ok(30 * DAY));
        assert_eq!(span("0s"), Ok(0));
        assert_eq!(span("90m"), Ok(5_400_000_000));
        for text in ["", "30", "d", "-1d", "1.5d", "9999999999999999d", "30日"] {
            assert!(span(text).is_err(), "{text}");
        }
    }
}
