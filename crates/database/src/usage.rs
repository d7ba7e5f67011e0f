//! The number of statements a request sent to each tier, and how long it waited for them and for connections.

use std::future::Future;
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use super::{Tier, Value};

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

/// A statement that was answered.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Its tier.
    pub tier: Tier,
    /// Its name.
    pub statement: &'static str,
    /// Its parameters, which may hold texts of users.
    pub params: &'a [Value],
    /// The time until its last row arrived.
    pub waited: Duration,
    /// The number of its rows; `None` after an error.
    pub rows: Option<usize>,
}

/// A function that receives every statement that was answered.
pub type Observer = fn(&Asked<'_>);

static OBSERVER: OnceLock<Observer> = OnceLock::new();

/// Calls an observer with every statement from now on, on the task that sent it. Only the first call has an effect.
pub fn observe(observer: Observer) {
    let _ = OBSERVER.set(observer);
}

/// Records a statement that was answered.
pub(super) fn record(asked: &Asked<'_>) {
    let Asked { tier, waited, rows, .. } = *asked;
    let outcome = if rows.is_some() { "answered" } else { "failed" };
    metrics::histogram!(STATEMENT_SECONDS, "tier" => tier.name(), "outcome" => outcome)
        .record(waited.as_secs_f64());
    add_to_tally(tier, waited);
    if let Some(observer) = OBSERVER.get() {
        observer(asked);
    }
}

/// The counter of reads that were answered by a statement together with others, by tier.
pub const COALESCED_READS: &str = "thermocline_tier_coalesced_reads_total";

/// Records a read that was begun at `begun`, and answered by a statement together with others.
pub(super) fn coalesced(tier: Tier, begun: Instant) {
    metrics::counter!(COALESCED_READS, "tier" => tier.name()).increment(1);
    add_to_tally(tier, begun.elapsed());
}

fn add_to_tally(tier: Tier, waited: Duration) {
    let _ = TALLY.try_with(|tally| {
        if let Ok(mut usage) = tally.0.lock()
            && let Some(usage) = usage.get_mut(tier as usize)
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
