//! Rows of cold that should not be there: of moves that are not in the journal, or erased.

use super::report::{Findings, ViolationKind};
use super::verifier::Verifier;
use crate::maintenance::queries::{erasable, sql};
use thermocline_database::TierError;

impl Verifier<'_> {
    /// Finds rows that no journal entry brought or closed.
    pub(super) async fn check_unaccounted(&self) -> Result<Findings, TierError> {
        let mut findings = Findings::default();
        let mut cold = self.read_cold().await?;
        for moved in &self.family.tables {
            let statement = moved.sql(sql::unaccounted_rows());
            for record in cold.fetch(&statement, &[self.family.resource.into()]).await? {
                let (epoch, n, table) = (record.int("epoch")?, record.int("n")?, moved.table.name);
                let detail = format!("{n} rows of {table} name this move, which is not in the journal");
                findings.violation(ViolationKind::Journal, Some(epoch), detail);
            }
        }
        cold.rollback().await?;
        Ok(findings)
    }

    /// Finds erased rows that are visible.
    pub(super) async fn check_erased(&self) -> Result<Findings, TierError> {
        let mut findings = Findings::default();
        let mut cold = self.read_cold().await?;
        for (noun, moved, ids) in erasable(self.family) {
            for record in cold.fetch(&moved.sql_by(sql::erased_rows(), ids), &[noun.into()]).await? {
                let (id, n, table) = (record.int("id")?, record.int("n")?, moved.table.name);
                let detail = format!("{n} rows of {table} belong to {noun} {id}, which was erased");
                findings.violation(ViolationKind::Erased, None, detail);
            }
        }
        cold.rollback().await?;
        Ok(findings)
    }
}
