//! When a row is old enough to move.

use super::family::Family;
use crate::clock::Timestamp;
use crate::tier::{Engine, Statement, TierError, Value};

/// What is due of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Rows at least this old, in microseconds.
    pub older_than: i64,
    /// Whether a row is as old as the newest of its children, where they have times of their own: a post that is still
    /// talked about stays.
    pub by_activity: bool,
}

impl From<i64> for Rule {
    /// By the time a row was made.
    fn from(older_than: i64) -> Self {
        Self { older_than, by_activity: false }
    }
}

/// The statements that tell what is due.
#[derive(Clone, Copy, Debug)]
pub struct Due {
    /// Ids, oldest first, each with the number of rows that move with it.
    pub pick: Statement,
    /// How many there are, and since when the oldest of them has been as old as it has to be.
    pub count: Statement,
}

impl Family {
    /// What is older than this is due.
    pub(super) fn cutoff(&self, now: Timestamp, rule: Rule) -> Value {
        let cutoff = now.plus(rule.older_than.saturating_neg());
        if self.by_day { cutoff.date().into() } else { cutoff.into() }
    }

    /// The statements for a rule. A resource whose rows have nothing that keeps them goes by their own age.
    pub(super) fn due(&self, rule: Rule) -> &Due {
        self.due_by_activity.as_ref().filter(|_| rule.by_activity).unwrap_or(&self.due)
    }

    /// How many rows of the resource are older than `cutoff`, and the age of the oldest of them.
    pub(super) async fn count_due(
        &self,
        hot: &dyn Engine,
        rule: Rule,
        cutoff: &Value,
    ) -> Result<(i64, Option<Timestamp>), TierError> {
        let records = hot.fetch(&self.due(rule).count, std::slice::from_ref(cutoff)).await?;
        let Some(record) = records.first() else { return Ok((0, None)) };
        Ok((record.int("n")?, record.time_or_null("oldest")?))
    }
}
