//! How many streams there may be: in all, and of one caller.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::web::counts::Counts;
use crate::web::problem::Problem;

/// Seconds after which a refused stream may be tried again.
const RETRY_AFTER: u64 = 5;
/// Gauge of open streams.
const OPEN: &str = "thermocline_live_streams";
/// Counter of refused streams, by reason.
const REFUSED: &str = "thermocline_live_refused_total";

/// The most streams at once. 0 is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamLimits {
    /// Of all callers.
    pub streams: usize,
    /// Of one caller.
    pub per_caller: usize,
}

/// The open streams by caller.
#[derive(Debug, Default)]
pub struct Places {
    limits: StreamLimits,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    all: usize,
    by_caller: Counts<i64>,
}

/// The place of one open stream, until it is dropped.
#[derive(Debug)]
pub struct Place {
    places: Arc<Places>,
    user: i64,
}

impl Places {
    /// Returns places within these limits.
    pub fn new(limits: StreamLimits) -> Arc<Self> {
        Arc::new(Self { limits, open: Mutex::default() })
    }

    /// Returns a place for a stream of this user.
    ///
    /// # Errors
    /// [`Problem::RateLimited`] if the user has too many streams, [`Problem::Overloaded`] if the server has.
    pub fn take(self: &Arc<Self>, user: i64) -> Result<Place, Problem> {
        let mut open = self.lock();
        let is_full = |most: usize, count: usize| most > 0 && count >= most;
        if is_full(self.limits.per_caller, open.by_caller.of(&user)) {
            metrics::counter!(REFUSED, "reason" => "caller").increment(1);
            return Err(Problem::RateLimited { retry_after: RETRY_AFTER });
        }
        if is_full(self.limits.streams, open.all) {
            metrics::counter!(REFUSED, "reason" => "streams").increment(1);
            return Err(Problem::Overloaded { retry_after: RETRY_AFTER });
        }
        open.all += 1;
        open.by_caller.add(user);
        metrics::gauge!(OPEN).increment(1.0);
        Ok(Place { places: Arc::clone(self), user })
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        metrics::gauge!(OPEN).decrement(1.0);
        let mut open = self.places.lock();
        open.all -= 1;
        open.by_caller.remove(&self.user);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_have_limits_of_their_own() {
        let places = Places::new(StreamLimits { streams: 3, per_caller: 2 });
        let first = places.take(1).expect("one");
        let _second = places.take(1).expect("two");
        assert!(matches!(places.take(1), Err(Problem::RateLimited { .. })));
        let _other = places.take(2).expect("another caller");
        assert!(matches!(places.take(3), Err(Problem::Overloaded { .. })));
        drop(first);
        assert!(places.take(1).is_ok());
        assert_eq!(places.lock().by_caller.keys(), 2, "idle callers are not remembered");
    }
}
