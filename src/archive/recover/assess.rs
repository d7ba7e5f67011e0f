//! What does not fit, and which moves look as if they had been committed.

use serde::Serialize;

use super::{LAST_KNOWN, Recovery};
use crate::archive::steps::{ARCHIVE, DOUBTFUL, LOSS, Move, RECOVER};
use crate::archive::{MoveError, settle};
use crate::tier::TierError;

/// What an operator knows and the databases cannot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choices {
    /// Moves that hot has never committed, though it does not hold all of their rows any more: they are undone, and no row of
    /// them comes back.
    pub interrupted: Vec<i64>,
    /// Where hot holds a row, its values are right, whatever cold has.
    pub keep_hot: bool,
}

/// A move from hot to cold of which nobody knows whether hot has committed it: some of its rows are not in hot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct InDoubt {
    /// Its number.
    pub epoch: i64,
    /// Its rows, children included.
    pub rows: i64,
    /// Those of them that hot holds.
    pub in_hot: i64,
}

/// Whether something does not fit, with interrupted recoveries, and moves that the operator says were interrupted, undone
/// in the open transaction of cold.
pub(super) async fn assess(this: &mut Move<'_>, choices: &Choices) -> Result<Recovery, MoveError> {
    let epoch = this.state.epoch;
    let mut recovery = Recovery { resource: this.family.resource, hot_epoch: epoch, ..Recovery::default() };
    if !settle::is_known(this).await? {
        let records = this.cold.fetch(&LAST_KNOWN, &[this.resource(), (epoch - 1).into()]).await?;
        let last = records.first().map(|record| record.int("epoch")).transpose()?.unwrap_or(0);
        recovery.lost = Some((last + 1, epoch));
    }
    let (mut above, mut due, mut named) = (Vec::new(), recovery.lost.is_some(), choices.interrupted.clone());
    // The newest first: a move can be undone when nothing that came after it is left.
    for (number, kind, confirmed) in settle::above(this).await?.into_iter().rev() {
        if !confirmed && (kind == RECOVER || kind == LOSS) {
            // Its work is about to be done again; whatever else is above was judged by it.
            settle::undo(this, number).await?;
            due = true;
            continue;
        }
        let interrupted = named.contains(&number);
        named.retain(|named| *named != number);
        if interrupted {
            let refusal = refusal(&kind, confirmed, above.last().copied());
            if refusal.is_none() {
                recovery.interrupted.push(held(this, number).await?);
                settle::undo(this, number).await?;
                continue;
            }
            recovery.refused.extend(refusal.map(|reason| format!("move {number} {reason}")));
        }
        above.push(number);
        if confirmed {
            due = true;
            if kind == DOUBTFUL {
                // A recovery that was interrupted has confirmed it, and not hot.
                recovery.in_doubt.push(held(this, number).await?);
            }
            continue;
        }
        match settle::check_interrupted(this, &kind, number).await {
            Ok(()) => {}
            Err(MoveError::RecoverDue { .. }) => {
                due = true;
                if kind == ARCHIVE {
                    recovery.in_doubt.push(held(this, number).await?);
                }
            }
            Err(error) => return Err(error),
        }
    }
    let resource = this.family.resource;
    recovery
        .refused
        .extend(named.iter().map(|number| format!("hot and cold agree on move {number} of {resource}")));
    if due {
        above.reverse();
        recovery.unknown_to_hot = above;
    }
    Ok(recovery)
}

/// Why a move cannot be undone on an operator's word, if it cannot.
fn refusal(kind: &str, confirmed: bool, later: Option<i64>) -> Option<String> {
    match (confirmed, later) {
        (true, _) if kind != DOUBTFUL => Some("is confirmed: hot has been seen to commit it".to_owned()),
        (_, Some(later)) => Some(format!("is followed by move {later}, which counts on it")),
        _ if ![ARCHIVE, DOUBTFUL].contains(&kind) => Some(format!("is no move from hot to cold, but {kind}")),
        _ => None,
    }
}

/// How many rows a move brought to cold, and how many of them hot holds.
async fn held(this: &mut Move<'_>, epoch: i64) -> Result<InDoubt, TierError> {
    let mut doubt = InDoubt { epoch, rows: 0, in_hot: 0 };
    for moved in &this.family.tables {
        for record in this.cold.fetch(&moved.batch, &[epoch.into()]).await? {
            let row = crate::tier::values(&record, moved.table.columns)?;
            let found = this.hot.fetch(&moved.held, &moved.identity(&row)).await?;
            doubt.rows += 1;
            doubt.in_hot += found.first().map_or(Ok(0), |record| record.int("n"))?;
        }
    }
    Ok(doubt)
}
