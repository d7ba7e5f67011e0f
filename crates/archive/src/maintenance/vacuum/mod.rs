//! `archive vacuum`: removes from cold what no reader may see any more.
//!
//! Versions closed by old enough moves are removed (`versions`); the deltas of counted blocks (`blocks`) and of user
//! activity (`activity`) up to there are folded into one. Blocks without a signature are signed (`signatures`). The epoch of the last such move becomes the oldest readable
//! epoch first: a reader of an older epoch then discards the answer of cold and asks hot again, so no reader sees a
//! half-removed state. Every transaction is small and leaves a consistent archive, so vacuum may be killed at any
//! moment; the next run continues. Hot is not touched.
//!
//! A removed row leaves the count and the digest of the batch it came with in the same transaction, so the journal
//! always describes what cold holds. The oldest readable epoch never passes a move that is not confirmed: undoing that
//! move reopens what it closed.

mod activity;
mod blocks;
mod signatures;
mod sweep;
mod versions;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

pub use self::sweep::{Vacuum, VacuumReport};
use super::queries::{ACTIVITY, analyze};
use crate::fail_point;
use thermocline_database::{Begin, Session, TierError};

impl Vacuum<'_> {
    /// Returns what [`Vacuum::run`] would do, and changes nothing.
    pub async fn count(&self) -> Result<VacuumReport, TierError> {
        let begun = Instant::now();
        let mut cold = self.cold.session().await?;
        let cold = &mut *cold;
        cold.begin(Begin::Write).await?;
        let bound = self.lock_bound(cold).await?;
        cold.rollback().await?;
        let mut report = self.report(bound);
        cold.begin(Begin::Read).await?;
        report.versions = self.count_versions(cold, report.upto).await?;
        report.deltas = self.count_deltas(cold, report.upto).await?;
        report.actions = self.count_actions(cold, report.oldest_readable_epoch).await?;
        report.signatures = self.count_unsigned(cold).await?;
        cold.rollback().await?;
        report.seconds = begun.elapsed().as_secs_f64();
        Ok(report)
    }

    /// Runs until done or told to stop.
    pub async fn run(&self, stop: &AtomicBool) -> Result<VacuumReport, TierError> {
        let begun = Instant::now();
        let mut cold = self.cold.session().await?;
        let cold = &mut *cold;
        let mut report = self.report(self.raise_oldest_readable_epoch(cold).await?);
        self.remove_versions(cold, &mut report, stop).await?;
        self.fold_deltas(cold, &mut report, stop).await?;
        self.fold_actions(cold, &mut report, stop).await?;
        self.sign(cold, &mut report, stop).await?;
        report.stopped = stop.load(Ordering::Relaxed);
        if !report.stopped {
            self.analyze(cold).await?;
        }
        report.seconds = begun.elapsed().as_secs_f64();
        Ok(report)
    }

    /// Refreshes the planner's statistics.
    async fn analyze(&self, cold: &mut dyn Session) -> Result<(), TierError> {
        let tables = self.family.tables.iter().map(|moved| moved.archived);
        for table in tables.chain(self.family.counted()).chain([ACTIVITY]) {
            cold.begin(Begin::Write).await?;
            cold.execute(&analyze(table), &[]).await?;
            cold.commit().await?;
            fail_point::reached("analyzed");
        }
        Ok(())
    }
}
