//! What users did, counted as their rows move: signed deltas by user, action and day, of the epoch of the batch.
//!
//! A delta is visible exactly when the rows it counts are, so at every epoch the sums are those of what is archived.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::NaiveDate;

use super::family::{Family, Moved};
use crate::clock::Timestamp;
use crate::tier::{Session, Statement, TierError, Value};

const TABLE: &str = "user_behavior_analytics";
const COLUMNS: [&str; 7] =
    ["user_id", "action_type", "action_count", "analysis_date", "created_at", "resource", "from_epoch"];

/// The action that a row of a table is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Action {
    /// Its name.
    pub name: &'static str,
    /// The column of the user who did it.
    pub user: usize,
    /// The column of its time; without one it counts on the day of the row it belongs to.
    pub at: Option<usize>,
    /// The column of the id of that row.
    pub owner: usize,
    /// Where it is counted more or less often than it is there.
    pub check: Statement,
}

/// Counts the rows of a batch, one after the other, and writes what they come to.
#[derive(Debug)]
pub(super) struct Tally {
    /// The days of the rows that children belong to, by id.
    days: HashMap<i64, NaiveDate>,
    counts: BTreeMap<(i64, &'static str, NaiveDate), i64>,
}

impl Tally {
    /// Nothing counted yet. `own` are the rows of the family's own table that children to come belong to.
    pub fn new(family: &Family, own: &[Vec<Value>]) -> Self {
        let mut tally = Self { days: HashMap::new(), counts: BTreeMap::new() };
        for row in own {
            tally.know(family, row);
        }
        tally
    }

    /// Takes note of a row of the family's own table, which children belong to.
    pub fn know(&mut self, family: &Family, own: &[Value]) {
        self.days.insert(own[0].int(), (family.key)(own).at.date());
    }

    /// The ids of rows not known yet on whose days `rows` count: they leave alone, what they belong to stays.
    pub fn strays(&self, moved: &Moved, rows: &[Vec<Value>]) -> Vec<i64> {
        let Some(Action { at: None, owner, .. }) = moved.action else { return Vec::new() };
        let owners: BTreeSet<i64> = rows.iter().map(|row| row[owner].int()).collect();
        owners.into_iter().filter(|owner| !self.days.contains_key(owner)).collect()
    }

    /// Counts rows of `moved`: `sign` is 1 for those that enter cold, -1 for those that leave it.
    pub fn count(&mut self, moved: &Moved, rows: &[Vec<Value>], sign: i64) {
        let Some(action) = moved.action else { return };
        for row in rows {
            let day = match action.at {
                Some(at) => Some(row[at].time().date()),
                None => self.days.get(&row[action.owner].int()).copied(),
            };
            if let Some(day) = day {
                *self.counts.entry((row[action.user].int(), action.name, day)).or_default() += sign;
            }
        }
    }

    /// Writes the deltas of the batch `epoch`.
    pub async fn write(
        self,
        cold: &mut dyn Session,
        family: &Family,
        epoch: i64,
        now: Timestamp,
    ) -> Result<(), TierError> {
        let rows: Vec<Vec<Value>> = self
            .counts
            .into_iter()
            .filter(|(_, n)| *n != 0)
            .map(|((user, action, day), n)| {
                let (resource, now) = (family.resource.into(), now.into());
                vec![user.into(), action.into(), n.into(), day.into(), now, resource, epoch.into()]
            })
            .collect();
        cold.insert(TABLE, &COLUMNS, &rows).await.map(drop)
    }
}
