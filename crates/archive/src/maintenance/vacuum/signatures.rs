//! Signing blocks: those that were counted before there were signatures, or that rows have entered or left since.

use std::sync::atomic::{AtomicBool, Ordering};

use super::sweep::{Vacuum, VacuumReport};
use crate::counts::blocks::{rows_between, sign_blocks, signature};
use crate::fail_point;
use crate::maintenance::queries::{first_int, sql};
use crate::model::Blocks;
use thermocline_core::clock::Timestamp;
use thermocline_core::keyset::Key;
use thermocline_database::{Begin, Session, TierError};
use thermocline_journal::claim;

/// Blocks that are signed in one transaction, during which no move ends.
const BLOCKS: i64 = 20;

impl Vacuum<'_> {
    fn signed_blocks(&self) -> Option<&Blocks> {
        self.family.blocks.as_ref().filter(|blocks| blocks.signatures.is_some())
    }

    /// Locks the claim row; returns the last move up to which all are known to have happened.
    async fn settled(&self, cold: &mut dyn Session) -> Result<i64, TierError> {
        Ok(claim::vacuum_bound(cold, self.family.resource, Timestamp::MAX).await?.1)
    }

    /// Counts the blocks that would be signed.
    pub(super) async fn count_unsigned(&self, cold: &mut dyn Session) -> Result<i64, TierError> {
        let Some(blocks) = self.signed_blocks() else { return Ok(0) };
        let params = [i64::MAX.into(), Key::MAX.at.into()];
        first_int(&cold.fetch(&blocks.sql(sql::count_unsigned_blocks()), &params).await?, "n")
    }

    /// Signs the blocks that have no signature which holds, some in each transaction, and removes the signatures that hold no
    /// more.
    ///
    /// A block whose last move may still be undone is left out: that would open rows again which the signature lacks.
    pub(super) async fn sign(
        &self,
        cold: &mut dyn Session,
        report: &mut VacuumReport,
        stop: &AtomicBool,
    ) -> Result<(), TierError> {
        let Some(blocks) = self.signed_blocks() else { return Ok(()) };
        let [unsigned, left] =
            [sql::unsigned_blocks(), sql::drop_left_signatures()].map(|template| blocks.sql(template));
        let mut after = (i64::MIN, Key::MIN);
        while !stop.load(Ordering::Relaxed) {
            cold.begin(Begin::Write).await?;
            // The lock keeps rows and counts unchanged.
            let settled = self.settled(cold).await?;
            let (scope, upper) = after;
            let params = [
                scope.into(),
                upper.at.into(),
                upper.id.into(),
                settled.into(),
                Key::MAX.at.into(),
                BLOCKS.into(),
            ];
            let records = cold.fetch(&unsigned, &params).await?;
            for record in &records {
                let scope = record.int("scope")?;
                let upper = Key::new(record.time("upper_at")?, record.int("upper_id")?);
                after = (scope, upper);
                let bits = self.signature(cold, blocks, after).await?;
                sign_blocks(cold, blocks, record.int("from_epoch")?, vec![(scope, upper, bits)]).await?;
                report.signatures += 1;
            }
            fail_point::reached("signing");
            cold.commit().await?;
            fail_point::reached("signed");
            if (records.len() as i64) < BLOCKS {
                break;
            }
        }
        cold.begin(Begin::Write).await?;
        let settled = self.settled(cold).await?;
        cold.execute(&left, &[settled.into()]).await?;
        cold.commit().await
    }

    /// Returns the signature of the block of a scope below an upper bound.
    async fn signature(
        &self,
        cold: &mut dyn Session,
        blocks: &Blocks,
        (scope, upper): (i64, Key),
    ) -> Result<Vec<u8>, TierError> {
        let params = [scope.into(), 0.into(), upper.at.into(), upper.id.into()];
        let lower = match cold.fetch(&blocks.sql(sql::block_before()), &params).await?.first() {
            Some(record) => Key::new(record.time("upper_at")?, record.int("upper_id")?),
            None => Key::MIN,
        };
        Ok(signature(&rows_between(cold, blocks, scope, (lower, upper)).await?))
    }
}
