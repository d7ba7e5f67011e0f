//! A cache of rows of cold in the memory of a server.
//!
//! The rules are those of [`crate::shared`]: rows belong to one state of hot, its epoch and token, and are used only
//! while cold itself has proven that state within the last few seconds. Every request still asks hot, so moves, changes and
//! erasures show at once.
//!
//! Rows are kept when they are asked for again: a walk through a list asks for each page once, and keeping them took it a quarter of
//! its time.

use std::any::Any;
use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use moka::future::Cache;

use crate::cache::entries;
use crate::reads::HotSnapshot;
use crate::shared::{KEPT_FOR, PROVEN_FOR};
use thermocline_core::keyset::{ListId, Slice};
use thermocline_database::usage::cache_asked;

/// The name of this cache in the metrics.
pub const LOCAL: &str = "cold_rows";
/// The memory of an entry without its rows, in bytes.
const ANSWER: usize = 512;
/// The largest part of the cache that one answer takes.
const LARGEST_PART: u64 = 16;

/// The number of hashes of earlier questions that are remembered.
const REMEMBERED: usize = 1 << 14;

/// The rows that are kept.
#[derive(Debug)]
pub struct LocalCache {
    answers: Cache<Question, Answer>,
    /// The hashes of earlier questions; each takes the place of an earlier one with the same index.
    asked: Box<[AtomicU64]>,
    hasher: RandomState,
    largest: u64,
    proofs: Mutex<HashMap<&'static str, Proof>>,
}

/// The key of an entry: a query of a list at one state of hot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Question {
    pub resource: &'static str,
    pub list: ListId,
    pub wanted: Wanted,
    pub snapshot: HotSnapshot,
}

/// The rows that are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Wanted {
    Slice(Slice),
    /// The row with this id.
    Row(i64),
}

/// The rows of a list.
#[derive(Clone, Debug)]
struct Answer {
    rows: Arc<dyn Any + Send + Sync>,
    bytes: u32,
}

/// The last state that cold has proven.
#[derive(Clone, Copy, Debug)]
struct Proof {
    epoch: i64,
    token: Option<i64>,
    at: Instant,
}

impl LocalCache {
    /// Returns a cache of so many bytes.
    pub fn new(bytes: u64) -> Self {
        let answers = Cache::builder()
            .max_capacity(bytes)
            .weigher(|_: &Question, answer: &Answer| answer.bytes)
            .time_to_live(KEPT_FOR)
            .build();
        let asked = (0..REMEMBERED).map(|_| AtomicU64::default()).collect();
        let (hasher, proofs) = (RandomState::new(), Mutex::default());
        Self { answers, asked, hasher, largest: bytes / LARGEST_PART, proofs }
    }

    /// Returns whether a question was asked before, and remembers that it was. Now and then it may be forgotten.
    fn was_asked(&self, question: &Question) -> bool {
        let hash = self.hasher.hash_one(question);
        self.asked[hash as usize % REMEMBERED].swap(hash, Ordering::Relaxed) == hash
    }

    /// Returns the number of answers.
    pub async fn entries(&self) -> u64 {
        entries(&self.answers).await
    }

    /// Returns the kept rows, if the state of hot that they belong to is proven recently.
    pub(crate) async fn rows<R: Clone + 'static>(&self, question: &Question) -> Option<Vec<R>> {
        let kept = if self.is_proven(question) { self.answers.get(question).await } else { None };
        let rows = kept.and_then(|answer| answer.rows.downcast_ref::<Vec<R>>().cloned());
        cache_asked(LOCAL, rows.is_some());
        rows
    }

    /// Keeps rows that were read from cold not for the first time, and notes that their state is proven. `confirmed` is the highest move that cold knows to be
    /// committed in hot, and `bytes` the size of the rows in memory.
    pub(crate) async fn keep<R>(&self, question: Question, confirmed: i64, rows: &[R], bytes: usize)
    where
        R: Clone + Send + Sync + 'static,
    {
        let HotSnapshot { epoch, token, .. } = question.snapshot;
        // A reader that was overtaken may show its answer, but others begin with a later state.
        if confirmed > epoch {
            return;
        }
        self.proofs().insert(question.resource, Proof { epoch, token, at: Instant::now() });
        if let Ok(bytes) = u32::try_from(bytes + ANSWER)
            && u64::from(bytes) <= self.largest
            && self.was_asked(&question)
        {
            self.answers.insert(question, Answer { rows: Arc::new(rows.to_vec()), bytes }).await;
        }
    }

    fn is_proven(&self, question: &Question) -> bool {
        let HotSnapshot { epoch, token, .. } = question.snapshot;
        let proof = self.proofs().get(question.resource).copied();
        proof.is_some_and(|proof| {
            (proof.epoch, proof.token) == (epoch, token) && proof.at.elapsed() < PROVEN_FOR
        })
    }

    fn proofs(&self) -> MutexGuard<'_, HashMap<&'static str, Proof>> {
        self.proofs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use thermocline_core::keyset::Span;

    const BEFORE: HotSnapshot = HotSnapshot { epoch: 3, token: Some(33), cold_watermark: None };
    const AFTER: HotSnapshot = HotSnapshot { epoch: 4, token: Some(44), ..BEFORE };

    fn asked(snapshot: HotSnapshot, take: i64) -> Question {
        let wanted = Wanted::Slice(Slice::newest(Span::ALL, take));
        Question { resource: "messages", list: ListId::of(&["messages", "1"]), wanted, snapshot }
    }

    /// Keeps rows as if they were asked for before.
    async fn keep<R: Clone + Send + Sync + 'static>(
        cache: &LocalCache,
        question: Question,
        confirmed: i64,
        rows: &[R],
        bytes: usize,
    ) {
        for _ in 0..2 {
            cache.keep(question, confirmed, rows, bytes).await;
        }
    }

    async fn kept() -> LocalCache {
        let cache = LocalCache::new(1 << 20);
        keep(&cache, asked(BEFORE, 1), 3, &["a".to_owned()], 100).await;
        cache
    }

    #[tokio::test]
    async fn rows_are_kept_the_second_time() {
        let cache = LocalCache::new(1 << 20);
        for take in [1, 2] {
            cache.keep(asked(BEFORE, take), 3, &[take], 8).await;
            assert_eq!(cache.rows::<i64>(&asked(BEFORE, take)).await, None);
        }
        cache.keep(asked(BEFORE, 2), 3, &[2_i64], 8).await;
        assert_eq!(cache.rows::<i64>(&asked(BEFORE, 2)).await, Some(vec![2]));
        assert_eq!(cache.rows::<i64>(&asked(BEFORE, 1)).await, None);
    }

    #[tokio::test]
    async fn rows_are_found_at_the_state_that_is_proven() {
        let cache = kept().await;
        assert_eq!(cache.entries().await, 1);
        assert_eq!(cache.rows::<String>(&asked(BEFORE, 1)).await, Some(vec!["a".to_owned()]));
        assert_eq!(cache.rows::<String>(&asked(BEFORE, 2)).await, None, "something else was asked");
        assert_eq!(cache.rows::<i64>(&asked(BEFORE, 1)).await, None, "another list");
        assert_eq!(cache.rows::<String>(&asked(AFTER, 1)).await, None, "not asked at this state");
        keep(&cache, asked(AFTER, 2), 4, &["b".to_owned()], 100).await;
        assert_eq!(cache.rows::<String>(&asked(BEFORE, 1)).await, None, "hot is older than it was");
        let restored = HotSnapshot { token: Some(45), ..AFTER };
        assert_eq!(cache.rows::<String>(&asked(restored, 2)).await, None, "another move of that number");
        cache.proofs().clear();
        assert_eq!(cache.rows::<String>(&asked(AFTER, 2)).await, None, "nothing is proven");
    }

    #[tokio::test]
    async fn an_old_proof_is_none() {
        let cache = kept().await;
        let long_ago = Instant::now().checked_sub(PROVEN_FOR).expect("the machine runs for longer");
        cache.proofs().get_mut("messages").expect("a proof").at = long_ago;
        assert_eq!(cache.rows::<String>(&asked(BEFORE, 1)).await, None);
    }

    #[tokio::test]
    async fn the_answer_of_an_overtaken_reader_and_a_large_one_are_not_kept() {
        let cache = LocalCache::new(1 << 20);
        keep(&cache, asked(BEFORE, 1), 4, &[1_i64], 8).await;
        keep(&cache, asked(AFTER, 1), 4, &[1_i64], 1 << 17).await;
        assert_eq!(
            (cache.rows::<i64>(&asked(BEFORE, 1)).await, cache.rows::<i64>(&asked(AFTER, 1)).await),
            (None, None)
        );
    }
}
