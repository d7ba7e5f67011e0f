//! One list out of two tiers.
//!
//! A reader takes the **epoch** and its hot rows in one statement, and then reads cold at exactly that epoch. The
//! mover raises the epoch in the transaction that removes the rows from hot, after their cold copy is committed, so
//! hot at E and cold at E are disjoint and together they are the whole list, at every instant, also while rows move.
//!
//! Only this room skips rows: offsets, totals and cursors over two tiers are worked out here ([`window`], with the
//! pure part in [`merge`]), and the tiers are asked for slices and counts they can answer alone ([`reads`]).
//! [`sql`] answers those from any [`crate::tier::Engine`]. No HTTP, and no resource, may enter.

pub mod merge;
pub mod reads;
pub mod sql;
pub mod window;

mod blocks;
mod fit;
mod memory;

pub use memory::Memory;
pub use reads::{ColdCount, ColdError, Hot, HotCount, HotRows, List, Mark};
pub use window::{Count, Page, Tiers};

use crate::tier::{Tier, TierError};

/// A row and the tier it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed<R> {
    /// The row.
    pub row: R,
    /// Whether it came from cold.
    pub from_archive: bool,
}

/// A list could not be read whole.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A tier that holds part of the answer did not give it.
    #[error(transparent)]
    Tier(#[from] TierError),
    /// The two databases do not belong to the same instant: one of them was restored from a backup, or they are no
    /// pair. An operator has to run `archive recover`.
    #[error("{resource}: {detail}")]
    RecoverDue {
        /// The resource.
        resource: &'static str,
        /// What does not fit.
        detail: String,
    },
    /// Hot has archived rows and no cold tier is configured.
    #[error("{resource} has archived rows and no cold tier is configured")]
    NoCold {
        /// The resource.
        resource: &'static str,
    },
    /// The epoch this reader held was vacuumed away, again and again.
    #[error("{resource}: the epoch moved on faster than it could be read")]
    Overtaken {
        /// The resource.
        resource: &'static str,
    },
}

impl ReadError {
    /// The tier that is missing, if waiting for it may help.
    pub const fn unavailable(&self) -> Option<Tier> {
        match self {
            Self::Tier(TierError::Unavailable { tier, .. } | TierError::Conflict { tier, .. }) => Some(*tier),
            Self::NoCold { .. } | Self::Overtaken { .. } => Some(Tier::Cold),
            Self::Tier(_) | Self::RecoverDue { .. } => None,
        }
    }
}
