//! Limits of one caller: requests at once, and requests a second.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::retry_after;
use crate::web::counts::Counts;
use crate::web::problem::Problem;
use crate::web::shared::SharedRate;

/// Callers that are remembered before the idle ones are forgotten.
const REMEMBERED: usize = 10_000;
/// Seconds after which a caller with too many requests at once may try again.
const RETRY_AFTER: u64 = 1;

/// The limits of every caller, by user id.
#[derive(Debug)]
pub struct Callers {
    at_once: Option<usize>,
    running: Mutex<Counts<i64>>,
    rate: Option<DefaultKeyedRateLimiter<i64>>,
    /// The same rate, over the requests to all servers.
    shared_rate: Option<SharedRate>,
    clock: DefaultClock,
}

/// A request of a caller in progress.
#[derive(Debug)]
pub struct CallerPermit {
    callers: Arc<Callers>,
    user_id: i64,
}

impl Callers {
    /// Returns limits of `at_once` requests in progress and `per_second`; 0 is no limit. The rate counts in all servers with
    /// `shared_rate`, otherwise and while there is no answer in this one.
    pub fn new(at_once: usize, per_second: u32, shared_rate: Option<SharedRate>) -> Arc<Self> {
        let quota = NonZeroU32::new(per_second).map(Quota::per_second);
        Arc::new(Self {
            at_once: (at_once > 0).then_some(at_once),
            running: Mutex::default(),
            rate: quota.map(RateLimiter::keyed),
            shared_rate: shared_rate.filter(|_| per_second > 0),
            clock: DefaultClock::default(),
        })
    }

    /// Counts a request of a user until the permit is dropped.
    ///
    /// # Errors
    /// [`Problem::RateLimited`] if the user has too many requests in progress, or sends them too fast.
    pub async fn enter(self: &Arc<Self>, user_id: i64) -> Result<CallerPermit, Problem> {
        if let Some(rate) = &self.rate {
            if rate.len() > REMEMBERED {
                rate.retain_recent();
            }
            rate.check_key(&user_id).map_err(|not_until| Problem::RateLimited {
                retry_after: retry_after(not_until.wait_time_from(self.clock.now())),
            })?;
        }
        if let Some(rate) = &self.shared_rate
            && let Some(wait) = rate.wait(user_id).await
        {
            return Err(Problem::RateLimited { retry_after: retry_after(wait) });
        }
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if self.at_once.is_some_and(|most| running.of(&user_id) >= most) {
            return Err(Problem::RateLimited { retry_after: RETRY_AFTER });
        }
        running.add(user_id);
        Ok(CallerPermit { callers: Arc::clone(self), user_id })
    }
}

impl Drop for CallerPermit {
    fn drop(&mut self) {
        self.callers.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.user_id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_caller_has_a_number_of_requests_at_once() {
        let callers = Callers::new(2, 0, None);
        let first = callers.enter(1).await.expect("one");
        let _second = callers.enter(1).await.expect("two");
        assert!(matches!(callers.enter(1).await, Err(Problem::RateLimited { retry_after: 1 })));
        assert!(callers.enter(2).await.is_ok(), "another caller is not concerned");
        drop(first);
        assert!(callers.enter(1).await.is_ok());
    }

    #[tokio::test]
    async fn idle_callers_are_not_remembered() {
        let callers = Callers::new(1, 0, None);
        for user in 0..100 {
            drop(callers.enter(user).await);
        }
        assert!(callers.running.lock().expect("a lock").keys() == 0);
    }

    #[tokio::test]
    async fn a_caller_has_a_rate() {
        let callers = Callers::new(0, 3, None);
        let mut answers = Vec::new();
        for _ in 0..4 {
            answers.push(callers.enter(1).await.is_ok());
        }
        assert_eq!(answers, [true, true, true, false]);
        assert!(callers.enter(2).await.is_ok(), "another caller is not concerned");
    }
}
