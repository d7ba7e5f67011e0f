//! Moving by itself: a server runs the mover when a cron expression says so.
//!
//! Any number of servers may do so at once. The claim fence makes it safe; a server that finds a resource being moved
//! is overtaken, or overtakes, and the one that goes on does the work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use croner::Cron;

use super::pace::rest;
use super::status::{Status, status};
use super::{BlockSizes, Family, Mover, Outcome, Plan, measure};
use crate::clock::{Clock, Timestamp};
use crate::telemetry::explain;
use crate::tier::Engine;

/// The longest sleep: a machine that was suspended, or whose clock was set, is not late for longer.
const NAP: Duration = Duration::from_secs(30);

/// When what moves.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// The hot tier.
    pub hot: Arc<dyn Engine>,
    /// The cold tier.
    pub cold: Arc<dyn Engine>,
    /// The time.
    pub clock: Clock,
    /// Who moves, for `archive status`.
    pub name: String,
    /// What moves and how, one after the other.
    pub plans: Vec<(&'static Family, Plan)>,
    /// When, in UTC.
    pub cron: Cron,
}

impl Schedule {
    /// Runs until told to stop; a batch in hand is finished.
    pub async fn run(&self, stop: &AtomicBool) {
        for (family, _) in &self.plans {
            measure::describe(family.resource);
        }
        let mut from = self.clock.now();
        while !stop.load(Ordering::Relaxed) {
            let Some(next) = next(&self.cron, from) else {
                tracing::warn!(schedule = self.cron.as_str(), "never comes");
                return;
            };
            tracing::info!(at = %next, "rows move next");
            while self.clock.now() < next && !stop.load(Ordering::Relaxed) {
                let left = next.micros().saturating_sub(self.clock.now().micros()).max(0);
                rest(NAP.min(Duration::from_micros(left.cast_unsigned())), stop).await;
            }
            if !stop.load(Ordering::Relaxed) {
                self.once(stop).await;
            }
            // Times that passed during the run are not made up for.
            from = next.max(self.clock.now());
        }
    }

    /// Moves what is due of every resource that is not held.
    pub async fn once(&self, stop: &AtomicBool) {
        let mover = Mover {
            hot: &*self.hot,
            cold: &*self.cold,
            clock: &self.clock,
            name: self.name.clone(),
            sizes: BlockSizes::default(),
        };
        for (family, plan) in &self.plans {
            match self.look(family, plan).await {
                Some(status) if status.held => {
                    tracing::info!(resource = family.resource, "held: left alone");
                    continue;
                }
                _ => {}
            }
            let report = mover.run(family, plan, stop, &mut |_| {}).await;
            let (resource, rows, batches, seconds) =
                (report.resource, report.rows, report.batches, report.seconds);
            tracing::info!(resource, rows, batches, seconds, outcome = ?report.outcome, "moved what was due");
            measure::ended(&report, self.clock.now());
            if report.outcome != Outcome::Failed {
                self.look(family, plan).await;
            }
        }
    }

    /// Brings the gauges of a resource up to date.
    async fn look(&self, family: &Family, plan: &Plan) -> Option<Status> {
        match status(&*self.hot, Some(&*self.cold), &self.clock, family, plan.rule).await {
            Ok(status) => {
                measure::standing(&status);
                Some(status)
            }
            Err(error) => {
                tracing::warn!(resource = family.resource, error = explain(&error), "could not look");
                None
            }
        }
    }
}

/// The first instant after `from` that `cron` names.
fn next(cron: &Cron, from: Timestamp) -> Option<Timestamp> {
    // A whole second: the next one is looked for a second later, fractions and all.
    let from = from.plus(-from.micros().rem_euclid(1_000_000));
    let next = cron.find_next_occurrence(&from.datetime(), false).ok()?;
    Timestamp::from_micros(next.timestamp_micros())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_time_is_after_this_one_to_the_microsecond() {
        let next = |cron: &str, from: &str| {
            let cron: Cron = cron.parse().expect("a schedule");
            next(&cron, from.parse().expect("a time")).map(|next| next.to_string())
        };
        for (cron, from, expected) in [
            ("0 2 * * *", "2026-03-01T01:59:59.999999Z", "2026-03-01T02:00:00.000000Z"),
            ("0 2 * * *", "2026-03-01T02:00:00Z", "2026-03-02T02:00:00.000000Z"),
            ("0 2 * * *", "2026-03-01T02:00:00.000001Z", "2026-03-02T02:00:00.000000Z"),
            ("*/15 * * * 0", "2026-03-01T23:50:00Z", "2026-03-08T00:00:00.000000Z"),
            ("0 0 29 2 *", "2026-03-01", "2028-02-29T00:00:00.000000Z"),
        ] {
            assert_eq!(next(cron, from).as_deref(), Some(expected), "{cron} after {from}");
        }
        assert_eq!(next("0 0 30 2 *", "2026-03-01"), None);
    }
}
