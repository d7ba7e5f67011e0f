//! One batch from hot to cold. [`super::transaction`] numbers the steps.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;

use super::budget::BatchBudget;
use super::rejects::{self, unreadable};
use super::retry::Attempt;
use super::rows::{self, MovedBatch, Rows};
use super::timing::Step;
use super::transaction::Move;
use super::{MoveError, Mover, settle};
use crate::counts::blocks::KnownBlocks;
use crate::fail_point;
use crate::model::{Family, Moved, Rule, templates};
use thermocline_database::{Record, Session, TierError, Value, row_of};
use thermocline_journal::{Digest, MoveKind};

/// A batch of due rows.
pub struct Batch<'a> {
    pub mover: &'a Mover<'a>,
    pub family: &'a Family,
    pub rule: Rule,
    /// Rows older than this are due.
    pub older_than: Value,
    /// The largest number of rows, children included. One row moves even if it has more children.
    pub rows: i64,
    /// State passed between consecutive batches of a run.
    pub handover: &'a Handover,
}

/// State that a batch passes to the next one of its run.
#[derive(Debug, Default)]
pub struct Handover(Mutex<Left>);

#[derive(Debug, Default)]
struct Left {
    known: KnownBlocks,
    /// The rows that are due next.
    due: Option<PickedRows>,
}

/// Rows that were due, oldest first, and when hot was asked for them.
#[derive(Debug)]
struct PickedRows {
    rows: Vec<DueRow>,
    at: Instant,
}

/// A row that is due, with its children.
#[derive(Clone, Copy, Debug)]
struct DueRow {
    id: i64,
    rows: i64,
    bytes: i64,
}

/// The time after which hot is asked again which rows are due. Meanwhile a post may have got a comment, for example.
const FRESH: Duration = Duration::from_secs(1);

impl Handover {
    /// Returns whether the previous batch has found rows that are still due.
    pub fn has_due_rows(&self) -> bool {
        self.left().due.as_ref().is_some_and(|picked| !picked.rows.is_empty() && picked.is_fresh())
    }

    fn left(&self) -> MutexGuard<'_, Left> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PickedRows {
    fn is_fresh(&self) -> bool {
        self.at.elapsed() < FRESH
    }
}

#[async_trait]
impl Attempt for Batch<'_> {
    async fn attempt(&self) -> Result<Option<MovedBatch>, MoveError> {
        let mut this = settle::begin(self.mover, self.family).await?;
        if this.state.held {
            // Held since the check at the start of the run: restored rows must stay in hot.
            this.give_up().await?;
            return Ok(None);
        }
        let Left { known, due } = std::mem::take(&mut *self.handover.left());
        this.reuse_blocks(known);
        let due = due.filter(PickedRows::is_fresh).map(|picked| picked.rows);
        let taken = match self.take_due(&mut this, due).await {
            Err(rejected @ MoveError::Rejected { .. }) => {
                // Releases the claim, or the move would seem to be under way. The session rolls hot back.
                let _ = this.give_up().await;
                return Err(rejected);
            }
            taken => taken?,
        };
        if rows::count(&taken) == 0 {
            this.give_up().await?;
            return Ok(None);
        }
        fail_point::reached("worked-in-hot");
        this.took(Step::Hot);
        let digest = rows::digest(&taken);
        self.copy(&mut this, &taken, digest).await?;
        let number = this.number;
        // Hot, which no longer has the rows of this batch, is asked for those of the next one while cold is read.
        let Move { hot, cold, .. } = &mut this;
        let (proven, due) =
            tokio::join!(prove(&mut **cold, self.family, number, &taken, digest), self.pick(&mut **hot));
        proven?;
        let due = Some(PickedRows { rows: due?, at: Instant::now() });
        fail_point::reached("proven");
        this.took(Step::Proof);
        let newest = rows::own(&taken).iter().map(|row| (self.family.key)(row)).max();
        let watermark = newest.max(this.state.cold_watermark);
        let known = this.take_blocks();
        let steps = this.commit(watermark).await?;
        *self.handover.left() = Left { known, due };
        Ok(Some(MovedBatch::new(number, &taken, steps)))
    }

    fn yields(&self) -> bool {
        true
    }
}

impl Batch<'_> {
    /// Returns the rows that are due, oldest first, as many as a batch may have.
    async fn pick(&self, hot: &mut dyn Session) -> Result<Vec<DueRow>, TierError> {
        let params = [self.older_than.clone(), self.rows.into()];
        let mut picked = Vec::new();
        let mut take = |record: Record| {
            let (id, rows, bytes) = (record.int("id")?, record.int("weight")?, record.int("bytes")?);
            picked.push(DueRow { id, rows, bytes });
            Ok(())
        };
        hot.fetch_each(&self.family.due(self.rule).pick, &params, &mut take).await?;
        Ok(picked)
    }

    /// Step 4: removes the rows that were due a moment ago if any is left of them, and otherwise those that are due now.
    async fn take_due(
        &self,
        this: &mut Move<'_>,
        due: Option<Vec<DueRow>>,
    ) -> Result<Vec<Rows<'_>>, MoveError> {
        if let Some(due) = due {
            let taken = self.take(this, &due).await?;
            if rows::count(&taken) > 0 {
                return Ok(taken);
            }
        }
        let due = self.pick(&mut *this.hot).await?;
        self.take(this, &due).await
    }

    /// Removes rows from hot. The statement returns exactly the rows that it removes, so no edit can happen in between.
    async fn take(&self, this: &mut Move<'_>, due: &[DueRow]) -> Result<Vec<Rows<'_>>, MoveError> {
        let mut budget = BatchBudget::new(self.rows);
        let fitting = due.iter().take_while(|row| budget.takes(row.rows, row.bytes));
        let ids: Vec<i64> = fitting.map(|row| row.id).collect();
        let any = !ids.is_empty();
        let ids = Value::from(ids);
        let mut taken = Vec::new();
        for moved in &self.family.tables {
            let mut rows = Vec::new();
            if any {
                let found = this.take(moved, moved.owner, &ids).await;
                rows = found.map_err(|error| unreadable(self.family, moved, &ids, error))?;
            }
            taken.push(Rows { moved, rows });
        }
        rejects::check(self.mover.cold, self.family, &taken)?;
        Ok(taken)
    }

    /// Step 5. Commits the copy, its counts and its entry in the journal; all of it is still invisible.
    async fn copy(&self, this: &mut Move<'_>, taken: &[Rows<'_>], digest: Digest) -> Result<(), MoveError> {
        this.lock_claim().await?;
        self.supersede(this, rows::own(taken)).await?;
        let now = self.mover.clock.now();
        for Rows { moved, rows } in taken {
            let copies: Vec<Vec<Value>> =
                rows.iter().map(|row| Moved::archived_row(row, now.into(), this.number)).collect();
            this.cold.insert(moved.archived, &moved.archived_columns(), &copies).await?;
        }
        this.count(taken, 1).await?;
        Ok(this.commit_cold(MoveKind::Archive, taken, digest).await?)
    }

    /// Closes the versions that rows of the batch replace.
    async fn supersede(&self, this: &mut Move<'_>, own: &[Vec<Value>]) -> Result<(), TierError> {
        let Some(supersede) = &self.family.supersede else { return Ok(()) };
        for (group, members) in supersede.groups(own.iter().map(Vec::as_slice)) {
            let params = [group.into(), members.into(), this.number.into()];
            this.cold.execute(&supersede.statement, &params).await?;
        }
        Ok(())
    }
}

/// Step 6. Reads the batch back and compares.
pub async fn prove(
    cold: &mut dyn Session,
    family: &Family,
    epoch: i64,
    taken: &[Rows<'_>],
    expected: Digest,
) -> Result<(), MoveError> {
    let (mut found, mut copies) = (Digest::default(), Vec::new());
    for Rows { moved, .. } in taken {
        let mut rows = Vec::new();
        let mut take = |record| {
            let row = row_of(&record, moved.table)?;
            found.add(moved.table.name, &row);
            rows.push(row);
            Ok(())
        };
        let brought = moved.sql(templates::brought());
        cold.fetch_each(&brought, &[epoch.into()], &mut take).await?;
        copies.push(rows);
    }
    if found == expected {
        return Ok(());
    }
    let detail = match differing(taken, &copies) {
        Some(row) => format!("row {row} differs"),
        None => "rows are missing".to_owned(),
    };
    Err(MoveError::Unproven { resource: family.resource, epoch, detail })
}

/// Names a copy that no row that was sent is equal to.
fn differing(sent: &[Rows<'_>], copies: &[Vec<Vec<Value>>]) -> Option<String> {
    sent.iter().zip(copies).find_map(|(Rows { moved, rows: sent }, copies)| {
        let sent: HashSet<_> = sent.iter().collect();
        copies.iter().find(|copy| !sent.contains(copy)).map(|copy| moved.name_of(copy))
    })
}
