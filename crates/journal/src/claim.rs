//! The claim row of a resource in cold: the fence between movers, and the oldest epoch that readers may ask for.

use super::queries::sql;
use super::{ConsistencyError, Disagreement, JournalError};
use thermocline_core::clock::Timestamp;
use thermocline_core::table::ColumnType;
use thermocline_database::{Begin, Engine, Session, TierError, Value, WhichShards};

/// Claims the next number above `oldest` for a mover. Once committed, movers with older numbers are overtaken.
pub async fn claim(
    cold: &mut dyn Session,
    resource: &str,
    oldest: i64,
    mover: &str,
    now: Timestamp,
) -> Result<i64, JournalError> {
    let params = [resource.into(), oldest.into(), mover.into(), now.into()];
    let records = cold.fetch(sql::claim(), &params).await?;
    let record = records.first().ok_or_else(|| ConsistencyError::new(resource, Disagreement::NoClaimRow))?;
    Ok(record.int("claimed")?)
}

/// Locks the claim row until the transaction ends, and returns the number that was claimed last.
pub async fn lock(cold: &mut dyn Session, resource: &str) -> Result<Option<i64>, TierError> {
    let records = cold.fetch(sql::lock_claim(), &[resource.into()]).await?;
    records.first().map(|record| record.int("claimed")).transpose()
}

/// Waits until every part of an earlier commit is done, of transactions that had locked the claim row.
///
/// A distributed server may answer a commit before all of it is visible: when it loses the connection to a worker that has
/// prepared its part. That part holds the claim row on the worker until it is committed. Other engines have nothing to wait for.
pub async fn wait_for_parts(
    engine: &dyn Engine,
    cold: &mut dyn Session,
    resource: &str,
) -> Result<(), TierError> {
    if !engine.is_spread() {
        return Ok(());
    }
    cold.begin(Begin::Write).await?;
    lock(cold, resource).await?;
    cold.rollback().await
}

/// Returns whether hot's epoch has reached `number` because another mover claimed a later one.
///
/// Fails if the epoch has reached `number` and nothing later is claimed: cold then gives out numbers that hot has already used,
/// so it is older than hot.
pub async fn is_overtaken(
    cold: &mut dyn Session,
    resource: &str,
    number: i64,
    epoch: i64,
) -> Result<bool, JournalError> {
    if number > epoch {
        return Ok(false);
    }
    match lock(cold, resource).await? {
        Some(claimed) if claimed > number => Ok(true),
        _ => Err(ConsistencyError::new(resource, Disagreement::NumberTaken { number, epoch }).into()),
    }
}

/// Notes that the holder of a number is done with it.
pub async fn release(cold: &mut dyn Session, resource: &str, number: i64) -> Result<(), TierError> {
    cold.execute(sql::release(), &[resource.into(), number.into()]).await.map(drop)
}

/// Returns the oldest epoch that readers may ask cold for.
pub async fn oldest_readable_epoch(cold: &mut dyn Session, resource: &str) -> Result<i64, TierError> {
    let records = cold.fetch(sql::oldest_readable_epoch(), &[resource.into()]).await?;
    records.first().map_or(Ok(0), |record| record.int("floor"))
}

/// Raises the oldest epoch that readers may ask cold for. It never falls.
pub async fn raise_oldest_readable_epoch(
    cold: &mut dyn Session,
    resource: &str,
    epoch: i64,
) -> Result<(), TierError> {
    cold.execute(sql::raise_oldest_readable_epoch(), &[resource.into(), epoch.into()]).await.map(drop)
}

/// Locks the claim row and returns the oldest readable epoch, and the last move up to which closed rows may be removed:
/// every move up to it finished before `kept` and was confirmed.
pub async fn vacuum_bound(
    cold: &mut dyn Session,
    resource: &str,
    kept: Timestamp,
) -> Result<(i64, i64), TierError> {
    // Two statements: the second sees what was committed while the first waited.
    lock(cold, resource).await?;
    let records = cold.fetch(sql::vacuum_bound(), &[resource.into(), kept.into()]).await?;
    let Some(record) = records.first() else { return Ok((0, 0)) };
    Ok((record.int("floor")?, record.int_or_null("bound")?.unwrap_or(0)))
}

/// The claim row, with what the journal says of an epoch and token of hot.
#[derive(Clone, Debug, Default)]
pub struct Head {
    /// The number that was claimed last.
    pub claimed: i64,
    /// The oldest epoch that readers may ask cold for.
    pub oldest_readable_epoch: i64,
    /// The mover that claimed it, and when, until it is done.
    pub mover: Option<(String, Timestamp)>,
    /// The last move that hot was seen to commit.
    pub confirmed: i64,
    /// Whether the journal has the move of hot's epoch and token.
    pub proven: bool,
}

/// Reads the claim row without a lock.
pub async fn head(
    cold: &dyn Engine,
    resource: &str,
    epoch: i64,
    token: Option<i64>,
) -> Result<Head, TierError> {
    let params = [resource.into(), epoch.into(), Value::or_null(token, ColumnType::Int)];
    // The journal is on each server, the one that is asked too.
    let statement = sql::head().in_shards_of("archive_head", WhichShards::Local);
    let records = cold.fetch(&statement, &params).await?;
    let Some(record) = records.first() else { return Ok(Head::default()) };
    Ok(Head {
        claimed: record.int("claimed")?,
        oldest_readable_epoch: record.int("floor")?,
        mover: record.text_or_null("mover")?.zip(record.time_or_null("claimed_at")?),
        confirmed: record.int_or_null("confirmed")?.unwrap_or(0),
        proven: record.bool("proven")?,
    })
}
