//! Pages of a list that lies in two tiers: by cursor, by offset, around a row, by id.

use std::time::Duration;

use super::cache::ReadCache;
use super::consistency::{Consistent, Outcome, reach};
use super::error::ReadError;
use super::late_rows::{LatePage, Wanted, page_with_late_rows};
use super::merge::{Placed, merge};
use super::reads::{Cold, ColdError, ColdRows, Hot, HotRows, HotSnapshot, List};
use thermocline_core::keyset::{Key, Order, Slice, Span};
use thermocline_database::{Tier, TierError};

/// The largest number of attempts of a request, when moves or vacuum interfere.
const ATTEMPTS: usize = 8;

/// The timeout of the count of cold rows, for a page that consists of hot rows alone.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(3);

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

/// Whether a page counts its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// No total.
    None,
    /// A total, unless only the total needs cold and cold is unavailable.
    Usual,
    /// A total, or an error.
    Exact,
}

/// Some rows of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<R> {
    /// The rows, in the order asked for.
    pub rows: Vec<Placed<R>>,
    /// Whether more rows follow in that order.
    pub more: bool,
    /// Whether rows newer than the first one exist. A page without rows counts from its cursor.
    pub newer: bool,
    /// The number of rows above the page, when it is known.
    pub position: Option<i64>,
    /// The length of the list, when it was counted.
    pub total: Option<i64>,
    /// Set when cold did not answer: the page ends above this key, at or below which cold may hold rows.
    pub missing_from: Option<Key>,
}

impl<R> Page<R> {
    /// Cuts `limit` rows out of up to one more, which tells whether more rows follow.
    fn cut(mut rows: Vec<Placed<R>>, limit: i64, total: Option<i64>) -> Self {
        let limit = usize::try_from(limit).unwrap_or(0);
        let more = rows.len() > limit;
        rows.truncate(limit);
        Self { rows, more, newer: false, position: None, total, missing_from: None }
    }

    /// Places a page that begins below `offset` rows. Without rows it must be told whether the list has any.
    fn at(self, offset: i64, any: bool) -> Self {
        Self { newer: offset > 0 && (any || !self.rows.is_empty()), position: Some(offset), ..self }
    }

    /// Drops the row at the edge of a page that was read from its cursor on, and all rows beyond `limit`. Returns whether
    /// the row of the cursor was there.
    fn drop_cursor(&mut self, at_cursor: impl Fn(&R) -> bool, limit: i64) -> bool {
        let met = self.rows.first().is_some_and(|placed| at_cursor(&placed.row));
        if met {
            self.rows.remove(0);
        }
        let limit = usize::try_from(limit).unwrap_or(0);
        self.more |= self.rows.len() > limit;
        self.rows.truncate(limit);
        met
    }
}

/// The rows of a page below the hot rows that are newer than every cold row.
enum Below<R> {
    /// Cold rows only.
    Cold(Vec<R>),
    /// Late rows among cold ones: the page is already whole.
    Late(LatePage<R>),
}

/// The answer of cold to a read that began before hot answered, and the snapshot that it assumed.
type Guessed<R> = Option<(HotSnapshot, Result<ColdRows<R>, ColdError>)>;

impl<L: List> Tiers<'_, L> {
    fn consistent(&self) -> Consistent<'_, L> {
        Consistent { hot: self.hot, cold: self.cold, cache: self.cache }
    }

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
        let tiers = self.consistent();
        for _ in 0..ATTEMPTS {
            let (hot, guessed) = self.hot_and_guessed_cold(list, slice).await?;
            let snapshot = hot.snapshot;
            if !tiers.check(list, snapshot).await? {
                continue;
            }
            self.cache.keep_snapshot((list.name(), list.resource()), snapshot);
            let Some(stretch) = cold_part(list, slice, &hot) else {
                return Ok(Page::cut(Placed::from_hot(hot.rows), limit, None));
            };
            let cold = match guessed {
                Some((guess, answer)) if guess == snapshot => tiers.settle(list, snapshot, answer).await,
                _ => tiers.cold_rows(list, snapshot, stretch).await,
            };
            match cold {
                Ok(Outcome::Answer(cold)) => {
                    let take = slice.take as usize;
                    let rows = merge(hot.rows, cold, |row| list.key(row), order, take);
                    return Ok(Page::cut(rows, limit, None));
                }
                Ok(Outcome::Retry) => {}
                Err(error) => return self.without_cold(list, hot, order, limit, error),
            }
        }
        Err(ReadError::Overtaken { resource: list.resource() })
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

    /// Returns the rows from the `offset`th newest of `span` on, at most `limit`.
    pub async fn page(
        &self,
        list: &L,
        span: Span,
        offset: i64,
        limit: i64,
        count: Count,
    ) -> Result<Page<L::Row>, ReadError> {
        let take = limit + 1;
        let slice = Slice { span, order: Order::Desc, skip: offset, take };
        let tiers = self.consistent();
        for _ in 0..ATTEMPTS {
            let hot = self.hot.read(list, slice, true).await?;
            let (snapshot, in_hot) = (hot.snapshot, hot.count);
            if !tiers.check(list, snapshot).await? {
                continue;
            }
            self.cache.keep_snapshot((list.name(), list.resource()), snapshot);
            let hot_alone = reach(snapshot, span).is_none();
            if hot_alone || offset + take <= in_hot.rows - in_hot.late {
                let in_cold = match self.cold_total_for_hot_page(list, span, snapshot, count).await {
                    Ok(Outcome::Answer(in_cold)) => in_cold,
                    Ok(Outcome::Retry) => continue,
                    Err(error) => {
                        let page = self.without_cold(list, hot, Order::Desc, limit, error)?;
                        return Ok(page.at(offset, in_hot.rows > 0));
                    }
                };
                let total = in_cold.map(|cold| in_hot.rows + cold);
                let page = Page::cut(Placed::from_hot(hot.rows), limit, total);
                return Ok(page.at(offset, in_hot.rows > 0));
            }
            let rows = async {
                if in_hot.late > 0 {
                    let page = page_with_late_rows(&tiers, list, Wanted { span, offset, take }).await?;
                    return Ok(page.map(Below::Late));
                }
                let skip = (offset - in_hot.rows).max(0);
                let take = take - hot.rows.len() as i64;
                let stretch = Slice { span, order: Order::Desc, skip, take };
                Ok(tiers.cold_rows(list, snapshot, stretch).await?.map(Below::Cold))
            };
            let counted = async {
                match count {
                    Count::None => Ok(Outcome::Answer(None)),
                    _ => tiers.cold_total(list, span, snapshot).await,
                }
            };
            let (rows, in_hot, in_cold) = match futures::future::try_join(rows, counted).await {
                Ok((Outcome::Answer(Below::Cold(cold)), Outcome::Answer(in_cold))) => {
                    let key = |row: &_| list.key(row);
                    (merge(hot.rows, cold, key, Order::Desc, take as usize), in_hot.rows, in_cold)
                }
                Ok((Outcome::Answer(Below::Late(late)), Outcome::Answer(in_cold)))
                    if late.snapshot == snapshot =>
                {
                    (late.rows, late.in_hot, in_cold)
                }
                // Vacuumed away, or moved between the first read and the snapshot.
                Ok(_) => continue,
                Err(error) => {
                    let page = self.without_cold(list, hot, Order::Desc, limit, error)?;
                    return Ok(page.at(offset, in_hot.rows > 0));
                }
            };
            let page = Page::cut(rows, limit, in_cold.map(|cold| in_hot + cold));
            if !page.rows.is_empty() || offset == 0 || in_hot > 0 {
                return Ok(page.at(offset, true));
            }
            // Past the end of a list that lies in cold alone: its length tells whether there are rows above.
            match tiers.cold_total(list, span, snapshot).await {
                Ok(Outcome::Answer(in_cold)) => return Ok(page.at(offset, in_cold.unwrap_or(0) > 0)),
                Ok(Outcome::Retry) => {}
                Err(error) if self.partial && error.unavailable() == Some(Tier::Cold) => {
                    let page = Page { more: true, total: None, ..page };
                    return Ok(Page { missing_from: snapshot.cold_watermark, ..page.at(offset, false) });
                }
                Err(error) => return Err(error),
            }
        }
        Err(ReadError::Overtaken { resource: list.resource() })
    }

    /// Counts the rows in cold for a page that consists of hot rows alone. Returns `None` without a count, or when the usual
    /// count times out.
    async fn cold_total_for_hot_page(
        &self,
        list: &L,
        span: Span,
        snapshot: HotSnapshot,
        count: Count,
    ) -> Result<Outcome<Option<i64>>, ReadError> {
        let tiers = self.consistent();
        let total = tiers.cold_total(list, span, snapshot);
        match count {
            Count::None => Ok(Outcome::Answer(None)),
            Count::Exact => total.await,
            Count::Usual => match tokio::time::timeout(TOTAL_TIMEOUT, total).await {
                Err(_) => Ok(Outcome::Answer(None)),
                Ok(Err(error)) if error.unavailable() == Some(Tier::Cold) => Ok(Outcome::Answer(None)),
                Ok(total) => total,
            },
        }
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
        Ok(join(newer, older))
    }

    /// Returns the same rows with their position and the length of `span`, all of one instant.
    pub async fn around_counted(
        &self,
        list: &L,
        span: Span,
        pivot: Key,
        limit: i64,
    ) -> Result<Page<L::Row>, ReadError> {
        let above = Slice::oldest(span.from(pivot.successor()), limit / 2 + 1);
        let below = Slice::newest(span.below(pivot.successor()), limit + 1);
        let tiers = self.consistent();
        for _ in 0..ATTEMPTS {
            let (newer, older) = {
                let hot = self.hot.snapshot().await?;
                (hot.read(list, above, true).await?, hot.read(list, below, true).await?)
            };
            let snapshot = newer.snapshot;
            if !tiers.check(list, snapshot).await? {
                continue;
            }
            self.cache.keep_snapshot((list.name(), list.resource()), snapshot);
            let halves = futures::future::try_join(
                self.counted_half(list, above, newer),
                self.counted_half(list, below, older),
            );
            match halves.await {
                Ok((Outcome::Answer(newer), Outcome::Answer(mut older))) => {
                    let in_newer = newer.total.unwrap_or(0);
                    let position = in_newer - newer.rows.len() as i64;
                    let rest = usize::try_from(limit).unwrap_or(0) - newer.rows.len();
                    older.more |= older.rows.len() > rest;
                    older.rows.truncate(rest);
                    let total = older.total.map(|rows| rows + in_newer);
                    return Ok(Page { position: Some(position), total, ..join(newer, older) });
                }
                Ok(_) => {}
                Err(error) if self.partial && error.unavailable() == Some(Tier::Cold) => {
                    // A page whose count is incomplete is partial, even if all its rows are there.
                    let page = self.around(list, span, pivot, limit).await?;
                    let missing_from = page.missing_from.or(snapshot.cold_watermark);
                    return Ok(Page { missing_from, ..page });
                }
                Err(error) => return Err(error),
            }
        }
        Err(ReadError::Overtaken { resource: list.resource() })
    }

    /// Adds to the counted hot rows of a slice those of cold, and their number. The slice takes one row more than the page.
    async fn counted_half(
        &self,
        list: &L,
        slice: Slice,
        hot: HotRows<L::Row>,
    ) -> Result<Outcome<Page<L::Row>>, ReadError> {
        let (tiers, snapshot, in_hot) = (self.consistent(), hot.snapshot, hot.count.rows);
        let rows = async {
            match cold_part(list, slice, &hot) {
                Some(stretch) => tiers.cold_rows(list, snapshot, stretch).await,
                None => Ok(Outcome::Answer(Vec::new())),
            }
        };
        let read = futures::future::try_join(rows, tiers.cold_total(list, slice.span, snapshot)).await?;
        let (Outcome::Answer(cold), Outcome::Answer(in_cold)) = read else {
            return Ok(Outcome::Retry);
        };
        let rows = merge(hot.rows, cold, |row| list.key(row), slice.order, slice.take as usize);
        Ok(Outcome::Answer(Page::cut(rows, slice.take - 1, in_cold.map(|cold| in_hot + cold))))
    }

    /// Returns the row with this id from whichever tier has it.
    pub async fn find(&self, list: &L, id: i64) -> Result<Option<Placed<L::Row>>, ReadError> {
        let tiers = self.consistent();
        for _ in 0..ATTEMPTS {
            let mut hot = self.hot.find(list, id).await?;
            if !tiers.check(list, hot.snapshot).await? {
                continue;
            }
            if let Some(row) = hot.rows.pop() {
                return Ok(Some(Placed { row, from_archive: false }));
            }
            let snapshot = hot.snapshot;
            if snapshot.cold_watermark.is_none() {
                return Ok(None);
            }
            let found = tiers.cold(list)?.find(list, snapshot, id).await;
            if let Outcome::Answer(mut rows) = tiers.settle(list, snapshot, found).await? {
                return Ok(rows.pop().map(|row| Placed { row, from_archive: true }));
            }
        }
        Err(ReadError::Overtaken { resource: list.resource() })
    }

    /// Answers without cold: the hot rows above everything cold may hold, or `error` where that is not enough.
    fn without_cold(
        &self,
        list: &L,
        hot: HotRows<L::Row>,
        order: Order,
        limit: i64,
        error: ReadError,
    ) -> Result<Page<L::Row>, ReadError> {
        let newest_cold = match (hot.snapshot.cold_watermark, error.unavailable()) {
            (Some(newest), Some(Tier::Cold)) if self.partial => newest,
            _ => return Err(error),
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

/// Joins the rows above a pivot, oldest first, and those from it on, newest first.
fn join<R>(mut newer: Page<R>, older: Page<R>) -> Page<R> {
    newer.rows.reverse();
    newer.rows.extend(older.rows);
    Page {
        rows: newer.rows,
        more: older.more,
        newer: newer.more,
        position: None,
        total: None,
        missing_from: newer.missing_from.or(older.missing_from),
    }
}

/// Returns whether a slice probably needs rows of cold.
fn likely_needs_cold(snapshot: HotSnapshot, slice: Slice) -> bool {
    reach(snapshot, slice.span).is_some_and(|newest| slice.order == Order::Asc || slice.span.upper <= newest)
}

/// Returns the slice to read from cold, which ends where the hot rows end; `None` if the hot rows are the page.
fn cold_part<L: List>(list: &L, slice: Slice, hot: &HotRows<L::Row>) -> Option<Slice> {
    let newest_cold = reach(hot.snapshot, slice.span)?;
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
