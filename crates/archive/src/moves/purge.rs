//! One batch of archived rows that are old enough to be removed for good.
//!
//! It is an erasure of rows that are found by their age, so no note of them is kept: a row that an import or a backup brings
//! back is as old, and goes with the next purge.
//!
//! 1. A move closes the open versions and notes their ids in cold, in one transaction.
//! 2. Once its hot commit is known, every version of the rows is removed from cold, subtracted from the entry of the batch that
//!    brought it, and the notes are deleted: [`super::erasures::drop_erased`]. Undoing an interrupted move
//!    deletes its notes, so that the rows are as before.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::pick::{moves_of, pick};
use super::queries::sql;
use super::retry::Attempt;
use super::rows::MovedBatch;
use super::timing::Step;
use super::{MoveError, Mover, erasures, settle};
use crate::fail_point;
use crate::model::{Family, RestoreCursor, Selection};
use thermocline_database::TierError;

/// A purge; each attempt removes one batch.
pub struct Purge<'a> {
    mover: &'a Mover<'a>,
    family: &'a Family,
    selection: Selection,
    /// The largest number of rows of a batch, children included. One row goes even if it has more children.
    rows: i64,
    /// The first move that can have brought selected rows.
    first: i64,
    /// Only rows below this cursor are left to do.
    below: Mutex<RestoreCursor>,
}

#[async_trait]
impl Attempt for Purge<'_> {
    async fn attempt(&self) -> Result<Option<MovedBatch>, MoveError> {
        let mut this = settle::begin(self.mover, self.family).await?;
        let below = *self.below();
        let (ids, below) = pick(&mut this, self.selection, (below, self.first), self.rows).await?;
        // A restore that began meanwhile has a claim of its own on these rows.
        if ids.is_empty() || this.state.held {
            this.give_up().await?;
            return Ok(None);
        }
        this.took(Step::Cold);
        this.lock_claim().await?;
        let target = erasures::target(self.family, self.family.resource, ids);
        let leaving = erasures::close_and_count(&mut this, &target).await?;
        let now = self.mover.clock.now();
        let note = [target.noun.into(), target.ids.into(), this.number.into(), now.into()];
        this.cold.execute(sql::note_purged(), &note).await?;
        fail_point::reached("noted-purge");
        let number = this.number;
        let steps = erasures::commit(this).await?;
        *self.below() = below;
        Ok(Some(MovedBatch::new(number, &leaving, steps)))
    }
}

impl<'a> Purge<'a> {
    /// Prepares to remove the selected rows that the move `last` and earlier ones brought, in batches of `rows` rows.
    pub async fn new(
        mover: &'a Mover<'a>,
        family: &'a Family,
        selection: Selection,
        last: i64,
        rows: i64,
    ) -> Result<Self, TierError> {
        let (first, spanned) = moves_of(mover.cold, family, selection).await?;
        let below = Mutex::new(RestoreCursor::above(spanned.min(last)));
        Ok(Self { mover, family, selection, rows: rows.max(1), first, below })
    }

    fn below(&self) -> MutexGuard<'_, RestoreCursor> {
        self.below.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
