//! When a pool found an idle connection dead.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// When an idle connection of a pool was found dead the last time: those that were idle then are not worth a test, which takes long on
/// a silent network.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lost(Arc<Mutex<Option<Instant>>>);

impl Lost {
    /// Notes that a connection was found dead now.
    pub fn note(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Returns whether one was found dead since a connection became idle, which was `idle` ago.
    pub fn is_within(&self, idle: Duration) -> bool {
        let lost = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lost.is_some_and(|lost| lost.elapsed() < idle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_that_were_idle_then_are_lost() {
        let lost = Lost::default();
        assert!(!lost.is_within(Duration::MAX));
        lost.note();
        assert!(lost.is_within(Duration::from_hours(1)));
        assert!(!lost.is_within(Duration::ZERO), "it became idle since");
    }
}
