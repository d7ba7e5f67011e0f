//! Children in hot whose post is in cold: a platform that archives posts alone leaves them behind. They move to their post.

use async_trait::async_trait;

use super::report::Class;
use crate::fail_point;
use crate::model::{Family, Moved};
use crate::moves::archive::prove;
use crate::moves::budget::BatchBudget;
use crate::moves::retry::{Attempt, retry_on_conflict};
use crate::moves::rows::{self, MovedBatch, Rows};
use crate::moves::{self, MoveError, Mover, rejects, settle};
use crate::recover::strays;
use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard};
use thermocline_database::{Engine, TierError, Value};
use thermocline_journal::MoveKind;

/// Rows of one move.
const ROWS: i64 = 1_000;
/// Owners that are looked at in one statement.
const OWNERS: i64 = 500;

/// Children of one table whose owners are in cold.
struct Follow<'a> {
    mover: &'a Mover<'a>,
    family: &'a Family,
    moved: &'a Moved,
    /// The last owner that was looked at.
    last: Mutex<i64>,
    /// Owners of children that cannot move.
    stay: Mutex<HashSet<i64>>,
}

/// Moves the children of a family to their owners in cold. Children of no owner stay in hot.
pub(super) async fn follow(mover: &Mover<'_>, family: &Family) -> Result<(), MoveError> {
    for moved in family.children() {
        let (last, stay) = (Mutex::new(i64::MIN), Mutex::default());
        let follow = Follow { mover, family, moved, last, stay };
        loop {
            let before = follow.last();
            match retry_on_conflict(&follow).await {
                Err(MoveError::Rejected { rows, .. }) => {
                    rejects::note(mover.hot, family, mover.clock.now(), &rows).await?;
                    follow.stay().extend(rows.iter().map(|(owner, _)| *owner));
                }
                Ok(None) if follow.last() == before => break,
                moved => _ = moved?,
            }
        }
    }
    Ok(())
}

/// Counts the children of a family in hot without an owner there: those whose owner an archive holds, and the others.
///
/// `in_archive` tells which of some ids it holds.
pub(super) async fn count(
    hot: &dyn Engine,
    family: &Family,
    in_archive: &mut (dyn Known + Send),
) -> Result<Vec<Class>, TierError> {
    let mut classes = Vec::new();
    for moved in family.children() {
        let table = moved.table.name;
        let mut follow = Class::new(&format!("{table}_follow"));
        let mut lost = Class::new(&format!("{table}_without_owner"));
        let mut last = i64::MIN;
        loop {
            let records = hot.fetch(&strays(family, moved), &[last.into(), OWNERS.into()]).await?;
            let mut owners = Vec::new();
            for record in &records {
                owners.push((record.int("id")?, record.int("n")?));
            }
            let Some((highest, _)) = owners.last().copied() else { break };
            last = highest;
            let known = in_archive.known(owners.iter().map(|(id, _)| *id).collect()).await?;
            for (id, n) in owners {
                let class = if known.contains(&id) { &mut follow } else { &mut lost };
                class.add_all(n, format!("{n} {table} of {} {id}", family.resource));
            }
        }
        classes.extend([follow, lost].into_iter().filter(|class| class.rows > 0));
    }
    Ok(classes)
}

/// Tells which ids an archive holds.
#[async_trait]
pub(super) trait Known {
    /// Returns those of `ids` that it holds.
    async fn known(&mut self, ids: Vec<i64>) -> Result<HashSet<i64>, TierError>;
}

impl Follow<'_> {
    fn last(&self) -> i64 {
        *self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn stay(&self) -> MutexGuard<'_, HashSet<i64>> {
        self.stay.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[async_trait]
impl Attempt for Follow<'_> {
    async fn attempt(&self) -> Result<Option<MovedBatch>, MoveError> {
        let (family, moved) = (self.family, self.moved);
        let mut this = settle::begin(self.mover, family).await?;
        let mut last = self.last();
        let params = [last.into(), OWNERS.into()];
        let (mut owners, mut budget) = (Vec::new(), BatchBudget::new(ROWS));
        for record in this.hot.fetch(&strays(family, moved), &params).await? {
            if !budget.takes(record.int("n")?, 0) {
                break;
            }
            last = record.int("id")?;
            if !self.stay().contains(&last) {
                owners.push(last);
            }
        }
        let own = family.own();
        let open = own.sql_by(moves::sql::open_of(), 0);
        let present: Vec<i64> =
            this.cold_rows(own, &open, &[owners.into()]).await?.iter().map(|row| row[0].int()).collect();
        let mut taken = rows::empty(family);
        if !present.is_empty() {
            let rows = this.take(moved, moved.owner, &Value::from(present)).await?;
            for table in &mut taken {
                if table.moved.table == moved.table {
                    table.rows.clone_from(&rows);
                }
            }
        }
        if let Err(rejected) = rejects::check(self.mover.cold, family, &taken) {
            let _ = this.give_up().await;
            return Err(rejected);
        }
        if rows::count(&taken) == 0 {
            this.give_up().await?;
            *self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = last;
            return Ok(None);
        }
        let digest = rows::digest(&taken);
        this.lock_claim().await?;
        let now = Value::from(self.mover.clock.now());
        for Rows { moved, rows } in &taken {
            let copies: Vec<Vec<Value>> =
                rows.iter().map(|row| Moved::archived_row(row, now.clone(), this.number)).collect();
            this.cold.insert(moved.archived, &moved.archived_columns(), &copies).await?;
        }
        this.count(&taken, 1).await?;
        this.commit_cold(MoveKind::Archive, &taken, digest).await?;
        prove(&mut *this.cold, family, this.number, &taken, digest).await?;
        let (number, watermark) = (this.number, this.state.cold_watermark);
        let steps = this.commit(watermark).await?;
        fail_point::reached("followed");
        *self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = last;
        Ok(Some(MovedBatch::new(number, &taken, steps)))
    }
}
