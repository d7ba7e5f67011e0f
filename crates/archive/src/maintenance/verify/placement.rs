//! Where the rows of a batch are now: each visible in exactly one tier, unless a move took it out.

use std::collections::{BTreeMap, HashSet};

use super::report::{Findings, ViolationKind};
use super::verifier::Verifier;
use crate::maintenance::queries::sql;
use crate::model::{Moved, Supersede, templates};
use thermocline_core::keyset::Key;
use thermocline_database::{TierError, Value, row_of};
use thermocline_journal::entry;

/// The two values that identify a row of a table; equal where one column does.
type Identity = (i64, i64);

/// The rows of a batch that hot holds, from one answer.
#[derive(Default)]
struct HotRows {
    epoch: i64,
    /// Readers do not ask cold for keys above it.
    watermark: Option<Key>,
    present: HashSet<Identity>,
}

/// The epochs between which a version in cold is visible.
#[derive(Clone, Copy, Debug)]
struct Version {
    from: i64,
    to: Option<i64>,
}

impl Version {
    fn is_visible(self, epoch: i64) -> bool {
        self.from <= epoch && self.to.is_none_or(|to| to > epoch)
    }
}

impl Verifier<'_> {
    /// Checks where the rows of the batch `epoch` are, of which `own` are those of the resource's own table.
    pub(super) async fn check_placement(
        &self,
        epoch: i64,
        own: &[Vec<Value>],
        findings: &mut Findings,
    ) -> Result<(), TierError> {
        if own.is_empty() {
            return Ok(());
        }
        // A row of the resource's own table begins with its id.
        let owners = Value::from(own.iter().map(|row| row[0].int()).collect::<Vec<_>>());
        let mut gone: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        for moved in &self.family.tables {
            // Hot is read first: the answer of cold then includes what the epoch of hot has closed or opened.
            let hot = self.hot_rows(moved, &owners).await?;
            let versions = self.cold_versions(moved, &owners).await?;
            if moved.table == self.family.own().table {
                let visible = own.iter().filter(|row| {
                    let id = row[0].int();
                    let here = |version: &Version| version.from == epoch && version.is_visible(hot.epoch);
                    versions.get(&(id, id)).is_some_and(|versions| versions.iter().any(here))
                });
                check_watermark(epoch, visible.map(|row| (self.family.key)(row)), &hot, findings);
            }
            for (identity, versions) in &versions {
                for pair in versions.windows(2) {
                    if pair[0].to.is_none_or(|to| to > pair[1].from) {
                        let (row, at) = (moved.name_by(*identity), pair[1].from);
                        let detail = format!("{row} has two visible versions at epoch {at}");
                        findings.violation(ViolationKind::TwiceInCold, Some(epoch), detail);
                    }
                }
                let in_hot = hot.present.contains(identity);
                if in_hot && versions.iter().any(|version| version.is_visible(hot.epoch)) {
                    let (row, at) = (moved.name_by(*identity), hot.epoch);
                    let detail = format!("{row} is visible in both tiers at epoch {at}");
                    findings.violation(ViolationKind::BothTiers, Some(epoch), detail);
                }
                let closed = versions.last().and_then(|version| version.to);
                if let Some(to) = closed.filter(|to| *to <= hot.epoch && !in_hot) {
                    gone.entry(to).or_default().push(identity.0);
                }
            }
        }
        self.check_gone(epoch, own, gone, findings).await
    }

    /// Checks rows that are in neither tier, by the move that closed them.
    ///
    /// An erased row has to be gone, and the platform may delete a restored one. A row that a newer version replaced must
    /// have one.
    async fn check_gone(
        &self,
        epoch: i64,
        own: &[Vec<Value>],
        gone: BTreeMap<i64, Vec<i64>>,
        findings: &mut Findings,
    ) -> Result<(), TierError> {
        if gone.is_empty() {
            return Ok(());
        }
        let epochs = gone.keys().copied().collect();
        let kinds = entry::kinds(self.cold, self.family.resource, epochs).await?;
        // Rows closed by a move that is not in the journal are found by `check_unaccounted`.
        let gone = gone.into_iter().filter(|(to, _)| kinds.get(to).is_some_and(|kind| kind.brings_rows()));
        for (to, ids) in gone {
            let replaced = match &self.family.supersede {
                Some(supersede) => self.brought(supersede, to).await?,
                None => HashSet::new(),
            };
            for id in ids {
                let row = own.iter().find(|row| row[0].int() == id);
                let place = row.zip(self.family.supersede.as_ref()).map(|(row, of)| (of.of)(row));
                if place.is_none_or(|place| !replaced.contains(&place)) {
                    let detail = format!("row {id} was closed by move {to}, which brought no replacement");
                    findings.violation(ViolationKind::NeitherTier, Some(epoch), detail);
                }
            }
        }
        Ok(())
    }

    /// Returns group and member of the rows that a move brought.
    async fn brought(&self, supersede: &Supersede, epoch: i64) -> Result<HashSet<Identity>, TierError> {
        let moved = self.family.own();
        let records = self.cold.fetch(&moved.sql(templates::brought()), &[epoch.into()]).await?;
        records.iter().map(|record| Ok((supersede.of)(&row_of(record, moved.table)?))).collect()
    }

    async fn hot_rows(&self, moved: &Moved, owners: &Value) -> Result<HotRows, TierError> {
        let params = [self.family.resource.into(), owners.clone()];
        let mut hot = HotRows::default();
        for record in self.hot.fetch(&moved.sql(sql::in_hot()), &params).await? {
            hot.epoch = record.int("epoch")?;
            hot.watermark = record.key_or_null("cold_newest_at", "cold_newest_id")?;
            hot.present.extend(record.int_or_null("first_")?.zip(record.int_or_null("second_")?));
        }
        Ok(hot)
    }

    async fn cold_versions(
        &self,
        moved: &Moved,
        owners: &Value,
    ) -> Result<BTreeMap<Identity, Vec<Version>>, TierError> {
        let mut versions: BTreeMap<Identity, Vec<Version>> = BTreeMap::new();
        let statement = moved.sql(sql::in_cold());
        for record in self.cold.fetch(&statement, std::slice::from_ref(owners)).await? {
            let identity = (record.int("first_")?, record.int("second_")?);
            let version = Version { from: record.int("from_epoch")?, to: record.int_or_null("to_epoch")? };
            versions.entry(identity).or_default().push(version);
        }
        Ok(versions)
    }
}

/// Checks that readers ask cold for the keys that it shows them.
fn check_watermark(epoch: i64, visible: impl Iterator<Item = Key>, hot: &HotRows, findings: &mut Findings) {
    let n = visible.filter(|key| hot.watermark.is_none_or(|watermark| *key > watermark)).count();
    if n > 0 {
        let watermark = hot.watermark.map_or("none".to_owned(), |Key { at, id }| format!("{at} {id}"));
        let detail = format!(
            "readers at epoch {} do not ask cold for {n} of its rows: the watermark is {watermark}",
            hot.epoch
        );
        findings.violation(ViolationKind::ColdNewest, Some(epoch), detail);
    }
}
