//! The state row of a resource in hot: its epoch, which changes in the transaction that moves the rows.

use std::collections::BTreeMap;

use super::queries::sql;
use super::{ConsistencyError, Disagreement, JournalError};
use thermocline_core::clock::Timestamp;
use thermocline_core::keyset::Key;
use thermocline_core::table::ColumnType;
use thermocline_database::{Begin, Engine, Record, Session, TierError, Value};

/// A state row.
#[derive(Clone, Copy, Debug, Default)]
pub struct State {
    /// The number of the pair; `None` before hot was paired.
    pub pair: Option<i64>,
    /// The number of the last move; 0 before any.
    pub epoch: i64,
    /// The token of that move, which tells it from a move of the same number in a restored database.
    pub token: Option<i64>,
    /// The key that no row in cold is above; `None` when cold holds no rows.
    pub cold_watermark: Option<Key>,
    /// Whether an operator keeps movers away.
    pub held: bool,
}

impl State {
    fn of(record: &Record) -> Result<Self, TierError> {
        Ok(Self {
            pair: record.int_or_null("pair")?,
            epoch: record.int("epoch")?,
            token: record.int_or_null("token")?,
            cold_watermark: record.key_or_null("cold_newest_at", "cold_newest_id")?,
            held: record.bool("held")?,
        })
    }
}

/// Locks the state row until the transaction ends, notes the mover in it, and returns it.
pub async fn lock(
    hot: &mut dyn Session,
    resource: &str,
    mover: &str,
    now: Timestamp,
) -> Result<State, JournalError> {
    let records = hot.fetch(sql::lock_state(), &[resource.into(), mover.into(), now.into()]).await?;
    one(resource, &records)
}

/// Returns the state row as it stays until the transaction ends. Waits for a commit that is under way.
pub async fn locked(hot: &mut dyn Session, resource: &str) -> Result<State, JournalError> {
    one(resource, &hot.fetch(sql::locked_state(), &[resource.into()]).await?)
}

/// Returns the state row without a lock.
pub async fn read(hot: &dyn Engine, resource: &str) -> Result<State, JournalError> {
    one(resource, &hot.fetch(sql::state(), &[resource.into()]).await?)
}

/// Returns the state row in the snapshot of the open transaction.
pub async fn read_in(hot: &mut dyn Session, resource: &str) -> Result<State, JournalError> {
    one(resource, &hot.fetch(sql::state(), &[resource.into()]).await?)
}

fn one(resource: &str, records: &[Record]) -> Result<State, JournalError> {
    match records.first() {
        Some(record) => Ok(State::of(record)?),
        None => Err(ConsistencyError::new(resource, Disagreement::StateRows(0)).into()),
    }
}

/// Raises the epoch to that of the move. The move has happened once this is committed.
pub async fn raise(
    hot: &mut dyn Session,
    resource: &str,
    (epoch, token): (i64, i64),
    cold_watermark: Option<Key>,
    now: Timestamp,
) -> Result<(), JournalError> {
    let params = [
        resource.into(),
        epoch.into(),
        token.into(),
        Value::or_null(cold_watermark.map(|key| key.at), ColumnType::Time),
        Value::or_null(cold_watermark.map(|key| key.id), ColumnType::Int),
        now.into(),
    ];
    match hot.execute(sql::raise(), &params).await? {
        1 => Ok(()),
        rows => Err(ConsistencyError::new(resource, Disagreement::StateRows(rows)).into()),
    }
}

/// Keeps movers away from a resource, or lets them in again, in the open transaction.
pub async fn hold(hot: &mut dyn Session, resource: &str, held: bool) -> Result<(), TierError> {
    hot.execute(sql::hold(), &[resource.into(), held.into()]).await.map(drop)
}

/// Keeps movers away from a resource, or lets them in again. A mover at work finishes its batch.
pub async fn set_held(hot: &dyn Engine, resource: &str, held: bool) -> Result<(), TierError> {
    let mut session = hot.session().await?;
    session.begin(Begin::Write).await?;
    hold(&mut *session, resource, held).await?;
    session.commit().await
}

/// Returns the epoch of each resource.
pub async fn epochs(hot: &dyn Engine) -> Result<BTreeMap<String, i64>, TierError> {
    let states = hot.fetch(sql::epochs(), &[]).await?;
    states.iter().map(|state| Ok((state.text("resource")?, state.int("epoch")?))).collect()
}
