//! The notes of erased rows, in both databases. They stay for good, so that neither an import nor a restored database
//! brings the rows back.

use std::collections::{BTreeMap, HashSet};

use super::MoveError;
use super::queries::sql;
use super::rows::{self, Rows};
use super::timing::Steps;
use super::transaction::Move;
use crate::fail_point;
use crate::model::{Family, Moved};
use thermocline_database::{Record, Session, Statement, TierError, Value, row_of};
use thermocline_journal::{Digest, MoveKind, claim, entry};

/// The largest number of ids that one move erases. Children of a post go with it.
pub const MAX_IDS: i64 = 100;
/// The reason that is recorded in the notes.
pub const REASON: &str = "erased";

/// Rows to erase: ids of one table of a family. Likes are erased by user.
pub struct Target<'a> {
    /// The resource or the table of children that the ids are of.
    pub noun: &'static str,
    pub ids: Vec<i64>,
    /// The tables with such rows, and the column of the ids in each. The children of a row of the resource go with it.
    tables: Vec<(&'a Moved, usize)>,
}

impl Target<'_> {
    /// Binds a template to each table.
    pub fn statements(&self, template: &Statement) -> impl Iterator<Item = (&Moved, Statement)> {
        self.tables.iter().map(|(moved, key)| (*moved, moved.sql_by(template, *key)))
    }
}

/// Returns the target of a family with these ids.
pub fn target<'a>(family: &'a Family, noun: &'static str, ids: Vec<i64>) -> Target<'a> {
    let tables = if noun == family.resource {
        family.tables.iter().map(|moved| (moved, moved.owner)).collect()
    } else {
        family.tables.iter().filter(|moved| moved.table.name == noun).map(|moved| (moved, 0)).collect()
    };
    Target { noun, ids, tables }
}

/// Returns the targets of a family whose `pending` satisfies `wanted`. `pending` is 0 until a move erases the rows, then the
/// number of that move until they are removed from cold.
pub async fn targets<'a>(
    cold: &mut dyn Session,
    family: &'a Family,
    wanted: impl Fn(i64) -> bool,
) -> Result<Vec<Target<'a>>, TierError> {
    targets_of(family, &cold.fetch(sql::erasing(), &[]).await?, wanted)
}

/// The same from notes that were read.
pub fn targets_of<'a>(
    family: &'a Family,
    notes: &[Record],
    wanted: impl Fn(i64) -> bool,
) -> Result<Vec<Target<'a>>, TierError> {
    let mut ids: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for note in notes {
        if wanted(note.int("pending")?) {
            ids.entry(note.text("resource")?).or_default().push(note.int("id")?);
        }
    }
    // Children first: those of a post that is erased as a whole are gone by then.
    let nouns = family.tables.iter().map(|moved| family.noun(moved));
    Ok(nouns.filter_map(|noun| ids.remove(noun).map(|ids| target(family, noun, ids))).collect())
}

/// Closes the open versions of a target and adds them to the rows of their table in `leaving`.
pub async fn close(
    this: &mut Move<'_>,
    target: &Target<'_>,
    ids: &Value,
    leaving: &mut [Rows<'_>],
) -> Result<(), TierError> {
    for Rows { moved, rows } in leaving {
        let Some((_, key)) = target.tables.iter().find(|(of, _)| of.table == moved.table) else { continue };
        let open = moved.sql_by(sql::open_of(), *key);
        let leaves = this.cold_rows(moved, &open, std::slice::from_ref(ids)).await?;
        this.erases(moved, &leaves);
        rows.extend(leaves);
        let params = [ids.clone(), this.number.into()];
        this.cold.execute(&moved.sql_by(sql::close(), *key), &params).await?;
    }
    Ok(())
}

/// Closes the open versions of a target and subtracts them from the counts. Returns their rows.
pub async fn close_and_count<'a>(
    this: &mut Move<'a>,
    target: &Target<'_>,
) -> Result<Vec<Rows<'a>>, TierError> {
    let mut leaving = rows::empty(this.family);
    close(this, target, &target.ids.clone().into(), &mut leaving).await?;
    this.count(&leaving, -1).await?;
    Ok(leaving)
}

/// Commits an erasure or a purge in both tiers. Its entry says nothing about the rows. Returns the time that its steps took.
pub async fn commit(mut this: Move<'_>) -> Result<Steps, MoveError> {
    let left = this.any_open().await?;
    this.commit_cold(MoveKind::Erase, &[], Digest::default()).await?;
    let watermark = this.state.cold_watermark.filter(|_| left);
    this.commit(watermark).await
}

/// Closes the rows that are noted as still to be erased, in the open transaction of cold.
pub async fn close_pending(this: &mut Move<'_>, leaving: &mut [Rows<'_>]) -> Result<(), TierError> {
    for target in targets(&mut *this.cold, this.family, |pending| pending == 0).await? {
        let ids = Value::from(target.ids.clone());
        close(this, &target, &ids, leaving).await?;
    }
    Ok(())
}

/// Removes the rows from cold that committed moves have erased or purged, in the open transaction of cold. Readers of older
/// epochs, which would miss them, have to ask hot again. Returns whether there were any.
pub async fn drop_erased(this: &mut Move<'_>) -> Result<bool, TierError> {
    let (family, epoch) = (this.family, this.state.epoch);
    let targets = targets(&mut *this.cold, family, |pending| (1..=epoch).contains(&pending)).await?;
    if targets.is_empty() {
        return Ok(false);
    }
    claim::raise_oldest_readable_epoch(&mut *this.cold, family.resource, epoch).await?;
    let mut gone: BTreeMap<i64, (Digest, i64)> = BTreeMap::new();
    for target in targets {
        let ids = Value::from(target.ids.clone());
        for (moved, versions) in target.statements(sql::versions()) {
            for record in this.cold.fetch(&versions, std::slice::from_ref(&ids)).await? {
                let (digest, rows) = gone.entry(record.int("from_epoch")?).or_default();
                digest.add(moved.table.name, &row_of(&record, moved.table)?);
                *rows += 1;
            }
        }
        for (_, drop) in target.statements(sql::drop_versions()) {
            this.cold.execute(&drop, std::slice::from_ref(&ids)).await?;
        }
        if target.noun == family.resource {
            this.cold.execute(sql::forget_adopted(), &[family.own().archived.into(), ids.clone()]).await?;
        }
        this.cold.execute(sql::erased_wholly(), &[target.noun.into(), ids.clone()]).await?;
        this.cold.execute(sql::forget_purged(), &[target.noun.into(), ids]).await?;
    }
    for (batch, (digest, rows)) in gone {
        entry::subtract(&mut *this.cold, family.resource, batch, rows, digest).await?;
    }
    fail_point::reached("purged");
    Ok(true)
}

/// Notes that the rows of an interrupted erasure are still to be erased; those of an interrupted purge are as before.
pub async fn undo(this: &mut Move<'_>, epoch: i64) -> Result<(), TierError> {
    for moved in &this.family.tables {
        let noun = this.family.noun(moved);
        this.cold.execute(sql::undo_purged(), &[noun.into(), epoch.into()]).await?;
        this.cold.execute(sql::undo_erased(), &[noun.into(), epoch.into()]).await?;
    }
    Ok(())
}

/// Copies the notes of each database to the other, in both open transactions. If cold is `older`, its rows become pending
/// again.
pub async fn reconcile(this: &mut Move<'_>, older: bool) -> Result<(), TierError> {
    for moved in &this.family.tables {
        let noun = this.family.noun(moved);
        let now = this.mover.clock.now();
        let in_hot = noted(&mut *this.hot, noun).await?;
        let in_cold = noted(&mut *this.cold, noun).await?;
        let note = |ids: Vec<i64>| [noun.into(), ids.into(), REASON.into(), now.into()];
        if older && !in_hot.is_empty() {
            this.cold.execute(sql::erase_later(), &note(in_hot)).await?;
        }
        if !in_cold.is_empty() {
            this.hot.execute(sql::note_erased(), &note(in_cold)).await?;
        }
    }
    Ok(())
}

/// Removes noted rows from hot again, in its open transaction; returns how many. In a hot that is not `older`, the likes of
/// a user may be newer than the note.
pub async fn remove_again(this: &mut Move<'_>, older: bool) -> Result<i64, TierError> {
    let (family, mut rows) = (this.family, 0);
    for moved in family.tables.iter().filter(|moved| older || moved.has_ids()) {
        let noun = family.noun(moved);
        for ids in noted(&mut *this.hot, noun).await?.chunks(MAX_IDS as usize) {
            rows += remove(this, &target(family, noun, ids.to_vec())).await?;
        }
    }
    Ok(rows)
}

/// Removes a target from hot; returns how many rows.
pub async fn remove(this: &mut Move<'_>, target: &Target<'_>) -> Result<i64, TierError> {
    let mut rows = 0;
    let ids = Value::from(target.ids.clone());
    for (moved, key) in &target.tables {
        let taken = this.take(moved, *key, &ids).await?;
        this.erases(moved, &taken);
        rows += taken.len() as i64;
    }
    Ok(rows)
}

async fn noted(session: &mut dyn Session, noun: &str) -> Result<Vec<i64>, TierError> {
    ids(&session.fetch(sql::noted(), &[noun.into()]).await?)
}

/// Returns the column `id` of some records.
pub fn ids(records: &[Record]) -> Result<Vec<i64>, TierError> {
    records.iter().map(|record| record.int("id")).collect()
}

/// Returns those of `ids` that were erased and must not be inserted again. Likes are identified by user.
pub async fn erased(hot: &mut dyn Session, noun: &str, ids: &Value) -> Result<HashSet<i64>, TierError> {
    let records = hot.fetch(sql::was_erased(), &[noun.into(), ids.clone()]).await?;
    records.iter().map(|record| record.int("id")).collect()
}
