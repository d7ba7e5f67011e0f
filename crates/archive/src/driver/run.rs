//! The loop around the batches of one resource.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::options::ArchiveOptions;
use super::outcome::Outcome;
use super::pace::{Patience, pause};
use super::report::RunReport;
use super::steering::{CHECK_AGAIN, Order, Steering};
use crate::counts::due_of;
use crate::model::{Family, Rule};
use crate::moves::archive::{Batch, Handover};
use crate::moves::retry::retry_on_conflict;
use crate::moves::{MoveError, Mover, preflight, rejects};
use thermocline_core::error::explain;
use thermocline_database::{Tier, TierError};

/// The wait after another mover has taken over. An erasure is done by then, and two runs delay each other little.
const TURN: Duration = Duration::from_secs(5);

impl Mover<'_> {
    /// Counts the due rows of a resource.
    pub async fn due(&self, family: &Family, rule: impl Into<Rule>) -> Result<i64, TierError> {
        let rule = rule.into();
        let cutoff = family.cutoff(self.clock.now(), rule);
        due_of(&self.hot.fetch(&family.due(rule).count, &[cutoff]).await?).map(|(due, _)| due)
    }

    /// Moves the due rows of one resource. Calls `progress` after every batch; `stop` ends the run after the batch in
    /// progress.
    pub async fn run(
        &self,
        family: &Family,
        options: &ArchiveOptions,
        stop: &AtomicBool,
        progress: &mut (dyn FnMut(&RunReport) + Send),
    ) -> RunReport {
        let begun = Instant::now();
        let mut report = RunReport::new(family.resource);
        let outcome = self.batches(family, options, stop, &mut report, progress).await;
        report.end(outcome, begun)
    }

    async fn batches(
        &self,
        family: &Family,
        options: &ArchiveOptions,
        stop: &AtomicBool,
        report: &mut RunReport,
        progress: &mut (dyn FnMut(&RunReport) + Send),
    ) -> Result<Outcome, MoveError> {
        preflight::check_leaving(self.hot, family).await?;
        // One cutoff for the whole run: rows that become due meanwhile are left to the next run.
        let rule = options.rule;
        let older_than = family.cutoff(self.clock.now(), rule);
        report.set_due(self.due(family, rule).await);
        progress(report);
        self.finish_erasures(family).await?;
        let mut size = options.batch;
        let mut patience = Patience::new(options.patience);
        let handover = Handover::default();
        let mut steering = Steering::new(self.hot, family.resource);
        loop {
            let left = options.max_rows.map(|most| most - report.rows);
            if stop.load(Ordering::Relaxed) || left.is_some_and(|left| left <= 0) {
                return Ok(Outcome::Stopped);
            }
            match steering.read().await? {
                Order::Go => {}
                Order::Held => return Ok(Outcome::Held),
                Order::Paused if options.leaves_paused => return Ok(Outcome::Paused),
                Order::Paused => {
                    steering.wait_paused(report, progress, stop).await;
                    continue;
                }
            }
            // Without a claim, so that an idle mover writes nothing.
            if !handover.has_due_rows() {
                let any = [older_than.clone(), 1.into()];
                if self.hot.fetch(&family.due(rule).pick, &any).await?.is_empty() {
                    return Ok(Outcome::Done);
                }
            }
            if steering.hot_is_slow(options.max_hot_latency) {
                if !patience.wait(CHECK_AGAIN, stop).await {
                    return Ok(Outcome::HotIsSlow);
                }
                continue;
            }
            if !steering.keeps_pace(stop).await {
                continue;
            }
            let batch = Batch {
                mover: self,
                family,
                rule,
                older_than: older_than.clone(),
                rows: steering.rows(left.map_or(size, |left| left.min(size))),
                handover: &handover,
            };
            steering.begin();
            let moved = match retry_on_conflict(&batch).await {
                Ok(Some(moved)) => moved,
                Ok(None) if self.is_held(family).await? => return Ok(Outcome::Held),
                Ok(None) => return Ok(Outcome::Done),
                Err(MoveError::Rejected { rows, .. }) => {
                    rejects::note(self.hot, family, self.clock.now(), &rows).await?;
                    report.rejected += rows.len() as i64;
                    continue;
                }
                // Smaller batches find the row that cannot be read.
                Err(MoveError::Tier(TierError::Row { tier: Tier::Hot, .. })) if batch.rows > 1 => {
                    size = batch.rows / 2;
                    continue;
                }
                Err(error) => match wait_for(error, family, &mut patience, stop).await {
                    None => continue,
                    Some(error) => return Err(error),
                },
            };
            patience = Patience::new(options.patience);
            size = options.batch.min(size.saturating_mul(2));
            steering.moved(moved.rows);
            report.add(&moved);
            progress(report);
            pause(options.pause, stop).await;
        }
    }
}

/// Waits for another mover, or for cold to come back. Returns the error when it is another one, or no patience is left.
async fn wait_for(
    error: MoveError,
    family: &Family,
    patience: &mut Patience,
    stop: &AtomicBool,
) -> Option<MoveError> {
    let duration = match &error {
        MoveError::Overtaken { .. } => {
            tracing::info!(resource = family.resource, "another mover is at work");
            TURN
        }
        MoveError::Tier(error @ TierError::Unavailable { tier: Tier::Cold, .. }) => {
            tracing::warn!(resource = family.resource, error = explain(error), "cold is unavailable");
            CHECK_AGAIN
        }
        _ => return Some(error),
    };
    if patience.wait(duration, stop).await { None } else { Some(error) }
}
