//! Metrics of what moves, by resource.

use super::outcome::Outcome;
use crate::maintenance::status::Status;
use crate::moves::rows::MovedBatch;
use thermocline_core::clock::{DAY, Timestamp};

/// Rows moved by this process, children included.
pub const ROWS: &str = "thermocline_archive_rows_moved_total";
/// Batches moved by this process.
pub const BATCHES: &str = "thermocline_archive_batches_total";
/// The time that batches spent at a step, in seconds, by resource and step.
pub const STEP_SECONDS: &str = "thermocline_archive_step_seconds";
/// Runs of this process that ended, by outcome.
pub const RUNS: &str = "thermocline_archive_runs_total";
/// Runs of this process that failed.
pub const FAILURES: &str = "thermocline_archive_failures_total";
/// The time at which a run of this process last finished with nothing left to do, in seconds since 1970; 0 for never.
pub const LAST_SUCCESS: &str = "thermocline_archive_last_success_timestamp_seconds";
/// The number of the last move that this process has seen.
pub const EPOCH: &str = "thermocline_archive_epoch";
/// The time at which the last move was done, by any process, in seconds since 1970.
pub const LAST_MOVE: &str = "thermocline_archive_last_move_timestamp_seconds";
/// Rows in hot.
pub const HOT_ROWS: &str = "thermocline_archive_hot_rows";
/// Rows that were due when this process last read the status.
pub const DUE: &str = "thermocline_archive_due_rows";
/// The number of seconds since the oldest of these became due.
pub const LAG: &str = "thermocline_archive_lag_seconds";
/// Rows that cannot move.
pub const REJECTS: &str = "thermocline_archive_rejected_rows";
/// 1 while a resource is held.
pub const HELD: &str = "thermocline_archive_held";
/// 1 while a resource is paused.
pub const PAUSED: &str = "thermocline_archive_paused";

/// Registers the metrics of a resource, so that an alert can tell 0 from absence.
pub(super) fn register(resource: &'static str) {
    for counter in [ROWS, BATCHES, FAILURES] {
        metrics::counter!(counter, "resource" => resource).increment(0);
    }
    for outcome in Outcome::ALL {
        metrics::counter!(RUNS, "resource" => resource, "outcome" => outcome.name()).increment(0);
    }
    metrics::gauge!(LAST_SUCCESS, "resource" => resource).set(0.0);
}

/// Counts a batch.
pub(super) fn batch_moved(resource: &'static str, moved: &MovedBatch) {
    metrics::counter!(ROWS, "resource" => resource).increment(moved.rows.cast_unsigned());
    metrics::counter!(BATCHES, "resource" => resource).increment(1);
    metrics::gauge!(EPOCH, "resource" => resource).set(moved.epoch as f64);
    for (step, seconds) in moved.steps.named() {
        metrics::histogram!(STEP_SECONDS, "resource" => resource, "step" => step).record(seconds);
    }
}

/// Records how a run ended.
pub(super) fn run_ended(resource: &'static str, outcome: Outcome, now: Timestamp) {
    metrics::counter!(RUNS, "resource" => resource, "outcome" => outcome.name()).increment(1);
    match outcome {
        Outcome::Done => {
            metrics::gauge!(LAST_SUCCESS, "resource" => resource).set(now.micros() as f64 / 1e6);
        }
        Outcome::Failed => metrics::counter!(FAILURES, "resource" => resource).increment(1),
        Outcome::Stopped | Outcome::Held | Outcome::Paused | Outcome::Overtaken | Outcome::HotIsSlow => {}
    }
}

/// Records the status of a resource.
pub fn status_read(status: &Status) {
    let gauge =
        |name: &'static str, value: f64| metrics::gauge!(name, "resource" => status.resource).set(value);
    gauge(EPOCH, status.epoch as f64);
    gauge(HOT_ROWS, status.rows_in_hot as f64);
    gauge(DUE, status.due as f64);
    gauge(LAG, status.lag_days * DAY as f64 / 1e6);
    if let Some(last) = status.cold.as_ref().and_then(|cold| cold.last.as_ref()) {
        gauge(LAST_MOVE, last.finished.micros() as f64 / 1e6);
    }
    gauge(REJECTS, status.rejects.rows as f64);
    gauge(HELD, f64::from(u8::from(status.held)));
    gauge(PAUSED, f64::from(u8::from(status.paused)));
}
