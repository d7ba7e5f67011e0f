//! The state that the servers of one installation share through Redis or Valkey: answers of cold, and the rate of each caller.
//!
//! Nothing there is needed. A server whose Redis is slow, dead or empty asks the databases, and counts its own requests alone.

mod rate;
mod redis;
mod store;

use std::sync::Arc;
use std::time::Duration;

use ::redis::RedisError;
use secrecy::SecretString;

use crate::federation::SharedCache;

pub use rate::SharedRate;
pub use redis::Redis;

/// Gauge: 1 while Redis answers.
pub const UP: &str = "thermocline_redis_up";
/// Histogram of the time of requests to Redis, by operation and outcome.
pub const SECONDS: &str = "thermocline_redis_request_seconds";

/// The Redis that is shared, and the time that a request waits for it.
#[derive(Clone, Debug)]
pub struct SharedSettings {
    /// `redis://…` or `rediss://…`, with the password.
    pub url: SecretString,
    /// The time after which an answer is too late.
    pub timeout: Duration,
}

/// The connection of this server to the Redis that it shares with the others of its pair.
#[derive(Clone, Debug)]
pub struct Shared {
    redis: Arc<Redis>,
    pair: i64,
}

impl Shared {
    /// Begins to connect on the present runtime, and does not wait for it. `pair` is the number of the pair of databases.
    ///
    /// # Errors
    /// A URL that is none of Redis.
    pub fn open(settings: &SharedSettings, pair: i64) -> Result<Self, RedisError> {
        Ok(Self { redis: Arc::new(Redis::open(settings)?), pair })
    }

    /// Returns the connection.
    pub fn redis(&self) -> &Redis {
        &self.redis
    }

    /// Returns the answers of cold that are shared.
    pub fn cache(&self) -> SharedCache {
        SharedCache::new(Arc::clone(&self.redis) as _, self.pair)
    }

    /// Returns a rate of each caller over all servers; 0 is no limit.
    pub fn rate(&self, per_second: u32) -> Option<SharedRate> {
        SharedRate::per_second(Arc::clone(&self.redis), self.pair, per_second)
    }
}
