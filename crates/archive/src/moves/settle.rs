//! Step 3: confirms the moves in cold that hot has committed, and undoes interrupted ones. Anything else is an error, for an
//! operator to decide.

use super::queries::sql;
use super::timing::Step;
use super::transaction::Move;
use super::{MoveError, Mover, erasures};
use crate::counts::BlockSizes;
use crate::counts::blocks::Counter;
use crate::fail_point;
use crate::model::{Family, templates};
use thermocline_database::{Session, Statement, TierError};
use thermocline_journal::{Disagreement, MoveKind, claim, entry};

/// Steps 1 to 3: claims a number, locks the state row and settles.
pub async fn begin<'a>(mover: &'a Mover<'a>, family: &'a Family) -> Result<Move<'a>, MoveError> {
    let mut this = Move::open(mover, family, 0).await?;
    let (resource, epoch) = (family.resource, this.state.epoch);
    if claim::is_overtaken(&mut *this.cold, resource, this.number, epoch).await? {
        return Err(MoveError::Overtaken { resource });
    }
    this.lock_claim().await?;
    let settled = settle(&mut this).await?;
    fail_point::reached("settling");
    match settled {
        // Without a write to the disk.
        Settled::Nothing => this.cold.rollback().await?,
        Settled::Entries | Settled::Rows => this.cold.commit().await?,
    }
    fail_point::reached("settled");
    if settled == Settled::Rows {
        // Rows are read before the next write.
        claim::wait_for_parts(mover.cold, &mut *this.cold, resource).await?;
    }
    this.took(Step::Settle);
    Ok(this)
}

/// The changes of a settlement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// None: cold agreed with hot, as after every move that was confirmed.
    Nothing,
    /// Moves were confirmed.
    Entries,
    /// Rows were removed, or opened again.
    Rows,
}

/// Makes cold agree with hot, in the open transaction of cold: confirms moves up to hot's epoch and undoes interrupted moves
/// above it.
pub async fn settle(this: &mut Move<'_>) -> Result<Settled, MoveError> {
    let (resource, epoch) = (this.family.resource, this.state.epoch);
    if !this.is_proven().await? {
        return Err(this.disagree(Disagreement::UnknownMove(epoch)));
    }
    if this.is_unpaired().await? {
        return Err(this.disagree(Disagreement::Unpaired));
    }
    let mut settled = match entry::confirm(&mut *this.cold, resource, epoch).await? {
        0 => Settled::Nothing,
        _ => Settled::Entries,
    };
    if erasures::drop_erased(this).await? {
        settled = Settled::Rows;
    }
    for above in entry::above(&mut *this.cold, resource, epoch).await? {
        let (number, kind) = (above.epoch, above.kind);
        if above.confirmed {
            return Err(this.disagree(Disagreement::ConfirmedAbove { confirmed: number, epoch }));
        }
        check_interrupted(this, kind, number).await?;
        undo(this, number).await?;
        settled = Settled::Rows;
        fail_point::reached("undone");
        tracing::info!(resource, epoch = number, %kind, "undid an interrupted move");
    }
    Ok(settled)
}

/// Fails if a move above hot's epoch does not look interrupted. If hot had committed it, hot would be older than cold,
/// and undoing the move would lose rows.
pub async fn check_interrupted(this: &mut Move<'_>, kind: MoveKind, epoch: i64) -> Result<(), MoveError> {
    // An interrupted archive batch has removed nothing from hot, an interrupted restore has added nothing.
    let (rows, held): (&Statement, bool) = match kind {
        MoveKind::Archive => (templates::brought(), true),
        MoveKind::Restore => (templates::closed(), false),
        // The ids stay noted in cold and are erased again, and the platform's own tables still hold what was adopted: nothing
        // can be lost.
        MoveKind::Erase | MoveKind::Adopt => return Ok(()),
        other => return Err(this.disagree(Disagreement::InterruptedKind(epoch, other))),
    };
    for moved in &this.family.tables {
        for row in this.cold_rows(moved, &moved.sql(rows), &[epoch.into()]).await? {
            let found = this.hot.fetch(&moved.sql(sql::held()), &moved.identity(&row)).await?;
            if found.first().map(|record| record.int("n")).transpose()? != Some(i64::from(held)) {
                let row = moved.name_of(&row);
                return Err(this.disagree(Disagreement::NotInterrupted { kind, epoch, held: !held, row }));
            }
        }
    }
    Ok(())
}

/// Undoes a move: the rows it brought, the versions it closed, its counts, and its entry in the journal.
pub async fn undo(this: &mut Move<'_>, epoch: i64) -> Result<(), TierError> {
    erasures::undo(this, epoch).await?;
    undo_in(&mut *this.cold, this.family, this.mover.sizes, epoch).await
}

/// Undoes a move that erased nothing, in the open transaction of cold.
pub async fn undo_in(
    cold: &mut dyn Session,
    family: &Family,
    sizes: BlockSizes,
    epoch: i64,
) -> Result<(), TierError> {
    for moved in &family.tables {
        cold.execute(&moved.sql(sql::undo_rows()), &[epoch.into()]).await?;
        cold.execute(&moved.sql(sql::undo_closed()), &[epoch.into()]).await?;
    }
    if let Some(blocks) = &family.blocks {
        Counter { blocks, sizes }.undo(cold, epoch).await?;
    }
    cold.execute(sql::undo_activity(), &[family.resource.into(), epoch.into()]).await?;
    entry::delete(cold, family.resource, epoch).await
}
