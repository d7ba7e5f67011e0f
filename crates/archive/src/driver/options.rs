//! The options of a run.

use std::time::Duration;

use crate::model::Rule;
use thermocline_core::clock::DAY;

/// The options of a run.
#[derive(Clone, Debug)]
pub struct ArchiveOptions {
    /// Which rows are due.
    pub rule: Rule,
    /// Rows of a batch, children included.
    pub batch: i64,
    /// The number of rows of a resource after which the run stops; the batch in progress is finished.
    pub max_rows: Option<i64>,
    /// The pause between two batches.
    pub pause: Duration,
    /// No batch starts while a cheap read of hot takes longer than this: the state of the resource, by primary key.
    pub max_hot_latency: Option<Duration>,
    /// Whether the run ends when the resource is paused, instead of waiting until it goes on.
    pub leaves_paused: bool,
    /// The longest wait for hot to become fast enough, for cold to become available, or for another mover.
    pub patience: Duration,
}

impl Default for ArchiveOptions {
    fn default() -> Self {
        Self {
            rule: Rule::from(30 * DAY),
            batch: 1_000,
            max_rows: None,
            pause: Duration::ZERO,
            max_hot_latency: None,
            leaves_paused: false,
            patience: Duration::ZERO,
        }
    }
}
