//! The phase of each table's adoption, as noted in cold.

use std::fmt;

use serde::Serialize;

use super::queries::sql;
use thermocline_core::clock::Timestamp;
use thermocline_database::{Begin, Engine, Session, TierError};

/// A phase of the adoption of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// The table waits; nothing was copied.
    Found,
    /// Its rows are copied, and the copies are not visible yet.
    Copying,
    /// The copies are counted.
    Copied,
    /// Readers see the copies.
    Raised,
    /// Everything is done.
    Done,
}

impl Phase {
    const ALL: [Self; 5] = [Self::Found, Self::Copying, Self::Copied, Self::Raised, Self::Done];

    const fn name(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::Copying => "copying",
            Self::Copied => "copied",
            Self::Raised => "raised",
            Self::Done => "done",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The progress of one table's adoption.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TableProgress {
    /// The table.
    pub source: String,
    /// The phase that is under way.
    pub phase: Phase,
    /// The time zone of its instants.
    pub zone: String,
    /// The last id that was copied.
    #[serde(skip)]
    pub last_id: i64,
    /// The rows that became versions by copying.
    pub rows: i64,
    /// The rows that both databases held and that left hot.
    pub left_hot: i64,
}

/// Returns how far each table has been adopted.
pub async fn read(cold: &dyn Engine) -> Result<Vec<TableProgress>, TierError> {
    let records = cold.fetch(sql::adoptions(), &[]).await?;
    let one = |record: &thermocline_database::Record| {
        let phase = record.text("phase")?;
        Ok(TableProgress {
            source: record.text("source")?,
            // An unknown phase is one of a later version of the program, and not done.
            phase: Phase::ALL.into_iter().find(|known| known.name() == phase).unwrap_or(Phase::Found),
            zone: record.text("zone")?,
            last_id: record.int("last_id")?,
            rows: record.int("row_count")?,
            left_hot: record.int("left_hot")?,
        })
    };
    records.iter().map(one).collect()
}

/// Returns the tables whose adoption is not done. Until it is, nothing may be served or moved.
pub async fn unfinished(cold: &dyn Engine) -> Result<Vec<String>, TierError> {
    let all = read(cold).await?;
    Ok(all.into_iter().filter(|table| table.phase != Phase::Done).map(|table| table.source).collect())
}

/// Returns the tables whose copies no reader sees yet. Only their adoption may go on with them.
pub async fn copying(cold: &dyn Engine) -> Result<Vec<String>, TierError> {
    let all = read(cold).await?;
    let copying = all.into_iter().filter(|table| matches!(table.phase, Phase::Copying | Phase::Copied));
    Ok(copying.map(|table| table.source).collect())
}

/// Notes the time zone of the instants of every table that was not copied yet.
pub async fn set_zone(cold: &dyn Engine, zone: &str) -> Result<(), TierError> {
    let mut session = cold.session().await?;
    session.begin(Begin::Write).await?;
    for table in read(cold).await?.iter().filter(|table| table.phase == Phase::Found) {
        session.execute(sql::set_zone(), &[table.source.as_str().into(), zone.into()]).await?;
    }
    session.commit().await
}

/// Notes in the open transaction that a table has reached a phase.
pub(super) async fn enter(
    cold: &mut dyn Session,
    source: &str,
    phase: Phase,
    now: Timestamp,
) -> Result<(), TierError> {
    cold.execute(sql::set_phase(), &[source.into(), phase.name().into(), now.into()]).await.map(drop)
}
