//! The work of a recovery, in the open transactions of both tiers.

use std::collections::BTreeMap;

use super::adopted;
use super::queries;
use super::queries::sql;
use super::reinstate::{Version, reinstate};
use super::report::{Choices, Recovery};
use crate::model::{Family, Moved, templates};
use crate::moves::parents::Parents;
use crate::moves::rows::{self, Rows};
use crate::moves::transaction::Move;
use crate::moves::{self, MoveError, erasures};
use thermocline_core::keyset::Key;
use thermocline_core::table::ColumnType;
use thermocline_database::{Session, Statement, TierError, Value, row_of};
use thermocline_journal::{MoveKind, entry};

/// Ids of one statement.
pub const IDS: i64 = 1_000;

/// Brings rows back to hot and closes versions in cold; returns the closed versions.
pub(super) async fn apply<'a>(
    this: &mut Move<'a>,
    choices: &Choices,
    parents: &Parents<'_>,
    recovery: &mut Recovery,
) -> Result<Vec<Rows<'a>>, MoveError> {
    let (family, epoch) = (this.family, this.state.epoch);
    let lost = recovery.lost.is_some();
    erasures::reconcile(this, lost).await?;
    let quarantined = entry::quarantined(&mut *this.cold, family.resource).await?;
    let mut leaving = rows::empty(family);
    let adopted = entry::adopted(&mut *this.cold, family.resource, epoch).await?;
    if !adopted.is_empty() {
        recovery.adopted = adopted.len() as i64;
        adopted::leave_cold(this, (choices, parents, &mut *recovery), &adopted, &mut leaving).await?;
    }
    // Parents before children.
    for Rows { moved, rows } in leaving.iter_mut().rev() {
        let mut versions = Vec::new();
        if lost {
            versions = restored(this, moved, &quarantined).await?;
        }
        let params = [epoch.into(), family.resource.into()];
        for record in this.cold.fetch(&moved.sql(sql::versions_above()), &params).await? {
            let (row, to) = (row_of(&record, moved.table)?, record.int_or_null("to_epoch")?);
            if to == Some(this.number) {
                // An adopted version that was dealt with above.
                continue;
            }
            if to.is_none() {
                rows.push(row.clone());
            }
            // The platform may have changed a row whose batch hot never committed. Beside an older cold, hot is right.
            let from = record.int("from_epoch")?;
            let is_certain = !lost && !quarantined.contains_key(&from);
            versions.push(Version { row, is_certain, is_adopted: adopted.contains(&from) });
        }
        reinstate(this, moved, versions, (choices, parents, &mut *recovery)).await?;
        let params = [epoch.into(), this.number.into(), family.resource.into()];
        this.cold.execute(&moved.sql(sql::close_above()), &params).await?;
    }
    if lost {
        close_duplicates(this, &mut leaving).await?;
        // The noted ids are erased after this move. Until then no reader may see the versions of cold.
        erasures::close_pending(this, &mut leaving).await?;
    }
    recovery.erased = erasures::remove_again(this, !recovery.unknown_to_hot.is_empty()).await?;
    reserve_ids(&mut *this.cold, &mut *this.hot, family).await?;
    recovery.closed = rows::count(&leaving);
    this.count(&leaving, -1).await?;
    Ok(leaving)
}

/// Returns the rows that unconfirmed restores took out of an older cold. Hot has passed their numbers, perhaps with other
/// moves; restores above its epoch are among the versions above it.
async fn restored(
    this: &mut Move<'_>,
    moved: &Moved,
    quarantined: &BTreeMap<i64, MoveKind>,
) -> Result<Vec<Version>, TierError> {
    let mut versions = Vec::new();
    let passed = quarantined.range(..=this.state.epoch);
    for (number, _) in passed.filter(|(_, kind)| **kind == MoveKind::Restore) {
        let rows = this.cold_rows(moved, &moved.sql(templates::closed()), &[(*number).into()]).await?;
        versions.extend(rows.into_iter().map(|row| Version { row, is_certain: false, is_adopted: false }));
    }
    Ok(versions)
}

/// Closes the versions that cold shows though hot holds the rows: the move that had closed them is lost.
async fn close_duplicates(this: &mut Move<'_>, leaving: &mut [Rows<'_>]) -> Result<(), TierError> {
    let statement = this.family.own().sql(sql::ids_after());
    let mut last = i64::MIN;
    while let Some(ids) = next_ids(&mut *this.hot, &statement, &mut last).await? {
        let ids = Value::from(ids);
        for Rows { moved, rows } in leaving.iter_mut() {
            rows.extend(
                this.cold_rows(moved, &moved.sql(moves::sql::open_of()), std::slice::from_ref(&ids)).await?,
            );
            this.cold.execute(&moved.sql(moves::sql::close()), &[ids.clone(), this.number.into()]).await?;
        }
    }
    Ok(())
}

/// Reads the next ids of hot above `last`, at most [`IDS`], and sets `last` to the highest of them. Returns `None` at the end.
pub(super) async fn next_ids(
    hot: &mut dyn Session,
    statement: &Statement,
    last: &mut i64,
) -> Result<Option<Vec<i64>>, TierError> {
    let ids = erasures::ids(&hot.fetch(statement, &[(*last).into(), IDS.into()]).await?)?;
    let Some(highest) = ids.last() else { return Ok(None) };
    *last = *highest;
    Ok(Some(ids))
}

/// Makes hot give out no id that cold knows.
pub async fn reserve_ids(
    cold: &mut dyn Session,
    hot: &mut dyn Session,
    family: &Family,
) -> Result<(), TierError> {
    for moved in family.tables.iter().filter(|moved| moved.has_ids()) {
        let records = cold.fetch(&moved.sql(sql::highest_id()), &[family.noun(moved).into()]).await?;
        if let Some(id) = records.first().map(|record| record.int_or_null("id")).transpose()?.flatten() {
            hot.execute(&moved.sql(&queries::reserve_ids()), &[id.into()]).await?;
        }
    }
    Ok(())
}

/// Returns the newest key that cold still shows.
pub(super) async fn watermark(this: &mut Move<'_>) -> Result<Option<Key>, TierError> {
    let records = this.cold.fetch(&queries::watermark(this.family), &[]).await?;
    let Some(record) = records.first() else { return Ok(None) };
    let kind = if this.family.by_day { ColumnType::Date } else { ColumnType::Time };
    Ok(Some(Key::new(record.value("at", kind)?.time(), record.int("id")?)))
}
