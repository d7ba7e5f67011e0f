//! The notes of erased rows, in both databases. They stay for good, so that neither an import nor a restored database
//! brings the rows back.

use std::collections::{BTreeMap, HashSet};

use super::queries::sql;
use super::rows::Rows;
use super::transaction::Move;
use crate::fail_point;
use crate::model::{Family, Moved};
use thermocline_database::{Record, Session, Statement, TierError, Value, row_of};
use thermocline_journal::{Digest, claim, entry};

/// The largest number of ids that one move erases. Children of a post go with it.
pub const MAX_IDS: i64 = 100;
/// The reason that the notes give.
pub const REASON: &str = "erased";

/// Rows to erase: ids of one table of a family. Likes are erased by user.
pub struct Part<'a> {
    /// What the ids are of.
    pub noun: &'static str,
    pub ids: Vec<i64>,
    /// The tables with such rows, and the column of the ids in each. The children of a row of the resource go with it.
    tables: Vec<(&'a Moved, usize)>,
}

impl Part<'_> {
    /// Binds a template to each table.
    pub fn statements(&self, template: &Statement) -> impl Iterator<Item = (&Moved, Statement)> {
        self.tables.iter().map(|(moved, key)| (*moved, moved.sql_by(template, *key)))
    }
}

/// Returns the part of a family with these ids.
fn part<'a>(family: &'a Family, noun: &'static str, ids: Vec<i64>) -> Part<'a> {
    let tables = if noun == family.resource {
        family.tables.iter().map(|moved| (moved, moved.owner)).collect()
    } else {
        family.tables.iter().filter(|moved| moved.table.name == noun).map(|moved| (moved, 0)).collect()
    };
    Part { noun, ids, tables }
}

/// Returns the parts of a family whose notes have a `pending` of the wanted kind: 0 until a move erases the rows, then the
/// number of that move until cold has removed them.
pub async fn parts<'a>(
    cold: &mut dyn Session,
    family: &'a Family,
    wanted: impl Fn(i64) -> bool,
) -> Result<Vec<Part<'a>>, TierError> {
    parts_of(family, &cold.fetch(sql::erasing(), &[]).await?, wanted)
}

/// The same from notes that were read.
pub fn parts_of<'a>(
    family: &'a Family,
    notes: &[Record],
    wanted: impl Fn(i64) -> bool,
) -> Result<Vec<Part<'a>>, TierError> {
    let mut ids: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for note in notes {
        if wanted(note.int("pending")?) {
            ids.entry(note.text("resource")?).or_default().push(note.int("id")?);
        }
    }
    // Children first: those of a post that is erased as a whole are gone by then.
    let nouns = family.tables.iter().map(|moved| family.noun(moved));
    Ok(nouns.filter_map(|noun| ids.remove(noun).map(|ids| part(family, noun, ids))).collect())
}

/// Closes the open versions of a part and adds them to the rows of their table in `leaving`.
pub async fn close(
    this: &mut Move<'_>,
    part: &Part<'_>,
    ids: &Value,
    leaving: &mut [Rows<'_>],
) -> Result<(), TierError> {
    for Rows { moved, rows } in leaving {
        let Some((_, key)) = part.tables.iter().find(|(of, _)| of.table == moved.table) else { continue };
        let open = moved.sql_by(sql::open_of(), *key);
        rows.extend(this.cold_rows(moved, &open, std::slice::from_ref(ids)).await?);
        let params = [ids.clone(), this.number.into()];
        this.cold.execute(&moved.sql_by(sql::close(), *key), &params).await?;
    }
    Ok(())
}

/// Closes the rows that are noted as still to be erased, in the open transaction of cold.
pub async fn close_pending(this: &mut Move<'_>, leaving: &mut [Rows<'_>]) -> Result<(), TierError> {
    for part in parts(&mut *this.cold, this.family, |pending| pending == 0).await? {
        let ids = Value::from(part.ids.clone());
        close(this, &part, &ids, leaving).await?;
    }
    Ok(())
}

/// Removes the rows from cold that committed moves have erased, in the open transaction of cold. Readers of older epochs,
/// which would miss them, have to ask hot again.
pub async fn purge(this: &mut Move<'_>) -> Result<(), TierError> {
    let (family, epoch) = (this.family, this.state.epoch);
    let parts = parts(&mut *this.cold, family, |pending| (1..=epoch).contains(&pending)).await?;
    if parts.is_empty() {
        return Ok(());
    }
    claim::raise_oldest_readable_epoch(&mut *this.cold, family.resource, epoch).await?;
    let mut gone: BTreeMap<i64, (Digest, i64)> = BTreeMap::new();
    for part in parts {
        let ids = Value::from(part.ids.clone());
        for (moved, versions) in part.statements(sql::versions()) {
            for record in this.cold.fetch(&versions, std::slice::from_ref(&ids)).await? {
                let (digest, rows) = gone.entry(record.int("from_epoch")?).or_default();
                digest.add(moved.table.name, &row_of(&record, moved.table)?);
                *rows += 1;
            }
        }
        for (_, drop) in part.statements(sql::drop_versions()) {
            this.cold.execute(&drop, std::slice::from_ref(&ids)).await?;
        }
        this.cold.execute(sql::erased_wholly(), &[part.noun.into(), ids]).await?;
    }
    for (batch, (digest, rows)) in gone {
        entry::subtract(&mut *this.cold, family.resource, batch, rows, digest).await?;
    }
    fail_point::reached("purged");
    Ok(())
}

/// Notes that the rows of an interrupted erasure are still to be erased.
pub async fn undo(this: &mut Move<'_>, epoch: i64) -> Result<(), TierError> {
    for moved in &this.family.tables {
        let noun = this.family.noun(moved);
        this.cold.execute(sql::undo_erased(), &[noun.into(), epoch.into()]).await?;
    }
    Ok(())
}

/// Copies the notes of either database to the other, in both open transactions. When cold is `older`, its rows are erased
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
            rows += remove(this, &part(family, noun, ids.to_vec())).await?;
        }
    }
    Ok(rows)
}

/// Removes a part from hot; returns how many rows.
pub async fn remove(this: &mut Move<'_>, part: &Part<'_>) -> Result<i64, TierError> {
    let mut rows = 0;
    for (_, take) in part.statements(sql::take()) {
        rows += this.hot.fetch(&take, &[part.ids.clone().into()]).await?.len() as i64;
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

/// Returns those of some ids that were erased and must not come in again; of likes, the users whose likes were.
pub async fn erased(hot: &mut dyn Session, noun: &str, ids: &Value) -> Result<HashSet<i64>, TierError> {
    let records = hot.fetch(sql::was_erased(), &[noun.into(), ids.clone()]).await?;
    records.iter().map(|record| record.int("id")).collect()
}
