//! Logging, and how long a request waited for each tier.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Sends log lines to standard error: for people on a terminal, as JSON lines elsewhere.
///
/// `filter` is an `EnvFilter` directive such as `info` or `thermocline=debug`; `RUST_LOG` overrides it.
/// A second call changes nothing.
pub fn init(filter: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| {
        // One driver complains of every clear-text connection; that is said once, where one is opened. The other tells what
        // it does not know in a URL, with its value, which may be a secret.
        EnvFilter::new(format!("tiberius=off,sqlx_postgres::options=off,{filter}"))
    });
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // It would tell of a log that nobody reads any more with `eprintln!`, which panics there.
    let log = log.log_internal_errors(false);
    let _ = if std::io::stderr().is_terminal() {
        log.with_target(false).try_init()
    } else {
        log.json().flatten_event(true).try_init()
    };
}

pub use crate::tier::usage::{STATEMENT_SECONDS, TierUsage, tally};

/// An error and its causes in one line.
pub fn explain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.ends_with(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}
