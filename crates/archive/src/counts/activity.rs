//! User actions, counted as their rows move: signed deltas by user, action and day, with the epoch of the batch.
//!
//! A delta is visible exactly when the rows it counts are, so at every epoch the sums match the archived rows.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::NaiveDate;

use crate::model::{Action, Family, Moved};
use thermocline_core::clock::Timestamp;
use thermocline_database::{Session, TierError, Value};

const TABLE: &str = "user_behavior_analytics";
const COLUMNS: [&str; 7] =
    ["user_id", "action_type", "action_count", "analysis_date", "created_at", "resource", "from_epoch"];

/// Counts the rows of a batch and writes the sums.
#[derive(Debug)]
pub struct Tally {
    /// The days of the rows that children belong to, by id.
    days: HashMap<i64, NaiveDate>,
    counts: BTreeMap<(i64, &'static str, NaiveDate), i64>,
}

impl Tally {
    /// Creates an empty tally that knows the days of `own`, rows of the family's own table.
    pub fn new(family: &Family, own: &[Vec<Value>]) -> Self {
        let mut tally = Self { days: HashMap::new(), counts: BTreeMap::new() };
        for row in own {
            tally.know(family, row);
        }
        tally
    }

    /// Remembers the day of a row of the family's own table.
    pub fn know(&mut self, family: &Family, own: &[Value]) {
        self.days.insert(own[0].int(), (family.key)(own).at.date());
    }

    /// Returns the ids of unknown rows on whose days `rows` count: those that stay while only their children move.
    pub fn unknown_owners(&self, moved: &Moved, rows: &[Vec<Value>]) -> Vec<i64> {
        let Some(Action { at: None, .. }) = moved.action else { return Vec::new() };
        let owners: BTreeSet<i64> = rows.iter().map(|row| row[moved.owner].int()).collect();
        owners.into_iter().filter(|owner| !self.days.contains_key(owner)).collect()
    }

    /// Counts rows of `moved`: `sign` is 1 for rows that enter cold, -1 for rows that leave it.
    pub fn count(&mut self, moved: &Moved, rows: &[Vec<Value>], sign: i64) {
        let Some(action) = moved.action else { return };
        for row in rows {
            let day = match action.at {
                Some(at) => Some(row[at].time().date()),
                None => self.days.get(&row[moved.owner].int()).copied(),
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
