//! Answers that a connection gives again while nothing is written to its file.
//!
//! `PRAGMA data_version` is a number that changes, for the connection that asks, when another one has committed: the same number
//! means the same content. It says nothing of what the connection itself writes, so a connection that writes forgets its
//! answers. An answer is kept when it is asked for again: a walk through a list asks for each page once.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};

use crate::Record;
use crate::coalesce::Read;

/// The name of these caches in the metrics.
pub(super) const FILE_ANSWERS: &str = "file_answers";
/// Answers of a connection at most.
const ANSWERS: usize = 64;
/// The size of an answer that is kept at most, in bytes.
const BYTES: usize = 32 << 10;

/// The answers of a connection.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// The version of the content that they belong to.
    version: i64,
    kept: HashMap<Read, Vec<Record>>,
    /// The hashes of earlier reads; each takes the place of an earlier one with the same index.
    asked: Box<[u64]>,
    hasher: RandomState,
}

impl Answers {
    /// Returns the answer to a read of this version of the content.
    pub fn get(&mut self, read: &Read, version: i64) -> Option<Vec<Record>> {
        if self.version != version {
            self.kept.clear();
            self.version = version;
        }
        self.kept.get(read).cloned()
    }

    /// Returns whether an answer is to be kept, and remembers that it was asked for.
    pub fn is_wanted(&mut self, read: &Read, records: &[Record]) -> bool {
        if self.asked.is_empty() {
            self.asked = vec![0; ANSWERS].into();
        }
        let hash = self.hasher.hash_one(read);
        let was_asked = std::mem::replace(&mut self.asked[hash as usize % ANSWERS], hash) == hash;
        was_asked && records.iter().map(Record::size).sum::<usize>() <= BYTES
    }

    /// Keeps an answer of the version that was asked for last.
    pub fn keep(&mut self, read: Read, records: Vec<Record>) {
        if self.kept.len() == ANSWERS {
            self.kept.clear();
        }
        self.kept.insert(read, records);
    }

    /// Returns the number of answers.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Forgets all answers.
    pub fn forget(&mut self) {
        self.kept.clear();
    }
}
