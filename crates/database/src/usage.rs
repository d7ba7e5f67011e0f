//! The number of statements a request sent to each tier, and how long it waited for them and for connections.

use std::future::Future;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::Tier;

/// The use of one tier by one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TierUsage {
    /// The number of statements sent.
    pub statements: u32,
    /// The time until their last row arrived, summed.
    pub waited: Duration,
}

#[derive(Debug, Default)]
struct Tally(Mutex<[TierUsage; 2]>);

tokio::task_local! {
    static TALLY: Tally;
}

/// Runs `work` and returns its use of the hot and of the cold tier, in this order.
pub async fn tally<T>(work: impl Future<Output = T>) -> (T, [TierUsage; 2]) {
    TALLY
        .scope(Tally::default(), async {
            let output = work.await;
            let usage = TALLY.with(|tally| tally.0.lock().map(|usage| *usage).unwrap_or_default());
            (output, usage)
        })
        .await
}

/// The histogram of statement durations in seconds, by tier and outcome.
pub const STATEMENT_SECONDS: &str = "thermocline_tier_statement_seconds";

/// Records the outcome of one statement of the tier with this name and index (0 hot, 1 cold).
pub fn record((name, tier): (&'static str, usize), waited: Duration, answered: bool) {
    let outcome = if answered { "answered" } else { "failed" };
    metrics::histogram!(STATEMENT_SECONDS, "tier" => name, "outcome" => outcome).record(waited.as_secs_f64());
    let _ = TALLY.try_with(|tally| {
        if let Ok(mut usage) = tally.0.lock()
            && let Some(usage) = usage.get_mut(tier)
        {
            usage.statements += 1;
            usage.waited += waited;
        }
    });
}

/// The histogram of waits for a connection in seconds, by tier and pool.
pub const POOL_WAIT_SECONDS: &str = "thermocline_pool_wait_seconds";
/// The counter of questions to a cache, by cache and outcome.
pub const CACHE_REQUESTS: &str = "thermocline_cache_requests_total";

/// Records that a pool was asked for a connection at `begun` and has answered. The time to open one counts too.
pub fn leased(tier: Tier, pool: &'static str, begun: Instant) {
    let waited = begun.elapsed().as_secs_f64();
    metrics::histogram!(POOL_WAIT_SECONDS, "tier" => tier.name(), "pool" => pool).record(waited);
}

/// Counts a question to a cache, and whether the cache had the answer.
pub fn cache_asked(cache: &'static str, hit: bool) {
    let outcome = if hit { "hit" } else { "miss" };
    metrics::counter!(CACHE_REQUESTS, "cache" => cache, "outcome" => outcome).increment(1);
}
