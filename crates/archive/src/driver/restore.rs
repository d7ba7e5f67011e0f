//! The loop around the batches of a restore, and holding a resource.

use std::sync::atomic::AtomicBool;
use std::time::Instant;

use super::outcome::Outcome;
use super::report::RunReport;
use super::steering::Steering;
use crate::model::{Family, Selection};
use crate::moves::parents::Left;
use crate::moves::restore::Restore;
use crate::moves::retry::retry_on_conflict;
use crate::moves::{MoveError, Mover};
use thermocline_database::TierError;
use thermocline_journal::state;

impl Mover<'_> {
    /// Returns how many rows of a resource's own table are selected; changes nothing.
    pub async fn restorable(&self, family: &Family, selection: Selection) -> Result<i64, TierError> {
        let (statement, params) = selection.count(family);
        let records = self.cold.fetch(&statement, &params).await?;
        records.first().map_or(Ok(0), |record| record.int("n"))
    }

    /// Brings back the selected rows of one resource in batches of `rows` rows, and holds it. Calls `progress` after every
    /// batch; `stop` ends the restore after the current one.
    pub async fn restore(
        &self,
        family: &Family,
        selection: Selection,
        rows: i64,
        stop: &AtomicBool,
        progress: &mut (dyn FnMut(&RunReport) + Send),
    ) -> RunReport {
        let begun = Instant::now();
        let mut report = RunReport::new(family.resource);
        let outcome = self.restore_batches(family, selection, rows, stop, &mut report, progress).await;
        report.end(outcome, begun)
    }

    async fn restore_batches(
        &self,
        family: &Family,
        selection: Selection,
        rows: i64,
        stop: &AtomicBool,
        report: &mut RunReport,
        progress: &mut (dyn FnMut(&RunReport) + Send),
    ) -> Result<Outcome, MoveError> {
        let restore = Restore::new(self, family, selection, rows).await?;
        self.finish_erasures(family).await?;
        report.set_due(self.restorable(family, selection).await);
        progress(report);
        let mut steering = Steering::of_restore(self.hot, family.resource);
        loop {
            if let Some(ended) = steering.wait(report, progress, stop).await? {
                return Ok(ended);
            }
            let moved = retry_on_conflict(&restore).await?;
            let Left { rows, first } = restore.left();
            (report.left, report.lacking) = (rows, first);
            let Some(moved) = moved else { return Ok(Outcome::Done) };
            steering.moved(moved.rows);
            report.add(&moved);
            progress(report);
        }
    }

    /// Returns whether an operator keeps movers away from a resource.
    pub async fn is_held(&self, family: &Family) -> Result<bool, MoveError> {
        Ok(state::read(self.hot, family.resource).await?.held)
    }

    /// Keeps movers away from a resource. A mover at work finishes its batch.
    pub async fn hold(&self, family: &Family) -> Result<(), TierError> {
        state::set_held(self.hot, family.resource, true).await
    }

    /// Lets movers work on a resource again.
    pub async fn resume(&self, family: &Family) -> Result<(), TierError> {
        state::set_held(self.hot, family.resource, false).await
    }
}
