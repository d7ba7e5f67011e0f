//! State kept between requests: totals of cold, the last snapshot of each list, and quarantined resources.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use moka::future::Cache;

use super::reads::HotSnapshot;
use thermocline_core::keyset::{ListId, Span};
use thermocline_database::usage::cache_asked;
use thermocline_journal::live::Kind;

/// The name of the cache of totals in the metrics.
pub const TOTALS: &str = "cold_totals";

/// The time for which a hot without a change feed is not asked for one again.
const WITHOUT_FEED: Duration = Duration::from_secs(5);

/// Counts in cold belong to one epoch and never change, so the epoch and its token are part of the key.
type TotalKey = (ListId, Span, i64, Option<i64>);

/// The caches of the federation. Neither rows of hot nor errors are cached.
#[derive(Debug)]
pub struct ReadCache {
    totals: Cache<TotalKey, i64>,
    seen: Mutex<Seen>,
    feed: Mutex<Option<(SeenFeed, Instant)>>,
}

/// Whether hot has a change feed, and how its rows get versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SeenFeed {
    On(Kind),
    Off,
}

#[derive(Debug, Default)]
struct Seen {
    /// The last snapshot of each list, by its name and its resource.
    snapshots: HashMap<(&'static str, &'static str), HotSnapshot>,
    /// The highest epoch of each resource. Hot goes back only when it is restored from a backup.
    highest: HashMap<&'static str, i64>,
    /// The resources whose databases disagreed at the last read of cold.
    quarantined: HashSet<&'static str>,
}

impl Default for ReadCache {
    fn default() -> Self {
        let totals = Cache::builder().max_capacity(100_000).time_to_idle(Duration::from_hours(1)).build();
        Self { totals, seen: Mutex::default(), feed: Mutex::default() }
    }
}

impl ReadCache {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Quarantines a resource whose databases disagree: reads of it fail, even those that hot could answer alone, until cold
    /// proves the epoch of hot again.
    pub fn quarantine(&self, resource: &'static str) {
        self.seen().quarantined.insert(resource);
    }

    pub(super) fn release(&self, resource: &'static str) {
        self.seen().quarantined.remove(resource);
    }

    pub(super) fn is_quarantined(&self, resource: &'static str) -> bool {
        self.seen().quarantined.contains(resource)
    }

    pub(super) async fn total(&self, list: ListId, span: Span, snapshot: HotSnapshot) -> Option<i64> {
        let total = self.totals.get(&(list, span, snapshot.epoch, snapshot.token)).await;
        cache_asked(TOTALS, total.is_some());
        total
    }

    pub(super) async fn keep_total(&self, list: ListId, span: Span, snapshot: HotSnapshot, total: i64) {
        self.totals.insert((list, span, snapshot.epoch, snapshot.token), total).await;
    }

    /// Returns the number of totals that are kept.
    pub async fn totals(&self) -> u64 {
        entries(&self.totals).await
    }

    /// Returns the last snapshot that was seen of a list, by its name and its resource.
    pub(super) fn snapshot(&self, list: (&'static str, &'static str)) -> Option<HotSnapshot> {
        self.seen().snapshots.get(&list).copied()
    }

    pub(super) fn keep_snapshot(&self, list: (&'static str, &'static str), snapshot: HotSnapshot) {
        self.seen().snapshots.insert(list, snapshot);
    }

    /// Returns whether hot has a change feed, if that was seen and need not be looked up again.
    pub(super) fn feed(&self) -> Option<SeenFeed> {
        let (seen, at) = (*self.feed.lock().unwrap_or_else(PoisonError::into_inner))?;
        (seen != SeenFeed::Off || at.elapsed() < WITHOUT_FEED).then_some(seen)
    }

    pub(super) fn keep_feed(&self, seen: SeenFeed) {
        *self.feed.lock().unwrap_or_else(PoisonError::into_inner) = Some((seen, Instant::now()));
    }

    /// Returns the highest epoch seen so far of each resource.
    pub fn highest_epochs(&self) -> HashMap<&'static str, i64> {
        self.seen().highest.clone()
    }

    /// Notes an epoch that hot has reached; returns the highest one seen before.
    pub(super) fn note_epoch(&self, resource: &'static str, epoch: i64) -> i64 {
        let mut seen = self.seen();
        let highest = seen.highest.entry(resource).or_default();
        std::mem::replace(highest, epoch.max(*highest))
    }
}

/// Returns the number of entries of a cache, which by itself notes what came and went only from time to time.
pub async fn entries<K, V>(cache: &Cache<K, V>) -> u64
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    cache.run_pending_tasks().await;
    cache.entry_count()
}
