//! Pages that begin at a cursor.

use super::{Page, Tiers, cold_part};
use crate::attempt::{Attempt, retry};
use crate::consistency::watermark_in;
use crate::error::ReadError;
use crate::merge::{Placed, merge};
use crate::reads::{ColdError, ColdRows, HotRows, HotSnapshot, List};
use thermocline_core::keyset::{Key, Order, Slice, Span};
use thermocline_database::TierError;

/// The answer of cold to a read that began before hot answered, and the snapshot that it assumed.
type Guessed<R> = Option<(HotSnapshot, Result<ColdRows<R>, ColdError>)>;

impl<L: List> Tiers<'_, L> {
    /// Returns the rows of `span` that come first in `order`, at most `limit`, and whether more follow.
    ///
    /// Asks hot alone when cold can hold none of them. When the last snapshot says that cold will be needed, both are asked
    /// at once; if hot then answers with another epoch, cold is asked again.
    pub async fn seek(
        &self,
        list: &L,
        span: Span,
        order: Order,
        limit: i64,
    ) -> Result<Page<L::Row>, ReadError> {
        let slice = Slice { span, order, skip: 0, take: limit + 1 };
        retry(list.resource(), || self.try_seek(list, slice)).await
    }

    /// The slice takes one row more than the page.
    async fn try_seek(&self, list: &L, slice: Slice) -> Attempt<Page<L::Row>> {
        let limit = slice.take - 1;
        let (hot, guessed) = self.hot_and_guessed_cold(list, slice).await?;
        let (snapshot, changes) = (hot.snapshot, hot.changes);
        self.check(list, snapshot).await?;
        let Some(part) = cold_part(list, slice, &hot) else {
            return Ok(Page { changes, ..Page::cut(Placed::from_hot(hot.rows), limit, None) });
        };
        let tiers = self.consistent();
        let cold = match guessed {
            Some((guess, answer)) if guess == snapshot => tiers.accept(list, snapshot, answer).await,
            _ => tiers.cold_rows(list, snapshot, part).await,
        };
        let page = match cold {
            Ok(cold) => {
                let rows = merge(hot.rows, cold, |row| list.key(row), slice.order, slice.take as usize);
                Page::cut(rows, limit, None)
            }
            Err(interruption) => self.without_cold(list, hot, slice.order, limit, interruption)?,
        };
        Ok(Page { changes, ..page })
    }

    /// Reads a slice of hot and, where the last snapshot says that cold will be needed, the same slice of cold at once.
    async fn hot_and_guessed_cold(
        &self,
        list: &L,
        slice: Slice,
    ) -> Result<(HotRows<L::Row>, Guessed<L::Row>), TierError> {
        let last = self.cache.snapshot((list.name(), list.resource()));
        let guess = last.filter(|snapshot| likely_needs_cold(*snapshot, slice));
        let hot = self.hot.read(list, slice, false);
        let (Some(snapshot), Some(cold)) = (guess, self.cold) else {
            return Ok((hot.await?, None));
        };
        let (hot, cold) = futures::future::join(hot, cold.read(list, snapshot, slice)).await;
        Ok((hot?, Some((snapshot, cold))))
    }

    /// Returns the newest rows of `span` that are older than the cursor `key`, at most `limit`.
    ///
    /// Reads from the cursor's own row on, whose presence proves that the page has a newer row. If it is gone, or the page has
    /// no rows, that is a question of its own.
    pub async fn before(
        &self,
        list: &L,
        span: Span,
        key: Key,
        limit: i64,
    ) -> Result<Page<L::Row>, ReadError> {
        let mut page = self.seek(list, span.below(key.successor()), Order::Desc, limit + 1).await?;
        let met = page.drop_cursor(|row| list.key(row) == key, limit);
        page.newer = met && !page.rows.is_empty();
        if !page.newer {
            let above = self.seek(list, span.from(key.successor()), Order::Asc, 0).await?;
            page.newer = above.more;
            page.missing_from = page.missing_from.or(above.missing_from);
        }
        Ok(page)
    }

    /// Returns the oldest rows of `span` that are newer than the cursor `key`, at most `limit`, newest first.
    ///
    /// Reads from the cursor's own row on, whose presence proves that the page has an older row. If it is gone, that is a
    /// question of its own.
    pub async fn after(&self, list: &L, span: Span, key: Key, limit: i64) -> Result<Page<L::Row>, ReadError> {
        let mut page = self.seek(list, span.from(key), Order::Asc, limit + 1).await?;
        let met = page.drop_cursor(|row| list.key(row) == key, limit);
        page.newer = page.more;
        page.rows.reverse();
        page.more = met;
        if !met {
            let oldest = page.rows.last().map_or(key.successor(), |placed| list.key(&placed.row));
            let below = self.seek(list, span.below(oldest), Order::Desc, 0).await?;
            page.more = below.more;
            page.missing_from = page.missing_from.or(below.missing_from);
        }
        Ok(page)
    }
}

/// Returns whether a slice probably needs rows of cold.
fn likely_needs_cold(snapshot: HotSnapshot, slice: Slice) -> bool {
    let newest_cold = watermark_in(snapshot, slice.span);
    newest_cold.is_some_and(|newest| slice.order == Order::Asc || slice.span.upper <= newest)
}
