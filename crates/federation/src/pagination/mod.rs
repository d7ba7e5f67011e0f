//! Pages of a list that lies in two tiers: by cursor, by offset, around a row, by id.

mod around;
mod cursors;
mod offsets;

use super::attempt::{Attempt, Interruption, retry};
use super::cache::ReadCache;
use super::consistency::{Consistent, watermark_in};
use super::error::ReadError;
use super::merge::Placed;
use super::reads::{Cold, Hot, HotRows, HotSnapshot, List};
use thermocline_core::keyset::{Order, Slice};
use thermocline_database::Tier;

pub use super::page::{Count, Page};

/// The two tiers, as one list is read from them.
pub struct Tiers<'a, L: List> {
    /// The hot tier.
    pub hot: &'a dyn Hot<L>,
    /// The cold tier; absent in hot-only mode.
    pub cold: Option<&'a dyn Cold<L>>,
    /// Totals and snapshots of earlier requests.
    pub cache: &'a ReadCache,
    /// Whether to answer with hot rows alone, instead of an error, while cold is unavailable.
    pub partial: bool,
}

impl<L: List> Tiers<'_, L> {
    /// Returns the row with this id from whichever tier has it.
    pub async fn find(&self, list: &L, id: i64) -> Result<Option<Placed<L::Row>>, ReadError> {
        retry(list.resource(), || self.try_find(list, id)).await
    }

    async fn try_find(&self, list: &L, id: i64) -> Attempt<Option<Placed<L::Row>>> {
        let tiers = self.consistent();
        let mut hot = self.hot.find(list, id).await?;
        tiers.check(list, hot.snapshot).await?;
        if let Some(row) = hot.rows.pop() {
            return Ok(Some(Placed { row, from_archive: false }));
        }
        if hot.snapshot.cold_watermark.is_none() {
            return Ok(None);
        }
        let found = tiers.cold(list)?.find(list, hot.snapshot, id).await;
        let mut rows = tiers.accept(list, hot.snapshot, found).await?;
        Ok(rows.pop().map(|row| Placed { row, from_archive: true }))
    }

    fn consistent(&self) -> Consistent<'_, L> {
        Consistent { hot: self.hot, cold: self.cold, cache: self.cache }
    }

    /// Checks that hot rows of `snapshot` may be part of an answer, and keeps it as the newest of this list.
    async fn check(&self, list: &L, snapshot: HotSnapshot) -> Attempt<()> {
        self.consistent().check(list, snapshot).await?;
        self.cache.keep_snapshot((list.name(), list.resource()), snapshot);
        Ok(())
    }

    /// Returns whether this failure is to be answered with hot rows alone.
    fn is_partial(&self, error: &ReadError) -> bool {
        self.partial && error.unavailable() == Some(Tier::Cold)
    }

    /// Answers without cold: the hot rows above everything cold may hold, or the failure where that is not enough.
    fn without_cold(
        &self,
        list: &L,
        hot: HotRows<L::Row>,
        order: Order,
        limit: i64,
        interruption: Interruption,
    ) -> Attempt<Page<L::Row>> {
        let (newest_cold, error) = match (hot.snapshot.cold_watermark, interruption) {
            (Some(newest), Interruption::Failed(error)) if self.is_partial(&error) => (newest, error),
            (_, interruption) => return Err(interruption),
        };
        tracing::warn!(resource = list.resource(), %error, "answered without the cold tier");
        let mut rows = hot.rows;
        let mut limit = limit;
        // In ascending order, late rows may have filled the slice; then hot has more rows above them.
        let full = rows.len() as i64 > limit;
        rows.retain(|row| list.key(row) > newest_cold);
        if order == Order::Desc && (rows.len() as i64) <= limit {
            // The next rows may be in cold.
            limit = rows.len() as i64;
        }
        let mut page = Page::cut(Placed::from_hot(rows), limit, None);
        page.more = full || order == Order::Desc;
        page.missing_from = Some(newest_cold);
        Ok(page)
    }
}

/// Returns the slice to read from cold, which ends where the hot rows end; `None` if the hot rows are the page.
fn cold_part<L: List>(list: &L, slice: Slice, hot: &HotRows<L::Row>) -> Option<Slice> {
    let newest_cold = watermark_in(hot.snapshot, slice.span)?;
    let full = hot.rows.len() as i64 >= slice.take;
    let end = hot.rows.last().filter(|_| full).map(|row| list.key(row));
    let span = match (end, slice.order) {
        (None, _) => slice.span,
        (Some(end), Order::Desc) if end >= newest_cold => return None,
        (Some(end), Order::Desc) => slice.span.from(end),
        (Some(end), Order::Asc) => slice.span.below(end),
    };
    (!span.is_empty()).then_some(Slice { span, ..slice })
}
