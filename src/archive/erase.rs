//! Erasing rows from both tiers, for good.
//!
//! 1. What is to be erased is noted in cold, as pending. From then on whoever moves rows of the resource does it, so a
//!    process may die anywhere.
//! 2. A move of its own removes the rows from hot, closes the open versions in cold and notes the ids in hot.
//! 3. Once its hot commit is known, every version of these rows is taken out of cold, and out of the count and the
//!    digest of the batch it came with. The floor rises to the move's epoch, so that a reader of an older one asks hot
//!    again and never meets the gap.
//!
//! The notes stay in both databases: neither an import nor a database from a backup brings the rows back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use async_trait::async_trait;

use super::digest::Digest;
use super::family::{Family, Moved};
use super::run::{Mover, insist};
use super::steps::{Attempt, ERASE, Move, MovedBatch, Rows};
use super::stopwatch::Step;
use super::{MoveError, fail_point};
use crate::schema::Table;
use crate::tier::{Begin, Record, Statement, Tier, TierError, Value, cold_sql, hot_sql, values};

static ERASING: LazyLock<Statement> = LazyLock::new(|| cold_sql!("erasing"));
static ERASE_LATER: LazyLock<Statement> = LazyLock::new(|| cold_sql!("erase_later"));
static ERASED_WITH: LazyLock<Statement> = LazyLock::new(|| cold_sql!("erased_with"));
static UNDO_ERASED: LazyLock<Statement> = LazyLock::new(|| cold_sql!("undo_erased"));
static ERASED_WHOLLY: LazyLock<Statement> = LazyLock::new(|| cold_sql!("erased_wholly"));
static ENTRY: LazyLock<Statement> = LazyLock::new(|| cold_sql!("entry"));
static SET_ENTRY: LazyLock<Statement> = LazyLock::new(|| cold_sql!("set_entry"));
static RAISE_FLOOR: LazyLock<Statement> = LazyLock::new(|| cold_sql!("raise_floor"));
static NOTED_IN_HOT: LazyLock<Statement> = LazyLock::new(|| hot_sql!("noted"));
static NOTED_IN_COLD: LazyLock<Statement> = LazyLock::new(|| cold_sql!("noted"));
static NOTE_ERASED: LazyLock<Statement> = LazyLock::new(|| hot_sql!("note_erased"));

/// Ids that one move erases: a post takes its children along.
const AT_ONCE: i64 = 100;

/// The statements over the rows of a table that have given values in one column.
#[derive(Debug)]
pub(super) struct Along {
    pub(super) take: Statement,
    open: Statement,
    close: Statement,
    versions: Statement,
    drop: Statement,
    again: Statement,
}

impl Along {
    /// Of `table`, whose twin in cold is `archived`, along its column `column`.
    ///
    /// # Panics
    /// At start, for a column it does not have.
    pub fn of(table: &Table, archived: &str, column: &str) -> Self {
        let in_cold = table.columns.iter().find(|known| known.name == column);
        let in_cold = in_cold.expect("a column of the table").archived;
        let hot = |statement: Statement| {
            let named = statement.with("{table}", table.name).with("{columns}", &table.names());
            named.with("{owner}", column).with("{along}", column)
        };
        let cold = |statement: Statement| {
            let named = statement.with("{table}", archived).with("{columns}", &table.names_in_cold());
            named.with("{owner}", in_cold).with("{along}", in_cold)
        };
        Self {
            take: hot(hot_sql!("take")),
            open: cold(cold_sql!("open_of")),
            close: cold(cold_sql!("close")),
            versions: cold(cold_sql!("versions")),
            drop: cold(cold_sql!("drop_versions")),
            again: hot(hot_sql!("erased_again")),
        }
    }
}

/// Something to erase: rows of one table of a family, by what tells them apart; likes by their user, all of them.
struct Part<'a> {
    /// What the ids are of.
    noun: &'static str,
    ids: Vec<i64>,
    /// The tables they are in, and along which column: with a row of the resource go its children.
    tables: Vec<(&'a Moved, usize)>,
}

impl Family {
    /// What the rows of one of its tables are called.
    pub(super) fn noun(&self, moved: &Moved) -> &'static str {
        let own = self.tables.last().is_some_and(|own| own.table == moved.table);
        if own { self.resource } else { moved.table.name }
    }

    fn part(&self, noun: &'static str, ids: Vec<i64>) -> Part<'_> {
        let tables = if noun == self.resource {
            self.tables.iter().map(|moved| (moved, 0)).collect()
        } else {
            self.tables.iter().filter(|moved| moved.table.name == noun).map(|moved| (moved, 1)).collect()
        };
        Part { noun, ids, tables }
    }

    /// The tables in which what is erased for good must not be, by what the ids are of and along which column. A user may
    /// give likes again.
    pub(super) fn erasable(&self) -> impl Iterator<Item = (&'static str, &Moved, usize)> {
        let nouns = self.tables.iter().filter(|moved| moved.table.columns[0].name == "id");
        nouns.flat_map(|of| {
            let noun = self.noun(of);
            self.part(noun, Vec::new()).tables.into_iter().map(move |(moved, along)| (noun, moved, along))
        })
    }

    /// What the notes say of this family, `wanted` being what they have to say of a move.
    fn parts(&self, notes: &[Record], wanted: impl Fn(i64) -> bool) -> Result<Vec<Part<'_>>, TierError> {
        let mut ids: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        for note in notes {
            if wanted(note.int("pending")?) {
                ids.entry(note.text("resource")?).or_default().push(note.int("id")?);
            }
        }
        // Children first: those of a post that goes as a whole are then gone already.
        let nouns = self.tables.iter().map(|moved| self.noun(moved));
        Ok(nouns.filter_map(|noun| ids.remove(noun).map(|ids| self.part(noun, ids))).collect())
    }
}

/// One batch of rows that are erased.
struct Erase<'a> {
    mover: &'a Mover<'a>,
    family: &'a Family,
}

#[async_trait]
impl Attempt for Erase<'_> {
    async fn attempt(&self) -> Result<Option<MovedBatch>, MoveError> {
        let mut this = Move::begin(self.mover, self.family).await?;
        let notes = this.cold.fetch(&ERASING, &[]).await?;
        let mut parts = self.family.parts(&notes, |pending| pending == 0)?;
        for part in &mut parts {
            part.ids.truncate(AT_ONCE as usize);
        }
        if parts.is_empty() {
            this.give_up().await?;
            return Ok(None);
        }
        let now = self.mover.clock.now();
        let mut rows = 0;
        for part in &parts {
            let ids = Value::from(part.ids.clone());
            for (moved, along) in &part.tables {
                let taken = this.hot.fetch(&moved.erase[*along].take, std::slice::from_ref(&ids)).await?;
                rows += taken.len() as i64;
            }
            let note = [part.noun.into(), ids, "erased".into(), now.into()];
            this.hot.execute(&NOTE_ERASED, &note).await?;
        }
        fail_point::reached("worked-in-hot");
        this.took(Step::Hot);
        this.lock_claim().await?;
        for part in &parts {
            let ids = Value::from(part.ids.clone());
            rows += self.close(&mut this, part, &ids).await?;
            this.cold.execute(&ERASED_WITH, &[part.noun.into(), ids, this.number.into()]).await?;
        }
        let left = !this.cold.fetch(&self.family.archived.any, &[]).await?.is_empty();
        // The entry says nothing of what was erased.
        this.commit_cold(ERASE, &[], Digest::default()).await?;
        let epoch = this.number;
        let cold_newest = this.state.cold_newest.filter(|_| left);
        let steps = this.commit(cold_newest).await?;
        Ok(Some(MovedBatch { epoch, rows, of_resource: 0, steps }))
    }
}

impl Erase<'_> {
    /// Closes the open versions of a part and counts them out; returns how many.
    async fn close(&self, this: &mut Move<'_>, part: &Part<'_>, ids: &Value) -> Result<i64, TierError> {
        let mut leaving: Vec<Rows<'_>> =
            self.family.tables.iter().map(|moved| Rows { moved, rows: Vec::new() }).collect();
        close(this, part, ids, &mut leaving).await?;
        this.count(&leaving, -1).await?;
        Ok(super::steps::count(&leaving))
    }
}

/// Closes the open versions of a part, which join those of their table in `leaving`.
async fn close(
    this: &mut Move<'_>,
    part: &Part<'_>,
    ids: &Value,
    leaving: &mut [Rows<'_>],
) -> Result<(), TierError> {
    for Rows { moved, rows } in leaving {
        let Some((_, along)) = part.tables.iter().find(|(of, _)| of.table == moved.table) else { continue };
        let along = &moved.erase[*along];
        for record in this.cold.fetch(&along.open, std::slice::from_ref(ids)).await? {
            rows.push(values(&record, moved.table.columns)?);
        }
        this.cold.execute(&along.close, &[ids.clone(), this.number.into()]).await?;
    }
    Ok(())
}

/// Closes what is noted as still to be erased, in the open transaction of cold.
pub(super) async fn close_pending(this: &mut Move<'_>, leaving: &mut [Rows<'_>]) -> Result<(), TierError> {
    let notes = this.cold.fetch(&ERASING, &[]).await?;
    for part in this.family.parts(&notes, |pending| pending == 0)? {
        let ids = Value::from(part.ids.clone());
        close(this, &part, &ids, leaving).await?;
    }
    Ok(())
}

/// Takes out of cold what moves that hot has committed have erased; in the transaction of cold that is open.
pub(super) async fn purge(this: &mut Move<'_>) -> Result<(), TierError> {
    let (family, epoch) = (this.family, this.state.epoch);
    let notes = this.cold.fetch(&ERASING, &[]).await?;
    let parts = family.parts(&notes, |pending| (1..=epoch).contains(&pending))?;
    if parts.is_empty() {
        return Ok(());
    }
    this.cold.execute(&RAISE_FLOOR, &[this.resource(), epoch.into()]).await?;
    let mut gone: BTreeMap<i64, (Digest, i64)> = BTreeMap::new();
    for part in parts {
        let ids = Value::from(part.ids);
        for (moved, along) in part.tables {
            let along = &moved.erase[along];
            for record in this.cold.fetch(&along.versions, std::slice::from_ref(&ids)).await? {
                let (digest, rows) = gone.entry(record.int("from_epoch")?).or_default();
                digest.add(moved.table.name, &values(&record, moved.table.columns)?);
                *rows += 1;
            }
            this.cold.execute(&along.drop, std::slice::from_ref(&ids)).await?;
        }
        this.cold.execute(&ERASED_WHOLLY, &[part.noun.into(), ids]).await?;
    }
    for (batch, (digest, rows)) in gone {
        subtract(this, batch, digest, rows).await?;
    }
    fail_point::reached("purged");
    Ok(())
}

/// Takes rows out of the entry of the batch they came with.
async fn subtract(this: &mut Move<'_>, batch: i64, gone: Digest, rows: i64) -> Result<(), TierError> {
    let records = this.cold.fetch(&ENTRY, &[this.resource(), batch.into()]).await?;
    // Rows of a batch the journal does not know are for `archive verify` to name.
    let Some(record) = records.first() else { return Ok(()) };
    let noted = record.text("digest")?;
    let digest: Digest = noted.parse().map_err(|_| TierError::Row {
        tier: Tier::Cold,
        statement: ENTRY.name,
        column: "digest".to_owned(),
        problem: format!("is {noted:?} of batch {batch}"),
    })?;
    let left = record.int("row_count")? - rows;
    let digest = digest.without(gone).to_string();
    let params = [this.resource(), batch.into(), left.into(), digest.as_str().into()];
    this.cold.execute(&SET_ENTRY, &params).await.map(drop)
}

/// What an interrupted move was to erase is still to be erased.
pub(super) async fn undo(this: &mut Move<'_>, epoch: i64) -> Result<(), TierError> {
    for moved in &this.family.tables {
        let noun = this.family.noun(moved);
        this.cold.execute(&UNDO_ERASED, &[noun.into(), epoch.into()]).await?;
    }
    Ok(())
}

/// Makes both databases know what either of them knows to be erased, in both open transactions. When cold is `older`,
/// what it holds of that is erased again.
pub(super) async fn agree(this: &mut Move<'_>, older: bool) -> Result<(), TierError> {
    for moved in &this.family.tables {
        let noun = this.family.noun(moved);
        let now = this.mover.clock.now();
        let mut notes = [Vec::new(), Vec::new()];
        for record in this.hot.fetch(&NOTED_IN_HOT, &[noun.into()]).await? {
            notes[0].push(record.int("id")?);
        }
        for record in this.cold.fetch(&NOTED_IN_COLD, &[noun.into()]).await? {
            notes[1].push(record.int("id")?);
        }
        let [in_hot, in_cold] = notes;
        if older && !in_hot.is_empty() {
            let note = [noun.into(), in_hot.into(), "erased".into(), now.into()];
            this.cold.execute(&ERASE_LATER, &note).await?;
        }
        if !in_cold.is_empty() {
            let note = [noun.into(), in_cold.into(), "erased".into(), now.into()];
            this.hot.execute(&NOTE_ERASED, &note).await?;
        }
    }
    Ok(())
}

/// Takes out of hot what the notes say, in its open transaction; returns how many rows. In a hot that is no `older`, the
/// likes of a user may be ones that he gave later.
pub(super) async fn again(this: &mut Move<'_>, older: bool) -> Result<i64, TierError> {
    let mut rows = 0;
    for moved in &this.family.tables {
        let noun = this.family.noun(moved);
        if !older && moved.table.columns[0].name != "id" {
            continue;
        }
        let mut ids = Vec::new();
        for record in this.hot.fetch(&NOTED_IN_HOT, &[noun.into()]).await? {
            ids.push(record.int("id")?);
        }
        for ids in ids.chunks(AT_ONCE as usize) {
            let part = this.family.part(noun, ids.to_vec());
            for (moved, along) in part.tables {
                let taken = this.hot.fetch(&moved.erase[along].take, &[ids.to_vec().into()]).await?;
                rows += taken.len() as i64;
            }
        }
    }
    Ok(rows)
}

impl Mover<'_> {
    /// Erases rows of one noun of a family (`comments` of posts) from both tiers; likes go by their user. Returns how
    /// many rows of hot and open versions of cold that were, children included.
    pub async fn erase(&self, family: &Family, noun: &str, ids: &[i64]) -> Result<i64, MoveError> {
        let Some(moved) = family.tables.iter().find(|moved| family.noun(moved) == noun) else { return Ok(0) };
        // Who asks may name an id twice, and a user may have likes in both tiers.
        let ids: Vec<i64> = ids.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
        let mut rows = 0;
        for ids in ids.chunks(AT_ONCE as usize) {
            self.erase_later(family.noun(moved), ids).await?;
            rows += self.finish_erasures(family).await?;
        }
        Ok(rows)
    }

    /// Erases what somebody wrote of a family: his rows with everybody's children, and his children of others' rows.
    pub async fn erase_user(&self, family: &Family, user: i64) -> Result<i64, MoveError> {
        let mut rows = 0;
        for moved in family.tables.iter().rev() {
            let Some([in_hot, in_cold]) = &moved.written else { continue };
            loop {
                let params = [user.into(), AT_ONCE.into()];
                let mut ids = Vec::new();
                for record in self.hot.fetch(in_hot, &params).await? {
                    ids.push(record.int("id")?);
                }
                for record in self.cold.fetch(in_cold, &params).await? {
                    ids.push(record.int("id")?);
                }
                if ids.is_empty() {
                    break;
                }
                rows += self.erase(family, family.noun(moved), &ids).await?;
            }
        }
        Ok(rows)
    }

    /// Notes what is to be erased, so that whoever moves next does it.
    async fn erase_later(&self, noun: &'static str, ids: &[i64]) -> Result<(), TierError> {
        let params = [noun.into(), ids.to_vec().into(), "erased".into(), self.clock.now().into()];
        let mut cold = self.cold.session().await?;
        cold.begin(Begin::Write).await?;
        cold.execute(&ERASE_LATER, &params).await?;
        fail_point::reached("noting");
        cold.commit().await?;
        fail_point::reached("noted");
        Ok(())
    }

    /// Erases what was noted, what another mover left half erased, and what is in hot again though it was erased;
    /// returns how many rows of hot and open versions of cold that were.
    pub(super) async fn finish_erasures(&self, family: &Family) -> Result<i64, MoveError> {
        let mut rows = 0;
        loop {
            for moved in &family.tables {
                // A like is told by its user alone: later ones are his to give.
                let along = &moved.erase[1];
                let noun = family.noun(moved);
                if moved.table.columns[0].name != "id" {
                    continue;
                }
                let mut again = Vec::new();
                for record in self.hot.fetch(&along.again, &[noun.into(), AT_ONCE.into()]).await? {
                    again.push(record.int("id")?);
                }
                if !again.is_empty() {
                    self.erase_later(noun, &again).await?;
                }
            }
            let notes = self.cold.fetch(&ERASING, &[]).await?;
            if family.parts(&notes, |_| true)?.is_empty() {
                return Ok(rows);
            }
            let batch = Erase { mover: self, family };
            rows += insist(&batch).await?.map_or(0, |erased| erased.rows);
        }
    }
}
