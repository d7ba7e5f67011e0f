//! The share of requests that were refused lately, which tells overload from a burst.
//!
//! A burst that is a little too long for the queue is refused in part, also on a server that has time to spare. If one refusal
//! made the queue short, the next burst would be refused sooner, and so on, at half of the load that the server can bear. So
//! it takes many refusals. They are counted over a time, because a short queue empties again and again under overload.

use std::time::Duration;

use tokio::time::Instant;

/// Requests are counted in windows; the last complete one and the present one count.
const WINDOW: Duration = Duration::from_millis(500);
/// Under overload more than one of so many requests is refused.
const PART: u64 = 5;

/// Counts of admitted and refused requests.
#[derive(Clone, Copy, Debug, Default)]
struct Decisions {
    admitted: u64,
    refused: u64,
}

/// The decisions about requests in the last moments.
#[derive(Debug)]
pub struct RefusedShare {
    begun: Instant,
    present: Decisions,
    last: Decisions,
}

impl RefusedShare {
    /// Returns a share without requests.
    pub fn new(now: Instant) -> Self {
        Self { begun: now, present: Decisions::default(), last: Decisions::default() }
    }

    /// Counts a request that was admitted.
    pub fn admitted(&mut self, now: Instant) {
        self.advance(now);
        self.present.admitted += 1;
    }

    /// Counts a request that was refused.
    pub fn refused(&mut self, now: Instant) {
        self.advance(now);
        self.present.refused += 1;
    }

    /// Returns whether so many are refused that waiting only adds latency.
    pub fn is_overload(&self, now: Instant) -> bool {
        let (last, present) = self.windows(now);
        let refused = last.refused + present.refused;
        refused * PART > refused + last.admitted + present.admitted
    }

    fn advance(&mut self, now: Instant) {
        if now.saturating_duration_since(self.begun) >= WINDOW {
            (self.last, self.present) = self.windows(now);
            self.begun = now;
        }
    }

    /// Returns the last window and the present one.
    fn windows(&self, now: Instant) -> (Decisions, Decisions) {
        match now.saturating_duration_since(self.begun) {
            age if age < WINDOW => (self.last, self.present),
            age if age < 2 * WINDOW => (self.present, Decisions::default()),
            _ => Default::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_refusals_are_overload_and_few_are_a_burst() {
        let begun = Instant::now();
        let mut share = RefusedShare::new(begun);
        assert!(!share.is_overload(begun), "no request");
        for _ in 0..80 {
            share.admitted(begun);
        }
        for _ in 0..20 {
            share.refused(begun);
        }
        assert!(!share.is_overload(begun), "one of five");
        share.refused(begun);
        assert!(share.is_overload(begun), "more than one of five");
    }

    #[test]
    fn the_last_window_counts_until_the_present_one_ends() {
        let begun = Instant::now();
        let moment = Duration::from_nanos(1);
        let mut share = RefusedShare::new(begun);
        share.refused(begun);
        assert!(share.is_overload(begun + 2 * WINDOW - moment), "nothing came since");
        assert!(!share.is_overload(begun + 2 * WINDOW));
        for _ in 0..3 {
            share.admitted(begun + WINDOW);
        }
        assert!(share.is_overload(begun + WINDOW + moment), "one of four in both windows");
        share.admitted(begun + 2 * WINDOW);
        assert!(!share.is_overload(begun + 2 * WINDOW), "the refusal has gone by");
    }
}
