//! The error of reading a list.

use thermocline_database::{Tier, TierError};
use thermocline_journal::ConsistencyError;

/// A list could not be read whole.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A tier that holds part of the answer failed.
    #[error(transparent)]
    Tier(#[from] TierError),
    /// The two databases disagree. An operator has to run `archive recover`.
    #[error(transparent)]
    Consistency(#[from] ConsistencyError),
    /// Hot has archived rows and no cold tier is configured.
    #[error("{resource} has archived rows and no cold tier is configured")]
    NoCold {
        /// The resource.
        resource: &'static str,
    },
    /// The epoch of this reader was vacuumed away at every attempt.
    #[error("{resource}: the epoch moved on faster than it could be read")]
    Overtaken {
        /// The resource.
        resource: &'static str,
    },
}

impl ReadError {
    /// Returns the tier that is missing, if waiting for it may help.
    pub const fn unavailable(&self) -> Option<Tier> {
        match self {
            Self::Tier(TierError::Unavailable { tier, .. } | TierError::Conflict { tier, .. }) => Some(*tier),
            Self::NoCold { .. } | Self::Overtaken { .. } => Some(Tier::Cold),
            Self::Tier(_) | Self::Consistency(_) => None,
        }
    }
}
