//! Rows that cannot move: what cold cannot hold, and what hot holds but cannot be read as what its column should be.
//!
//! Such a row never stops the others and is never changed: it stays in hot, is noted there with the reason, and is not
//! due any more. A child that cannot move holds the row it belongs to.

use std::sync::LazyLock;

use super::MoveError;
use super::family::{Family, Moved};
use crate::clock::Timestamp;
use crate::tier::{Begin, Engine, Statement, Tier, TierError, Value, hot_sql};

static REJECT: LazyLock<Statement> = LazyLock::new(|| hot_sql!("reject"));
static RETRY: LazyLock<Statement> = LazyLock::new(|| hot_sql!("retry"));

/// Refuses rows of a batch that `cold` cannot hold.
pub(super) fn check<'a>(
    cold: &dyn Engine,
    family: &Family,
    taken: impl Iterator<Item = (&'a Moved, &'a [Vec<Value>])>,
) -> Result<(), MoveError> {
    let mut rejected: Vec<(i64, String)> = Vec::new();
    for (moved, rows) in taken {
        for row in rows {
            let refused = row.iter().zip(moved.table.columns).find_map(|(value, column)| {
                cold.refuses(value).map(|problem| format!("{} {problem}", column.name))
            });
            let owner = row[moved.owner].int();
            if let Some(problem) = refused
                && rejected.iter().all(|(id, _)| *id != owner)
            {
                rejected.push((owner, format!("row {} of {}: {problem}", row[0].int(), moved.table.name)));
            }
        }
    }
    if rejected.is_empty() {
        return Ok(());
    }
    Err(MoveError::Rejected { resource: family.resource, rows: rejected })
}

/// What it means that the rows of `ids` could not be read: of a single one, that it cannot move.
pub(super) fn unreadable(family: &Family, moved: &Moved, ids: &Value, error: TierError) -> MoveError {
    match (ids, &error) {
        (Value::Ints(ids), TierError::Row { tier: Tier::Hot, column, problem, .. }) if ids.len() == 1 => {
            let reason = format!("{}: {column} {problem}", moved.table.name);
            MoveError::Rejected { resource: family.resource, rows: vec![(ids[0], reason)] }
        }
        _ => error.into(),
    }
}

/// Notes in hot that rows cannot move.
pub(super) async fn note(
    hot: &dyn Engine,
    family: &Family,
    now: Timestamp,
    rows: &[(i64, String)],
) -> Result<(), TierError> {
    let mut session = hot.session().await?;
    session.begin(Begin::Write).await?;
    for (id, reason) in rows {
        let params = [family.resource.into(), (*id).into(), reason.as_str().into(), now.into()];
        session.execute(&REJECT, &params).await?;
        tracing::warn!(resource = family.resource, id, reason, "stays in hot");
    }
    session.commit().await
}

/// Makes the rejects of a resource due again, for after their rows were mended; returns how many there were. Those
/// that still cannot move are noted again.
pub async fn retry(hot: &dyn Engine, family: &Family) -> Result<u64, TierError> {
    let mut session = hot.session().await?;
    session.begin(Begin::Write).await?;
    let retried = session.execute(&RETRY, &[family.resource.into()]).await?;
    session.commit().await?;
    Ok(retried)
}
