//! Taking an adoption back: every row that has left hot since goes back there, a move at a time, with its children. The rows
//! of the platform's archive are in its own tables still.

use std::collections::BTreeSet;

use async_trait::async_trait;

use super::queries::sql;
use crate::fail_point;
use crate::model::Family;
use crate::moves::parents::Parents;
use crate::moves::restore::without_replaced;
use crate::moves::retry::{Attempt, retry_on_conflict};
use crate::moves::rows::{self, MovedBatch, Rows};
use crate::moves::transaction::Move;
use crate::moves::{self, MoveError, Mover, preflight, settle};
use thermocline_database::{Begin, Engine, Record, Session, TierError, row_of};
use thermocline_journal::{Digest, MoveKind};

/// Takes back one move that took rows out of hot.
struct Return<'a> {
    mover: &'a Mover<'a>,
    family: &'a Family,
    parents: Parents<'a>,
}

/// Brings every row back to hot that a move took out of it. Returns how many.
pub async fn return_to_hot(mover: &Mover<'_>, family: &Family) -> Result<i64, MoveError> {
    let parents = preflight::check_returning(mover.hot, family).await?;
    let (back, mut rows) = (Return { mover, family, parents }, 0);
    while let Some(moved) = retry_on_conflict(&back).await? {
        rows += moved.rows;
    }
    Ok(rows)
}

/// Makes hot as it was before its first move. Every row has to be back.
pub async fn unpair(hot: &dyn Engine) -> Result<(), TierError> {
    let mut session = hot.session().await?;
    session.begin(Begin::Write).await?;
    session.execute(sql::unpair(), &[]).await?;
    fail_point::reached("unpairing");
    session.commit().await
}

#[async_trait]
impl Attempt for Return<'_> {
    async fn attempt(&self) -> Result<Option<MovedBatch>, MoveError> {
        let mut this = settle::begin(self.mover, self.family).await?;
        let Some(epoch) = self.next(&mut *this.cold).await? else {
            this.give_up().await?;
            return Ok(None);
        };
        let mut leaving = Vec::new();
        for moved in &self.family.tables {
            let records = this.cold.fetch(&moved.sql(sql::brought_open()), &[epoch.into()]).await?;
            let rows = records.iter().map(|record: &Record| row_of(record, moved.table));
            leaving.push(Rows { moved, rows: rows.collect::<Result<_, _>>()? });
        }
        self.bring_owners(&mut this, &mut leaving).await?;
        // Parents before children.
        for Rows { moved, rows } in leaving.iter().rev() {
            let rows = if moved.table == self.family.own().table {
                without_replaced(&mut this, rows).await?
            } else {
                rows.into()
            };
            this.hot.insert(moved.table.name, &moved.columns(), &rows).await?;
        }
        this.lock_claim().await?;
        for moved in &self.family.tables {
            let params = [epoch.into(), this.number.into()];
            this.cold.execute(&moved.sql(sql::close_brought()), &params).await?;
        }
        let own = self.family.own();
        let ids: Vec<i64> = rows::own(&leaving).iter().map(|row| row[0].int()).collect();
        this.cold.execute(&own.sql_by(moves::sql::close(), 0), &[ids.into(), this.number.into()]).await?;
        this.count(&leaving, -1).await?;
        this.commit_cold(MoveKind::Restore, &leaving, Digest::default()).await?;
        let (number, watermark) = (this.number, this.state.cold_watermark);
        let steps = this.commit(watermark).await?;
        Ok(Some(MovedBatch::new(number, &leaving, steps)))
    }
}

impl Return<'_> {
    /// Adds the rows that children need in hot, where it has a foreign key: they go back with their first child.
    async fn bring_owners(&self, this: &mut Move<'_>, leaving: &mut [Rows<'_>]) -> Result<(), MoveError> {
        let (family, own) = (self.family, self.family.own());
        let mut owners = BTreeSet::new();
        for Rows { moved, rows } in leaving.iter() {
            let beside = self.parents.missing(&mut *this.hot, moved, rows, Some(own.table.name)).await?;
            if let Some(orphan) = beside.into_iter().next() {
                return Err(MoveError::Obstructed { resource: family.resource, detail: orphan.text });
            }
            let all = self.parents.missing(&mut *this.hot, moved, rows, None).await?;
            owners.extend(all.into_iter().map(|orphan| orphan.owner));
        }
        let Some(last) = leaving.last_mut() else { return Ok(()) };
        for row in &last.rows {
            owners.remove(&row[0].int());
        }
        let owners: Vec<i64> = owners.into_iter().collect();
        last.rows.extend(this.cold_rows(own, &own.sql_by(moves::sql::open_of(), 0), &[owners.into()]).await?);
        Ok(())
    }

    /// Returns the first move whose rows are still in cold.
    async fn next(&self, cold: &mut dyn Session) -> Result<Option<i64>, TierError> {
        for moved in &self.family.tables {
            let records =
                cold.fetch(&moved.sql(sql::came_from_hot()), &[self.family.resource.into()]).await?;
            if let Some(record) = records.first() {
                return record.int("epoch").map(Some);
            }
        }
        Ok(None)
    }
}
