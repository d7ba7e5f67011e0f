//! Folding the deltas of counted blocks.

use std::sync::atomic::{AtomicBool, Ordering};

use super::sweep::{Vacuum, VacuumReport};
use crate::fail_point;
use crate::maintenance::queries::{first_int, sql};
use thermocline_database::{Begin, Session, TierError};

/// Scopes whose deltas are folded in one transaction.
const SCOPES: i64 = 100;

impl Vacuum<'_> {
    /// Counts the deltas that would be folded.
    pub(super) async fn count_deltas(&self, cold: &mut dyn Session, upto: i64) -> Result<i64, TierError> {
        let Some(blocks) = &self.family.blocks else { return Ok(0) };
        first_int(&cold.fetch(&blocks.sql(sql::count_foldable_deltas()), &[upto.into()]).await?, "n")
    }

    /// Folds the deltas of each block up to `report.upto` into one.
    pub(super) async fn fold_deltas(
        &self,
        cold: &mut dyn Session,
        report: &mut VacuumReport,
        stop: &AtomicBool,
    ) -> Result<(), TierError> {
        let Some(blocks) = &self.family.blocks else { return Ok(()) };
        let [foldable, fold, drop] = [sql::foldable_scopes(), sql::fold_deltas(), sql::drop_folded_deltas()]
            .map(|template| blocks.sql(template));
        let mut next = i64::MIN;
        while !stop.load(Ordering::Relaxed) {
            let params = [next.into(), report.upto.into(), SCOPES.into()];
            let records = cold.fetch(&foldable, &params).await?;
            let scopes: Vec<i64> =
                records.iter().map(|record| record.int("scope")).collect::<Result<_, _>>()?;
            let Some(last) = scopes.last().copied() else { break };
            let params = [scopes.into(), report.upto.into()];
            cold.begin(Begin::Write).await?;
            cold.execute(&fold, &params).await?;
            report.deltas += cold.execute(&drop, &params).await?.cast_signed();
            fail_point::reached("folding");
            cold.commit().await?;
            fail_point::reached("folded");
            let Some(after) = last.checked_add(1) else { break };
            next = after;
        }
        Ok(())
    }
}
