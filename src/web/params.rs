//! Strict parsing of query parameters and path segments: an unknown or malformed one is a 400 that names it.
//!
//! A server that ignored an unknown or a repeated parameter would answer another question than the client's.

#[cfg(test)]
mod tests;

use std::ops::RangeInclusive;

use axum::extract::{FromRequestParts, Path};
use chrono::NaiveDate;
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::clock::Timestamp;
use crate::web::problem::Problem;

/// The decoded query parameters of a request. Each is known and occurs at most once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params(Vec<(String, String)>);

/// A point in time in one of the two forms that clients may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// An instant, in RFC 3339.
    At(Timestamp),
    /// A UTC date. Its meaning depends on the parameter.
    Day(NaiveDate),
}

impl Params {
    /// Decodes `application/x-www-form-urlencoded`. A broken escape, invalid UTF-8, and a parameter that is repeated or not
    /// in `allowed` are a 400.
    pub fn parse(raw_query: Option<&str>, allowed: &[&str]) -> Result<Self, Problem> {
        let mut params = Vec::new();
        let pairs = raw_query.unwrap_or_default().split('&');
        for pair in pairs.filter(|pair| !pair.is_empty()) {
            let (raw_name, raw_value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(raw_name).map_err(|fault| Problem::parameter(raw_name, fault))?;
            if !allowed.contains(&name.as_str()) {
                return Err(Problem::parameter(&name, &unknown(allowed)));
            }
            let value = decode(raw_value).map_err(|fault| Problem::parameter(&name, fault))?;
            if params.iter().any(|(earlier, _)| *earlier == name) {
                return Err(Problem::parameter(&name, "is given more than once"));
            }
            params.push((name, value));
        }
        Ok(Self(params))
    }

    /// Returns the parameters in the order in which they were sent.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Returns the decoded value of a parameter.
    pub fn raw(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Returns a whole number: ASCII digits after an optional `-`.
    pub fn integer(&self, name: &str, range: RangeInclusive<i64>) -> Result<Option<i64>, Problem> {
        self.raw(name).map(|text| integer(name, text, &range)).transpose()
    }

    /// Returns a text with this number of Unicode scalar values. U+0000 is refused: PostgreSQL cannot store it, so the
    /// tiers could not agree.
    pub fn text(&self, name: &str, characters: RangeInclusive<usize>) -> Result<Option<&str>, Problem> {
        let Some(text) = self.raw(name) else {
            return Ok(None);
        };
        if text.contains('\0') {
            return Err(Problem::parameter(name, "must not hold the character U+0000"));
        }
        if !characters.contains(&text.chars().count()) {
            let (least, most) = characters.into_inner();
            let fault = format!("must have {least} to {most} characters");
            return Err(Problem::parameter(name, &fault));
        }
        Ok(Some(text))
    }

    /// Returns the one of `choices` that the client sent, which is compared exactly.
    pub fn one_of<'a>(&self, name: &str, choices: &[&'a str]) -> Result<Option<&'a str>, Problem> {
        let Some(text) = self.raw(name) else {
            return Ok(None);
        };
        let chosen = choices.iter().find(|choice| **choice == text);
        if chosen.is_none() {
            let fault = format!("must be one of: {}", choices.join(", "));
            return Err(Problem::parameter(name, &fault));
        }
        Ok(chosen.copied())
    }

    /// Returns a date, `YYYY-MM-DD`, of the years 1 to 9999.
    pub fn date(&self, name: &str) -> Result<Option<NaiveDate>, Problem> {
        let Some(text) = self.raw(name) else {
            return Ok(None);
        };
        let fault = "must be a date such as 2026-01-31";
        date(text).map_or_else(|| Err(Problem::parameter(name, fault)), |day| Ok(Some(day)))
    }

    /// Returns a time (RFC 3339) or a date.
    pub fn time(&self, name: &str) -> Result<Option<Moment>, Problem> {
        let Some(text) = self.raw(name) else {
            return Ok(None);
        };
        if let Some(day) = date(text) {
            return Ok(Some(Moment::Day(day)));
        }
        // `Timestamp` parses dates too, and less strictly: pass it only texts with a time of day.
        let with_colon = offset_with_colon(text);
        let text = with_colon.as_deref().unwrap_or(text);
        let at = if text.contains(':') { text.parse().ok() } else { None };
        at.map_or_else(
            || {
                let fault = "must be a time such as 2026-01-31T08:00:00Z (a + in a query is written %2B), \
                             or a date such as 2026-01-31";
                Err(Problem::parameter(name, fault))
            },
            |at| Ok(Some(Moment::At(at))),
        )
    }
}

/// The placeholders of a path, percent-decoded. Invalid UTF-8 is a problem that names the placeholder.
#[derive(Clone, Debug)]
pub struct Segments<T>(pub T);

impl<T, S> FromRequestParts<S> for Segments<T>
where
    T: DeserializeOwned + Send,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(segments) = Path::from_request_parts(parts, state).await?;
        Ok(Self(segments))
    }
}

/// Parses the id in a path segment, which is already percent-decoded: 1 to 2^63 - 1.
pub fn path_id(name: &str, segment: &str) -> Result<i64, Problem> {
    integer(name, segment, &(1..=i64::MAX))
}

fn integer(name: &str, text: &str, range: &RangeInclusive<i64>) -> Result<i64, Problem> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    // The parser of i64 would accept a leading +.
    let number = if digits.bytes().all(|b| b.is_ascii_digit()) { text.parse().ok() } else { None };
    number.filter(|number| range.contains(number)).ok_or_else(|| {
        let (least, most) = (range.start(), range.end());
        Problem::parameter(name, &format!("must be a whole number from {least} to {most}"))
    })
}

/// Returns a time whose offset has no colon, as `strftime` and generated clients in Python write it, with one: `+0800` as
/// `+08:00`.
fn offset_with_colon(text: &str) -> Option<String> {
    let (time, offset) = text.split_at_checked(text.len().checked_sub(5)?)?;
    let digits = offset.strip_prefix(['+', '-'])?;
    let is_time = time.contains(':') && digits.bytes().all(|b| b.is_ascii_digit());
    is_time.then(|| format!("{time}{}:{}", &offset[..3], &offset[3..]))
}

fn date(text: &str) -> Option<NaiveDate> {
    // chrono would also accept 2026-1-5 and +2026-01-05.
    let shaped = text.len() == 10
        && text.bytes().enumerate().all(|(i, b)| match i {
            4 | 7 => b == b'-',
            _ => b.is_ascii_digit(),
        });
    if !shaped || text.starts_with("0000") {
        return None;
    }
    text.parse().ok()
}

fn unknown(allowed: &[&str]) -> String {
    if allowed.is_empty() {
        return "is not a parameter here: this path takes none".to_owned();
    }
    format!("is not a parameter here. Known are: {}", allowed.join(", "))
}

/// Percent-decodes a text and refuses what `form_urlencoded` would repair.
fn decode(text: &str) -> Result<String, &'static str> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => match (hex(rest.next()), hex(rest.next())) {
                (Some(high), Some(low)) => high << 4 | low,
                _ => {
                    return Err(
                        "has a % without two hexadecimal digits after it (a % itself is written %25)",
                    );
                }
            },
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|_| "is not UTF-8 after percent-decoding")
}

fn hex(digit: Option<u8>) -> Option<u8> {
    char::from(digit?).to_digit(16).map(|value| value as u8)
}
