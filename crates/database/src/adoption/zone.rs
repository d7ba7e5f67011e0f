//! Times that a platform wrote in its local time, converted to UTC by the same rule on every engine.
//!
//! The offset of a zone is constant between two changes, so a conversion is a choice among constants. It does not depend on
//! the time zones that a server knows.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use chrono::{Days, NaiveDate, NaiveDateTime, Offset as _, TimeDelta, TimeZone as _};
use chrono_tz::Tz;

/// The first and the last year whose changes of the offset are followed.
const YEARS: (i32, i32) = (1970, 2050);

/// The time zone of a platform that stores local times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlatformZone(Tz);

impl FromStr for PlatformZone {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let zone = text.parse().map(Self);
        zone.map_err(|_| format!("{text:?} is not a zone of the IANA database; an example is Asia/Taipei"))
    }
}

impl fmt::Display for PlatformZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

/// An offset, and the local time from which on it no longer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    /// Seconds that local time is ahead of UTC.
    offset: i32,
    /// The first local time with the next offset; `None` for the last piece.
    until: Option<NaiveDateTime>,
}

impl PlatformZone {
    /// Returns the offset in seconds at a time in UTC.
    fn offset(self, utc: NaiveDateTime) -> i32 {
        self.0.offset_from_utc_datetime(&utc).fix().local_minus_utc()
    }

    /// Returns the offsets by local time. A local time that occurs twice is the earlier of the two; one that does not occur
    /// is read with the offset before the change.
    fn pieces(self) -> Vec<Piece> {
        let midnight =
            |year| NaiveDate::from_ymd_opt(year, 1, 1).unwrap_or_default().and_time(chrono::NaiveTime::MIN);
        let (mut at, end) = (midnight(YEARS.0), midnight(YEARS.1));
        let mut pieces = Vec::new();
        while at < end {
            let next = at + Days::new(1);
            let (before, after) = (self.offset(at), self.offset(next));
            if before != after {
                let change = self.change(at, next);
                let until = change + TimeDelta::seconds(i64::from(before.max(after)));
                pieces.push(Piece { offset: before, until: Some(until) });
            }
            at = next;
        }
        pieces.push(Piece { offset: self.offset(end), until: None });
        pieces
    }

    /// Returns the first second in UTC with the offset of `high`.
    fn change(self, mut low: NaiveDateTime, mut high: NaiveDateTime) -> NaiveDateTime {
        let after = self.offset(high);
        while high - low > TimeDelta::seconds(1) {
            let middle = low + TimeDelta::seconds((high - low).num_seconds() / 2);
            if self.offset(middle) == after {
                high = middle;
            } else {
                low = middle;
            }
        }
        high
    }

    /// Returns the instant of a local time.
    pub fn to_utc(self, local: NaiveDateTime) -> NaiveDateTime {
        let pieces = self.pieces();
        let piece = pieces.iter().find(|piece| piece.until.is_none_or(|until| local < until));
        local - TimeDelta::seconds(i64::from(piece.map_or(0, |piece| piece.offset)))
    }

    /// Returns a `CASE` with the offset in seconds of the local time in `column`. `literal` writes a local time.
    fn seconds(self, column: &str, literal: impl Fn(&str) -> String) -> String {
        let mut text = String::from("CASE");
        let pieces = self.pieces();
        if let [Piece { offset, .. }] = pieces.as_slice() {
            return offset.to_string();
        }
        for Piece { offset, until } in pieces {
            match until {
                Some(until) => {
                    let until = literal(&until.format("%Y-%m-%dT%H:%M:%S").to_string());
                    let _ = write!(text, " WHEN {column} < {until} THEN {offset}");
                }
                None => {
                    let _ = write!(text, " ELSE {offset} END");
                }
            }
        }
        text
    }

    /// Returns the expression for SQL Server that converts the local `DATETIME2(6)` in `column` to UTC.
    pub fn utc_in_mssql(self, column: &str) -> String {
        let seconds = self.seconds(column, |text| format!("'{text}'"));
        format!("DATEADD(SECOND, -({seconds}), {column})")
    }

    /// Returns the expression for PostgreSQL that converts the local `timestamp` in `column` to UTC, also a `timestamp`.
    pub fn utc_in_postgres(self, column: &str) -> String {
        let seconds = self.seconds(column, |text| format!("TIMESTAMP '{text}'"));
        format!("({column} - ({seconds}) * INTERVAL '1 second')")
    }
}

/// Returns an offset in minutes as `+08:00`.
pub fn offset_text(minutes: i64) -> String {
    let sign = if minutes < 0 { '-' } else { '+' };
    format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> NaiveDateTime {
        NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").expect("a time")
    }

    fn zone(name: &str) -> PlatformZone {
        name.parse().expect("a zone")
    }

    #[test]
    fn local_times_are_read_as_the_zone_has_them() {
        let taipei = zone("Asia/Taipei");
        assert_eq!(taipei.to_utc(at("2026-01-05 08:00:00")), at("2026-01-05 00:00:00"));
        // Daylight saving time of 1979.
        assert_eq!(taipei.to_utc(at("1979-08-01 09:00:00")), at("1979-08-01 00:00:00"));
        let berlin = zone("Europe/Berlin");
        assert_eq!(berlin.to_utc(at("2026-01-05 12:00:00")), at("2026-01-05 11:00:00"));
        assert_eq!(berlin.to_utc(at("2026-07-05 12:00:00")), at("2026-07-05 10:00:00"));
        // The clock goes from 3 back to 2: the first of the two.
        assert_eq!(berlin.to_utc(at("2026-10-25 02:30:00")), at("2026-10-25 00:30:00"));
        assert_eq!(berlin.to_utc(at("2026-10-25 03:00:00")), at("2026-10-25 02:00:00"));
        // The clock goes from 2 on to 3: as if it had not yet.
        assert_eq!(berlin.to_utc(at("2026-03-29 02:30:00")), at("2026-03-29 01:30:00"));
        assert_eq!(berlin.to_utc(at("2026-03-29 03:00:00")), at("2026-03-29 01:00:00"));
        assert!("Asia/Nowhere".parse::<PlatformZone>().is_err());
    }

    #[test]
    fn every_unambiguous_hour_agrees_with_the_time_zone_database() {
        for name in ["Asia/Taipei", "America/New_York", "Australia/Lord_Howe", "UTC", "Asia/Kolkata"] {
            let zone = zone(name);
            let pieces = zone.pieces();
            let mut local = at("1970-01-01 00:00:00");
            while local < at("2045-01-01 00:00:00") {
                if let chrono::LocalResult::Single(known) = zone.0.from_local_datetime(&local) {
                    let piece = pieces.iter().find(|piece| piece.until.is_none_or(|until| local < until));
                    let offset = piece.expect("a piece").offset;
                    assert_eq!(
                        local - TimeDelta::seconds(i64::from(offset)),
                        known.naive_utc(),
                        "{name} {local}"
                    );
                }
                local += TimeDelta::minutes(37 * 60 + 11);
            }
        }
    }

    #[test]
    fn expressions_hold_constants_only() {
        assert_eq!(zone("UTC").utc_in_mssql("c"), "DATEADD(SECOND, -(0), c)");
        let text = zone("Asia/Taipei").utc_in_postgres("c");
        assert!(
            text.starts_with("(c - (CASE WHEN c < TIMESTAMP '19") && text.contains("ELSE 28800 END)"),
            "{text}"
        );
        assert_eq!(offset_text(480), "+08:00");
        assert_eq!(offset_text(-210), "-03:30");
    }
}
