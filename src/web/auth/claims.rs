//! The claims of a token whose signature is good.
//!
//! They are read as raw JSON values because issuers differ: `sub` is a number or a text, the scope a text or a list, and
//! both stand where the settings say.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::caller::Restriction;
use super::error::Refusal;
use super::json;
use crate::clock::Timestamp;

/// The claims that say who a caller is and what the token may read.
#[derive(Clone, Debug, Default)]
pub struct ClaimSettings {
    /// The dotted path of the claim with the user; without one, `sub`, and where that is unusable `user_id`.
    pub user: Option<String>,
    /// The column of `users` that the claim holds.
    pub lookup: UserLookup,
    /// The dotted path of the claim with the scope; without one, `scope`.
    pub scope: Option<String>,
    /// The word of the scope that may read the rows of every user; without one, `admin`.
    pub admin: Option<String>,
}

/// The column of `users` that the claim of the user holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum UserLookup {
    /// The id itself; nothing is looked up.
    #[default]
    Id,
    /// `username`
    Username,
    /// `email`
    Email,
}

/// The user that a token names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenUser {
    /// A positive id. The user may not exist.
    Id(i64),
    /// The value of a column, not empty. The user may not exist.
    Named(UserLookup, String),
}

/// A genuine token: its user and its rights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The user.
    pub user: TokenUser,
    /// Whether the scope of the token includes the word for admins.
    pub admin: bool,
    pub(super) restriction: Restriction,
}

/// The claims of a token, without a repeated name.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct Claims(#[serde(deserialize_with = "json::object")] Map<String, Value>);

/// The claims of a token that this server issues.
pub(super) struct OwnClaims<'a> {
    /// A text, as RFC 7519 requires of `sub`.
    pub user: &'a str,
    /// Seconds since 1970.
    pub issued_at: i64,
    /// Seconds since 1970.
    pub expires_at: i64,
    pub scope: Option<&'a str>,
    pub issuer: Option<&'a str>,
    pub audience: Option<&'a str>,
}

impl OwnClaims<'_> {
    /// Returns the claims where `settings` look for them.
    pub fn claims(&self, settings: &ClaimSettings) -> Value {
        let mut claims = Map::new();
        put(&mut claims, settings.user.as_deref().unwrap_or("sub"), self.user.into());
        claims.insert("iat".to_owned(), self.issued_at.into());
        claims.insert("exp".to_owned(), self.expires_at.into());
        if let Some(scope) = self.scope {
            put(&mut claims, settings.scope.as_deref().unwrap_or("scope"), scope.into());
        }
        for (name, value) in [("iss", self.issuer), ("aud", self.audience)] {
            if let Some(value) = value {
                claims.insert(name.to_owned(), value.into());
            }
        }
        Value::Object(claims)
    }
}

impl Claims {
    /// Returns when the token expires, without leeway.
    pub(super) fn expiry(&self) -> Result<Timestamp, Refusal> {
        let exp = micros(self.get("exp").ok_or(Refusal::NoExpiry)?)?;
        Ok(Timestamp::default().plus(exp))
    }

    /// Checks that `now` lies from `nbf` until just before `exp`, each widened by `leeway` seconds.
    pub(super) fn check_times(&self, now: Timestamp, leeway: i64) -> Result<(), Refusal> {
        let now = now.micros();
        let leeway = leeway * 1_000_000;
        let exp = micros(self.get("exp").ok_or(Refusal::NoExpiry)?)?;
        if now >= exp.saturating_add(leeway) {
            return Err(Refusal::Expired);
        }
        if let Some(nbf) = self.get("nbf")
            && now < micros(nbf)?.saturating_sub(leeway)
        {
            return Err(Refusal::NotYetValid);
        }
        Ok(())
    }

    /// Checks `iss` and `aud` where the settings require one; a token without it is refused too.
    pub(super) fn check_origin(&self, issuer: Option<&str>, audience: Option<&str>) -> Result<(), Refusal> {
        if let Some(issuer) = issuer
            && self.get("iss").and_then(Value::as_str) != Some(issuer)
        {
            return Err(Refusal::Issuer);
        }
        if let Some(audience) = audience
            && !self.get("aud").is_some_and(|aud| holds(aud, audience))
        {
            return Err(Refusal::Audience);
        }
        Ok(())
    }

    /// Returns the user and the rights that the claims express by `settings`.
    pub(super) fn identity(&self, settings: &ClaimSettings) -> Result<Identity, Refusal> {
        let user = match &settings.user {
            Some(path) => at(&self.0, path).and_then(|claim| user(claim, settings.lookup)),
            None => ["sub", "user_id"].iter().find_map(|name| user(self.get(name)?, settings.lookup)),
        };
        if settings.lookup == UserLookup::Email && self.get("email_verified").is_some_and(is_false) {
            return Err(Refusal::UnverifiedEmail);
        }
        let scope = at(&self.0, settings.scope.as_deref().unwrap_or("scope"));
        let words: Vec<&str> = match scope {
            Some(Value::String(words)) => words.split(' ').collect(),
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let admin = words.contains(&settings.admin.as_deref().unwrap_or("admin"));
        let restriction = Restriction::of(words.into_iter());
        Ok(Identity { user: user.ok_or(Refusal::User)?, admin, restriction })
    }

    /// Returns a claim that is there and not null.
    fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|claim| !claim.is_null())
    }
}

/// Returns the value at a dotted path. A name may contain dots itself, as those of namespaced claims do.
fn at<'a>(claims: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    if let Some(claim) = claims.get(path) {
        return Some(claim);
    }
    path.match_indices('.').find_map(|(dot, _)| at(claims.get(&path[..dot])?.as_object()?, &path[dot + 1..]))
}

/// Puts a value where [`at`] finds it: a path with a scheme is one name, another one is split at its dots.
fn put(claims: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        Some((first, rest)) if !path.contains("://") => {
            let inner = claims.entry(first).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(inner) = inner {
                put(inner, rest, value);
            }
        }
        _ => drop(claims.insert(path.to_owned(), value)),
    }
}

/// Reads the claim of the user. Returns `None` for a value that `lookup` cannot use.
fn user(claim: &Value, lookup: UserLookup) -> Option<TokenUser> {
    match lookup {
        UserLookup::Id => user_id(claim).map(TokenUser::Id),
        UserLookup::Username | UserLookup::Email => {
            let value = claim.as_str().filter(|value| !value.is_empty())?;
            Some(TokenUser::Named(lookup, value.to_owned()))
        }
    }
}

/// Returns whether a claim is false. Some issuers send booleans as text.
fn is_false(claim: &Value) -> bool {
    claim == &Value::Bool(false) || claim.as_str() == Some("false")
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
