//! The rate of each caller over all servers.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use redis::Script;
use redis::aio::MultiplexedConnection;

use super::Redis;
use crate::federation::shared::namespace;

static COUNT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("rate.lua")));

/// A number of requests of one caller in some time, counted in Redis by its clock.
#[derive(Clone, Debug)]
pub struct SharedRate {
    redis: Arc<Redis>,
    namespace: String,
    /// The time that one request takes of the rate.
    each: Duration,
    /// Requests at once.
    burst: u32,
}

impl SharedRate {
    pub(super) fn per_second(redis: Arc<Redis>, pair: i64, rate: u32) -> Option<Self> {
        let each = Duration::from_secs(1).checked_div(rate)?;
        Some(Self { redis, namespace: namespace(pair), each, burst: rate })
    }

    /// Returns the same with other numbers: `burst` requests at once, and then one each `each`.
    #[must_use]
    pub fn with(self, burst: u32, each: Duration) -> Self {
        Self { each, burst, ..self }
    }

    /// Counts a request of a user. Returns how long they have to wait instead; `None` if they need not, or if Redis does not
    /// answer.
    pub async fn wait(&self, user_id: i64) -> Option<Duration> {
        let Self { redis, namespace, each, burst } = self;
        let key = format!("{namespace}:rate:{user_id}");
        let micros = u64::try_from(each.as_micros()).unwrap_or(u64::MAX).max(1);
        let count = async move |mut connection: MultiplexedConnection| {
            COUNT.key(key).arg(micros).arg(*burst).invoke_async::<u64>(&mut connection).await
        };
        let wait = Duration::from_micros(redis.ask("limit", count).await?);
        (!wait.is_zero()).then_some(wait)
    }
}
