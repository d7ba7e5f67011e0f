//! The loop around batches: which resources, how much, until when.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::batch::{Batch, MovedBatch};
use super::family::Family;
use super::{BlockSizes, MoveError, obstacles};
use crate::clock::{Clock, DAY};
use crate::telemetry::explain;
use crate::tier::{Engine, TierError, Value};

/// How often a batch that met a lock or a write conflict is tried again.
const RETRIES: u32 = 5;

/// The two tiers, and who moves rows between them.
#[derive(Clone, Debug)]
pub struct Mover<'a> {
    /// The hot tier.
    pub hot: &'a dyn Engine,
    /// The cold tier.
    pub cold: &'a dyn Engine,
    /// The time.
    pub clock: &'a Clock,
    /// What `archive status` shows while rows move.
    pub name: String,
    /// How big counted blocks grow.
    pub sizes: BlockSizes,
}

/// What to move.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Rows at least this old, in microseconds.
    pub older_than: i64,
    /// Rows of a batch, children included.
    pub batch: i64,
    /// No more than this many rows of a resource, if set; a batch in hand is finished.
    pub max_rows: Option<i64>,
    /// The pause between two batches.
    pub pause: Duration,
}

impl Default for Plan {
    fn default() -> Self {
        Self { older_than: 30 * DAY, batch: 1_000, max_rows: None, pause: Duration::ZERO }
    }
}

/// How a resource's run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Nothing is due any more.
    Done,
    /// Told to stop, or the limit was reached.
    Stopped,
    /// It failed.
    Failed,
}

/// What a run did to one resource.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The resource.
    pub resource: &'static str,
    /// Rows of the resource that were due at the beginning.
    pub due: i64,
    /// Rows moved, children included.
    pub rows: i64,
    /// Rows of the resource itself.
    pub of_resource: i64,
    /// Batches moved.
    pub batches: i64,
    /// The epoch of the last one.
    pub epoch: Option<i64>,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it failed.
    pub error: Option<String>,
    /// Seconds it took.
    pub seconds: f64,
}

impl Mover<'_> {
    /// How many rows of a resource are due; changes nothing.
    pub async fn due(&self, family: &Family, older_than: i64) -> Result<i64, TierError> {
        let records = self.hot.fetch(&family.due_count, &[self.cutoff(family, older_than)]).await?;
        records.first().map_or(Ok(0), |record| record.int("n"))
    }

    fn cutoff(&self, family: &Family, older_than: i64) -> Value {
        let cutoff = self.clock.now().plus(older_than.saturating_neg());
        if family.by_day { cutoff.date().into() } else { cutoff.into() }
    }

    /// Moves what is due of one resource. `progress` hears of every batch; `stop` ends the run after the one in hand.
    pub async fn run(
        &self,
        family: &Family,
        plan: &Plan,
        stop: &AtomicBool,
        progress: &mut (dyn FnMut(&Report) + Send),
    ) -> Report {
        let begun = Instant::now();
        let mut report = Report {
            resource: family.resource,
            due: 0,
            rows: 0,
            of_resource: 0,
            batches: 0,
            epoch: None,
            outcome: Outcome::Stopped,
            error: None,
            seconds: 0.0,
        };
        let outcome = self.batches(family, plan, stop, &mut report, progress).await;
        report.outcome = outcome.unwrap_or_else(|error| {
            report.error = Some(explain(&error));
            tracing::error!(resource = family.resource, error = explain(&error), "stopped moving");
            Outcome::Failed
        });
        report.seconds = begun.elapsed().as_secs_f64();
        report
    }

    async fn batches(
        &self,
        family: &Family,
        plan: &Plan,
        stop: &AtomicBool,
        report: &mut Report,
        progress: &mut (dyn FnMut(&Report) + Send),
    ) -> Result<Outcome, MoveError> {
        obstacles::none(self.hot, family).await?;
        // One instant for the whole run: what becomes due meanwhile is the next run's.
        let older_than = self.cutoff(family, plan.older_than);
        report.due = self.due(family, plan.older_than).await?;
        progress(report);
        loop {
            let left = plan.max_rows.map(|most| most - report.rows);
            if stop.load(Ordering::Relaxed) || left.is_some_and(|left| left <= 0) {
                return Ok(Outcome::Stopped);
            }
            // Asked without a claim, so that an idle mover writes nothing.
            if self.hot.fetch(&family.due, &[older_than.clone(), 1.into()]).await?.is_empty() {
                return Ok(Outcome::Done);
            }
            let batch = Batch {
                hot: self.hot,
                cold: self.cold,
                family,
                clock: self.clock,
                mover: &self.name,
                older_than: older_than.clone(),
                rows: left.map_or(plan.batch, |left| left.min(plan.batch)).max(1),
                sizes: self.sizes,
            };
            let Some(moved) = insist(&batch).await? else { return Ok(Outcome::Done) };
            report.batches += 1;
            report.rows += moved.rows;
            report.of_resource += moved.of_resource;
            report.epoch = Some(moved.epoch);
            tracing::info!(
                resource = family.resource,
                epoch = moved.epoch,
                rows = moved.rows,
                total = report.rows,
                "moved a batch"
            );
            progress(report);
            if !plan.pause.is_zero() {
                tokio::time::sleep(plan.pause).await;
            }
        }
    }
}

/// Runs a batch, again when a lock was in its way: what it left is undone by the next claim.
async fn insist(batch: &Batch<'_>) -> Result<Option<MovedBatch>, MoveError> {
    for tried in 1.. {
        match batch.run().await {
            Err(MoveError::Tier(error)) if error.is_conflict() && tried < RETRIES => {
                tracing::warn!(%error, tried, "a lock was in the way");
                tokio::time::sleep(Duration::from_millis(50) * tried).await;
            }
            other => return other,
        }
    }
    Ok(None)
}
