//! `archive verify`: whether the archive still holds what it was given.
//!
//! Every check is a small step at one instant, so rows may move meanwhile and memory stays bounded: a batch of the journal
//! with its rows (`batch`), where these rows are now (`placement`), a run of counted blocks (`blocks`), user activity
//! (`activity`), and rows that nothing accounts for (`unaccounted`). Nothing is changed.

mod activity;
mod batch;
mod blocks;
mod placement;
mod report;
mod unaccounted;
mod verifier;

use std::time::Instant;

use self::blocks::BlockCursor;
pub use self::report::{Findings, VerifyReport, Violation, ViolationKind};
pub use self::verifier::Verifier;
use thermocline_database::TierError;

/// Blocks of one step. Their rows are counted in one snapshot, which should not stay open for long.
const BLOCKS_PER_STEP: i64 = 200;

impl Verifier<'_> {
    /// Checks one batch, if the journal has it, or the whole archive. Calls `progress` after every step.
    pub async fn run(
        &self,
        batch: Option<i64>,
        progress: &mut (dyn FnMut(&VerifyReport) + Send),
    ) -> Result<VerifyReport, TierError> {
        let begun = Instant::now();
        let mut report = VerifyReport::new(self.family.resource);
        let mut from = batch.unwrap_or(0);
        while let Some((epoch, findings)) = self.check_next_batch(from).await? {
            if batch.is_some_and(|batch| batch != epoch) {
                break;
            }
            report.add_batch(findings);
            report.seconds = begun.elapsed().as_secs_f64();
            progress(&report);
            if batch.is_some() {
                break;
            }
            from = epoch + 1;
        }
        if batch.is_none() {
            report.add(self.check_unaccounted().await?.violations);
            report.add(self.check_erased().await?.violations);
            report.add(self.check_folded_activity().await?.violations);
            let mut cursor = BlockCursor::default();
            while let Some(findings) = self.check_next_blocks(&mut cursor, BLOCKS_PER_STEP).await? {
                report.blocks += findings.blocks;
                report.add(findings.violations);
                report.seconds = begun.elapsed().as_secs_f64();
                progress(&report);
            }
        }
        report.seconds = begun.elapsed().as_secs_f64();
        Ok(report)
    }
}
