//! What a dead mover left in cold: confirmed when hot has it, undone when it was interrupted, and otherwise the work of
//! an operator.

use std::sync::LazyLock;

use super::blocks::Counter;
use super::family::Moved;
use super::steps::{ARCHIVE, ERASE, Move, RESTORE};
use super::{MoveError, erase, fail_point};
use crate::schema::Kind;
use crate::tier::{Statement, TierError, Value, cold_sql, values};

static PROVEN: LazyLock<Statement> = LazyLock::new(|| cold_sql!("proven"));
static CONFIRM: LazyLock<Statement> = LazyLock::new(|| cold_sql!("confirm"));
static ABOVE: LazyLock<Statement> = LazyLock::new(|| cold_sql!("above"));
static UNDO_BEHAVIOR: LazyLock<Statement> = LazyLock::new(|| cold_sql!("undo_behavior"));
static UNDO_BATCH: LazyLock<Statement> = LazyLock::new(|| cold_sql!("undo_batch"));

/// Brings cold to what hot says, in the open transaction of cold: batches up to its epoch happened, interrupted ones
/// above it did not.
pub(super) async fn settle(this: &mut Move<'_>) -> Result<(), MoveError> {
    let epoch = this.state.epoch;
    if !is_known(this).await? {
        return Err(this.recover_due(format!("cold does not know move {epoch} of this hot")));
    }
    this.cold.execute(&CONFIRM, &[this.resource(), epoch.into()]).await?;
    erase::purge(this).await?;
    for (above, kind, confirmed) in above(this).await? {
        if confirmed {
            let detail = format!("cold has confirmed move {above}, hot stands at {epoch}");
            return Err(this.recover_due(detail));
        }
        check_interrupted(this, &kind, above).await?;
        undo(this, above).await?;
        fail_point::reached("undone");
        tracing::info!(resource = this.family.resource, epoch = above, kind, "undid an interrupted move");
    }
    Ok(())
}

/// The batches that hot knows nothing of: number, kind, whether a hot commit has confirmed them.
pub(super) async fn above(this: &mut Move<'_>) -> Result<Vec<(i64, String, bool)>, TierError> {
    let mut above = Vec::new();
    for record in this.cold.fetch(&ABOVE, &[this.resource(), this.state.epoch.into()]).await? {
        above.push((record.int("epoch")?, record.text("kind")?, record.bool("confirmed")?));
    }
    Ok(above)
}

/// Whether the journal of cold has the last move of hot.
pub(super) async fn is_known(this: &mut Move<'_>) -> Result<bool, TierError> {
    if this.state.epoch == 0 {
        return Ok(true);
    }
    let token = Value::or_null(this.state.token, Kind::Int);
    let records = this.cold.fetch(&PROVEN, &[this.resource(), this.state.epoch.into(), token]).await?;
    Ok(records.first().map(|record| record.int("n")).transpose()? == Some(1))
}

/// Refuses a batch above hot's epoch that does not look interrupted: if its hot commit had happened, hot would be
/// older than cold, and undoing it would lose rows.
pub(super) async fn check_interrupted(this: &mut Move<'_>, kind: &str, epoch: i64) -> Result<(), MoveError> {
    // An archive batch has taken nothing out of hot, a restore has brought nothing back.
    let (batch, held): (fn(&Moved) -> &Statement, i64) = match kind {
        ARCHIVE => (|moved| &moved.batch, 1),
        RESTORE => (|moved| &moved.closed, 0),
        // What is to be erased stays noted in cold, and is erased again: there is nothing to lose.
        ERASE => return Ok(()),
        other => return Err(this.recover_due(format!("an interrupted {other} with number {epoch}"))),
    };
    for moved in &this.family.tables {
        for record in this.cold.fetch(batch(moved), &[epoch.into()]).await? {
            let row = values(&record, moved.table.columns)?;
            let identity = moved.identity(&row);
            let found = this.hot.fetch(&moved.held, &identity).await?;
            if found.first().map(|record| record.int("n")).transpose()? != Some(held) {
                let not = if held == 1 { " not" } else { "" };
                return Err(this.recover_due(format!(
                    "{kind} {epoch} looks interrupted, but hot does{not} hold {}",
                    moved.name_of(&row)
                )));
            }
        }
    }
    Ok(())
}

/// Takes a batch back: what it brought, what it closed, what it counted, and its entry in the journal.
pub(super) async fn undo(this: &mut Move<'_>, epoch: i64) -> Result<(), TierError> {
    let resource = this.resource();
    erase::undo(this, epoch).await?;
    let cold = &mut *this.cold;
    for moved in &this.family.tables {
        cold.execute(&moved.undo_rows, &[epoch.into()]).await?;
        cold.execute(&moved.undo_closed, &[epoch.into()]).await?;
    }
    if let Some(blocks) = &this.family.blocks {
        Counter { blocks, sizes: this.mover.sizes }.undo(cold, epoch).await?;
    }
    cold.execute(&UNDO_BEHAVIOR, &[resource.clone(), epoch.into()]).await?;
    cold.execute(&UNDO_BATCH, &[resource, epoch.into()]).await.map(drop)
}
