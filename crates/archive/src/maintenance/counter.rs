//! The numbers of rows that a status shows, counted now and then.
//!
//! To count millions of rows takes seconds. A [`Counter`] therefore keeps what it has counted, and subtracts the rows that moves have
//! taken since. It counts anew when that is not all that happened, and from time to time, since rows also arrive.

use std::time::{Duration, Instant};

use super::queries::{first_int, sql};
use crate::counts::due_of;
use crate::model::{Family, Rule};
use thermocline_core::clock::{DAY, Timestamp};
use thermocline_database::{Begin, Engine, Record, TierError};
use thermocline_journal::{JournalError, MoveKind, entry, state};

/// After a count, the next one waits so many times as long as it took.
pub(super) const PAUSE: u32 = 20;
/// The number of moves since a count above which rows are counted anew.
const MOVES: i64 = 10_000;

/// The numbers of rows of a resource at one epoch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counts {
    epoch: i64,
    /// Rows in hot.
    pub in_hot: i64,
    /// Rows of these that are due.
    pub due: i64,
    /// The number of days since the oldest of these became due.
    pub lag_days: f64,
    /// Rows that cannot move.
    rejected: i64,
    /// Rows in cold, and whether they were counted and not estimated; `None` while it is unavailable.
    pub in_cold: Option<(i64, bool)>,
}

/// Counts the rows of a resource.
#[derive(Debug)]
pub(super) struct Counter {
    family: &'static Family,
    rule: Rule,
    pause: u32,
    last: Option<Last>,
}

/// The last count, with the moves since.
#[derive(Clone, Copy, Debug)]
struct Last {
    counts: Counts,
    at: Instant,
    took: Duration,
}

impl Counter {
    pub(super) const fn new(family: &'static Family, rule: Rule, pause: u32) -> Self {
        Self { family, rule, pause, last: None }
    }

    /// Returns the numbers at an epoch that hot has reached, with this number of rejected rows.
    pub(super) async fn read(
        &mut self,
        hot: &dyn Engine,
        cold: Option<&dyn Engine>,
        (epoch, rejected): (i64, i64),
        now: Timestamp,
    ) -> Result<Counts, JournalError> {
        let kept = self.last.filter(|last| last.at.elapsed() < last.took.saturating_mul(self.pause));
        if let Some(last) = kept
            && let Some(counts) = self.carry(last.counts, hot, cold, (epoch, rejected), now).await?
        {
            self.last = Some(Last { counts, ..last });
            return Ok(counts);
        }
        let begun = Instant::now();
        let counts = self.count(hot, cold, now).await?;
        self.last = Some(Last { counts, at: Instant::now(), took: begun.elapsed() });
        Ok(counts)
    }

    /// Counts every row. All numbers are those of one instant of hot.
    async fn count(
        &self,
        hot: &dyn Engine,
        cold: Option<&dyn Engine>,
        now: Timestamp,
    ) -> Result<Counts, JournalError> {
        let (family, rule) = (self.family, self.rule);
        let cutoff = family.cutoff(now, rule);
        let mut session = hot.session().await?;
        session.begin(Begin::Read).await?;
        let epoch = state::read_in(&mut *session, family.resource).await?.epoch;
        let (due, oldest) =
            due_of(&session.fetch(&family.due(rule).count, std::slice::from_ref(&cutoff)).await?)?;
        let in_hot = first_int(&session.fetch(&family.own().sql(sql::count_hot()), &[]).await?, "n")?;
        let rejected = session.fetch(sql::rejects(), &[family.resource.into(), 1.into()]).await?;
        let rejected = first_int(&rejected, "n")?;
        session.rollback().await?;
        let in_cold = match cold {
            Some(cold) => Some(self.count_cold(cold, epoch).await?),
            None => None,
        };
        let lag_days =
            oldest.map_or(0.0, |oldest| (cutoff.time().micros() - oldest.micros()) as f64 / DAY as f64);
        Ok(Counts { epoch, in_hot, due, lag_days, rejected, in_cold })
    }

    /// Counts the rows in cold without those of moves that hot has not committed.
    async fn count_cold(&self, cold: &dyn Engine, epoch: i64) -> Result<(i64, bool), TierError> {
        let own = self.family.own();
        let mut session = cold.session().await?;
        session.begin(Begin::Read).await?;
        let counted = session.fetch(&own.sql(sql::count_cold()), &[]).await?;
        let above = session.fetch(&own.sql(sql::count_moved()), &[epoch.into(), i64::MAX.into()]).await?;
        session.rollback().await?;
        let is_exact = counted.first().map_or(Ok(true), |record| record.bool("is_exact"))?;
        Ok((first_int(&counted, "n")? - Moved::of(&above)?.in_cold(), is_exact))
    }

    /// Returns the numbers at a later epoch, if all that happened in between is known.
    async fn carry(
        &self,
        counts: Counts,
        hot: &dyn Engine,
        cold: Option<&dyn Engine>,
        (epoch, rejected): (i64, i64),
        now: Timestamp,
    ) -> Result<Option<Counts>, JournalError> {
        if cold.is_some() != counts.in_cold.is_some() || !(0..=MOVES).contains(&(epoch - counts.epoch)) {
            return Ok(None);
        }
        let moved = match cold {
            _ if epoch == counts.epoch => Moved::default(),
            Some(cold) => match self.archived(cold, (counts.epoch, epoch)).await? {
                Some(moved) => moved,
                None => return Ok(None),
            },
            None => return Ok(None),
        };
        let mut carried = Counts {
            epoch,
            in_hot: counts.in_hot - moved.brought,
            due: counts.due - moved.brought - (rejected - counts.rejected),
            lag_days: counts.lag_days,
            rejected,
            in_cold: counts.in_cold.map(|(rows, is_exact)| (rows + moved.in_cold(), is_exact)),
        };
        let cutoff = self.family.cutoff(now, self.rule);
        let next = hot.fetch(&self.family.due(self.rule).pick, &[cutoff, 1.into()]).await?;
        if next.is_empty() {
            (carried.due, carried.lag_days) = (0, 0.0);
        }
        Ok(Some(carried).filter(|carried| next.is_empty() || carried.due > 0))
    }

    /// Returns what moved to cold after an epoch and up to another; `None` if there was another kind of move.
    async fn archived(
        &self,
        cold: &dyn Engine,
        (after, up_to): (i64, i64),
    ) -> Result<Option<Moved>, TierError> {
        let kinds = entry::kinds(cold, self.family.resource, (after + 1..=up_to).collect()).await?;
        if kinds.values().any(|kind| *kind != MoveKind::Archive) {
            return Ok(None);
        }
        let own = self.family.own();
        let moved = cold.fetch(&own.sql(sql::count_moved()), &[after.into(), up_to.into()]).await?;
        Moved::of(&moved).map(Some)
    }
}

/// The versions that moves have brought to cold, and those that they have closed there.
#[derive(Clone, Copy, Debug, Default)]
struct Moved {
    brought: i64,
    closed: i64,
}

impl Moved {
    fn of(records: &[Record]) -> Result<Self, TierError> {
        Ok(Self { brought: first_int(records, "brought")?, closed: first_int(records, "closed")? })
    }

    /// Returns by how many the open versions became more.
    const fn in_cold(self) -> i64 {
        self.brought - self.closed
    }
}
