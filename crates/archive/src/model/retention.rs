//! When a row is old enough to move.

use thermocline_database::Statement;

/// Which rows of a resource are due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The minimum age of a row, in microseconds.
    pub older_than: i64,
    /// Whether a row is only as old as its newest child, where children have times: a post that is still discussed stays.
    pub by_activity: bool,
}

impl From<i64> for Rule {
    /// A rule by the creation time of a row.
    fn from(older_than: i64) -> Self {
        Self { older_than, by_activity: false }
    }
}

/// The statements that select due rows. Their first parameter is the cutoff.
#[derive(Clone, Copy, Debug)]
pub struct Due {
    /// Returns ids, oldest first, each with the number of rows that move with it.
    pub pick: Statement,
    /// Returns how many rows are due, and the time of the oldest.
    pub count: Statement,
}
