//! The time that each step of a move takes.

use std::time::Instant;

use serde::{Serialize, Serializer};

/// The steps of a move, in their order. [`super::transaction`] describes them.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// Claims a number in cold and locks the state row of hot.
    Claim,
    /// Settles in cold what an interrupted mover left.
    Settle,
    /// Removes rows from hot, or brings them back.
    Hot,
    /// Reads or writes in cold, up to its commit.
    Cold,
    /// Reads back the rows and compares.
    Proof,
    /// Raises the epoch, commits in hot, and confirms in cold.
    Commit,
}

const NAMES: [&str; 6] = ["claim", "settle", "hot", "cold", "proof", "commit"];

/// The seconds that moves spent at each of their steps.
#[derive(Clone, Copy, Debug, Default)]
pub struct Steps([f64; NAMES.len()]);

impl Steps {
    /// Returns the names and seconds of the steps, in their order.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, f64)> {
        NAMES.into_iter().zip(self.0)
    }

    /// Adds the times of another move.
    pub fn add(&mut self, other: &Self) {
        for (sum, seconds) in self.0.iter_mut().zip(other.0) {
            *sum += seconds;
        }
    }
}

impl Serialize for Steps {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.named())
    }
}

/// Measures the steps of one move.
pub struct Stopwatch {
    since: Instant,
    steps: Steps,
}

impl Stopwatch {
    pub fn new() -> Self {
        Self { since: Instant::now(), steps: Steps::default() }
    }

    /// Adds the time since the last call to `step`.
    pub fn note(&mut self, step: Step) {
        let now = Instant::now();
        self.steps.0[step as usize] += now.duration_since(self.since).as_secs_f64();
        self.since = now;
    }

    /// Returns the times so far.
    pub const fn steps(&self) -> Steps {
        self.steps
    }
}
