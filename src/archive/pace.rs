//! How fast rows move: pauses that end when the process is asked to stop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How soon a pause notices that it should end.
const NOTICE: Duration = Duration::from_millis(100);

/// Waits, but not on when told to stop.
pub(super) async fn rest(pause: Duration, stop: &AtomicBool) {
    let begun = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        let left = pause.saturating_sub(begun.elapsed());
        if left.is_zero() {
            return;
        }
        tokio::time::sleep(left.min(NOTICE)).await;
    }
}
