//! The error that the two databases disagree.

use super::kind::MoveKind;
use thermocline_database::TierError;

/// The two databases of a pair disagree about a resource: one of them was restored from a backup, or damaged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{resource}: {disagreement}; run `thermocline archive recover`")]
pub struct ConsistencyError {
    /// The resource.
    pub resource: String,
    /// The disagreement.
    pub disagreement: Disagreement,
}

impl ConsistencyError {
    /// Creates the error of a resource.
    pub fn new(resource: &str, disagreement: Disagreement) -> Self {
        Self { resource: resource.to_owned(), disagreement }
    }
}

/// A disagreement of the databases.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant has its message")]
pub enum Disagreement {
    #[error("cold has no claim row")]
    NoClaimRow,
    #[error("hot has {0} state rows")]
    StateRows(u64),
    #[error("hot belongs to no pair and has moved nothing, and cold has a history")]
    Unpaired,
    #[error("cold gives out number {number}, hot is at epoch {epoch}")]
    NumberTaken { number: i64, epoch: i64 },
    #[error("cold does not know move {0} of this hot")]
    UnknownMove(i64),
    #[error("cold has confirmed move {confirmed}, hot is at epoch {epoch}")]
    ConfirmedAbove { confirmed: i64, epoch: i64 },
    #[error("hot has been at epoch {seen} and is at epoch {epoch}")]
    HotWentBack { seen: i64, epoch: i64 },
    #[error("cold was vacuumed past epoch {0}, where hot is")]
    Vacuumed(i64),
    #[error("cold was inconsistent with hot and cannot be asked again: {0}")]
    Quarantined(String),
    #[error("move {0} of kind {1} looks interrupted")]
    InterruptedKind(i64, MoveKind),
    #[error("{kind} {epoch} looks interrupted, but hot {} {row}", if *held { "holds" } else { "does not hold" })]
    NotInterrupted { kind: MoveKind, epoch: i64, held: bool, row: String },
}

/// A use of the journal failed.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// A tier failed.
    #[error(transparent)]
    Tier(#[from] TierError),
    /// The databases disagree.
    #[error(transparent)]
    Consistency(#[from] ConsistencyError),
}
