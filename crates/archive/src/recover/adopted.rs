//! Versions that an adoption made, beside a hot from before it. No move has taken their rows out of hot, so they stay in
//! cold, however many they are, unless this hot holds the row.

use std::collections::BTreeSet;

use super::apply::{IDS, next_ids};
use super::queries::{sql, strays};
use super::reinstate::{Version, reinstate};
use super::report::{Choices, Recovery};
use crate::moves::parents::Parents;
use crate::moves::rows::Rows;
use crate::moves::transaction::Move;
use crate::moves::{self, MoveError};
use thermocline_database::{TierError, Value, row_of};

/// Closes the adopted versions whose rows hot holds, and those whose children are in hot or come back to it.
pub(super) async fn leave_cold(
    this: &mut Move<'_>,
    (choices, parents, recovery): (&Choices, &Parents<'_>, &mut Recovery),
    adopted: &BTreeSet<i64>,
    leaving: &mut [Rows<'_>],
) -> Result<(), MoveError> {
    let statement = this.family.own().sql(sql::ids_after());
    let mut last = i64::MIN;
    while let Some(ids) = next_ids(&mut *this.hot, &statement, &mut last).await? {
        close(this, (choices, parents, &mut *recovery), adopted, (leaving, ids)).await?;
    }
    let mut owners = without_owner(this).await?;
    owners.extend(owners_above(this).await?);
    let owners = Vec::from_iter(owners);
    for ids in owners.chunks(IDS as usize) {
        close(this, (choices, parents, &mut *recovery), adopted, (leaving, ids.to_vec())).await?;
    }
    Ok(())
}

/// Closes the adopted versions of some rows, and puts those rows into hot that it lacks.
async fn close(
    this: &mut Move<'_>,
    (choices, parents, recovery): (&Choices, &Parents<'_>, &mut Recovery),
    adopted: &BTreeSet<i64>,
    (leaving, ids): (&mut [Rows<'_>], Vec<i64>),
) -> Result<(), MoveError> {
    let own = this.family.own();
    let (mut versions, mut closed) = (Vec::new(), Vec::new());
    for record in this.cold.fetch(&own.sql(sql::open_versions_of()), &[ids.into()]).await? {
        if adopted.contains(&record.int("from_epoch")?) {
            let row = row_of(&record, own.table)?;
            closed.push(row.clone());
            versions.push(Version { row, is_certain: true, is_adopted: true });
        }
    }
    if versions.is_empty() {
        return Ok(());
    }
    reinstate(this, own, versions, (choices, parents, recovery)).await?;
    let ids: Vec<i64> = closed.iter().map(|row| row[0].int()).collect();
    this.cold.execute(&own.sql(moves::sql::close()), &[ids.into(), this.number.into()]).await?;
    if let Some(rows) = leaving.last_mut() {
        rows.rows.extend(closed);
    }
    Ok(())
}

/// Returns the ids that children in hot belong to and that hot does not hold.
pub(super) async fn without_owner(this: &mut Move<'_>) -> Result<BTreeSet<i64>, TierError> {
    let mut owners = BTreeSet::new();
    for moved in this.family.children() {
        let statement = strays(this.family, moved);
        let mut last = i64::MIN;
        while let Some(ids) = next_ids(&mut *this.hot, &statement, &mut last).await? {
            owners.extend(ids);
        }
    }
    Ok(owners)
}

/// Returns the ids that children belong to which came to cold in a move that hot does not know.
async fn owners_above(this: &mut Move<'_>) -> Result<BTreeSet<i64>, TierError> {
    let (resource, epoch) = (this.family.resource, this.state.epoch);
    let mut owners = BTreeSet::new();
    for moved in this.family.children() {
        let params: [Value; 2] = [epoch.into(), resource.into()];
        let rows = this.cold_rows(moved, &moved.sql(sql::versions_above()), &params).await?;
        owners.extend(rows.iter().map(|row| row[moved.owner].int()));
    }
    Ok(owners)
}
