//! One batch from hot to cold. The numbers of the steps are those of [`super::steps`].

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::blocks::Known;
use super::digest::Digest;
use super::due::Rule;
use super::family::{Family, Moved};
use super::rejects::{self, unreadable};
use super::run::Mover;
use super::steps::{ARCHIVE, Attempt, Move, MovedBatch, Rows, count, digest, moved_batch, own};
use super::stopwatch::Step;
use super::{MoveError, fail_point};
use crate::tier::{TierError, Value, values};

/// Bytes of text in a batch, unless a single row has more: what a mover keeps in memory, whatever rows hold.
const BYTES: i64 = 16 << 20;

/// How full a batch is, whichever way it goes.
pub(super) struct Load {
    /// How many rows it is to have.
    most: i64,
    rows: i64,
    bytes: i64,
    is_empty: bool,
}

impl Load {
    pub fn new(most: i64) -> Self {
        Self { most, rows: 0, bytes: 0, is_empty: true }
    }

    /// Whether a row fits that comes with so many, itself among them, and so many bytes of text. One always does.
    pub fn takes(&mut self, rows: i64, bytes: i64) -> bool {
        self.rows += rows;
        self.bytes += bytes;
        let first = std::mem::replace(&mut self.is_empty, false);
        first || (self.rows <= self.most && self.bytes <= BYTES)
    }
}

/// What a batch is to move.
pub(super) struct Batch<'a> {
    pub mover: &'a Mover<'a>,
    pub family: &'a Family,
    /// What is due.
    pub rule: Rule,
    /// Rows older than this are.
    pub older_than: Value,
    /// How many rows to move, children included; one whole row at least.
    pub rows: i64,
    /// What the batch before has left.
    pub known: &'a Mutex<Known>,
}

#[async_trait]
impl Attempt for Batch<'_> {
    async fn attempt(&self) -> Result<Option<MovedBatch>, MoveError> {
        let mut this = Move::begin(self.mover, self.family).await?;
        if this.state.held {
            // Since the run has looked: what was brought back must not go again.
            this.give_up().await?;
            return Ok(None);
        }
        this.remember(std::mem::take(&mut *self.known()));
        let taken = match self.take(&mut this).await {
            Err(rejected @ MoveError::Rejected { .. }) => {
                // Nobody must take this for a move under way; what is left of it in hot goes with the session.
                let _ = this.give_up().await;
                return Err(rejected);
            }
            taken => taken?,
        };
        if count(&taken) == 0 {
            this.give_up().await?;
            return Ok(None);
        }
        fail_point::reached("worked-in-hot");
        this.took(Step::Hot);
        let digest = digest(&taken);
        self.copy(&mut this, &taken, digest).await?;
        self.prove(&mut this, &taken, digest).await?;
        fail_point::reached("proven");
        this.took(Step::Proof);
        let number = this.number;
        let newest = own(&taken).iter().map(|row| (self.family.key)(row)).max().max(this.state.cold_newest);
        let known = this.leave();
        let steps = this.commit(newest).await?;
        *self.known() = known;
        Ok(Some(moved_batch(number, &taken, steps)))
    }

    fn yields(&self) -> bool {
        true
    }
}

impl Batch<'_> {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Step 4. What comes back is exactly what is removed: no edit can slip in between.
    async fn take(&self, this: &mut Move<'_>) -> Result<Vec<Rows<'_>>, MoveError> {
        let records = this
            .hot
            .fetch(&self.family.due(self.rule).pick, &[self.older_than.clone(), self.rows.into()])
            .await?;
        let (mut ids, mut load) = (Vec::new(), Load::new(self.rows));
        for record in records {
            if !load.takes(record.int("weight")?, record.int("bytes")?) {
                break;
            }
            ids.push(record.int("id")?);
        }
        let due = ids.len();
        let ids = Value::from(ids);
        let mut taken = Vec::new();
        for moved in &self.family.tables {
            let mut rows = Vec::new();
            if due > 0 {
                let records = this.hot.fetch(&moved.take, std::slice::from_ref(&ids)).await;
                for record in records.map_err(|error| unreadable(self.family, moved, &ids, error))? {
                    let row = values(&record, moved.table.columns);
                    rows.push(row.map_err(|error| unreadable(self.family, moved, &ids, error))?);
                }
            }
            taken.push(Rows { moved, rows });
        }
        rejects::check(
            self.mover.cold,
            self.family,
            taken.iter().map(|taken| (taken.moved, &taken.rows[..])),
        )?;
        Ok(taken)
    }

    /// Step 5. The copy, its counts and its entry in the journal, committed and still invisible.
    async fn copy(&self, this: &mut Move<'_>, taken: &[Rows<'_>], digest: Digest) -> Result<(), MoveError> {
        this.lock_claim().await?;
        self.supersede(this, own(taken)).await?;
        let now = self.mover.clock.now();
        for Rows { moved, rows } in taken {
            let table = moved.table.archived.unwrap_or(moved.table.name);
            let copies: Vec<Vec<Value>> =
                rows.iter().map(|row| Moved::archived_row(row, now.into(), this.number)).collect();
            this.cold.insert(table, &moved.archived_columns(), &copies).await?;
        }
        this.count(taken, 1).await?;
        Ok(this.commit_cold(ARCHIVE, taken, digest).await?)
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

    /// Step 6. Reads the batch back and compares.
    async fn prove(
        &self,
        this: &mut Move<'_>,
        taken: &[Rows<'_>],
        expected: Digest,
    ) -> Result<(), MoveError> {
        let mut found = Digest::default();
        let mut differing: Option<String> = None;
        for Rows { moved, rows } in taken {
            let sent: HashMap<_, _> = rows.iter().map(|row| (moved.identity(row), row)).collect();
            for record in this.cold.fetch(&moved.batch, &[this.number.into()]).await? {
                let row = values(&record, moved.table.columns)?;
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
            Some(row) => format!("its row {row} differs"),
            None => "rows are missing".to_owned(),
        };
        Err(MoveError::Unproven { resource: self.family.resource, epoch: this.number, detail })
    }
}
