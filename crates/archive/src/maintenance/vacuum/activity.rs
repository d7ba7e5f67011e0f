//! Folding the counts of user activity: one for each user, day and action, and none where the sum is 0.
//!
//! Sums of 0 are removed, so that an erased user leaves no trace of past activity.

use std::sync::atomic::{AtomicBool, Ordering};

use super::sweep::{Vacuum, VacuumReport};
use crate::maintenance::queries::{first_int, sql};
use thermocline_database::{Begin, Session, TierError, Value};

/// Users whose counts are folded in one transaction.
const USERS: i64 = 100;

impl Vacuum<'_> {
    fn has_activity(&self) -> bool {
        self.family.tables.iter().any(|moved| moved.action.is_some())
    }

    /// Counts the deltas that would be folded or removed.
    pub(super) async fn count_actions(&self, cold: &mut dyn Session, upto: i64) -> Result<i64, TierError> {
        if !self.has_activity() {
            return Ok(0);
        }
        let params = [upto.into(), self.family.resource.into()];
        first_int(&cold.fetch(sql::count_foldable_actions(), &params).await?, "n")
    }

    /// Folds the deltas up to the oldest readable epoch, some users in each transaction.
    pub(super) async fn fold_actions(
        &self,
        cold: &mut dyn Session,
        report: &mut VacuumReport,
        stop: &AtomicBool,
    ) -> Result<(), TierError> {
        let upto = report.oldest_readable_epoch;
        if upto == 0 || !self.has_activity() {
            return Ok(());
        }
        let mut last = i64::MIN;
        while !stop.load(Ordering::Relaxed) {
            let records = cold.fetch(sql::next_users(), &[last.into(), USERS.into()]).await?;
            let users: Vec<i64> =
                records.iter().map(|record| record.int("user_id")).collect::<Result<_, _>>()?;
            let Some(highest) = users.last().copied() else { break };
            last = highest;
            let params: [Value; 3] = [users.into(), upto.into(), self.family.resource.into()];
            cold.begin(Begin::Write).await?;
            // The lock keeps a second vacuum from folding the same deltas.
            self.lock_bound(cold).await?;
            cold.execute(sql::fold_actions(), &params).await?;
            report.actions += cold.execute(sql::drop_folded_actions(), &params).await?.cast_signed();
            cold.commit().await?;
        }
        Ok(())
    }
}
