//! Settings of Redis, which servers share.

use std::time::Duration;

use super::error::ConfigError;
use super::sources::{Setting, Values};
use crate::web::shared::SharedSettings;

/// The time for which a request waits for Redis by default, in milliseconds.
const TIMEOUT: u32 = 20;

/// Returns the settings of this module.
pub(super) fn settings() -> impl Iterator<Item = Setting> {
    [Setting::shared("redis_url").secret_if(true), Setting::own("redis_timeout_ms")].into_iter()
}

pub(super) fn resolve(values: &Values) -> Result<Option<SharedSettings>, ConfigError> {
    let timeout = values.number("redis_timeout_ms", 1..=1000)?.unwrap_or(TIMEOUT);
    let url = values.parse("redis_url", accepted)?;
    Ok(url.map(|url| SharedSettings { url: url.into(), timeout: Duration::from_millis(timeout.into()) }))
}

/// Accepts a URL that the client can read. An error does not repeat the URL, which may hold a password.
fn accepted(url: &str) -> Result<String, &'static str> {
    // A fragment would turn the check of certificates off.
    if redis::Client::open(url).is_err() || url.contains('#') {
        return Err("expected redis://[user:password@]host[:port][/number], or rediss:// for TLS");
    }
    Ok(url.to_owned())
}
