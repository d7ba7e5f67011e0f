//! One batch of the journal against its rows in cold.

use super::report::{Findings, ViolationKind};
use super::verifier::Verifier;
use crate::maintenance::queries::{first_int, sql};
use crate::model::templates;
use thermocline_database::{Session, TierError, Value, row_of};
use thermocline_journal::{Digest, Entry, claim, entry};

impl Verifier<'_> {
    /// Checks the first batch with this epoch or a later one; returns `None` past the end of the journal.
    pub(crate) async fn check_next_batch(&self, from: i64) -> Result<Option<(i64, Findings)>, TierError> {
        // The entry, its rows and its counts are read at one instant: a mover may be undoing the batch.
        let mut cold = self.read_cold().await?;
        let Some(entry) = entry::next(&mut *cold, self.family.resource, from).await? else {
            cold.rollback().await?;
            return Ok(None);
        };
        let mut findings = Findings::default();
        let own = self.check_digest(&mut *cold, &entry, &mut findings).await?;
        let oldest = claim::oldest_readable_epoch(&mut *cold, self.family.resource).await?;
        self.check_deltas(&mut *cold, entry.epoch, (&own, oldest), &mut findings).await?;
        // Vacuum and erasures raise the oldest readable epoch before they remove rows that a move has closed.
        if entry.epoch > oldest {
            self.check_closed(&mut *cold, &entry, &mut findings).await?;
            self.check_activity(&mut *cold, (entry.epoch, entry.epoch), &mut findings).await?;
        }
        cold.rollback().await?;
        drop(cold);
        self.check_placement(entry.epoch, &own, &mut findings).await?;
        Ok(Some((entry.epoch, findings)))
    }

    /// Compares the rows that came with a batch with its entry; returns those of the resource's own table.
    async fn check_digest(
        &self,
        cold: &mut dyn Session,
        entry: &Entry,
        findings: &mut Findings,
    ) -> Result<Vec<Vec<Value>>, TierError> {
        let (mut digest, mut own) = (Digest::default(), Vec::new());
        for moved in &self.family.tables {
            own.clear();
            for record in cold.fetch(&moved.sql(templates::brought()), &[entry.epoch.into()]).await? {
                let row = row_of(&record, moved.table)?;
                digest.add(moved.table.name, &row);
                findings.rows += 1;
                own.push(row);
            }
        }
        let expected = if entry.kind.brings_rows() { entry.rows } else { 0 };
        if findings.rows != expected {
            let detail = format!("cold holds {} rows of it, the journal records {expected}", findings.rows);
            findings.violation(ViolationKind::Digest, Some(entry.epoch), detail);
        } else if entry.kind.brings_rows() && digest != entry.digest {
            let detail = "the digest of its rows differs from the journal".to_owned();
            findings.violation(ViolationKind::Digest, Some(entry.epoch), detail);
        }
        Ok(own)
    }

    /// Compares the number of versions that a move closed with its entry.
    async fn check_closed(
        &self,
        cold: &mut dyn Session,
        entry: &Entry,
        findings: &mut Findings,
    ) -> Result<(), TierError> {
        if !entry.kind.only_closes_rows() {
            return Ok(());
        }
        let mut closed = 0;
        for moved in &self.family.tables {
            let statement = moved.sql(sql::count_closed_by());
            closed += first_int(&cold.fetch(&statement, &[entry.epoch.into()]).await?, "n")?;
        }
        if closed != entry.rows {
            let detail = format!("it closed {closed} rows of cold, the journal records {}", entry.rows);
            findings.violation(ViolationKind::Journal, Some(entry.epoch), detail);
        }
        Ok(())
    }
}
