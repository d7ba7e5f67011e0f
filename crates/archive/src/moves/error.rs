//! The error of a move.

use thermocline_database::TierError;
use thermocline_journal::{ConsistencyError, JournalError};

/// A move did not happen.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// A tier failed; the next run undoes what is incomplete.
    #[error(transparent)]
    Tier(#[from] TierError),
    /// Another mover claimed a later number, so this move did not happen.
    #[error("{resource}: another mover is at work")]
    Overtaken {
        /// The resource.
        resource: &'static str,
    },
    /// The two databases disagree; nothing moves until an operator has run `archive recover`.
    #[error(transparent)]
    Consistency(#[from] ConsistencyError),
    /// Rows of the resource cannot leave hot without losing data or firing a trigger.
    #[error("{resource} is not moved: {detail}")]
    Obstructed {
        /// The resource.
        resource: &'static str,
        /// The obstacles.
        detail: String,
    },
    /// Some rows cannot be moved, and nothing was; the other rows can be moved without them.
    #[error("{resource}: cold cannot hold {} rows", rows.len())]
    Rejected {
        /// The resource.
        resource: &'static str,
        /// The id of each row of the resource, with the reason.
        rows: Vec<(i64, String)>,
    },
    /// The proof failed: the rows read back differ from the rows sent.
    #[error("{resource}: batch {epoch} was read back with differences: {detail}")]
    Unproven {
        /// The resource.
        resource: &'static str,
        /// The number of the batch.
        epoch: i64,
        /// The difference.
        detail: String,
    },
}

impl From<JournalError> for MoveError {
    fn from(error: JournalError) -> Self {
        match error {
            JournalError::Tier(error) => error.into(),
            JournalError::Consistency(error) => error.into(),
        }
    }
}
