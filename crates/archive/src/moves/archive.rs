//! One batch from hot to cold. [`super::transaction`] numbers the steps.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

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
use thermocline_database::{TierError, Value};
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
    /// The blocks known to the previous batch.
    pub known: &'a Mutex<KnownBlocks>,
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
        this.reuse_blocks(std::mem::take(&mut *self.known()));
        let taken = match self.take(&mut this).await {
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
        prove(&mut this, &taken, digest).await?;
        fail_point::reached("proven");
        this.took(Step::Proof);
        let number = this.number;
        let newest = rows::own(&taken).iter().map(|row| (self.family.key)(row)).max();
        let watermark = newest.max(this.state.cold_watermark);
        let known = this.take_blocks();
        let steps = this.commit(watermark).await?;
        *self.known() = known;
        Ok(Some(MovedBatch::new(number, &taken, steps)))
    }

    fn yields(&self) -> bool {
        true
    }
}

impl Batch<'_> {
    fn known(&self) -> MutexGuard<'_, KnownBlocks> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Step 4. The statement returns exactly the rows that it removes, so no edit can happen in between.
    async fn take(&self, this: &mut Move<'_>) -> Result<Vec<Rows<'_>>, MoveError> {
        let params = [self.older_than.clone(), self.rows.into()];
        let records = this.hot.fetch(&self.family.due(self.rule).pick, &params).await?;
        let (mut ids, mut budget) = (Vec::new(), BatchBudget::new(self.rows));
        for record in records {
            if !budget.takes(record.int("weight")?, record.int("bytes")?) {
                break;
            }
            ids.push(record.int("id")?);
        }
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
pub async fn prove(this: &mut Move<'_>, taken: &[Rows<'_>], expected: Digest) -> Result<(), MoveError> {
    let mut found = Digest::default();
    let mut differing: Option<String> = None;
    for Rows { moved, rows } in taken {
        let sent: HashMap<_, _> = rows.iter().map(|row| (moved.identity(row), row)).collect();
        for row in this.cold_rows(moved, &moved.sql(templates::brought()), &[this.number.into()]).await? {
            found.add(moved.table.name, &row);
            if sent.get(&moved.identity(&row)).is_none_or(|sent| **sent != row) {
                differing.get_or_insert(moved.name_of(&row));
            }
        }
    }
    if found == expected {
        return Ok(());
    }
    let detail = match differing {
        Some(row) => format!("row {row} differs"),
        None => "rows are missing".to_owned(),
    };
    Err(MoveError::Unproven { resource: this.family.resource, epoch: this.number, detail })
}
