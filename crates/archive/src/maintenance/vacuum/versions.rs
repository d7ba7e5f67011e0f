//! Removing closed versions, one transaction for each move that closed them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};

use super::sweep::{Vacuum, VacuumReport};
use crate::fail_point;
use crate::maintenance::queries::{first_int, sql};
use crate::model::Moved;
use thermocline_database::{Begin, Session, TierError, row_of};
use thermocline_journal::{Digest, entry};

/// Digests and numbers of removed rows, by the batch they came with.
type Removed = BTreeMap<i64, (Digest, i64)>;

impl Vacuum<'_> {
    /// Counts the versions that would be removed.
    pub(super) async fn count_versions(&self, cold: &mut dyn Session, upto: i64) -> Result<i64, TierError> {
        let mut versions = 0;
        for moved in &self.family.tables {
            let records = cold.fetch(&moved.sql(sql::count_closed()), &[upto.into()]).await?;
            versions += first_int(&records, "n")?;
        }
        Ok(versions)
    }

    /// Removes the versions that the moves up to `report.upto` closed.
    pub(super) async fn remove_versions(
        &self,
        cold: &mut dyn Session,
        report: &mut VacuumReport,
        stop: &AtomicBool,
    ) -> Result<(), TierError> {
        let mut epochs = BTreeSet::new();
        for moved in &self.family.tables {
            for record in cold.fetch(&moved.sql(sql::closing_epochs()), &[report.upto.into()]).await? {
                epochs.insert(record.int("epoch")?);
            }
        }
        for epoch in epochs {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            cold.begin(Begin::Write).await?;
            // The lock keeps the journal unchanged.
            self.lock_bound(cold).await?;
            let mut removed = Removed::new();
            for moved in &self.family.tables {
                report.versions += remove(cold, moved, epoch, &mut removed).await?;
            }
            for (from, (digest, rows)) in removed {
                entry::subtract(cold, self.family.resource, from, rows, digest).await?;
            }
            fail_point::reached("removing");
            cold.commit().await?;
            fail_point::reached("removed");
        }
        Ok(())
    }
}

/// Removes the versions of one table that the move `epoch` closed, adds them to `removed` and returns their number.
async fn remove(
    cold: &mut dyn Session,
    moved: &Moved,
    epoch: i64,
    removed: &mut Removed,
) -> Result<i64, TierError> {
    let records = cold.fetch(&moved.sql(sql::closed()), &[epoch.into()]).await?;
    for record in &records {
        let (digest, rows) = removed.entry(record.int("from_epoch")?).or_default();
        digest.add(moved.table.name, &row_of(record, moved.table)?);
        *rows += 1;
    }
    cold.execute(&moved.sql(sql::remove_closed()), &[epoch.into()]).await?;
    Ok(records.len() as i64)
}
