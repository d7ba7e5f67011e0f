//! Settings of what the server accepts: connections, requests, time-outs.

use std::time::Duration;

use super::error::ConfigError;
use super::sources::Values;

/// The settings.
pub(super) const KEYS: [&str; 11] = [
    "max_connections",
    "max_requests",
    "max_requests_per_caller",
    "rate_per_caller",
    "max_streams",
    "max_streams_per_caller",
    "header_timeout",
    "idle_timeout",
    "write_timeout",
    "shutdown_timeout",
    "ops_addr",
];
/// The settings that are on or off.
pub(super) const SWITCHES: [&str; 1] = ["access_log"];

/// Limits of the server. A number that is not set follows from the machine; 0 is no limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitSettings {
    /// Open connections.
    pub max_connections: Option<u32>,
    /// Requests in progress.
    pub max_requests: Option<u32>,
    /// Requests in progress of one caller.
    pub max_requests_per_caller: Option<u32>,
    /// Requests of one caller in a second.
    pub rate_per_caller: Option<u32>,
    /// Open streams of changes.
    pub max_streams: Option<u32>,
    /// Open streams of one caller.
    pub max_streams_per_caller: Option<u32>,
    /// The time to send the header of a request.
    pub header_timeout: Duration,
    /// The time a connection may stay open without a request.
    pub idle_timeout: Duration,
    /// The time a client may take to read nothing of its answer.
    pub write_timeout: Duration,
    /// The time the program may take to stop.
    pub shutdown_timeout: Duration,
    /// An address of its own for probes and metrics.
    pub ops_addr: Option<String>,
    /// Whether every request is logged.
    pub access_log: bool,
}

impl LimitSettings {
    pub(super) fn resolve(values: &Values) -> Result<Self, ConfigError> {
        let limit = |key| values.number(key, 0..=u32::MAX);
        let seconds = |key, default| {
            let seconds = values.number(key, 1..=86_400)?;
            Ok::<_, ConfigError>(Duration::from_secs(u64::from(seconds.unwrap_or(default))))
        };
        let access_log = values.parse("access_log", |text| match text {
            "on" | "true" => Ok(true),
            "off" | "false" => Ok(false),
            _ => Err("expected on or off"),
        })?;
        Ok(Self {
            max_connections: limit("max_connections")?,
            max_requests: limit("max_requests")?,
            max_requests_per_caller: limit("max_requests_per_caller")?,
            rate_per_caller: limit("rate_per_caller")?,
            max_streams: limit("max_streams")?,
            max_streams_per_caller: limit("max_streams_per_caller")?,
            header_timeout: seconds("header_timeout", 10)?,
            idle_timeout: seconds("idle_timeout", 75)?,
            write_timeout: seconds("write_timeout", 30)?,
            shutdown_timeout: seconds("shutdown_timeout", 25)?,
            ops_addr: values.owned("ops_addr"),
            access_log: access_log.unwrap_or(true),
        })
    }
}
