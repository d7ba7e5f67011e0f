//! The loop around the batches of a purge.

use std::sync::atomic::AtomicBool;
use std::time::Instant;

use super::outcome::Outcome;
use super::report::RunReport;
use super::steering::Steering;
use crate::model::{Family, Selection};
use crate::moves::purge::Purge;
use crate::moves::retry::retry_on_conflict;
use crate::moves::{MoveError, Mover};
use thermocline_core::clock::Timestamp;

impl Mover<'_> {
    /// Removes the archived rows of one resource that are older than `before`, for good, in batches of `rows` rows. Only what the
    /// move `last` and earlier ones brought goes. Calls `progress` after every batch; `stop` ends the purge after the current one.
    pub async fn purge(
        &self,
        family: &Family,
        (before, last): (Timestamp, i64),
        rows: i64,
        stop: &AtomicBool,
        progress: &mut (dyn FnMut(&RunReport) + Send),
    ) -> RunReport {
        let begun = Instant::now();
        let mut report = RunReport::new(family.resource);
        let selection = Selection::Span(Timestamp::MIN, before);
        let outcome = self.purge_batches(family, (selection, last), rows, stop, &mut report, progress).await;
        report.end(outcome, begun)
    }

    async fn purge_batches(
        &self,
        family: &Family,
        (selection, last): (Selection, i64),
        rows: i64,
        stop: &AtomicBool,
        report: &mut RunReport,
        progress: &mut (dyn FnMut(&RunReport) + Send),
    ) -> Result<Outcome, MoveError> {
        self.finish_erasures(family).await?;
        let purge = Purge::new(self, family, selection, last, rows).await?;
        report.set_due(self.restorable(family, selection).await);
        progress(report);
        let mut steering = Steering::new(self.hot, family.resource);
        let outcome = loop {
            if let Some(ended) = steering.wait(report, progress, stop).await? {
                break ended;
            }
            let Some(moved) = retry_on_conflict(&purge).await? else {
                break if self.is_held(family).await? { Outcome::Held } else { Outcome::Done };
            };
            steering.moved(moved.rows);
            report.add(&moved);
            progress(report);
        };
        // The versions of the last batch are still there. Otherwise the next move removes them.
        self.finish_erasures(family).await?;
        Ok(outcome)
    }
}
