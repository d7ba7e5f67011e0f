//! Erasing rows from both tiers, for good.
//!
//! 1. The ids are noted in cold, as pending. From then on the next move of the resource erases the rows, so the process may
//!    die at any time.
//! 2. A move removes the rows from hot, closes the open versions in cold and notes the ids in hot.
//! 3. Once its hot commit is known, every version of the rows is removed from cold, and subtracted from the entry of the
//!    batch that brought it: [`super::erasures::drop_erased`].

use std::collections::BTreeSet;

use async_trait::async_trait;

use super::erasures::{self, MAX_IDS, REASON};
use super::queries::sql;
use super::retry::{Attempt, retry_on_conflict};
use super::rows::{self, MovedBatch};
use super::timing::Step;
use super::{MoveError, Mover, settle};
use crate::fail_point;
use crate::model::Family;
use thermocline_database::{Begin, TierError};

/// A batch of rows that are erased.
struct Erase<'a> {
    mover: &'a Mover<'a>,
    family: &'a Family,
}

#[async_trait]
impl Attempt for Erase<'_> {
    async fn attempt(&self) -> Result<Option<MovedBatch>, MoveError> {
        let mut this = settle::begin(self.mover, self.family).await?;
        let mut targets = erasures::targets(&mut *this.cold, self.family, |pending| pending == 0).await?;
        for target in &mut targets {
            target.ids.truncate(MAX_IDS as usize);
        }
        if targets.is_empty() {
            this.give_up().await?;
            return Ok(None);
        }
        let now = self.mover.clock.now();
        let mut rows = 0;
        for target in &targets {
            rows += erasures::remove(&mut this, target).await?;
            let note = [target.noun.into(), target.ids.clone().into(), REASON.into(), now.into()];
            this.hot.execute(sql::note_erased(), &note).await?;
        }
        fail_point::reached("worked-in-hot");
        this.took(Step::Hot);
        this.lock_claim().await?;
        for target in &targets {
            let leaving = erasures::close_and_count(&mut this, target).await?;
            rows += rows::count(&leaving);
            let note = [target.noun.into(), target.ids.clone().into(), this.number.into()];
            this.cold.execute(sql::erased_with(), &note).await?;
        }
        let epoch = this.number;
        let steps = erasures::commit(this).await?;
        Ok(Some(MovedBatch { epoch, rows, of_resource: 0, steps }))
    }
}

impl Mover<'_> {
    /// Erases rows of one table of a family (such as `comments` of posts) from both tiers; likes are erased by user. Returns
    /// the number of rows of hot and open versions of cold, children included.
    pub async fn erase(&self, family: &Family, noun: &str, ids: &[i64]) -> Result<i64, MoveError> {
        let Some(moved) = family.tables.iter().find(|moved| family.noun(moved) == noun) else { return Ok(0) };
        // An id may be named twice, and a user may have likes in both tiers.
        let ids: Vec<i64> = ids.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
        let mut rows = 0;
        for ids in ids.chunks(MAX_IDS as usize) {
            self.erase_later(family.noun(moved), ids).await?;
            rows += self.finish_erasures(family).await?;
        }
        Ok(rows)
    }

    /// Erases everything that a user wrote in a family: their rows with all children, and their children of other rows.
    pub async fn erase_user(&self, family: &Family, user: i64) -> Result<i64, MoveError> {
        let mut rows = 0;
        for moved in family.tables.iter().rev().filter(|moved| moved.action.is_some()) {
            loop {
                let params = [user.into(), MAX_IDS.into()];
                let mut ids = erasures::ids(&self.hot.fetch(&moved.sql(sql::hot_by()), &params).await?)?;
                ids.extend(erasures::ids(&self.cold.fetch(&moved.sql(sql::cold_by()), &params).await?)?);
                if ids.is_empty() {
                    break;
                }
                rows += self.erase(family, family.noun(moved), &ids).await?;
            }
        }
        Ok(rows)
    }

    /// Notes ids that the next move erases.
    async fn erase_later(&self, noun: &'static str, ids: &[i64]) -> Result<(), TierError> {
        let params = [noun.into(), ids.to_vec().into(), REASON.into(), self.clock.now().into()];
        let mut cold = self.cold.session().await?;
        cold.begin(Begin::Write).await?;
        cold.execute(sql::erase_later(), &params).await?;
        fail_point::reached("noting");
        cold.commit().await?;
        fail_point::reached("noted");
        Ok(())
    }

    /// Erases the rows noted as pending, completes interrupted erasures, and erases rows again that reappeared in hot. Returns
    /// the number of rows of hot and open versions of cold.
    pub async fn finish_erasures(&self, family: &Family) -> Result<i64, MoveError> {
        let mut rows = 0;
        loop {
            // A user may give likes again, so those are not erased a second time.
            for moved in family.tables.iter().filter(|moved| moved.has_ids()) {
                let noun = family.noun(moved);
                let statement = moved.sql_by(sql::erased_again(), 0);
                let records = self.hot.fetch(&statement, &[noun.into(), MAX_IDS.into()]).await?;
                let again = erasures::ids(&records)?;
                if !again.is_empty() {
                    self.erase_later(noun, &again).await?;
                }
            }
            let notes = self.cold.fetch(sql::erasing(), &[]).await?;
            if erasures::targets_of(family, &notes, |_| true)?.is_empty() {
                return Ok(rows);
            }
            let batch = Erase { mover: self, family };
            rows += retry_on_conflict(&batch).await?.map_or(0, |erased| erased.rows);
        }
    }
}
