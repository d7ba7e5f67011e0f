//! Pages around a row or a time.

use futures::future::try_join;

use super::{Page, Tiers, cold_part};
use crate::attempt::{Attempt, Interruption, retry};
use crate::error::ReadError;
use crate::merge::merge;
use crate::reads::{HotRows, List};
use thermocline_core::keyset::{Key, Order, Slice, Span};

impl<L: List> Tiers<'_, L> {
    /// Returns `limit` rows around `pivot`: up to half of them newer, then the row at or below it, then older ones.
    pub async fn around(
        &self,
        list: &L,
        span: Span,
        pivot: Key,
        limit: i64,
    ) -> Result<Page<L::Row>, ReadError> {
        let above = span.from(pivot.successor());
        let newer = self.seek(list, above, Order::Asc, limit / 2).await?;
        let below = span.below(pivot.successor());
        let older = self.seek(list, below, Order::Desc, limit - newer.rows.len() as i64).await?;
        Ok(Page::join(newer, older))
    }

    /// Returns the same rows with their position and the length of `span`, all of one instant.
    pub async fn around_counted(
        &self,
        list: &L,
        span: Span,
        pivot: Key,
        limit: i64,
    ) -> Result<Page<L::Row>, ReadError> {
        retry(list.resource(), || self.try_around_counted(list, span, pivot, limit)).await
    }

    async fn try_around_counted(
        &self,
        list: &L,
        span: Span,
        pivot: Key,
        limit: i64,
    ) -> Attempt<Page<L::Row>> {
        let above = Slice::oldest(span.from(pivot.successor()), limit / 2 + 1);
        let below = Slice::newest(span.below(pivot.successor()), limit + 1);
        let (newer, older) = {
            let hot = self.hot.snapshot().await?;
            (hot.read(list, above, true).await?, hot.read(list, below, true).await?)
        };
        let (snapshot, hot_rows) = (newer.snapshot, newer.count.rows + older.count.rows);
        self.check(list, snapshot).await?;
        let halves = try_join(self.counted_half(list, above, newer), self.counted_half(list, below, older));
        match halves.await {
            Ok(((newer, in_newer), (mut older, in_older))) => {
                let position = in_newer - newer.rows.len() as i64;
                let rest = usize::try_from(limit).unwrap_or(0) - newer.rows.len();
                older.more |= older.rows.len() > rest;
                older.rows.truncate(rest);
                let total = Some(in_newer + in_older);
                let page = Page::join(newer, older);
                Ok(Page { position: Some(position), total, hot_rows: Some(hot_rows), ..page })
            }
            Err(Interruption::Failed(error)) if self.is_partial(&error) => {
                // A page whose count is incomplete is partial, even if all its rows are there.
                let page = self.around(list, span, pivot, limit).await?;
                let missing_from = page.missing_from.or(snapshot.cold_watermark);
                Ok(Page { missing_from, ..page })
            }
            Err(interruption) => Err(interruption),
        }
    }

    /// Adds to the counted hot rows of a slice those of cold. Returns the page and the number of rows of the span in both
    /// tiers. The slice takes one row more than the page.
    async fn counted_half(
        &self,
        list: &L,
        slice: Slice,
        hot: HotRows<L::Row>,
    ) -> Attempt<(Page<L::Row>, i64)> {
        let (tiers, snapshot) = (self.consistent(), hot.snapshot);
        let rows = async {
            match cold_part(list, slice, &hot) {
                Some(part) => tiers.cold_rows(list, snapshot, part).await,
                None => Ok(Vec::new()),
            }
        };
        let (cold, in_cold) = try_join(rows, tiers.cold_total(list, slice.span, snapshot)).await?;
        let rows = merge(hot.rows, cold, |row| list.key(row), slice.order, slice.take as usize);
        Ok((Page::cut(rows, slice.take - 1, None), hot.count.rows + in_cold))
    }
}
