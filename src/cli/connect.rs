//! Opens tiers, and waits for databases that are still starting.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::failure::Failure;
use crate::schema;
use crate::telemetry::explain;
use crate::tier::{ConnectFailure, Schema, Tier, TierError, TierLocation};

/// The first pause between two attempts; each pause doubles.
const SHORTEST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// A failed attempt to reach a database.
#[derive(Debug)]
pub struct FailedAttempt<'a> {
    tier: Tier,
    location: &'a TierLocation,
    /// The number of the attempt, from 1.
    number: u32,
    /// The number of attempts in all.
    tries: u32,
    reason: String,
    /// The pause until the next attempt; none after the last.
    pause: Option<Duration>,
    failure: ConnectFailure,
}

impl fmt::Display for FailedAttempt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tier, location, number, tries, reason, pause, failure } = self;
        write!(f, "{tier} {location} is {}: {reason} (try {number} of {tries}", failure.summary())?;
        match pause {
            Some(pause) => write!(f, ", again in {:.1} s)", pause.as_secs_f64()),
            None => f.write_str(")"),
        }
    }
}

/// Logs a failed attempt.
pub fn log(attempt: &FailedAttempt<'_>) {
    let FailedAttempt { tier, location, number, tries, reason, .. } = attempt;
    let tier = tier.name();
    tracing::warn!(tier, %location, number, tries, reason, "waiting for the database");
}

/// Opens a tier once, whatever the state of its schema.
pub async fn open(tier: Tier, location: &TierLocation) -> Result<Arc<dyn Schema>, Failure> {
    let opened = location.open(schema::of(tier)).await;
    opened.map_err(|error| Failure::Failed(format!("{} ({location})", explain(&error))))
}

/// Refuses an embedded file that does not exist: a command that only reads or moves must not create it.
pub fn ensure_existing(tier: Tier, location: &TierLocation) -> Result<(), Failure> {
    match location.path() {
        Some(file) if !file.is_file() => {
            let file = file.display();
            Err(Failure::Failed(format!("{tier}: there is no file {file}; `db upgrade` creates it")))
        }
        _ => Ok(()),
    }
}

/// Opens a tier with up to `tries` attempts and growing pauses, and reports failed ones. Errors that waiting rarely cures
/// are retried too: on a first start, databases and users may still be created.
pub async fn wait(
    tier: Tier,
    location: &TierLocation,
    tries: u32,
    report: &mut (dyn FnMut(&FailedAttempt<'_>) + Send),
) -> Result<Arc<dyn Schema>, Failure> {
    let begun = Instant::now();
    let mut next_pause = SHORTEST_PAUSE;
    let mut number = 1;
    loop {
        let error = match location.open(schema::of(tier)).await {
            Ok(database) => return Ok(database),
            Err(error) => error,
        };
        let pause = (number < tries).then_some(next_pause);
        let (failure, reason) = (error.connect_failure(), reason(&error));
        report(&FailedAttempt { tier, location, number, tries, reason: reason.clone(), pause, failure });
        let Some(pause) = pause else {
            let times = if number == 1 { "try" } else { "tries" };
            return Err(Failure::Failed(format!(
                "{tier} {location} is {} after {number} {times} in {:.0} s: {reason}\n  {}",
                failure.summary(),
                begun.elapsed().as_secs_f64(),
                failure.advice()
            )));
        };
        tokio::time::sleep(pause).await;
        next_pause = (pause * 2).min(LONGEST_PAUSE);
        number += 1;
    }
}

/// Returns the message of the driver in one line, without the text that every such error begins with.
fn reason(error: &TierError) -> String {
    let source = std::error::Error::source(error);
    let text = source.map_or_else(|| error.to_string(), explain);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
