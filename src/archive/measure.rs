//! Numbers for Prometheus on what moves, by resource.

use super::batch::MovedBatch;

/// Rows moved by this process, children included.
pub const ROWS: &str = "thermocline_archive_rows_moved_total";
/// Batches moved by this process.
pub const BATCHES: &str = "thermocline_archive_batches_total";
/// The number of the last move, as this process last saw it.
pub const EPOCH: &str = "thermocline_archive_epoch";

/// Counts a batch.
pub(super) fn moved(resource: &'static str, moved: &MovedBatch) {
    metrics::counter!(ROWS, "resource" => resource).increment(moved.rows.cast_unsigned());
    metrics::counter!(BATCHES, "resource" => resource).increment(1);
    metrics::gauge!(EPOCH, "resource" => resource).set(moved.epoch as f64);
}
