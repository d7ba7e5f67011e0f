//! Waiting for databases that are still starting.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Failure, tiers};
use crate::config::TierLocation;
use crate::telemetry::explain;
use crate::tier::{ConnectFailure, Schema, Tier, TierError};

/// The first pause, which doubles.
const SHORTEST: Duration = Duration::from_millis(500);
/// The longest pause.
const LONGEST: Duration = Duration::from_secs(5);

/// A look that found no database.
#[derive(Debug)]
pub struct Miss<'a> {
    /// The tier.
    pub tier: Tier,
    /// Where it should be, without passwords.
    pub place: &'a str,
    /// Which look it was, from 1.
    pub tried: u32,
    /// How many there are.
    pub tries: u32,
    /// What the driver says.
    pub why: String,
    /// In how long the next look is; none after the last.
    pub again: Option<Duration>,
    away: ConnectFailure,
}

impl fmt::Display for Miss<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tier, place, tried, tries, why, again, away } = self;
        write!(f, "{tier} {place} is {}: {why} (try {tried} of {tries}", away.summary())?;
        match again {
            Some(again) => write!(f, ", again in {:.1} s)", again.as_secs_f64()),
            None => f.write_str(")"),
        }
    }
}

/// Says so in the log.
pub fn log(miss: &Miss<'_>) {
    let Miss { tier, place, tried, tries, why, .. } = miss;
    tracing::warn!(tier = tier.name(), place, tried, tries, why, "waiting for the database");
}

/// Opens a tier, looking for it so often, with growing pauses. Also what waiting seldom cures is tried again: on a
/// first start, databases and users may still be made.
pub async fn wait(
    tier: Tier,
    place: &TierLocation,
    tries: u32,
    say: &mut (dyn FnMut(&Miss<'_>) + Send),
) -> Result<Arc<dyn Schema>, Failure> {
    let shown = tiers::describe(tier, place)?;
    let begun = Instant::now();
    let mut pause = SHORTEST;
    for tried in 1.. {
        let error = match tiers::attempt(tier, place).await? {
            Ok(database) => return Ok(database),
            Err(error) => error,
        };
        let again = (tried < tries).then_some(pause);
        let (away, why) = (error.connect_failure(), reason(&error));
        say(&Miss { tier, place: &shown, tried, tries, why: why.clone(), again, away });
        let Some(pausing) = again else {
            let times = if tried == 1 { "try" } else { "tries" };
            return Err(Failure::Failed(format!(
                "{tier} {shown} is {} after {tried} {times} in {:.0} s: {why}\n  {}",
                away.summary(),
                begun.elapsed().as_secs_f64(),
                away.advice()
            )));
        };
        tokio::time::sleep(pausing).await;
        pause = (pause * 2).min(LONGEST);
    }
    Err(Failure::Reported)
}

/// What the driver says, in one line and without what is said beside it anyway.
fn reason(error: &TierError) -> String {
    let source = std::error::Error::source(error);
    let text = source.map_or_else(|| error.to_string(), explain);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
