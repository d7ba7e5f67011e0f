//! The assessment before a recovery: the disagreement of the databases, and the unconfirmed moves that look committed.

use super::report::{Choices, InDoubtMove, Recovery};
use crate::model::templates;
use crate::moves::transaction::Move;
use crate::moves::{MoveError, settle, sql};
use thermocline_database::TierError;
use thermocline_journal::{Entry, MoveKind, entry};

/// Assesses the moves of both databases. Interrupted recoveries, and moves that the operator says were interrupted, are
/// undone in the open transaction of cold.
pub(super) async fn assess(this: &mut Move<'_>, choices: &Choices) -> Result<Recovery, MoveError> {
    let (resource, epoch) = (this.family.resource, this.state.epoch);
    let mut recovery = Recovery { resource, hot_epoch: epoch, ..Recovery::default() };
    recovery.joins = this.is_unpaired().await?;
    if !this.is_proven().await? {
        let last = entry::last_known(&mut *this.cold, resource, epoch - 1).await?;
        recovery.lost = Some((last + 1, epoch));
    }
    let (mut above, mut due, mut named) =
        (Vec::new(), recovery.lost.is_some() || recovery.joins, choices.interrupted.clone());
    // Newest first: a move can be undone when no later one is left.
    for entry in entry::above(&mut *this.cold, resource, epoch).await?.into_iter().rev() {
        let Entry { epoch: number, kind, confirmed, .. } = entry;
        if !confirmed && matches!(kind, MoveKind::Recover | MoveKind::Loss) {
            // This recovery does its work again. The other moves above hot's epoch were judged by it.
            settle::undo(this, number).await?;
            due = true;
            continue;
        }
        let is_named = named.contains(&number);
        named.retain(|named| *named != number);
        if is_named {
            match refusal(&entry, above.last().copied()) {
                None => {
                    recovery.interrupted.push(count_held(this, number).await?);
                    settle::undo(this, number).await?;
                    continue;
                }
                Some(reason) => recovery.refused.push(format!("move {number} {reason}")),
            }
        }
        above.push(number);
        if confirmed {
            due = true;
            if kind == MoveKind::Quarantined && !recovery.joins {
                // An interrupted recovery confirmed it, not hot.
                recovery.in_doubt.push(count_held(this, number).await?);
            }
            continue;
        }
        match settle::check_interrupted(this, kind, number).await {
            Ok(()) => {}
            Err(MoveError::Consistency(_)) => {
                due = true;
                if kind == MoveKind::Archive {
                    recovery.in_doubt.push(count_held(this, number).await?);
                }
            }
            Err(error) => return Err(error),
        }
    }
    let refused = named.iter().map(|number| format!("hot and cold agree on move {number} of {resource}"));
    recovery.refused.extend(refused);
    if due {
        above.reverse();
        recovery.unknown_to_hot = above;
    }
    Ok(recovery)
}

/// Returns why a move cannot be undone on an operator's word, if it cannot. `later` is a move after it.
fn refusal(entry: &Entry, later: Option<i64>) -> Option<String> {
    match (entry.confirmed, later) {
        (true, _) if entry.kind != MoveKind::Quarantined => {
            Some("is confirmed: hot was seen to commit it".to_owned())
        }
        (_, Some(later)) => Some(format!("is followed by move {later}, which depends on it")),
        _ if !entry.kind.brings_rows() => {
            Some(format!("is of kind {}: only a move from hot to cold can be undone", entry.kind))
        }
        _ => None,
    }
}

/// Counts the rows that a move brought to cold, and those that hot holds.
async fn count_held(this: &mut Move<'_>, epoch: i64) -> Result<InDoubtMove, TierError> {
    let mut counted = InDoubtMove { epoch, rows: 0, in_hot: 0 };
    for moved in &this.family.tables {
        for row in this.cold_rows(moved, &moved.sql(templates::brought()), &[epoch.into()]).await? {
            let found = this.hot.fetch(&moved.sql(sql::held()), &moved.identity(&row)).await?;
            counted.rows += 1;
            counted.in_hot += found.first().map_or(Ok(0), |record| record.int("n"))?;
        }
    }
    Ok(counted)
}
