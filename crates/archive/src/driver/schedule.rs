//! Scheduled moves: a server runs the mover at the times of a cron expression.
//!
//! Any number of servers may do so at once: the claim fence makes it safe. Of two servers that move the same resource, the
//! one with the later claim does the work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use croner::Cron;

use super::metrics;
use super::options::ArchiveOptions;
use super::outcome::Outcome;
use super::pace::pause;
use super::steering::CHECK_AGAIN;
use crate::counts::BlockSizes;
use crate::maintenance::status::status;
use crate::model::{Family, Rule};
use crate::moves::Mover;
use thermocline_core::clock::{Clock, Timestamp};
use thermocline_core::error::explain;
use thermocline_database::Engine;
use thermocline_journal::control;

/// The longest sleep. It bounds the delay after the machine was suspended or its clock was set.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// When and how resources move.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// The hot tier.
    pub hot: Arc<dyn Engine>,
    /// The cold tier.
    pub cold: Arc<dyn Engine>,
    /// The time.
    pub clock: Clock,
    /// The name that `archive status` shows while rows move.
    pub name: String,
    /// The resources with their options; they move one after the other.
    pub resources: Vec<(&'static Family, ArchiveOptions)>,
    /// The times, in UTC.
    pub cron: Cron,
}

impl Schedule {
    /// Runs until told to stop; the batch in progress is finished.
    pub async fn run(&self, stop: &AtomicBool) {
        for (family, _) in &self.resources {
            metrics::register(family.resource);
        }
        let mut from = self.clock.now();
        let mut paused = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            let Some(next) = next(&self.cron, from) else {
                tracing::warn!(schedule = self.cron.as_str(), "the schedule has no next time");
                return;
            };
            tracing::info!(at = %next, "the next run");
            while self.clock.now() < next && !stop.load(Ordering::Relaxed) {
                let left = next.micros().saturating_sub(self.clock.now().micros()).max(0);
                let longest = if paused.is_empty() { LONGEST_SLEEP } else { CHECK_AGAIN };
                pause(longest.min(Duration::from_micros(left.cast_unsigned())), stop).await;
                paused = self.go_on(paused, stop).await;
            }
            if !stop.load(Ordering::Relaxed) {
                paused = self.once(stop).await;
            }
            // Times that passed during the run are skipped.
            from = next.max(self.clock.now());
        }
    }

    /// Moves the due rows of every resource that is neither held nor paused. Returns the positions of the paused ones, so that the
    /// others need not wait for them.
    pub async fn once(&self, stop: &AtomicBool) -> Vec<usize> {
        let mut paused = Vec::new();
        for (place, (family, _)) in self.resources.iter().enumerate() {
            match control::read(&*self.hot, family.resource).await {
                Ok((true, _)) => tracing::info!(resource = family.resource, "the resource is held"),
                Ok((false, control)) if control.paused => {
                    tracing::info!(resource = family.resource, "the resource is paused");
                    paused.push(place);
                }
                _ if self.move_due(place, stop).await == Outcome::Paused => paused.push(place),
                _ => {}
            }
        }
        paused
    }

    /// Moves the due rows of the resources that were paused and no longer are. Returns those that are still paused.
    async fn go_on(&self, paused: Vec<usize>, stop: &AtomicBool) -> Vec<usize> {
        let mut still = Vec::new();
        for place in paused {
            let asked = control::read(&*self.hot, self.resources[place].0.resource).await;
            let goes_on = asked.is_ok_and(|(_, control)| !control.paused) && !stop.load(Ordering::Relaxed);
            if !goes_on || self.move_due(place, stop).await == Outcome::Paused {
                still.push(place);
            }
        }
        still
    }

    /// Moves the due rows of one resource until it is paused.
    async fn move_due(&self, place: usize, stop: &AtomicBool) -> Outcome {
        let (family, options) = &self.resources[place];
        let mover = Mover {
            hot: &*self.hot,
            cold: &*self.cold,
            clock: &self.clock,
            name: self.name.clone(),
            sizes: BlockSizes::default(),
        };
        let options = ArchiveOptions { leaves_paused: true, ..options.clone() };
        let report = mover.run(family, &options, stop, &mut |_| {}).await;
        let (resource, rows, batches, seconds) =
            (report.resource, report.rows, report.batches, report.seconds);
        tracing::info!(resource, rows, batches, seconds, outcome = ?report.outcome, "the run has ended");
        metrics::run_ended(resource, report.outcome, self.clock.now());
        if report.outcome != Outcome::Failed {
            self.note_status(family, options.rule).await;
        }
        report.outcome
    }

    /// Reads the status of a resource and updates its gauges.
    async fn note_status(&self, family: &'static Family, rule: Rule) {
        match status(&*self.hot, Some(&*self.cold), &self.clock, family, rule).await {
            Ok(status) => metrics::status_read(&status),
            Err(error) => {
                tracing::warn!(
                    resource = family.resource,
                    error = explain(&error),
                    "could not read the status"
                );
            }
        }
    }
}

/// Returns the first time of the schedule after `from`.
fn next(cron: &Cron, from: Timestamp) -> Option<Timestamp> {
    // The search starts a second after `from`, so `from` must be a whole second.
    let from = from.plus(-from.micros().rem_euclid(1_000_000));
    let next = cron.find_next_occurrence(&from.datetime(), false).ok()?;
    Timestamp::from_micros(next.timestamp_micros())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn next_time_is_after_the_given_microsecond() {
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
