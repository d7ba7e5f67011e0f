//! Moving rows from hot to cold, one numbered batch at a time.
//!
//! The cold copy is committed first and invisible; it is read back and proven; then one hot transaction removes the
//! rows and raises the epoch. **That commit is the move**: everything before it is invisible, nothing after it is
//! needed, so a mover may die anywhere. [`steps`] has what all moves share, [`batch`] the way from
//! hot to cold, [`restore`] the way back, [`run`] the loop, [`pair`] what makes two databases one pair. How a resource moves is a [`Family`], which the resource declares; no resource may enter here.

pub mod batch;
mod behavior;
pub mod blocks;
pub mod chosen;
pub mod digest;
pub mod due;
pub mod erase;
mod fail_point;
pub mod family;
pub mod measure;
mod obstacles;
mod pace;
pub mod pair;
mod parents;
pub mod recover;
pub mod rejects;
pub mod restore;
pub mod run;
pub mod schedule;
mod settle;
pub mod status;
pub mod steps;
mod stopwatch;
pub mod vacuum;
pub mod verify;

pub use blocks::BlockSizes;
pub use chosen::{Archived, Chosen};
pub use due::{Due, Rule};
pub use family::{Family, Moved};
pub use recover::{Choices, Consent, InDoubt, Recovery};
pub use rejects::retry as retry_rejects;
pub use run::{Mover, Outcome, Plan, Report};
pub use stopwatch::Steps;

use crate::tier::TierError;

/// A move did not happen.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// A tier failed; the next run undoes what is half done.
    #[error(transparent)]
    Tier(#[from] TierError),
    /// Another mover has claimed a later number: what this one was at did not happen.
    #[error("{resource}: another mover is at work")]
    Overtaken {
        /// The resource.
        resource: &'static str,
    },
    /// The two databases do not fit together; nothing is moved before an operator has looked.
    #[error("{resource}: {detail}; run `thermocline archive recover`")]
    RecoverDue {
        /// The resource.
        resource: &'static str,
        /// What does not fit.
        detail: String,
    },
    /// Rows of the resource cannot leave hot without losing something, or without a trigger's running.
    #[error("{resource} is not moved: {detail}")]
    Obstructed {
        /// The resource.
        resource: &'static str,
        /// What stands in the way.
        detail: String,
    },
    /// Some rows cannot be moved, and nothing was; without them the rest can.
    #[error("{resource}: cold cannot hold {} rows", rows.len())]
    Rejected {
        /// The resource.
        resource: &'static str,
        /// Id and reason of each, of the resource itself.
        rows: Vec<(i64, String)>,
    },
    /// What cold gave back is not what hot had given.
    #[error("{resource}: batch {epoch} did not come back from cold as it went in: {detail}")]
    Unproven {
        /// The resource.
        resource: &'static str,
        /// The number of the batch.
        epoch: i64,
        /// What differs.
        detail: String,
    },
}

impl MoveError {
    /// Whether it is worth trying again at once: a lock that will go, or another mover, to which one that `yields`
    /// leaves the turn.
    const fn is_passing(&self, yields: bool) -> bool {
        match self {
            Self::Tier(error) => error.is_conflict(),
            Self::Overtaken { .. } => !yields,
            _ => false,
        }
    }
}
