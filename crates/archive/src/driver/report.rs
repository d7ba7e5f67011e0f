//! The report of a run.

use std::time::Instant;

use serde::Serialize;

use super::metrics;
use super::outcome::Outcome;
use crate::moves::MoveError;
use crate::moves::rows::MovedBatch;
use crate::moves::timing::Steps;
use thermocline_core::error::explain;
use thermocline_database::TierError;

/// The report of a run for one resource.
#[derive(Clone, Debug, Serialize)]
pub struct RunReport {
    /// The resource.
    pub resource: &'static str,
    /// Rows of the resource that were due at the start, unless they could not be counted in time.
    pub due: Option<i64>,
    /// Rows moved, children included.
    pub rows: i64,
    /// Rows of the resource itself.
    pub of_resource: i64,
    /// Batches moved.
    pub batches: i64,
    /// The epoch of the last one.
    pub epoch: Option<i64>,
    /// Rows of the resource that this run found unable to move. They stay in hot, noted with the reason.
    pub rejected: i64,
    /// Rows of the resource that cannot be restored, since hot lacks rows they refer to. They stay in cold.
    pub left: i64,
    /// The missing parents of the first of these.
    pub lacking: Vec<String>,
    /// Its outcome.
    pub outcome: Outcome,
    /// Why it failed.
    pub error: Option<String>,
    /// The duration in seconds.
    pub seconds: f64,
    /// Seconds that its batches spent at each step.
    pub steps: Steps,
    /// Whether it waits, because an operator has paused the resource.
    #[serde(skip)]
    pub paused: bool,
}

impl RunReport {
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
            paused: false,
        }
    }

    /// Sets the number of due rows. A very large table may take too long to count, which does not keep a run from starting.
    pub(super) fn set_due(&mut self, due: Result<i64, TierError>) {
        match due {
            Ok(due) => self.due = Some(due),
            Err(error) => {
                tracing::warn!(resource = self.resource, error = explain(&error), "could not count due rows");
            }
        }
    }

    /// Adds a batch.
    pub(super) fn add(&mut self, moved: &MovedBatch) {
        self.batches += 1;
        self.rows += moved.rows;
        self.of_resource += moved.of_resource;
        self.epoch = Some(moved.epoch);
        self.steps.add(&moved.steps);
        metrics::batch_moved(self.resource, moved);
        let (resource, total) = (self.resource, self.rows);
        tracing::info!(resource, epoch = moved.epoch, rows = moved.rows, total, "moved a batch");
    }

    /// Sets the outcome of a run that started at `begun`.
    pub(super) fn end(mut self, outcome: Result<Outcome, MoveError>, begun: Instant) -> Self {
        self.outcome = outcome.unwrap_or_else(|error| {
            self.error = Some(explain(&error));
            if let MoveError::Overtaken { .. } = error {
                return Outcome::Overtaken;
            }
            tracing::error!(resource = self.resource, error = explain(&error), "the run failed");
            Outcome::Failed
        });
        self.seconds = begun.elapsed().as_secs_f64();
        self
    }
}
