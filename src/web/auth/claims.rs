//! The claims of a token whose signature is good.
//!
//! They are read as raw JSON values because issuers differ: `sub` is a number or a text, `scope` a text or a list. serde
//! refuses a repeated claim, which two readers could understand in two ways.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::Refusal;
use crate::clock::Timestamp;

/// The user for whom a request acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// A positive id. The user may not exist.
    pub user_id: i64,
    /// Whether the scope of the token includes `admin`.
    pub admin: bool,
}

#[derive(Deserialize)]
pub(super) struct Claims {
    exp: Option<Value>,
    nbf: Option<Value>,
    iss: Option<Value>,
    aud: Option<Value>,
    sub: Option<Value>,
    user_id: Option<Value>,
    scope: Option<Value>,
}

/// The claims of a token that this server issues.
#[derive(Serialize)]
pub(super) struct Issued<'a> {
    /// A text, as RFC 7519 requires.
    pub sub: String,
    /// Seconds since 1970.
    pub iat: i64,
    /// Seconds since 1970.
    pub exp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iss: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aud: Option<&'a str>,
}

impl Claims {
    /// Checks that `now` lies from `nbf` until just before `exp`, each widened by `leeway` seconds.
    pub(super) fn check_times(&self, now: Timestamp, leeway: i64) -> Result<(), Refusal> {
        let now = now.micros();
        let leeway = leeway * 1_000_000;
        let exp = micros(self.exp.as_ref().ok_or(Refusal::NoExpiry)?)?;
        if now >= exp.saturating_add(leeway) {
            return Err(Refusal::Expired);
        }
        if let Some(nbf) = &self.nbf
            && now < micros(nbf)?.saturating_sub(leeway)
        {
            return Err(Refusal::NotYetValid);
        }
        Ok(())
    }

    /// Checks `iss` and `aud` where the settings require one; a token without it is refused too.
    pub(super) fn check_origin(&self, issuer: Option<&str>, audience: Option<&str>) -> Result<(), Refusal> {
        if let Some(issuer) = issuer
            && self.iss.as_ref().and_then(Value::as_str) != Some(issuer)
        {
            return Err(Refusal::Issuer);
        }
        if let Some(audience) = audience
            && !self.aud.as_ref().is_some_and(|aud| holds(aud, audience))
        {
            return Err(Refusal::Audience);
        }
        Ok(())
    }

    /// Returns the user of `sub` or, in a token without one, of `user_id`.
    pub(super) fn caller(&self) -> Result<Caller, Refusal> {
        let user_id = self.sub.as_ref().or(self.user_id.as_ref()).and_then(user_id).ok_or(Refusal::User)?;
        let admin = match &self.scope {
            Some(Value::String(words)) => words.split(' ').any(|word| word == "admin"),
            Some(list) => holds(list, "admin"),
            None => false,
        };
        Ok(Caller { user_id, admin })
    }
}

/// Converts a `NumericDate`, seconds since 1970 with an optional fraction, to microseconds.
fn micros(seconds: &Value) -> Result<i64, Refusal> {
    let Value::Number(seconds) = seconds else {
        return Err(Refusal::MalformedTime);
    };
    if let Some(whole) = seconds.as_i64() {
        return Ok(whole.saturating_mul(1_000_000));
    }
    // The cast saturates: an absurd number is just very late or very early.
    let seconds = seconds.as_f64().ok_or(Refusal::MalformedTime)?;
    Ok((seconds * 1e6) as i64)
}

fn user_id(claim: &Value) -> Option<i64> {
    let id = match claim {
        Value::Number(number) => number.as_i64()?,
        // The number parser alone would accept a leading +.
        Value::String(text) if text.bytes().all(|b| b.is_ascii_digit()) => text.parse().ok()?,
        _ => return None,
    };
    (id > 0).then_some(id)
}

/// Returns whether a claim is this text or a list with it.
fn holds(claim: &Value, wanted: &str) -> bool {
    match claim {
        Value::String(text) => text == wanted,
        Value::Array(list) => list.iter().any(|item| item.as_str() == Some(wanted)),
        _ => false,
    }
}
