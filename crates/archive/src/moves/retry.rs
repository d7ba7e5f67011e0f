//! Retries of a batch.

use std::time::Duration;

use async_trait::async_trait;

use super::MoveError;
use super::rows::MovedBatch;

/// The largest number of attempts of a batch.
const ATTEMPTS: u32 = 8;
/// The pause before the second attempt. Each later pause is twice as long, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

/// A batch that can be attempted again.
#[async_trait]
pub trait Attempt: Sync {
    /// Moves the batch; returns `None` when there was nothing to do.
    async fn attempt(&self) -> Result<Option<MovedBatch>, MoveError>;

    /// Returns whether to stop when another mover overtakes this one, because that mover does the same work.
    fn yields(&self) -> bool {
        false
    }
}

/// Moves a batch. Retries with exponential backoff on lock conflicts, and after another mover unless the batch yields;
/// the next claim undoes what a failed attempt left.
pub async fn retry_on_conflict(batch: &dyn Attempt) -> Result<Option<MovedBatch>, MoveError> {
    let (mut attempt, mut pause) = (1, FIRST_PAUSE);
    loop {
        match batch.attempt().await {
            Err(error) if is_transient(&error, batch.yields()) && attempt < ATTEMPTS => {
                tracing::warn!(%error, attempt, "trying the batch again");
                tokio::time::sleep(pause).await;
                (attempt, pause) = (attempt + 1, LONGEST_PAUSE.min(pause * 2));
            }
            other => return other,
        }
    }
}

const fn is_transient(error: &MoveError, yields: bool) -> bool {
    match error {
        MoveError::Tier(error) => error.is_conflict(),
        MoveError::Overtaken { .. } => !yields,
        _ => false,
    }
}
