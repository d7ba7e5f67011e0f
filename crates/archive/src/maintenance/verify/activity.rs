//! The counts of user activity against the rows they count.
//!
//! Above the oldest readable epoch each move has counted what it brought and closed, and is checked with its batch. Up to
//! there vacuum has folded the counts, and their sums must be those of the versions visible at that epoch: one statement for
//! each action, which returns the differences alone.

use super::report::{Findings, ViolationKind};
use super::verifier::Verifier;
use crate::maintenance::queries::{miscounted_actions, sql};
use crate::model::{Action, Moved};
use thermocline_database::{Session, TierError};
use thermocline_journal::claim;

impl Verifier<'_> {
    fn actions(&self) -> impl Iterator<Item = (&Moved, &Action)> {
        self.family.tables.iter().filter_map(|moved| Some((moved, moved.action.as_ref()?)))
    }

    /// Checks what the moves between two epochs, both included, have counted.
    pub(super) async fn check_activity(
        &self,
        cold: &mut dyn Session,
        (first, last): (i64, i64),
        findings: &mut Findings,
    ) -> Result<(), TierError> {
        let batch = (first == last).then_some(first);
        for (moved, action) in self.actions() {
            let name = action.name;
            let params = [self.family.resource.into(), name.into(), first.into(), last.into()];
            for record in cold.fetch(&miscounted_actions(self.family, moved, action), &params).await? {
                let (user, day) = (record.int("user_id")?, record.date("day")?);
                let (counted, n) = (record.int("counted")?, record.int("n")?);
                let detail =
                    format!("{name} of user {user} on {day} is counted {counted} times, cold holds {n}");
                findings.violation(ViolationKind::Behavior, batch, detail);
            }
        }
        Ok(())
    }

    /// Checks the counts up to the oldest readable epoch, and finds counts that nothing accounts for.
    pub(super) async fn check_folded_activity(&self) -> Result<Findings, TierError> {
        let mut findings = Findings::default();
        let mut cold = self.read_cold().await?;
        for record in cold.fetch(sql::counted_actions(), &[self.family.resource.into()]).await? {
            let (name, n) = (record.text("action")?, record.int("n")?);
            if !self.actions().any(|(_, action)| action.name == name) {
                let detail = format!("{n} counts of the unknown action {name:?}");
                findings.violation(ViolationKind::Behavior, None, detail);
            }
        }
        for record in cold.fetch(sql::unaccounted_actions(), &[self.family.resource.into()]).await? {
            let (epoch, n) = (record.int("epoch")?, record.int("n")?);
            let detail = format!("{n} counts of user activity name this move, which is not in the journal");
            findings.violation(ViolationKind::Journal, Some(epoch), detail);
        }
        let oldest = claim::oldest_readable_epoch(&mut *cold, self.family.resource).await?;
        if oldest > 0 {
            self.check_activity(&mut *cold, (0, oldest), &mut findings).await?;
        }
        cold.rollback().await?;
        Ok(findings)
    }
}
