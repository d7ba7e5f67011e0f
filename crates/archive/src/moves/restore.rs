//! One batch from cold back to hot: rows keep their ids, children go with their post. [`super::transaction`] numbers the
//! steps.
//!
//! The versions in cold are closed at the number of the batch and stay readable at older epochs. A restored resource is
//! held, or the mover would archive the rows again.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::parents::{Left, Parents};
use super::pick::{moves_of, pick};
use super::queries::sql;
use super::retry::Attempt;
use super::rows::{self, MovedBatch, Rows};
use super::timing::Step;
use super::transaction::Move;
use super::{MoveError, Mover, preflight, settle};
use crate::fail_point;
use crate::model::{Family, RestoreCursor, Selection};
use thermocline_core::clock::Timestamp;
use thermocline_core::keyset::Key;
use thermocline_database::{TierError, Value};
use thermocline_journal::{Digest, MoveKind, state};

/// A restore; each attempt moves one batch.
pub struct Restore<'a> {
    mover: &'a Mover<'a>,
    family: &'a Family,
    selection: Selection,
    /// The largest number of rows of a batch, children included. One row goes back even if it has more children.
    rows: i64,
    parents: Parents<'a>,
    /// The first move that can have brought selected rows.
    first: i64,
    progress: Mutex<Progress>,
}

/// The progress of a restore.
#[derive(Clone, Debug)]
struct Progress {
    /// Only rows below this cursor are left to do.
    below: RestoreCursor,
    /// The rows above it that stay in cold.
    left: Left,
}

#[async_trait]
impl Attempt for Restore<'_> {
    async fn attempt(&self) -> Result<Option<MovedBatch>, MoveError> {
        let mut this = settle::begin(self.mover, self.family).await?;
        let (ids, leaving, progress) = self.next(&mut this).await?;
        if ids.is_empty() {
            this.give_up().await?;
            *self.progress() = progress;
            return Ok(None);
        }
        let ids = Value::from(ids);
        this.took(Step::Cold);
        let digest = self.put(&mut this, &leaving).await?;
        fail_point::reached("worked-in-hot");
        this.took(Step::Hot);
        let watermark = self.close(&mut this, &ids, &leaving).await?;
        self.prove(&mut this, &ids, digest).await?;
        fail_point::reached("proven");
        this.took(Step::Proof);
        let number = this.number;
        let steps = this.commit(watermark).await?;
        *self.progress() = progress;
        Ok(Some(MovedBatch::new(number, &leaving, steps)))
    }
}

impl<'a> Restore<'a> {
    /// Prepares to restore a selection in batches of `rows` rows, unless triggers prevent it.
    pub async fn new(
        mover: &'a Mover<'a>,
        family: &'a Family,
        selection: Selection,
        rows: i64,
    ) -> Result<Self, MoveError> {
        let parents = preflight::check_returning(mover.hot, family).await?;
        let (first, last) = moves_of(mover.cold, family, selection).await?;
        let progress = Mutex::new(Progress { below: RestoreCursor::above(last), left: Left::default() });
        Ok(Self { mover, family, selection, rows: rows.max(1), parents, first, progress })
    }

    /// Returns the rows that stay in cold so far.
    pub fn left(&self) -> Left {
        self.progress().left.clone()
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the ids and rows of the next batch, and the progress after it. Skips a row if its parent, or that of one of its
    /// children, is missing: no row goes back without its children.
    async fn next(&self, this: &mut Move<'_>) -> Result<(Vec<i64>, Vec<Rows<'_>>, Progress), TierError> {
        let mut progress = self.progress().clone();
        let own = self.family.own().table.name;
        loop {
            let (mut ids, below) =
                pick(this, self.selection, (progress.below, self.first), self.rows).await?;
            if ids.is_empty() {
                return Ok((ids, Vec::new(), progress));
            }
            progress.below = below;
            let mut leaving = self.read(this, &ids.clone().into()).await?;
            this.took(Step::Cold);
            let mut orphans = Vec::new();
            for Rows { moved, rows } in &leaving {
                orphans.extend(self.parents.missing(&mut *this.hot, moved, rows, Some(own)).await?);
            }
            this.took(Step::Hot);
            let left = progress.left.add(orphans);
            ids.retain(|id| !left.contains(id));
            for Rows { moved, rows } in &mut leaving {
                rows.retain(|row| !left.contains(&row[moved.owner].int()));
            }
            if !ids.is_empty() {
                return Ok((ids, leaving, progress));
            }
        }
    }

    /// Reads the rows that leave cold. After settling, rows that are open in cold are not in hot.
    async fn read(&self, this: &mut Move<'_>, ids: &Value) -> Result<Vec<Rows<'_>>, TierError> {
        let mut leaving = Vec::new();
        for moved in &self.family.tables {
            let statement = moved.sql(sql::open_of());
            let rows = this.cold_rows(moved, &statement, std::slice::from_ref(ids)).await?;
            leaving.push(Rows { moved, rows });
        }
        Ok(leaving)
    }

    /// Step 4: inserts the rows into hot, parents before children, except those that hot has replaced. Returns the digest of
    /// the inserted rows.
    async fn put(&self, this: &mut Move<'_>, leaving: &[Rows<'_>]) -> Result<Digest, TierError> {
        let mut digest = Digest::default();
        for Rows { moved, rows } in leaving.iter().rev() {
            let rows = without_replaced(this, rows).await?;
            this.hot.insert(moved.table.name, &moved.columns(), &rows).await?;
            for row in &*rows {
                digest.add(moved.table.name, row);
            }
        }
        state::hold(&mut *this.hot, self.family.resource, true).await?;
        Ok(digest)
    }

    /// Step 5: closes the versions and subtracts them from the counts. Returns the watermark that is left in cold.
    async fn close(
        &self,
        this: &mut Move<'_>,
        ids: &Value,
        leaving: &[Rows<'_>],
    ) -> Result<Option<Key>, MoveError> {
        this.lock_claim().await?;
        for Rows { moved, rows } in leaving {
            let params = [ids.clone(), this.number.into()];
            let closed = this.cold.execute(&moved.sql(sql::close()), &params).await?;
            if closed != rows.len() as u64 {
                let detail = format!("{closed} rows of {} were closed, not {}", moved.table.name, rows.len());
                return Err(self.unproven(this.number, detail));
            }
        }
        this.count(leaving, -1).await?;
        let left = this.any_open().await?;
        // A restore brings no rows to cold.
        this.commit_cold(MoveKind::Restore, leaving, Digest::default()).await?;
        Ok(this.state.cold_watermark.filter(|_| left))
    }

    /// Step 6: reads the rows back from hot and compares.
    async fn prove(&self, this: &mut Move<'_>, ids: &Value, expected: Digest) -> Result<(), MoveError> {
        let mut found = Vec::new();
        for moved in &self.family.tables {
            let statement = moved.sql(sql::hot_of());
            let rows = this.hot_rows(moved, &statement, std::slice::from_ref(ids)).await?;
            found.push(Rows { moved, rows });
        }
        if rows::digest(&found) == expected {
            return Ok(());
        }
        let detail = format!("hot holds {} rows, or other values", rows::own(&found).len());
        Err(self.unproven(this.number, detail))
    }

    fn unproven(&self, epoch: i64, detail: String) -> MoveError {
        MoveError::Unproven { resource: self.family.resource, epoch, detail }
    }
}

/// Returns the rows that no newer row of hot has replaced.
pub async fn without_replaced<'r>(
    this: &mut Move<'_>,
    rows: &'r [Vec<Value>],
) -> Result<Cow<'r, [Vec<Value>]>, TierError> {
    let Some(supersede) = &this.family.supersede else { return Ok(rows.into()) };
    let mut replaced = HashSet::new();
    for (group, members) in supersede.groups(rows.iter().map(Vec::as_slice)) {
        for record in this.hot.fetch(&supersede.in_hot, &[group.into(), members.into()]).await? {
            let day = Timestamp::midnight(record.date("member")?);
            replaced.insert((group, day.micros()));
        }
    }
    if replaced.is_empty() {
        return Ok(rows.into());
    }
    Ok(rows.iter().filter(|row| !replaced.contains(&(supersede.of)(row))).cloned().collect())
}
