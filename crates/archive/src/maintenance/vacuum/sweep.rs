//! One vacuum of a resource: how far it may go, and what it reports.

use serde::Serialize;

use crate::fail_point;
use crate::model::Family;
use thermocline_core::clock::Clock;
use thermocline_database::{Begin, Engine, Session, TierError};
use thermocline_journal::claim;

/// Vacuums one resource of cold.
#[derive(Clone, Copy, Debug)]
pub struct Vacuum<'a> {
    /// The cold tier.
    pub cold: &'a dyn Engine,
    /// The time.
    pub clock: &'a Clock,
    /// The resource.
    pub family: &'a Family,
    /// The time for which closed versions are kept after their move, in microseconds. A backup of hot that is older cannot be
    /// recovered completely.
    pub keep: i64,
}

/// The report of a vacuum of a resource, done or planned.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VacuumReport {
    /// The resource.
    pub resource: &'static str,
    /// The last move whose closed versions are old enough to be removed.
    pub upto: i64,
    /// The oldest readable epoch afterwards. Erasures raise it too, so it may be above `upto`.
    #[serde(rename = "floor")]
    pub oldest_readable_epoch: i64,
    /// Closed versions that were removed.
    pub versions: i64,
    /// Deltas of counted blocks that were folded into another.
    pub deltas: i64,
    /// Deltas of user activity that were folded into another, or came to 0.
    pub actions: i64,
    /// Blocks that were signed, so that a search can skip them.
    pub signatures: i64,
    /// Whether it was stopped before it was done.
    pub stopped: bool,
    /// The duration in seconds.
    pub seconds: f64,
}

impl Vacuum<'_> {
    /// Starts the report of a vacuum for the oldest readable epoch and the bound of [`Vacuum::lock_bound`].
    pub(super) fn report(&self, (oldest, upto): (i64, i64)) -> VacuumReport {
        VacuumReport {
            resource: self.family.resource,
            upto,
            oldest_readable_epoch: oldest.max(upto),
            versions: 0,
            deltas: 0,
            actions: 0,
            signatures: 0,
            stopped: false,
            seconds: 0.0,
        }
    }

    /// Locks the claim row; returns the oldest readable epoch and the last epoch it may be raised to.
    pub(super) async fn lock_bound(&self, cold: &mut dyn Session) -> Result<(i64, i64), TierError> {
        let kept = self.clock.now().plus(self.keep.saturating_neg());
        claim::vacuum_bound(cold, self.family.resource, kept).await
    }

    /// Raises the oldest readable epoch to the bound; returns what [`Vacuum::lock_bound`] does.
    pub(super) async fn raise_oldest_readable_epoch(
        &self,
        cold: &mut dyn Session,
    ) -> Result<(i64, i64), TierError> {
        cold.begin(Begin::Write).await?;
        let (oldest, bound) = self.lock_bound(cold).await?;
        if bound > oldest {
            claim::raise_oldest_readable_epoch(cold, self.family.resource, bound).await?;
        }
        fail_point::reached("raising-floor");
        cold.commit().await?;
        fail_point::reached("raised-floor");
        Ok((oldest, bound))
    }
}
