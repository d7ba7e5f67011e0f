//! Pauses between batches, which end early when the process is asked to stop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The interval at which a pause checks whether it should end.
const CHECK: Duration = Duration::from_millis(100);

/// Waits, unless told to stop.
pub(super) async fn pause(duration: Duration, stop: &AtomicBool) {
    let begun = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        let left = duration.saturating_sub(begun.elapsed());
        if left.is_zero() {
            return;
        }
        tokio::time::sleep(left.min(CHECK)).await;
    }
}

/// The time that is left to wait for something.
#[derive(Debug)]
pub(super) struct Patience {
    left: Duration,
}

impl Patience {
    pub(super) const fn new(left: Duration) -> Self {
        Self { left }
    }

    /// Waits for a while. Returns false at once when no patience is left or the process is to stop.
    pub(super) async fn wait(&mut self, duration: Duration, stop: &AtomicBool) -> bool {
        let duration = duration.min(self.left);
        if duration.is_zero() || stop.load(Ordering::Relaxed) {
            return false;
        }
        self.left -= duration;
        pause(duration, stop).await;
        true
    }
}
