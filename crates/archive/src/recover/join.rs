//! Joins a hot that belongs to no pair to a cold with a history: its state was dropped, or it was built anew.
//!
//! Nothing says which moves such a hot has committed, so every move of the journal counts as committed, and the rows decide.
//! A row that hot holds leaves cold. A row that cold shows stays there. A row that a restore or a recovery has taken out of
//! cold, and that neither tier shows any more, comes back to hot. Hot does not have to hold all rows in memory: cold is read
//! move by move, and hot id by id.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::adopted;
use super::apply::{IDS, next_ids, reserve_ids};
use super::queries::{self, sql};
use super::reinstate::{Version, reinstate};
use super::report::{Choices, MissingParents, Recovery};
use crate::model::{Moved, templates};
use crate::moves::parents::Parents;
use crate::moves::rows::{self, Rows};
use crate::moves::transaction::Move;
use crate::moves::{self, MoveError, erasures};
use thermocline_database::{TierError, Value, row_of};
use thermocline_journal::{MoveKind, entry};

/// Ids that a report names of each table.
const NAMED: usize = 10;

/// Does the work of a join in both open transactions; returns the closed versions.
pub(super) async fn join<'a>(
    this: &mut Move<'a>,
    choices: &Choices,
    parents: &Parents<'_>,
    recovery: &mut Recovery,
) -> Result<Vec<Rows<'a>>, MoveError> {
    erasures::reconcile(this, false).await?;
    let mut leaving = rows::empty(this.family);
    leave_cold(this, (choices, parents, &mut *recovery), &mut leaving).await?;
    if !choices.keep_hot {
        give_back(this, (choices, parents, &mut *recovery)).await?;
    }
    recovery.erased = erasures::remove_again(this, true).await?;
    reserve_ids(&mut *this.cold, &mut *this.hot, this.family).await?;
    find_parents(this, recovery).await?;
    recovery.closed = rows::count(&leaving);
    this.count(&leaving, -1).await?;
    Ok(leaving)
}

/// Closes the versions whose rows hot holds. The values of a confirmed move are newer than those of a hot that came back from
/// a backup.
async fn leave_cold(
    this: &mut Move<'_>,
    (choices, parents, recovery): (&Choices, &Parents<'_>, &mut Recovery),
    leaving: &mut [Rows<'_>],
) -> Result<(), MoveError> {
    let resource = this.family.resource;
    let known = Known {
        unconfirmed: entry::quarantined(&mut *this.cold, resource).await?,
        adopted: entry::adopted(&mut *this.cold, resource, 0).await?,
    };
    recovery.adopted = known.adopted.len() as i64;
    let statement = this.family.own().sql(sql::ids_after());
    let mut last = i64::MIN;
    while let Some(ids) = next_ids(&mut *this.hot, &statement, &mut last).await? {
        close(this, (choices, parents, &mut *recovery), &known, (leaving, ids)).await?;
    }
    // A hot from before an adoption has children of rows that are in cold.
    let owners = Vec::from_iter(adopted::without_owner(this).await?);
    for ids in owners.chunks(IDS as usize) {
        close(this, (choices, parents, &mut *recovery), &known, (leaving, ids.to_vec())).await?;
    }
    Ok(())
}

/// The moves whose rows hot may not have had as cold has them.
struct Known {
    /// Moves that hot may never have committed.
    unconfirmed: BTreeMap<i64, MoveKind>,
    /// Moves by which a platform's own archive became versions.
    adopted: BTreeSet<i64>,
}

/// Closes the versions of some rows and their children, and puts those into hot that it lacks.
async fn close(
    this: &mut Move<'_>,
    (choices, parents, recovery): (&Choices, &Parents<'_>, &mut Recovery),
    known: &Known,
    (leaving, ids): (&mut [Rows<'_>], Vec<i64>),
) -> Result<(), MoveError> {
    let ids = Value::from(ids);
    // Parents before children.
    for Rows { moved, rows } in leaving.iter_mut().rev() {
        let open = moved.sql(sql::open_versions_of());
        let mut versions = Vec::new();
        for record in this.cold.fetch(&open, std::slice::from_ref(&ids)).await? {
            let (row, from) = (row_of(&record, moved.table)?, record.int("from_epoch")?);
            rows.push(row.clone());
            let is_certain = !known.unconfirmed.contains_key(&from);
            versions.push(Version { row, is_certain, is_adopted: known.adopted.contains(&from) });
        }
        if versions.is_empty() {
            continue;
        }
        reinstate(this, moved, versions, (choices, parents, &mut *recovery)).await?;
        this.cold.execute(&moved.sql(moves::sql::close()), &[ids.clone(), this.number.into()]).await?;
    }
    Ok(())
}

/// Brings the rows back to hot that earlier moves have taken out of cold and that neither tier shows.
async fn give_back(
    this: &mut Move<'_>,
    (choices, parents, recovery): (&Choices, &Parents<'_>, &mut Recovery),
) -> Result<(), MoveError> {
    let resource = this.family.resource;
    let entries = entry::above(&mut *this.cold, resource, 0).await?;
    let gave_back = |kind| matches!(kind, MoveKind::Restore | MoveKind::Recover | MoveKind::Loss);
    // Newest first: of a row that was restored twice, hot gets the later values.
    for number in entries.iter().rev().filter(|entry| gave_back(entry.kind)).map(|entry| entry.epoch) {
        // Parents before children.
        for moved in this.family.tables.iter().rev() {
            let mut rows = this.cold_rows(moved, &moved.sql(templates::closed()), &[number.into()]).await?;
            let shown = shown(this, moved, &rows).await?;
            rows.retain(|row| !shown.contains(row, this, moved));
            drop_orphans(this, moved, &mut rows).await?;
            let versions =
                rows.into_iter().map(|row| Version { row, is_certain: false, is_adopted: false }).collect();
            reinstate(this, moved, versions, (choices, parents, &mut *recovery)).await?;
        }
    }
    Ok(())
}

/// Drops children whose row hot does not have. If that row is in cold, they were deleted before it moved there.
async fn drop_orphans(
    this: &mut Move<'_>,
    moved: &Moved,
    rows: &mut Vec<Vec<Value>>,
) -> Result<(), TierError> {
    let own = this.family.own().table;
    if moved.table == own || rows.is_empty() {
        return Ok(());
    }
    let owners: BTreeSet<i64> = rows.iter().map(|row| row[moved.owner].int()).collect();
    let found = this.hot.fetch(&moves::present(own.name), &[Vec::from_iter(owners).into()]).await?;
    let found: BTreeSet<i64> = erasures::ids(&found)?.into_iter().collect();
    rows.retain(|row| found.contains(&row[moved.owner].int()));
    Ok(())
}

/// The rows that cold shows: by identity, and by the place of those that others can supersede.
#[derive(Default)]
struct Shown {
    rows: HashSet<[Value; 2]>,
    places: HashSet<(i64, i64)>,
}

impl Shown {
    fn contains(&self, row: &[Value], this: &Move<'_>, moved: &Moved) -> bool {
        let place = this.family.supersede.as_ref().map(|supersede| (supersede.of)(row));
        self.rows.contains(&moved.identity(row)) || place.is_some_and(|place| self.places.contains(&place))
    }
}

/// Returns which of some rows cold shows.
async fn shown(this: &mut Move<'_>, moved: &Moved, rows: &[Vec<Value>]) -> Result<Shown, TierError> {
    let mut shown = Shown::default();
    if rows.is_empty() {
        return Ok(shown);
    }
    let owners: BTreeSet<i64> = rows.iter().map(|row| row[moved.owner].int()).collect();
    let owners = Value::from(Vec::from_iter(owners));
    for row in this.cold_rows(moved, &moved.sql(moves::sql::open_of()), &[owners]).await? {
        shown.rows.insert(moved.identity(&row));
    }
    let Some(supersede) = &this.family.supersede else { return Ok(shown) };
    let group = moved.table.columns.iter().position(|column| column.references.is_some()).unwrap_or(0);
    let groups: BTreeSet<i64> = rows.iter().map(|row| (supersede.of)(row).0).collect();
    for group_id in groups {
        let open = moved.sql_by(moves::sql::open_of(), group);
        for row in this.cold_rows(moved, &open, &[Value::from(vec![group_id])]).await? {
            shown.places.insert((supersede.of)(&row));
        }
    }
    Ok(shown)
}

/// Finds the rows of other tables that archived rows refer to and that hot does not have, and makes hot give out none of
/// their ids: a new user must not become the author of old messages.
async fn find_parents(this: &mut Move<'_>, recovery: &mut Recovery) -> Result<(), TierError> {
    let mut referred: BTreeMap<&'static str, BTreeSet<i64>> = BTreeMap::new();
    for moved in &this.family.tables {
        for column in queries::outward(this.family, moved) {
            let Some(table) = column.references else { continue };
            let records = this.cold.fetch(&queries::referred(moved, column), &[]).await?;
            referred.entry(table).or_default().extend(erasures::ids(&records)?);
        }
    }
    for (table, ids) in referred {
        let Some(highest) = ids.last().copied() else { continue };
        this.hot.execute(&queries::reserve_parents(table), &[highest.into()]).await?;
        let ids = Vec::from_iter(ids);
        let mut missing = Vec::new();
        for ids in ids.chunks(IDS as usize) {
            let found = this.hot.fetch(&moves::present(table), &[ids.to_vec().into()]).await?;
            let found: HashSet<i64> = erasures::ids(&found)?.into_iter().collect();
            missing.extend(ids.iter().copied().filter(|id| !found.contains(id)));
        }
        if !missing.is_empty() {
            let first = missing.iter().copied().take(NAMED).collect();
            recovery.missing_parents.push(MissingParents { table, ids: missing.len() as i64, first });
        }
    }
    Ok(())
}
