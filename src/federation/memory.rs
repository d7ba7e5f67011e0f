//! What a reader remembers between requests: totals that cannot change, and the last state seen of each resource.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use moka::future::Cache;

use super::reads::Mark;
use crate::page::{ListId, Span};

/// Counts in cold are of one epoch and never change; the epoch and its token are part of their name.
type TotalKey = (ListId, Span, i64, Option<i64>);

/// Caches of the federation. Rows of hot are not cached, errors never.
#[derive(Debug)]
pub struct Memory {
    totals: Cache<TotalKey, i64>,
    marks: Mutex<HashMap<&'static str, Mark>>,
    /// The highest epoch seen of each resource: hot never goes back, unless it comes back from a backup.
    highest: Mutex<HashMap<&'static str, i64>>,
    /// The resources of which cold did not fit when it was last asked.
    doubted: Mutex<HashSet<&'static str>>,
}

impl Default for Memory {
    fn default() -> Self {
        let totals = Cache::builder().max_capacity(100_000).time_to_idle(Duration::from_hours(1)).build();
        Self { totals, marks: Mutex::default(), highest: Mutex::default(), doubted: Mutex::default() }
    }
}

impl Memory {
    /// Notes that the two databases did not fit: until cold proves again what hot says, no answer of a resource is given, of
    /// hot alone neither.
    pub fn doubt(&self, resource: &'static str) {
        self.doubted.lock().unwrap_or_else(PoisonError::into_inner).insert(resource);
    }

    pub(super) fn trust(&self, resource: &'static str) {
        self.doubted.lock().unwrap_or_else(PoisonError::into_inner).remove(resource);
    }

    pub(super) fn is_doubted(&self, resource: &'static str) -> bool {
        self.doubted.lock().unwrap_or_else(PoisonError::into_inner).contains(resource)
    }

    pub(super) async fn total(&self, list: ListId, span: Span, mark: Mark) -> Option<i64> {
        self.totals.get(&(list, span, mark.epoch, mark.token)).await
    }

    pub(super) async fn keep_total(&self, list: ListId, span: Span, mark: Mark, total: i64) {
        self.totals.insert((list, span, mark.epoch, mark.token), total).await;
    }

    /// The last state seen of the lists called `name`.
    pub(super) fn mark(&self, name: &'static str) -> Option<Mark> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner).get(name).copied()
    }

    pub(super) fn keep_mark(&self, name: &'static str, mark: Mark) {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner).insert(name, mark);
    }

    /// The highest epochs seen so far.
    pub fn highest_epochs(&self) -> HashMap<&'static str, i64> {
        self.highest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes where hot stands with a resource, or has stood as cold knows; returns the highest epoch seen before.
    pub(super) fn note_epoch(&self, resource: &'static str, epoch: i64) -> i64 {
        let mut highest = self.highest.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = highest.entry(resource).or_default();
        std::mem::replace(seen, epoch.max(*seen))
    }
}
