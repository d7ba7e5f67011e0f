//! The loop around batches: which resources, how much, until when.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, Mutex};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::batch::Batch;
use super::blocks::Known;
use super::due::Rule;
use super::family::Family;
use super::pace::{Patience, rest};
use super::steps::{Attempt, MovedBatch};
use super::stopwatch::Steps;
use super::{BlockSizes, MoveError, measure, obstacles, rejects};
use crate::clock::{Clock, DAY};
use crate::telemetry::explain;
use crate::tier::{Engine, Statement, Tier, TierError, hot_sql};

/// How often a batch that met a lock or a write conflict is tried again.
const RETRIES: u32 = 8;
/// How long to wait before the first of these tries; each next one waits twice as long, up to the longest.
const BACK_OFF: Duration = Duration::from_millis(50);
const LONGEST_BACK_OFF: Duration = Duration::from_secs(3);
/// How soon to look again whether hot is fast enough, and whether cold is back.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// How long another mover has the turn: an erasure is done by then, and two runs lose little to each other.
const TURN: Duration = Duration::from_secs(5);

static IS_HELD: LazyLock<Statement> = LazyLock::new(|| hot_sql!("is_held"));

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
    /// What is due.
    pub rule: Rule,
    /// Rows of a batch, children included.
    pub batch: i64,
    /// No more than this many rows of a resource, if set; a batch in hand is finished.
    pub max_rows: Option<i64>,
    /// The pause between two batches.
    pub pause: Duration,
    /// No batch begins while a cheap read of hot takes longer than this.
    pub max_hot_latency: Option<Duration>,
    /// How long to wait for hot to become fast enough, for cold to come back, or for another mover, before stopping.
    pub patience: Duration,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            rule: Rule::from(30 * DAY),
            batch: 1_000,
            max_rows: None,
            pause: Duration::ZERO,
            max_hot_latency: None,
            patience: Duration::ZERO,
        }
    }
}

/// How a resource's run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Nothing is due any more.
    Done,
    /// Told to stop, or the limit was reached.
    Stopped,
    /// An operator keeps the mover away from it until `archive resume`.
    Held,
    /// Another mover claimed a later number, and no patience was left to take turns.
    Overtaken,
    /// Hot did not become fast enough in time.
    HotIsSlow,
    /// It failed.
    Failed,
}

/// What a run did to one resource.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The resource.
    pub resource: &'static str,
    /// Rows of the resource that were due at the beginning, unless they could not be counted in time.
    pub due: Option<i64>,
    /// Rows moved, children included.
    pub rows: i64,
    /// Rows of the resource itself.
    pub of_resource: i64,
    /// Batches moved.
    pub batches: i64,
    /// The epoch of the last one.
    pub epoch: Option<i64>,
    /// Rows of the resource that cannot move, found by this run: they stay in hot, noted with the reason.
    pub rejected: i64,
    /// Rows of the resource that cannot come back, since hot does not have what they refer to: they stay in cold.
    pub left: i64,
    /// What the first of them lack.
    pub lacking: Vec<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it failed.
    pub error: Option<String>,
    /// Seconds it took.
    pub seconds: f64,
    /// Seconds its batches spent at their steps.
    pub steps: Steps,
}

impl Report {
    pub(super) fn new(resource: &'static str) -> Self {
        Self {
            resource,
            due: None,
            rows: 0,
            of_resource: 0,
            batches: 0,
            epoch: None,
            rejected: 0,
            left: 0,
            lacking: Vec::new(),
            outcome: Outcome::Stopped,
            error: None,
            seconds: 0.0,
            steps: Steps::default(),
        }
    }

    /// What there is to do, as far as it could be counted: on a very large table that may take longer than anybody waits,
    /// and is no reason not to begin.
    pub(super) fn counted(&mut self, due: Result<i64, TierError>) {
        match due {
            Ok(due) => self.due = Some(due),
            Err(error) => {
                tracing::warn!(resource = self.resource, error = explain(&error), "not counted beforehand");
            }
        }
    }

    /// Counts a batch.
    pub(super) fn add(&mut self, moved: &MovedBatch) {
        self.batches += 1;
        self.rows += moved.rows;
        self.of_resource += moved.of_resource;
        self.epoch = Some(moved.epoch);
        self.steps.add(&moved.steps);
        measure::moved(self.resource, moved);
        let (resource, total) = (self.resource, self.rows);
        tracing::info!(resource, epoch = moved.epoch, rows = moved.rows, total, "moved a batch");
    }

    /// What was begun at `begun` has ended so.
    pub(super) fn ended(mut self, outcome: Result<Outcome, MoveError>, begun: Instant) -> Self {
        self.outcome = outcome.unwrap_or_else(|error| {
            self.error = Some(explain(&error));
            if let MoveError::Overtaken { .. } = error {
                return Outcome::Overtaken;
            }
            tracing::error!(resource = self.resource, error = explain(&error), "stopped moving");
            Outcome::Failed
        });
        self.seconds = begun.elapsed().as_secs_f64();
        self
    }
}

impl Mover<'_> {
    /// How many rows of a resource are due; changes nothing.
    pub async fn due(&self, family: &Family, rule: impl Into<Rule>) -> Result<i64, TierError> {
        let rule = rule.into();
        let cutoff = family.cutoff(self.clock.now(), rule);
        family.count_due(self.hot, rule, &cutoff).await.map(|(due, _)| due)
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
        let mut report = Report::new(family.resource);
        let outcome = self.batches(family, plan, stop, &mut report, progress).await;
        report.ended(outcome, begun)
    }

    /// Whether an operator keeps the mover away from a resource.
    pub async fn is_held(&self, family: &Family) -> Result<bool, TierError> {
        let records = self.hot.fetch(&IS_HELD, &[family.resource.into()]).await?;
        records.first().map_or(Ok(false), |record| record.bool("held"))
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
        let rule = plan.rule;
        let older_than = family.cutoff(self.clock.now(), rule);
        report.counted(self.due(family, rule).await);
        progress(report);
        self.finish_erasures(family).await?;
        let mut most = plan.batch;
        let mut patient = Patience::new(plan.patience);
        let known = Mutex::new(Known::default());
        loop {
            let left = plan.max_rows.map(|most| most - report.rows);
            if stop.load(Ordering::Relaxed) || left.is_some_and(|left| left <= 0) {
                return Ok(Outcome::Stopped);
            }
            if self.is_held(family).await? {
                return Ok(Outcome::Held);
            }
            // Asked without a claim, so that an idle mover writes nothing; and a cheap read to tell how hot fares by.
            let asked = Instant::now();
            if self.hot.fetch(&family.due(rule).pick, &[older_than.clone(), 1.into()]).await?.is_empty() {
                return Ok(Outcome::Done);
            }
            if plan.max_hot_latency.is_some_and(|most| asked.elapsed() > most) {
                if !patient.wait(LOOK_AGAIN, stop).await {
                    return Ok(Outcome::HotIsSlow);
                }
                continue;
            }
            let batch = Batch {
                mover: self,
                family,
                rule,
                older_than: older_than.clone(),
                rows: left.map_or(most, |left| left.min(most)).max(1),
                known: &known,
            };
            let moved = match insist(&batch).await {
                Ok(Some(moved)) => moved,
                Ok(None) if self.is_held(family).await? => return Ok(Outcome::Held),
                Ok(None) => return Ok(Outcome::Done),
                Err(MoveError::Rejected { rows, .. }) => {
                    rejects::note(self.hot, family, self.clock.now(), &rows).await?;
                    report.rejected += rows.len() as i64;
                    continue;
                }
                // Which row cannot be read is found out by asking for fewer.
                Err(MoveError::Tier(TierError::Row { tier: Tier::Hot, .. })) if batch.rows > 1 => {
                    most = batch.rows / 2;
                    continue;
                }
                Err(error @ MoveError::Overtaken { .. }) => {
                    tracing::info!(resource = family.resource, "another mover is at work");
                    if !patient.wait(TURN, stop).await {
                        return Err(error);
                    }
                    continue;
                }
                Err(MoveError::Tier(error @ TierError::Unavailable { tier: Tier::Cold, .. })) => {
                    tracing::warn!(resource = family.resource, error = explain(&error), "cold is away");
                    if !patient.wait(LOOK_AGAIN, stop).await {
                        return Err(error.into());
                    }
                    continue;
                }
                Err(error) => return Err(error),
            };
            patient = Patience::new(plan.patience);
            most = plan.batch.min(most.saturating_mul(2));
            report.add(&moved);
            progress(report);
            rest(plan.pause, stop).await;
        }
    }
}

/// Moves a batch, again when a lock was in its way, or another mover: what it left is undone by the next claim.
pub(super) async fn insist(batch: &dyn Attempt) -> Result<Option<MovedBatch>, MoveError> {
    let (mut tried, mut pause) = (1, BACK_OFF);
    loop {
        match batch.attempt().await {
            Err(error) if error.is_passing(batch.yields()) && tried < RETRIES => {
                tracing::warn!(%error, tried, "something was in the way");
                tokio::time::sleep(pause).await;
                (tried, pause) = (tried + 1, LONGEST_BACK_OFF.min(pause * 2));
            }
            other => return other,
        }
    }
}
