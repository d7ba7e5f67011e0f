//! Results that a connection reuses while nothing is written to its file.
//!
//! `PRAGMA data_version` is a number that changes, for the connection that asks, when another one has committed: the same number
//! means the same content. It says nothing of what the connection itself writes, so a connection that writes
//! clears its cache. A result is kept the second time it is read: a walk through a list reads each page once.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};

use crate::Record;
use crate::coalesce::Read;

/// The name of this cache in the metrics.
pub(super) const FILE_ANSWERS: &str = "file_answers";
/// Results of a connection at most.
const RESULTS: usize = 64;
/// The largest result that is kept, in bytes.
const BYTES: usize = 32 << 10;

/// The results of a connection.
#[derive(Debug, Default)]
pub(super) struct ResultCache {
    /// The version of the content that they belong to.
    version: i64,
    kept: HashMap<Read, Vec<Record>>,
    /// The hashes of earlier reads; each takes the place of an earlier one with the same index.
    asked: Box<[u64]>,
    hasher: RandomState,
}

impl ResultCache {
    /// Returns the result of a read at this version of the content.
    pub fn get(&mut self, read: &Read, version: i64) -> Option<Vec<Record>> {
        if self.version != version {
            self.kept.clear();
            self.version = version;
        }
        self.kept.get(read).cloned()
    }

    /// Returns whether a result is to be kept, and remembers that it was read.
    pub fn is_wanted(&mut self, read: &Read, records: &[Record]) -> bool {
        if self.asked.is_empty() {
            self.asked = vec![0; RESULTS].into();
        }
        let hash = self.hasher.hash_one(read);
        let was_asked = std::mem::replace(&mut self.asked[hash as usize % RESULTS], hash) == hash;
        was_asked && records.iter().map(Record::size).sum::<usize>() <= BYTES
    }

    /// Keeps a result of the version of the last [`ResultCache::get`].
    pub fn keep(&mut self, read: Read, records: Vec<Record>) {
        if self.kept.len() == RESULTS {
            self.kept.clear();
        }
        self.kept.insert(read, records);
    }

    /// Returns the number of results.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Forgets all results.
    pub fn forget(&mut self) {
        self.kept.clear();
    }
}
