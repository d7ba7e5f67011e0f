//! Whether the journal of cold knows the last move of hot, told by its epoch and token.

use super::queries::sql;
use super::{ConsistencyError, Disagreement, JournalError};
use thermocline_core::table::ColumnType;
use thermocline_database::{Engine, Record, Session, TierError, Value};

/// Returns whether the journal has the move. Epoch 0 is before the first move.
pub async fn knows(
    cold: &dyn Engine,
    resource: &str,
    epoch: i64,
    token: Option<i64>,
) -> Result<bool, TierError> {
    Ok(epoch == 0 || is_one(&cold.fetch(sql::proven(), &params(resource, epoch, token)).await?)?)
}

/// The same in an open transaction.
pub async fn knows_in(
    cold: &mut dyn Session,
    resource: &str,
    epoch: i64,
    token: Option<i64>,
) -> Result<bool, TierError> {
    Ok(epoch == 0 || is_one(&cold.fetch(sql::proven(), &params(resource, epoch, token)).await?)?)
}

/// Fails unless the journal of cold has the move. Without a cold tier it always fails.
pub async fn ensure_known(
    cold: Option<&dyn Engine>,
    resource: &str,
    epoch: i64,
    token: Option<i64>,
) -> Result<(), JournalError> {
    if let Some(cold) = cold
        && knows(cold, resource, epoch, token).await?
    {
        return Ok(());
    }
    Err(ConsistencyError::new(resource, Disagreement::UnknownMove(epoch)).into())
}

fn params(resource: &str, epoch: i64, token: Option<i64>) -> [Value; 3] {
    [resource.into(), epoch.into(), Value::or_null(token, ColumnType::Int)]
}

fn is_one(records: &[Record]) -> Result<bool, TierError> {
    Ok(records.first().map(|record| record.int("n")).transpose()? == Some(1))
}
