//! How long the poller waits between two questions. Pure.

use std::time::Duration;

/// The wait after news.
pub const FASTEST: Duration = Duration::from_millis(50);
/// The longest wait.
pub const SLOWEST: Duration = Duration::from_secs(1);
/// Answers without news until the poller slows down: a conversation goes on for a while.
const PATIENCE: u32 = 40;

/// The pace of the poller.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    wait: Duration,
    quiet: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self { wait: FASTEST, quiet: 0 }
    }
}

impl Pace {
    /// Returns the wait after an answer with or without news.
    pub fn after(&mut self, news: bool) -> Duration {
        if news {
            *self = Self::default();
        } else {
            self.quiet = self.quiet.saturating_add(1);
            if self.quiet > PATIENCE {
                self.wait = (self.wait * 3 / 2).min(SLOWEST);
            }
        }
        self.wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_slows_down_in_quiet_and_is_fast_after_news() {
        let mut pace = Pace::default();
        assert_eq!(pace.after(true), FASTEST);
        for _ in 0..PATIENCE {
            assert_eq!(pace.after(false), FASTEST);
        }
        let mut last = FASTEST;
        for _ in 0..20 {
            let wait = pace.after(false);
            assert!(wait >= last && wait <= SLOWEST, "{wait:?} after {last:?}");
            last = wait;
        }
        assert_eq!(last, SLOWEST);
        assert_eq!(pace.after(true), FASTEST);
    }
}
