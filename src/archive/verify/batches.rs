//! One batch of the journal: its digest, what its blocks counted, and where its rows are now.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::LazyLock;

use super::{Kind, Looked, Verifier};
use crate::archive::digest::Digest;
use crate::archive::family::{Moved, Supersede};
use crate::archive::steps::{ARCHIVE, DOUBTFUL, LOSS, RECOVER, RESTORE};
use crate::page::Key;
use crate::schema::Table;
use crate::tier::{Begin, Session, Statement, TierError, Value, cold_sql, hot_sql, values};

static NEXT_BATCH: LazyLock<Statement> = LazyLock::new(|| cold_sql!("next_batch"));
static NEWEST: LazyLock<Statement> = LazyLock::new(|| cold_sql!("newest"));
static KINDS: LazyLock<Statement> = LazyLock::new(|| cold_sql!("kinds"));
static FLOOR: LazyLock<Statement> = LazyLock::new(|| cold_sql!("floor"));

/// Whether a move of this kind takes rows from hot to cold.
fn brings_rows(kind: &str) -> bool {
    [ARCHIVE, DOUBTFUL].contains(&kind)
}

/// Whether a move of this kind takes rows out of cold, and nothing else: its entry says how many.
fn only_closes(kind: &str) -> bool {
    [RESTORE, RECOVER, LOSS].contains(&kind)
}

/// The statements over one table that moves.
#[derive(Debug)]
pub(in crate::archive) struct TableStatements {
    in_hot: Statement,
    in_cold: Statement,
    closed: Statement,
    closed_number: Statement,
    pub(super) strays: Statement,
    /// Along the column its rows belong by, and along its own.
    pub(super) erased: [Statement; 2],
}

impl TableStatements {
    /// For `table`, whose rows are told apart by `first` and `second` and belong to the id in `owner`.
    pub fn of(table: &Table, archived: &str, [first, second, owner]: [&str; 3]) -> Self {
        let in_cold = |name: &str| {
            let column = table.columns.iter().find(|column| column.name == name);
            column.map_or(name.to_owned(), |column| column.archived.to_owned())
        };
        let cold = |statement: Statement| {
            statement
                .with("{table}", archived)
                .with("{first}", &in_cold(first))
                .with("{second}", &in_cold(second))
                .with("{owner}", &in_cold(owner))
                .with("{columns}", &table.names_in_cold())
        };
        let in_hot = hot_sql!("in_hot").with("{table}", table.name).with("{owner}", owner);
        Self {
            in_hot: in_hot.with("{first}", first).with("{second}", second),
            in_cold: cold(cold_sql!("in_cold")),
            closed: cold(cold_sql!("closed")),
            closed_number: cold(cold_sql!("closed_number")),
            strays: cold(cold_sql!("strays")),
            erased: [owner, first].map(|column| cold(cold_sql!("erased")).with("{along}", &in_cold(column))),
        }
    }
}

/// An entry of the journal.
struct Entry {
    epoch: i64,
    kind: String,
    rows: i64,
    digest: String,
}

/// What tells a row of a table apart.
type Identity = (i64, i64);

/// What hot says of some rows, in one answer.
#[derive(Default)]
struct InHot {
    epoch: i64,
    /// Above this key nobody asks cold.
    cold_newest: Option<Key>,
    there: HashSet<Identity>,
}

/// A version of a row in cold: the epochs between which it is visible.
#[derive(Clone, Copy, Debug)]
struct Version {
    from: i64,
    to: Option<i64>,
}

impl Version {
    fn visible(self, epoch: i64) -> bool {
        self.from <= epoch && self.to.is_none_or(|to| to > epoch)
    }
}

impl Verifier<'_> {
    /// Checks the first batch with this number or a later one; `None` past the end of the journal.
    pub(super) async fn batch_from(&self, epoch: i64) -> Result<Option<(i64, Looked)>, TierError> {
        // One instant for the entry, its rows and its counts: a mover may be taking the batch back.
        let mut cold = self.cold.session().await?;
        cold.begin(Begin::Read).await?;
        let Some(entry) = self.entry(&mut *cold, epoch).await? else {
            cold.rollback().await?;
            return Ok(None);
        };
        let mut looked = Looked::default();
        let own = self.check_digest(&mut *cold, &entry, &mut looked).await?;
        let floor = self.floor(&mut *cold).await?;
        self.check_counts(&mut *cold, &entry, (&own, floor), &mut looked).await?;
        if entry.epoch > floor {
            self.check_closed(&mut *cold, &entry, &mut looked).await?;
            self.check_actions(&mut *cold, (entry.epoch, entry.epoch), &mut looked).await?;
        }
        cold.rollback().await?;
        drop(cold);
        self.check_places(&entry, &own, &mut looked).await?;
        Ok(Some((entry.epoch, looked)))
    }

    /// Whether the journal has a move of this number.
    pub async fn knows(&self, batch: i64) -> Result<bool, TierError> {
        let params = [self.family.resource.into(), vec![batch].into()];
        Ok(!self.cold.fetch(&KINDS, &params).await?.is_empty())
    }

    /// The number of the newest entry of the journal; 0 when it is empty.
    pub(super) async fn newest(&self) -> Result<i64, TierError> {
        let records = self.cold.fetch(&NEWEST, &[self.family.resource.into()]).await?;
        Ok(records.first().map(|record| record.int_or_null("epoch")).transpose()?.flatten().unwrap_or(0))
    }

    /// Up to where vacuum has made one count of many.
    pub(super) async fn floor(&self, cold: &mut dyn Session) -> Result<i64, TierError> {
        let records = cold.fetch(&FLOOR, &[self.family.resource.into()]).await?;
        records.first().map_or(Ok(0), |record| record.int("floor"))
    }

    async fn entry(&self, cold: &mut dyn Session, epoch: i64) -> Result<Option<Entry>, TierError> {
        let records = cold.fetch(&NEXT_BATCH, &[self.family.resource.into(), epoch.into()]).await?;
        let Some(record) = records.first() else { return Ok(None) };
        Ok(Some(Entry {
            epoch: record.int("epoch")?,
            kind: record.text("kind")?,
            rows: record.int("row_count")?,
            digest: record.text("digest")?,
        }))
    }

    /// The rows that came with a batch against what its entry says of them; returns those of the resource itself.
    async fn check_digest(
        &self,
        cold: &mut dyn Session,
        entry: &Entry,
        looked: &mut Looked,
    ) -> Result<Vec<Vec<Value>>, TierError> {
        let (mut digest, mut own) = (Digest::default(), Vec::new());
        for moved in &self.family.tables {
            own.clear();
            for record in cold.fetch(&moved.batch, &[entry.epoch.into()]).await? {
                let row = values(&record, moved.table.columns)?;
                digest.add(moved.table.name, &row);
                looked.rows += 1;
                own.push(row);
            }
        }
        // Only a move from hot to cold brings rows; what the others say of theirs is for other eyes.
        let brings = brings_rows(&entry.kind);
        let expected = if brings { entry.rows } else { 0 };
        if looked.rows != expected {
            let detail = format!("cold holds {} rows of it, the journal says {expected}", looked.rows);
            looked.violation(Kind::Digest, Some(entry.epoch), detail);
        } else if brings && digest.to_string() != entry.digest {
            let detail = "its rows are not what hot gave: the digest differs".to_owned();
            looked.violation(Kind::Digest, Some(entry.epoch), detail);
        }
        Ok(own)
    }

    /// What a move took out of cold against what its entry says. Only above the floor: vacuum removes what was closed, and
    /// an erasure what it erases, and each of them has raised the floor first.
    async fn check_closed(
        &self,
        cold: &mut dyn Session,
        entry: &Entry,
        looked: &mut Looked,
    ) -> Result<(), TierError> {
        if !only_closes(&entry.kind) {
            return Ok(());
        }
        let mut closed = 0;
        for moved in &self.family.tables {
            let records = cold.fetch(&moved.verify.closed_number, &[entry.epoch.into()]).await?;
            closed += records.first().map_or(Ok(0), |record| record.int("n"))?;
        }
        if closed != entry.rows {
            let detail = format!("it has closed {closed} rows of cold, the journal says {}", entry.rows);
            looked.violation(Kind::Journal, Some(entry.epoch), detail);
        }
        Ok(())
    }

    /// What a batch counted in blocks against the rows it brought and closed.
    async fn check_counts(
        &self,
        cold: &mut dyn Session,
        entry: &Entry,
        (own, floor): (&[Vec<Value>], i64),
        looked: &mut Looked,
    ) -> Result<(), TierError> {
        let Some(blocks) = &self.family.blocks else { return Ok(()) };
        let mut expected: BTreeMap<i64, i64> = BTreeMap::new();
        let mut count = |row: &[Value], n: i64| {
            for scope in (blocks.scopes)(row) {
                looked.places.push((scope, (self.family.key)(row)));
                *expected.entry(scope).or_default() += n;
            }
        };
        for row in own {
            count(row, 1);
        }
        let moved = self.family.own();
        for record in cold.fetch(&moved.verify.closed, &[entry.epoch.into()]).await? {
            count(&values(&record, moved.table.columns)?, -1);
        }
        let scopes: Vec<i64> = expected.keys().copied().collect();
        let params = [scopes.into(), Key::MAX.at.into(), Key::MAX.id.into()];
        let mut whole = BTreeSet::new();
        for record in cold.fetch(&blocks.verify.ends, &params).await? {
            if record.int("n")? == 2 {
                whole.insert(record.int("scope")?);
            }
        }
        for scope in expected.keys().filter(|scope| !whole.contains(scope)) {
            let detail = format!("scope {scope} has no last block on every level");
            looked.violation(Kind::Blocks, Some(entry.epoch), detail);
        }
        if entry.epoch <= floor {
            // Vacuum has folded its counts into others.
            return Ok(());
        }
        let mut found: [BTreeMap<i64, i64>; 2] = Default::default();
        for record in cold.fetch(&blocks.verify.deltas, &[entry.epoch.into()]).await? {
            let (level, n) = (usize::from(record.int("level")? != 0), record.int("n")?);
            found[level].insert(record.int("scope")?, n);
        }
        for (level, found) in found.iter().enumerate() {
            for scope in expected.keys().chain(found.keys()).collect::<BTreeSet<_>>() {
                let n = |counts: &BTreeMap<i64, i64>| counts.get(scope).copied().unwrap_or(0);
                if n(&expected) != n(found) {
                    let (expected, found) = (n(&expected), n(found));
                    let detail = format!(
                        "it counts {found} rows in scope {scope}, level {level}; there are {expected}"
                    );
                    looked.violation(Kind::Blocks, Some(entry.epoch), detail);
                }
            }
        }
        Ok(())
    }

    /// Where the rows of a batch are now: visible in exactly one tier, unless somebody took them out.
    async fn check_places(
        &self,
        entry: &Entry,
        own: &[Vec<Value>],
        looked: &mut Looked,
    ) -> Result<(), TierError> {
        if own.is_empty() {
            return Ok(());
        }
        // A row of the resource itself begins with its id.
        let owners = Value::from(own.iter().map(|row| row[0].int()).collect::<Vec<_>>());
        let mut replaced: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        for moved in &self.family.tables {
            // Hot first: what its epoch has closed or opened is then in cold's answer.
            let InHot { epoch, cold_newest, there: in_hot } = self.in_hot(moved, &owners).await?;
            let versions = self.in_cold(moved, &owners).await?;
            if moved.table == self.family.own().table {
                let visible = own.iter().filter(|row| {
                    let id = row[0].int();
                    let here = |version: &Version| version.from == entry.epoch && version.visible(epoch);
                    versions.get(&(id, id)).is_some_and(|versions| versions.iter().any(here))
                });
                let keys = visible.map(|row| (self.family.key)(row));
                check_reach(entry, keys, (epoch, cold_newest), looked);
            }
            for (identity, versions) in &versions {
                for pair in versions.windows(2) {
                    if pair[0].to.is_none_or(|to| to > pair[1].from) {
                        let detail = format!("{} at epoch {}", moved.name_by(*identity), pair[1].from);
                        looked.violation(Kind::TwiceInCold, Some(entry.epoch), detail);
                    }
                }
                let visible = versions.iter().any(|version| version.visible(epoch));
                if visible && in_hot.contains(identity) {
                    let detail = format!("{} at epoch {epoch}", moved.name_by(*identity));
                    looked.violation(Kind::BothTiers, Some(entry.epoch), detail);
                }
                let last = versions.last().and_then(|version| version.to);
                if let Some(to) = last.filter(|to| *to <= epoch && !in_hot.contains(identity)) {
                    replaced.entry(to).or_default().push(identity.0);
                }
            }
        }
        self.check_gone(entry, own, &replaced, looked).await
    }

    /// Rows that are in neither tier, by the move that closed them. A row that was erased has to be, one that was
    /// brought back is the platform's again, which may delete it. One that a newer version replaced must have it.
    async fn check_gone(
        &self,
        entry: &Entry,
        own: &[Vec<Value>],
        gone: &BTreeMap<i64, Vec<i64>>,
        looked: &mut Looked,
    ) -> Result<(), TierError> {
        if gone.is_empty() {
            return Ok(());
        }
        let epochs = Value::from(gone.keys().copied().collect::<Vec<_>>());
        let mut kinds = BTreeMap::new();
        for record in self.cold.fetch(&KINDS, &[self.family.resource.into(), epochs]).await? {
            kinds.insert(record.int("epoch")?, record.text("kind")?);
        }
        for (to, ids) in gone {
            // Closed by no move at all is found among the strays.
            if kinds.get(to).is_none_or(|kind| !brings_rows(kind)) {
                continue;
            }
            let newer = match &self.family.supersede {
                Some(supersede) => self.brought(supersede, *to).await?,
                None => HashSet::new(),
            };
            for id in ids {
                let row = own.iter().find(|row| row[0].int() == *id);
                let place =
                    row.zip(self.family.supersede.as_ref()).map(|(row, supersede)| (supersede.of)(row));
                if place.is_none_or(|place| !newer.contains(&place)) {
                    let detail = format!("row {id} was closed by move {to}, which brought none in its place");
                    looked.violation(Kind::NeitherTier, Some(entry.epoch), detail);
                }
            }
        }
        Ok(())
    }

    /// Which places the rows of a batch took.
    async fn brought(&self, supersede: &Supersede, epoch: i64) -> Result<HashSet<Identity>, TierError> {
        let moved = self.family.own();
        let records = self.cold.fetch(&moved.batch, &[epoch.into()]).await?;
        records.iter().map(|record| Ok((supersede.of)(&values(record, moved.table.columns)?))).collect()
    }

    async fn in_hot(&self, moved: &Moved, owners: &Value) -> Result<InHot, TierError> {
        let params = [self.family.resource.into(), owners.clone()];
        let mut hot = InHot::default();
        for record in self.hot.fetch(&moved.verify.in_hot, &params).await? {
            hot.epoch = record.int("epoch")?;
            hot.cold_newest = record.key_or_null("cold_newest_at", "cold_newest_id")?;
            if let (Some(first), Some(second)) =
                (record.int_or_null("first_")?, record.int_or_null("second_")?)
            {
                hot.there.insert((first, second));
            }
        }
        Ok(hot)
    }

    async fn in_cold(
        &self,
        moved: &Moved,
        owners: &Value,
    ) -> Result<BTreeMap<Identity, Vec<Version>>, TierError> {
        let mut versions: BTreeMap<Identity, Vec<Version>> = BTreeMap::new();
        for record in self.cold.fetch(&moved.verify.in_cold, std::slice::from_ref(owners)).await? {
            let identity = (record.int("first_")?, record.int("second_")?);
            let version = Version { from: record.int("from_epoch")?, to: record.int_or_null("to_epoch")? };
            versions.entry(identity).or_default().push(version);
        }
        Ok(versions)
    }
}

/// Whether readers at this epoch ask cold for rows of these keys, which it shows them.
fn check_reach(
    entry: &Entry,
    visible: impl Iterator<Item = Key>,
    (epoch, cold_newest): (i64, Option<Key>),
    looked: &mut Looked,
) {
    let n = visible.filter(|key| cold_newest.is_none_or(|newest| *key > newest)).count();
    if n > 0 {
        let bound = cold_newest.map_or("hot says that cold is empty".to_owned(), |Key { at, id }| {
            format!("hot says up to {at} {id}")
        });
        let detail = format!("readers do not ask cold for {n} of its rows at epoch {epoch}: {bound}");
        looked.violation(Kind::ColdNewest, Some(entry.epoch), detail);
    }
}
