//! Logging.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

pub use thermocline_core::error::explain;

/// Checks a log filter and returns it.
///
/// # Errors
/// Accepts a filter of levels by module. A lone word that is not a level is refused, although the library takes it for the name of a module: a
/// misspelt level would switch off every line.
pub fn filter(text: &str) -> Result<String, &'static str> {
    const EXPECTED: &str =
        "expected error, warn, info, debug, trace or off, or a filter such as thermocline=debug";
    let is_level =
        |word: &str| word.parse::<LevelFilter>().is_ok() && !word.bytes().all(|byte| byte.is_ascii_digit());
    let usable = |directive: &str| directive.contains(['=', '[']) || is_level(directive);
    if text.split(',').map(str::trim).all(usable) && EnvFilter::try_new(text).is_ok() {
        Ok(text.to_owned())
    } else {
        Err(EXPECTED)
    }
}

/// Sends log lines to standard error, as text on a terminal and as JSON elsewhere.
///
/// `filter` is an `EnvFilter` directive such as `info` or `thermocline=debug`; `RUST_LOG` overrides it. A second call does
/// nothing.
pub fn init(filter: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| {
        // tiberius warns of every clear-text connection, which is logged once where it is opened. sqlx logs unknown
        // parameters of a URL with their values, which may be secret.
        EnvFilter::new(format!("tiberius=off,sqlx_postgres::options=off,{filter}"))
    });
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // It reports a closed standard error with `eprintln!`, which panics.
    let log = log.log_internal_errors(false);
    let _ = if std::io::stderr().is_terminal() {
        log.with_target(false).try_init()
    } else {
        log.json().flatten_event(true).try_init()
    };
}
