//! Reading what is archived, as it is at one epoch, in the order of the moves that brought it.
//!
//! Versions do not change while the epoch is readable, so a read may be interrupted and continued at any time, by any
//! process. It has to begin anew when vacuum or an erasure has raised the oldest readable epoch above its own.

mod queries;

use self::queries::sql;
use crate::model::{Family, Selection};
use crate::moves::pick::moves_of;
use crate::moves::rows::rows_of;
use thermocline_database::{Begin, Engine, Session, Source, Statement, TierError, Value};
use thermocline_journal::{JournalError, claim, proof, state};

pub use queries::statements;

/// Rows of the first page.
const FIRST_PAGE: i64 = 500;
/// The largest and the smallest page.
const PAGES: (i64, i64) = (2_000, 10);
/// Bytes of text above which pages get smaller.
const MAX_BYTES: usize = 4 << 20;
/// The ids whose children are read at once.
const OWNERS: usize = 500;

/// The archived rows of a resource at one epoch.
#[derive(Clone, Copy, Debug)]
pub struct Snapshot<'a> {
    /// The cold tier.
    pub cold: &'a dyn Engine,
    /// The resource.
    pub family: &'a Family,
    /// The rows of it.
    pub selection: Selection,
    /// The epoch.
    pub epoch: i64,
    /// The token of the epoch.
    pub token: Option<i64>,
}

/// The place of a row in cold: the move that brought it, and its number there.
pub type Place = (i64, i64);

/// Receives the rows of a table, which is named by its place in the family.
pub type Sink<'s> = dyn FnMut(usize, Vec<Vec<Value>>) -> Result<(), Source> + Send + 's;

/// The archived rows could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// Cold does not answer.
    #[error(transparent)]
    Tier(#[from] TierError),
    /// Vacuum or an erasure has removed versions of the epoch.
    #[error("{resource}: epoch {epoch} can no longer be read: vacuum or an erasure has passed it")]
    Expired {
        /// The resource.
        resource: &'static str,
        /// The epoch.
        epoch: i64,
    },
    /// The journal does not know the epoch: one of the databases was restored from a backup.
    #[error("{resource}: cold does not know epoch {epoch}: one of the databases came back from a backup")]
    Unknown {
        /// The resource.
        resource: &'static str,
        /// The epoch.
        epoch: i64,
    },
    /// The rows could not be taken.
    #[error(transparent)]
    Sink(Source),
}

impl<'a> Snapshot<'a> {
    /// Returns what is archived now.
    pub async fn now(
        hot: &dyn Engine,
        cold: &'a dyn Engine,
        family: &'a Family,
        selection: Selection,
    ) -> Result<Self, JournalError> {
        let state = state::read(hot, family.resource).await?;
        Ok(Self { cold, family, selection, epoch: state.epoch, token: state.token })
    }

    /// Returns the number of rows of the resource's own table.
    pub async fn count(&self) -> Result<i64, ExportError> {
        let mut session = self.begin().await?;
        let (statement, params) = self.selection.visible_count(self.family, self.epoch);
        let records = session.fetch(&statement, &params).await?;
        Ok(records.first().map_or(Ok(0), |record| record.int("n"))?)
    }

    /// Gives the rows after a place to `sink`, with their children, up to `most` rows of the resource. Returns the place of the
    /// last one; `None` when there was none.
    pub async fn read(
        &self,
        after: Place,
        most: i64,
        sink: &mut Sink<'_>,
    ) -> Result<Option<Place>, ExportError> {
        let (first, newest) = moves_of(self.cold, self.family, self.selection).await?;
        // One transaction sees one state of cold, so its first statement proves the epoch for all.
        let mut session = self.begin().await?;
        let (mut last, mut rows, mut size) = (None, 0, FIRST_PAGE);
        while rows < most {
            let page = size.min(most - rows);
            let above = last.unwrap_or(after).max((first, i64::MIN));
            let (statement, params) = self.selection.visible(self.family, (above, newest), self.epoch, page);
            let records = session.fetch(&statement, &params).await?;
            let Some(end) = records.last() else { break };
            last = Some((end.int("move")?, end.int("place")?));
            let own = rows_of(&records, self.family.own())?;
            let (count, bytes) = (own.len() as i64, text_bytes(&own));
            self.children(&mut *session, &own, sink).await?;
            sink(self.family.tables.len() - 1, own).map_err(ExportError::Sink)?;
            rows += count;
            if count < page {
                break;
            }
            size = if bytes > MAX_BYTES { size / 2 } else { size * 2 }.clamp(PAGES.1, PAGES.0);
        }
        session.rollback().await?;
        Ok(last)
    }

    /// Gives the children of rows to `sink`.
    async fn children(
        &self,
        session: &mut dyn Session,
        own: &[Vec<Value>],
        sink: &mut Sink<'_>,
    ) -> Result<(), ExportError> {
        for (place, moved) in self.family.children().iter().enumerate() {
            let statement: Statement = moved.sql(sql::visible_of());
            for owners in own.chunks(OWNERS) {
                let ids: Vec<i64> = owners.iter().map(|row| row[0].int()).collect();
                let records = session.fetch(&statement, &[ids.into(), self.epoch.into()]).await?;
                let rows = rows_of(&records, moved)?;
                if !rows.is_empty() {
                    sink(place, rows).map_err(ExportError::Sink)?;
                }
            }
        }
        Ok(())
    }

    /// Begins a transaction that only reads, and proves that it can see the epoch.
    async fn begin(&self) -> Result<Box<dyn Session>, ExportError> {
        let (resource, epoch) = (self.family.resource, self.epoch);
        let mut session = self.cold.session().await?;
        // To find the few rows of a narrow span, a statement may scan a large archive.
        session.allow_long_statements();
        session.begin(Begin::Read).await?;
        if !proof::knows_in(&mut *session, resource, epoch, self.token).await? {
            return Err(ExportError::Unknown { resource, epoch });
        }
        if claim::oldest_readable_epoch(&mut *session, resource).await? > epoch {
            return Err(ExportError::Expired { resource, epoch });
        }
        Ok(session)
    }
}

fn text_bytes(rows: &[Vec<Value>]) -> usize {
    let texts = rows.iter().flatten().filter_map(|value| match value {
        Value::Text(text) => Some(text.len()),
        _ => None,
    });
    texts.sum()
}
