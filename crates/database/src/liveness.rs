//! The test of idle connections before their next use.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use deadpool::managed::{RecycleError, RecycleResult};

/// Tests the idle connections of one pool. When one is dead, those that were idle at that time are rejected without a test, which
/// takes long on a silent network.
#[derive(Clone, Debug, Default)]
pub(crate) struct Liveness {
    /// When a connection was found dead the last time.
    died: Arc<Mutex<Option<Instant>>>,
}

impl Liveness {
    /// Tests a connection that has been idle for `idle` by a statement, which may take `limit`.
    pub async fn test<T, E>(
        &self,
        idle: Duration,
        limit: Duration,
        ping: impl Future<Output = Result<T, E>>,
    ) -> RecycleResult<E> {
        if self.has_died_within(idle) {
            return Err(RecycleError::message("another one that was idle then is dead"));
        }
        let answer = match tokio::time::timeout(limit, ping).await {
            Ok(answer) => answer.map(drop).map_err(RecycleError::Backend),
            Err(_) => Err(RecycleError::message("silent")),
        };
        if answer.is_err() {
            *self.died.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        }
        answer
    }

    fn has_died_within(&self, idle: Duration) -> bool {
        let died = *self.died.lock().unwrap_or_else(PoisonError::into_inner);
        died.is_some_and(|died| died.elapsed() < idle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn connections_that_were_idle_beside_a_dead_one_are_rejected() {
        let (hour, limit) = (Duration::from_hours(1), Duration::from_secs(1));
        let liveness = Liveness::default();
        let test = |idle, answer: Result<(), ()>| liveness.test(idle, limit, async move { answer });
        assert!(test(hour, Ok(())).await.is_ok());
        assert!(test(hour, Err(())).await.is_err());
        assert!(test(hour, Ok(())).await.is_err(), "it was idle then");
        assert!(test(Duration::ZERO, Ok(())).await.is_ok(), "it was used since");
    }
}
