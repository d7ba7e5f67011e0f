//! Rows that cannot move: values that cold cannot hold, and values of hot that cannot be read as their column's type.
//!
//! Such a row does not stop other rows and is never changed: it stays in hot, is noted there with the reason, and is not
//! due any more. A child that cannot move keeps the row it belongs to.

use super::MoveError;
use super::queries::sql;
use super::rows::Rows;
use crate::model::{Family, Moved};
use thermocline_core::clock::Timestamp;
use thermocline_database::{Begin, Engine, Tier, TierError, Value};

/// Fails if `cold` cannot hold rows of a batch.
pub fn check(cold: &dyn Engine, family: &Family, taken: &[Rows<'_>]) -> Result<(), MoveError> {
    let mut rejected: Vec<(i64, String)> = Vec::new();
    for Rows { moved, rows } in taken {
        for row in rows {
            let reason = row.iter().zip(moved.table.columns).find_map(|(value, column)| {
                cold.reject_reason(value).map(|problem| format!("{} {problem}", column.name))
            });
            let owner = row[moved.owner].int();
            if let Some(reason) = reason
                && rejected.iter().all(|(id, _)| *id != owner)
            {
                rejected.push((owner, format!("row {} of {}: {reason}", row[0].int(), moved.table.name)));
            }
        }
    }
    if rejected.is_empty() {
        return Ok(());
    }
    Err(MoveError::Rejected { resource: family.resource, rows: rejected })
}

/// Maps an error of reading the rows of `ids`: a single row that cannot be read cannot move.
pub fn unreadable(family: &Family, moved: &Moved, ids: &Value, error: TierError) -> MoveError {
    match (ids, &error) {
        (Value::Ints(ids), TierError::Row { tier: Tier::Hot, column, problem, .. }) if ids.len() == 1 => {
            let reason = format!("{}: {column} {problem}", moved.table.name);
            MoveError::Rejected { resource: family.resource, rows: vec![(ids[0], reason)] }
        }
        _ => error.into(),
    }
}

/// Notes in hot that rows cannot move.
pub async fn note(
    hot: &dyn Engine,
    family: &Family,
    now: Timestamp,
    rows: &[(i64, String)],
) -> Result<(), TierError> {
    let mut session = hot.session().await?;
    session.begin(Begin::Write).await?;
    for (id, reason) in rows {
        let params = [family.resource.into(), (*id).into(), reason.as_str().into(), now.into()];
        session.execute(sql::reject(), &params).await?;
        tracing::warn!(resource = family.resource, id, reason, "stays in hot");
    }
    session.commit().await
}

/// Makes the rejected rows of a resource due again, after they were repaired. Returns how many there were. Rows that still
/// cannot move are noted again by the next run.
pub async fn retry(hot: &dyn Engine, family: &Family) -> Result<u64, TierError> {
    let mut session = hot.session().await?;
    session.begin(Begin::Write).await?;
    let retried = session.execute(sql::retry(), &[family.resource.into()]).await?;
    session.commit().await?;
    Ok(retried)
}
