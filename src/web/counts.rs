//! Counts by key. A key whose count is 0 takes no memory.

use std::collections::HashMap;
use std::hash::Hash;

/// The number of things in use by each key.
#[derive(Debug)]
pub struct Counts<K>(HashMap<K, usize>);

impl<K> Default for Counts<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Eq + Hash> Counts<K> {
    /// Returns the count of a key.
    pub fn of(&self, key: &K) -> usize {
        self.0.get(key).copied().unwrap_or(0)
    }

    /// Returns the number of keys with a count.
    #[cfg(test)]
    pub fn keys(&self) -> usize {
        self.0.len()
    }

    /// Adds one to the count of a key.
    pub fn add(&mut self, key: K) {
        *self.0.entry(key).or_default() += 1;
    }

    /// Takes back one that was added.
    pub fn remove(&mut self, key: &K) {
        if let Some(count) = self.0.get_mut(key) {
            *count -= 1;
            if *count == 0 {
                self.0.remove(key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_without_a_count_is_forgotten() {
        let mut counts = Counts::default();
        for key in [1, 2, 1] {
            counts.add(key);
        }
        assert_eq!([1, 2, 3].map(|key| counts.of(&key)), [2, 1, 0]);
        for key in [1, 2, 3] {
            counts.remove(&key);
        }
        assert_eq!([1, 2, 3].map(|key| counts.of(&key)), [1, 0, 0]);
        assert_eq!(counts.keys(), 1);
    }
}
