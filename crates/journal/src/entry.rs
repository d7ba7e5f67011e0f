//! The entries of the journal: one for each move.

use std::collections::{BTreeMap, BTreeSet};

use super::queries::sql;
use super::{Digest, MoveKind};
use thermocline_core::clock::Timestamp;
use thermocline_core::keyset::Key;
use thermocline_database::{Engine, Record, Session, Tier, TierError, Value};

/// A new entry.
#[derive(Clone, Copy, Debug)]
pub struct NewEntry {
    /// The number of the move.
    pub epoch: i64,
    /// Its kind.
    pub kind: MoveKind,
    /// Its token.
    pub token: i64,
    /// The number of rows that move, children included.
    pub rows: i64,
    /// The lowest and the highest key of the rows of the resource itself.
    pub keys: (Key, Key),
    /// The digest of the rows that enter cold.
    pub digest: Digest,
    /// When the move started.
    pub started: Timestamp,
    /// When its work in cold was done.
    pub finished: Timestamp,
}

/// An entry.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The number of the move.
    pub epoch: i64,
    /// Its kind.
    pub kind: MoveKind,
    /// The number of its rows that are still in cold, children included.
    pub rows: i64,
    /// The digest of the rows that it brought and that are still in cold.
    pub digest: Digest,
    /// When its work in cold was done.
    pub finished: Timestamp,
    /// Whether hot was seen to commit it.
    pub confirmed: bool,
}

impl Entry {
    fn of(record: &Record) -> Result<Self, TierError> {
        Ok(Self {
            epoch: record.int("epoch")?,
            kind: MoveKind::read(record)?,
            rows: record.int("row_count")?,
            digest: digest(record)?,
            finished: record.time("finished")?,
            confirmed: record.bool("confirmed")?,
        })
    }
}

fn digest(record: &Record) -> Result<Digest, TierError> {
    let noted = record.text("digest")?;
    noted.parse().map_err(|_| TierError::Row {
        tier: Tier::Cold,
        statement: sql::next().name,
        column: "digest".to_owned(),
        problem: format!("is {noted:?}, which is no digest"),
    })
}

async fn entries(
    cold: &mut dyn Session,
    statement: &thermocline_database::Statement,
    resource: &str,
    epoch: i64,
) -> Result<Vec<Entry>, TierError> {
    cold.fetch(statement, &[resource.into(), epoch.into()]).await?.iter().map(Entry::of).collect()
}

/// Writes the entry of a move.
pub async fn insert(cold: &mut dyn Session, resource: &str, entry: &NewEntry) -> Result<(), TierError> {
    let (first, last) = entry.keys;
    let params = [
        resource.into(),
        entry.epoch.into(),
        entry.kind.name().into(),
        entry.token.into(),
        entry.rows.into(),
        first.at.into(),
        first.id.into(),
        last.at.into(),
        last.id.into(),
        entry.digest.to_string().as_str().into(),
        entry.started.into(),
        entry.finished.into(),
    ];
    cold.execute(sql::insert(), &params).await.map(drop)
}

/// Confirms every entry up to hot's epoch. Returns how many were not confirmed before.
pub async fn confirm(cold: &mut dyn Session, resource: &str, epoch: i64) -> Result<u64, TierError> {
    cold.execute(sql::confirm(), &[resource.into(), epoch.into()]).await
}

/// Returns the entries above hot's epoch, in their order.
pub async fn above(cold: &mut dyn Session, resource: &str, epoch: i64) -> Result<Vec<Entry>, TierError> {
    entries(cold, sql::above(), resource, epoch).await
}

/// Returns the moves above hot's epoch by which rows of a platform's own archive became versions.
pub async fn adopted(cold: &mut dyn Session, resource: &str, epoch: i64) -> Result<BTreeSet<i64>, TierError> {
    let records = cold.fetch(sql::adopted(), &[resource.into(), epoch.into()]).await?;
    records.iter().map(|record| record.int("epoch")).collect()
}

/// Returns the first entry with this number or a higher one.
pub async fn next(cold: &mut dyn Session, resource: &str, epoch: i64) -> Result<Option<Entry>, TierError> {
    Ok(entries(cold, sql::next(), resource, epoch).await?.pop())
}

/// Deletes the entry of a move that was undone. An entry that hot was seen to commit stays.
pub async fn delete(cold: &mut dyn Session, resource: &str, epoch: i64) -> Result<(), TierError> {
    cold.execute(sql::delete(), &[resource.into(), epoch.into()]).await.map(drop)
}

/// Quarantines the unconfirmed moves above an epoch that brought rows.
pub async fn quarantine(cold: &mut dyn Session, resource: &str, epoch: i64) -> Result<(), TierError> {
    cold.execute(sql::quarantine(), &[resource.into(), epoch.into()]).await.map(drop)
}

/// Returns the moves that hot may never have committed.
pub async fn quarantined(
    cold: &mut dyn Session,
    resource: &str,
) -> Result<BTreeMap<i64, MoveKind>, TierError> {
    by_epoch(&cold.fetch(sql::quarantined(), &[resource.into()]).await?)
}

fn by_epoch(records: &[Record]) -> Result<BTreeMap<i64, MoveKind>, TierError> {
    records.iter().map(|record| Ok((record.int("epoch")?, MoveKind::read(record)?))).collect()
}

/// Returns the number of the last entry up to an epoch; 0 without one.
pub async fn last_known(cold: &mut dyn Session, resource: &str, epoch: i64) -> Result<i64, TierError> {
    let records = cold.fetch(sql::last_known(), &[resource.into(), epoch.into()]).await?;
    records.first().map_or(Ok(0), |record| record.int("epoch"))
}

/// Subtracts rows that leave cold for good, with their digest, from the entry of the move that brought them. The caller
/// holds the claim row.
pub async fn subtract(
    cold: &mut dyn Session,
    resource: &str,
    epoch: i64,
    rows: i64,
    removed: Digest,
) -> Result<(), TierError> {
    let found = next(cold, resource, epoch).await?.filter(|entry| entry.epoch == epoch);
    // `archive verify` reports rows of a move that the journal does not know.
    let Some(entry) = found else { return Ok(()) };
    let left = entry.digest.without(removed).to_string();
    let params = [resource.into(), epoch.into(), (entry.rows - rows).into(), left.as_str().into()];
    cold.execute(sql::subtract(), &params).await.map(drop)
}

/// Returns the first and the last move that can have brought rows of the resource from one instant up to another, exclusive.
///
/// Rows move in the order of their time, so a short span needs only the rows of a few moves, not a scan of the archive.
pub async fn spanned(
    cold: &dyn Engine,
    resource: &str,
    (from, to): (Timestamp, Timestamp),
) -> Result<Option<(i64, i64)>, TierError> {
    let records = cold.fetch(sql::spanned(), &[resource.into(), from.into(), to.into()]).await?;
    let Some(record) = records.first() else { return Ok(None) };
    Ok(record.int_or_null("first")?.zip(record.int_or_null("last")?))
}

/// Returns the kinds of those of these moves that the journal has.
pub async fn kinds(
    cold: &dyn Engine,
    resource: &str,
    epochs: Vec<i64>,
) -> Result<BTreeMap<i64, MoveKind>, TierError> {
    by_epoch(&cold.fetch(sql::kinds(), &[resource.into(), epochs.into()]).await?)
}

/// Returns the number of the newest entry; 0 without one.
pub async fn newest(cold: &dyn Engine, resource: &str) -> Result<i64, TierError> {
    let records = cold.fetch(sql::newest(), &[resource.into()]).await?;
    Ok(records.first().map(|record| record.int_or_null("epoch")).transpose()?.flatten().unwrap_or(0))
}

/// Returns the newest entry and those that hot was not seen to commit, newest first.
pub async fn recent(cold: &dyn Engine, resource: &str) -> Result<Vec<Entry>, TierError> {
    let params: [Value; 1] = [resource.into()];
    cold.fetch(sql::recent(), &params).await?.iter().map(Entry::of).collect()
}
