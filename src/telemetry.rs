//! Logging, and how long a request waited for each tier.

use std::future::Future;
use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::Duration;

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

/// What one request asked of a tier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Statements sent.
    pub statements: u32,
    /// Time until their last row was here, summed.
    pub waited: Duration,
}

#[derive(Debug, Default)]
struct Tally(Mutex<[Asked; 2]>);

tokio::task_local! {
    static TALLY: Tally;
}

/// Runs `work` and counts what it asked of the hot and of the cold tier, in this order.
pub async fn tally<T>(work: impl Future<Output = T>) -> (T, [Asked; 2]) {
    TALLY
        .scope(Tally::default(), async {
            let output = work.await;
            let asked = TALLY.with(|tally| tally.0.lock().map(|asked| *asked).unwrap_or_default());
            (output, asked)
        })
        .await
}

/// The histogram of how long tiers took to answer a statement, in seconds, by tier and outcome.
pub const STATEMENT_SECONDS: &str = "thermocline_tier_statement_seconds";

/// Notes that the tier with this name and place (0 hot, 1 cold) answered one statement, or failed to.
pub fn asked((name, tier): (&'static str, usize), waited: Duration, answered: bool) {
    let outcome = if answered { "answered" } else { "failed" };
    metrics::histogram!(STATEMENT_SECONDS, "tier" => name, "outcome" => outcome).record(waited.as_secs_f64());
    let _ = TALLY.try_with(|tally| {
        if let Ok(mut asked) = tally.0.lock()
            && let Some(asked) = asked.get_mut(tier)
        {
            asked.statements += 1;
            asked.waited += waited;
        }
    });
}

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
