//! Pages by offset, with a total.

use std::time::Duration;

use futures::future::try_join;

use super::{Count, Page, Tiers};
use crate::attempt::{Attempt, Interruption, retry};
use crate::consistency::watermark_in;
use crate::error::ReadError;
use crate::late_rows::{LatePage, page_with_late_rows};
use crate::merge::{Placed, merge};
use crate::reads::{HotRows, HotSnapshot, List};
use thermocline_core::keyset::{Order, Slice, Span};
use thermocline_database::Tier;

/// The timeout of the count of cold rows, for a page that consists of hot rows alone.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(3);

/// The rows of a page below the hot rows that are newer than every cold row.
enum Below<R> {
    /// Cold rows only.
    Cold(Vec<R>),
    /// Late rows among cold ones: the page is already whole.
    Late(LatePage<R>),
}

impl<L: List> Tiers<'_, L> {
    /// Returns the rows from the `offset`th newest of `span` on, at most `limit`.
    pub async fn page(
        &self,
        list: &L,
        span: Span,
        offset: i64,
        limit: i64,
        count: Count,
    ) -> Result<Page<L::Row>, ReadError> {
        let slice = Slice::newest(span, limit + 1).skipping(offset);
        retry(list.resource(), || self.try_page(list, slice, count)).await
    }

    /// The slice takes one row more than the page.
    async fn try_page(&self, list: &L, slice: Slice, count: Count) -> Attempt<Page<L::Row>> {
        let hot = self.hot.read(list, slice, true).await?;
        self.check(list, hot.snapshot).await?;
        let (newer, changes) = (hot.count.rows - hot.count.late, hot.changes);
        let is_hot = watermark_in(hot.snapshot, slice.span).is_none() || slice.skip + slice.take <= newer;
        let page = if is_hot {
            self.page_of_hot(list, slice, hot, count).await?
        } else {
            self.page_of_both(list, slice, hot, count).await?
        };
        Ok(Page { changes, ..page })
    }

    /// Returns a page that consists of hot rows.
    async fn page_of_hot(
        &self,
        list: &L,
        slice: Slice,
        hot: HotRows<L::Row>,
        count: Count,
    ) -> Attempt<Page<L::Row>> {
        let (in_hot, limit) = (hot.count.rows, slice.take - 1);
        let page = match self.optional_cold_total(list, slice.span, hot.snapshot, count).await {
            Ok(in_cold) => {
                Page::cut(Placed::from_hot(hot.rows), limit, in_cold.map(|in_cold| in_hot + in_cold))
            }
            Err(interruption) => self.without_cold(list, hot, Order::Desc, limit, interruption)?,
        };
        Ok(Page { hot_rows: Some(in_hot), ..page.at(slice.skip, in_hot > 0) })
    }

    /// Returns a page that reaches into cold.
    async fn page_of_both(
        &self,
        list: &L,
        slice: Slice,
        hot: HotRows<L::Row>,
        count: Count,
    ) -> Attempt<Page<L::Row>> {
        let Slice { span, skip: offset, take, .. } = slice;
        let (snapshot, limit) = (hot.snapshot, take - 1);
        let counted = async {
            match count {
                Count::None => Ok(None),
                _ => self.consistent().cold_total(list, span, snapshot).await.map(Some),
            }
        };
        let (rows, in_hot, in_cold) = match try_join(self.below_hot(list, slice, &hot), counted).await {
            Ok((Below::Cold(cold), in_cold)) => {
                let rows = merge(hot.rows, cold, |row| list.key(row), Order::Desc, take as usize);
                (rows, hot.count.rows, in_cold)
            }
            Ok((Below::Late(late), in_cold)) => (late.rows, late.in_hot, in_cold),
            Err(interruption) => {
                let in_hot = hot.count.rows;
                let page = self.without_cold(list, hot, Order::Desc, limit, interruption)?;
                return Ok(Page { hot_rows: Some(in_hot), ..page.at(offset, in_hot > 0) });
            }
        };
        let page = Page::cut(rows, limit, in_cold.map(|in_cold| in_hot + in_cold));
        let page = Page { hot_rows: Some(in_hot), ..page };
        if !page.rows.is_empty() || offset == 0 || in_hot > 0 {
            return Ok(page.at(offset, true));
        }
        self.past_the_end(list, span, offset, snapshot, page).await
    }

    /// Reads what a page takes from below the newest hot rows.
    async fn below_hot(&self, list: &L, slice: Slice, hot: &HotRows<L::Row>) -> Attempt<Below<L::Row>> {
        let tiers = self.consistent();
        if hot.count.late > 0 {
            let late = page_with_late_rows(&tiers, list, slice).await?;
            // Rows moved between the first read and this one.
            return if late.snapshot == hot.snapshot {
                Ok(Below::Late(late))
            } else {
                Err(Interruption::Retry)
            };
        }
        let skip = (slice.skip - hot.count.rows).max(0);
        let part = Slice { skip, take: slice.take - hot.rows.len() as i64, ..slice };
        Ok(Below::Cold(tiers.cold_rows(list, hot.snapshot, part).await?))
    }

    /// Places an empty page past the end of a list that lies in cold alone, whose length tells whether there are rows above.
    async fn past_the_end(
        &self,
        list: &L,
        span: Span,
        offset: i64,
        snapshot: HotSnapshot,
        page: Page<L::Row>,
    ) -> Attempt<Page<L::Row>> {
        match self.consistent().cold_total(list, span, snapshot).await {
            Ok(in_cold) => Ok(page.at(offset, in_cold > 0)),
            Err(Interruption::Failed(error)) if self.is_partial(&error) => {
                let page = Page { more: true, total: None, ..page };
                Ok(Page { missing_from: snapshot.cold_watermark, ..page.at(offset, false) })
            }
            Err(interruption) => Err(interruption),
        }
    }

    /// Counts the rows in cold for a page that consists of hot rows alone. Returns `None` without a count, or when the usual
    /// count times out.
    async fn optional_cold_total(
        &self,
        list: &L,
        span: Span,
        snapshot: HotSnapshot,
        count: Count,
    ) -> Attempt<Option<i64>> {
        let tiers = self.consistent();
        let total = tiers.cold_total(list, span, snapshot);
        match count {
            Count::None => Ok(None),
            Count::Exact => total.await.map(Some),
            Count::Usual => match tokio::time::timeout(TOTAL_TIMEOUT, total).await {
                Err(_) => Ok(None),
                Ok(Err(Interruption::Failed(error))) if error.unavailable() == Some(Tier::Cold) => Ok(None),
                Ok(total) => total.map(Some),
            },
        }
    }
}
