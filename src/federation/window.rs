//! Windows onto a list that lies in two tiers: by cursor, by offset, around a row, by id.

use std::time::Duration;

use super::merge::{cold_stretch, cut, merge, split};
use super::reads::{Cold, ColdError, Hot, HotRows, List, Mark};
use super::{Memory, Placed, ReadError};
use crate::page::{Key, Order, Slice, Span};
use crate::tier::Tier;

/// How often a request asks again when a move or the vacuum got in its way.
const ATTEMPTS: usize = 8;
/// Up to this many late rows of a filter are read with the page; above it their ranks are bisected.
const LATE_AT_ONCE: i64 = 100;

/// How long a page that hot has whole waits for what cold adds to its total.
const TOTAL: Duration = Duration::from_secs(3);

/// The two tiers, as one list is read from them.
pub struct Tiers<'a, L: List> {
    /// The hot tier.
    pub hot: &'a dyn Hot<L>,
    /// The cold tier; absent in hot-only mode.
    pub cold: Option<&'a dyn Cold<L>>,
    /// What earlier requests learnt.
    pub memory: &'a Memory,
    /// Whether a list without what cold holds of it is better than none.
    pub partial: bool,
}

/// Whether a page counts its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// No total.
    None,
    /// A total, unless cold is away and the rows are not.
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
    /// The length of the list, when it was counted.
    pub total: Option<i64>,
    /// Set when cold was asked for and did not answer: the page ends above this key, below which cold may hold rows.
    pub missing_from: Option<Key>,
}

impl<R> Page<R> {
    /// Of `take` rows asked for and one more: its presence is `more`.
    fn cut(mut rows: Vec<Placed<R>>, limit: i64, total: Option<i64>) -> Self {
        let limit = usize::try_from(limit).unwrap_or(0);
        let more = rows.len() > limit;
        rows.truncate(limit);
        Self { rows, more, total, missing_from: None }
    }
}

/// What a read that needed cold came to.
enum Outcome<T> {
    Answer(T),
    /// The epoch asked for is gone: begin again from hot.
    Again,
}

/// What stands on a page below the hot rows that are newer than every cold row.
enum Below<R> {
    /// Cold rows only.
    Cold(Vec<R>),
    /// Late rows among cold ones: the page is already whole.
    Late(LatePage<R>),
}

struct LatePage<R> {
    mark: Mark,
    in_hot: i64,
    rows: Vec<Placed<R>>,
}

impl<L: List> Tiers<'_, L> {
    /// The rows of `span` that come first in `order`, `limit` at most, and whether more follow.
    ///
    /// Asks hot alone when cold can hold none of them. When the last state seen says that cold will be needed, both
    /// are asked at once; if hot then answers with another epoch, cold is asked again.
    pub async fn seek(
        &self,
        list: &L,
        span: Span,
        order: Order,
        limit: i64,
    ) -> Result<Page<L::Row>, ReadError> {
        let slice = Slice { span, order, skip: 0, take: limit + 1 };
        for _ in 0..ATTEMPTS {
            let guess = self.memory.mark(list.name()).filter(|mark| likely_needs_cold(*mark, slice));
            let (hot, guessed) = match (guess, self.cold) {
                (Some(mark), Some(cold)) => {
                    let (hot, cold) = futures::future::join(
                        self.hot.read(list, slice, false),
                        cold.read(list, mark, slice),
                    )
                    .await;
                    (hot?, Some((mark, cold)))
                }
                _ => (self.hot.read(list, slice, false).await?, None),
            };
            let mark = hot.mark;
            if !self.fits(list, mark).await? {
                continue;
            }
            self.memory.keep_mark(list.name(), mark);
            let Some(stretch) = cold_part(list, slice, &hot) else {
                return Ok(Page::cut(from_hot(hot.rows), limit, None));
            };
            let cold = match guessed {
                Some((guess, answer)) if guess == mark => self.settle(list, mark, answer).await,
                _ => self.cold_rows(list, mark, stretch).await,
            };
            match cold {
                Ok(Outcome::Answer(cold)) => {
                    let take = slice.take as usize;
                    let rows = merge(hot.rows, cold, |row| list.key(row), order, take);
                    return Ok(Page::cut(rows, limit, None));
                }
                Ok(Outcome::Again) => {}
                Err(error) => return self.without_cold(list, hot, order, limit, error),
            }
        }
        Err(ReadError::Overtaken { resource: list.resource() })
    }

    /// The rows from the `offset`th newest of `span` on, `limit` at most.
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
        for _ in 0..ATTEMPTS {
            let hot = self.hot.read(list, slice, true).await?;
            let (mark, held) = (hot.mark, hot.count);
            if !self.fits(list, mark).await? {
                continue;
            }
            self.memory.keep_mark(list.name(), mark);
            let newer = held.rows - held.late;
            let alone = reach(mark, span).is_none();
            if alone || offset + take <= newer {
                let in_cold = match count {
                    Count::None => Ok(Outcome::Answer(None)),
                    _ if alone => Ok(Outcome::Answer(Some(0))),
                    Count::Usual => {
                        let counted = tokio::time::timeout(TOTAL, self.cold_total(list, span, mark)).await;
                        counted.unwrap_or(Ok(Outcome::Answer(None)))
                    }
                    Count::Exact => self.cold_total(list, span, mark).await,
                };
                let in_cold = match in_cold {
                    Ok(Outcome::Answer(in_cold)) => in_cold,
                    Ok(Outcome::Again) => continue,
                    Err(error) if count == Count::Usual && error.unavailable() == Some(Tier::Cold) => None,
                    Err(error) => return self.without_cold(list, hot, Order::Desc, limit, error),
                };
                let total = in_cold.filter(|_| count != Count::None).map(|cold| held.rows + cold);
                return Ok(Page::cut(from_hot(hot.rows), limit, total));
            }
            let rows = async {
                if held.late > 0 {
                    return self.page_with_late_rows(list, span, offset, take).await;
                }
                let skip = (offset - held.rows).max(0);
                let take = take - hot.rows.len() as i64;
                let stretch = Slice { span, order: Order::Desc, skip, take };
                Ok(match self.cold_rows(list, mark, stretch).await? {
                    Outcome::Answer(cold) => Outcome::Answer(Below::Cold(cold)),
                    Outcome::Again => Outcome::Again,
                })
            };
            let counted = async {
                match count {
                    Count::None => Ok(Outcome::Answer(None)),
                    _ => self.cold_total(list, span, mark).await,
                }
            };
            match futures::future::try_join(rows, counted).await {
                Ok((Outcome::Answer(Below::Cold(cold)), Outcome::Answer(in_cold))) => {
                    let rows = merge(hot.rows, cold, |row| list.key(row), Order::Desc, take as usize);
                    return Ok(Page::cut(rows, limit, in_cold.map(|cold| held.rows + cold)));
                }
                Ok((Outcome::Answer(Below::Late(late)), Outcome::Answer(in_cold))) if late.mark == mark => {
                    return Ok(Page::cut(late.rows, limit, in_cold.map(|cold| late.in_hot + cold)));
                }
                // Vacuumed away, or moved between the first look and the snapshot.
                Ok(_) => {}
                Err(error) => return self.without_cold(list, hot, Order::Desc, limit, error),
            }
        }
        Err(ReadError::Overtaken { resource: list.resource() })
    }

    /// `limit` rows around `pivot`: up to half of them newer, then the row at or below it, then older ones.
    pub async fn around(
        &self,
        list: &L,
        span: Span,
        pivot: Key,
        limit: i64,
    ) -> Result<Page<L::Row>, ReadError> {
        let above = span.from(pivot.successor());
        let mut newer = self.seek(list, above, Order::Asc, limit / 2).await?;
        let below = span.below(pivot.successor());
        let older = self.seek(list, below, Order::Desc, limit - newer.rows.len() as i64).await?;
        newer.rows.reverse();
        newer.rows.extend(older.rows);
        Ok(Page {
            rows: newer.rows,
            more: older.more,
            total: None,
            missing_from: newer.missing_from.or(older.missing_from),
        })
    }

    /// The row with this id, wherever it is.
    pub async fn find(&self, list: &L, id: i64) -> Result<Option<Placed<L::Row>>, ReadError> {
        for _ in 0..ATTEMPTS {
            let mut hot = self.hot.find(list, id).await?;
            if !self.fits(list, hot.mark).await? {
                continue;
            }
            if let Some(row) = hot.rows.pop() {
                return Ok(Some(Placed { row, from_archive: false }));
            }
            let mark = hot.mark;
            if mark.cold_newest.is_none() {
                return Ok(None);
            }
            let found = self.cold(list)?.find(list, mark, id).await;
            if let Outcome::Answer(mut rows) = self.settle(list, mark, found).await? {
                return Ok(rows.pop().map(|row| Placed { row, from_archive: true }));
            }
        }
        Err(ReadError::Overtaken { resource: list.resource() })
    }

    fn cold(&self, list: &L) -> Result<&dyn Cold<L>, ReadError> {
        self.cold.ok_or(ReadError::NoCold { resource: list.resource() })
    }

    async fn cold_rows(
        &self,
        list: &L,
        mark: Mark,
        stretch: Slice,
    ) -> Result<Outcome<Vec<L::Row>>, ReadError> {
        let rows = self.cold(list)?.read(list, mark, stretch).await;
        self.settle(list, mark, rows).await
    }

    async fn cold_total(&self, list: &L, span: Span, mark: Mark) -> Result<Outcome<Option<i64>>, ReadError> {
        if reach(mark, span).is_none() {
            return Ok(Outcome::Answer(Some(0)));
        }
        if let Some(total) = self.memory.total(list.id(), span, mark).await {
            return Ok(Outcome::Answer(Some(total)));
        }
        match self.cold(list)?.count(list, mark, span).await {
            Ok(total) => {
                self.check_confirmed(list, mark, total.confirmed).await?;
                self.memory.keep_total(list.id(), span, mark, total.rows).await;
                Ok(Outcome::Answer(Some(total.rows)))
            }
            Err(error) => self.refused(list, mark, error).await.map(|()| Outcome::Again),
        }
    }

    /// Checks an answer of cold against what hot says now, when cold knows of later moves.
    async fn settle(
        &self,
        list: &L,
        mark: Mark,
        answer: Result<super::reads::ColdRows<L::Row>, ColdError>,
    ) -> Result<Outcome<Vec<L::Row>>, ReadError> {
        match answer {
            Ok(cold) => {
                self.check_confirmed(list, mark, cold.confirmed).await?;
                // The answer holds at the epoch it was asked for, whatever has moved since.
                Ok(Outcome::Answer(cold.rows))
            }
            Err(error) => self.refused(list, mark, error).await.map(|()| Outcome::Again),
        }
    }

    /// A page of `take` rows whose window reaches into rows that hot holds among the cold ones.
    ///
    /// All hot reads are of one instant. Few late rows are read with the page and ranked in memory; of many the
    /// number above the page is found by bisection, each step an exact count in both tiers.
    async fn page_with_late_rows(
        &self,
        list: &L,
        span: Span,
        offset: i64,
        take: i64,
    ) -> Result<Outcome<Below<L::Row>>, ReadError> {
        let hot = self.hot.snapshot().await?;
        let slice = Slice { span, order: Order::Desc, skip: offset, take };
        let mut top = hot.read(list, slice, true).await?;
        let (mark, held) = (top.mark, top.count);
        let Some(newest_cold) = reach(mark, span) else {
            return Ok(Outcome::Again);
        };
        let split = split(offset, take, held.rows - held.late);
        top.rows.truncate(split.newer as usize);
        let late_span = span.below(newest_cold);
        let late_slice = |skip, take| Slice { span: late_span, order: Order::Desc, skip, take };
        let cold_slice = |skip, take| Slice { span, order: Order::Desc, skip, take };

        let below = if held.late <= LATE_AT_ONCE {
            let late = hot.read(list, late_slice(0, held.late), false).await?;
            let (skip, take) = cold_stretch(split.above, split.rest, held.late);
            let Outcome::Answer(cold) = self.cold_rows(list, mark, cold_slice(skip, take)).await? else {
                return Ok(Outcome::Again);
            };
            let merged = merge(late.rows, cold, |row| list.key(row), Order::Desc, usize::MAX);
            cut(merged, split.above, split.rest, held.late)
        } else {
            let (mut few, mut many) = (0, held.late.min(split.above));
            while few < many {
                let middle = few + (many - few) / 2;
                let late = hot.read(list, late_slice(middle, 1), false).await?;
                let Some(key) = late.rows.first().map(|row| list.key(row)) else {
                    break;
                };
                let newer = match self.cold(list)?.count(list, mark, span.from(key)).await {
                    Ok(newer) => newer.rows,
                    Err(error) => return self.refused(list, mark, error).await.map(|()| Outcome::Again),
                };
                if middle + newer < split.above {
                    few = middle + 1;
                } else {
                    many = middle;
                }
            }
            let late = hot.read(list, late_slice(few, split.rest), false).await?;
            let cold = cold_slice(split.above - few, split.rest);
            let Outcome::Answer(cold) = self.cold_rows(list, mark, cold).await? else {
                return Ok(Outcome::Again);
            };
            merge(late.rows, cold, |row| list.key(row), Order::Desc, split.rest as usize)
        };
        let mut rows = from_hot(top.rows);
        rows.extend(below);
        Ok(Outcome::Answer(Below::Late(LatePage { mark, in_hot: held.rows, rows })))
    }

    /// What is left when cold does not answer: an error, or the hot rows above everything cold may hold.
    fn without_cold(
        &self,
        list: &L,
        hot: HotRows<L::Row>,
        order: Order,
        limit: i64,
        error: ReadError,
    ) -> Result<Page<L::Row>, ReadError> {
        let newest_cold = match (hot.mark.cold_newest, error.unavailable()) {
            (Some(newest), Some(Tier::Cold)) if self.partial => newest,
            _ => return Err(error),
        };
        tracing::warn!(resource = list.resource(), %error, "answered without the cold tier");
        let mut rows = hot.rows;
        let mut limit = limit;
        // Upwards, late rows may have filled the slice; then hot has more above them.
        let full = rows.len() as i64 > limit;
        rows.retain(|row| list.key(row) > newest_cold);
        if order == Order::Desc && (rows.len() as i64) <= limit {
            // Whatever comes next may lie in cold.
            limit = rows.len() as i64;
        }
        let mut page = Page::cut(from_hot(rows), limit, None);
        page.more = full || order == Order::Desc;
        page.missing_from = Some(newest_cold);
        Ok(page)
    }
}

fn from_hot<R>(rows: Vec<R>) -> Vec<Placed<R>> {
    let placed = |row| Placed { row, from_archive: false };
    rows.into_iter().map(placed).collect()
}

/// The newest key cold may hold, if that lies in `span`'s reach.
fn reach(mark: Mark, span: Span) -> Option<Key> {
    mark.cold_newest.filter(|newest| span.lower <= *newest && !span.is_empty())
}

/// Whether a slice lies so that hot will hardly answer it alone.
fn likely_needs_cold(mark: Mark, slice: Slice) -> bool {
    reach(mark, slice.span).is_some_and(|newest| slice.order == Order::Asc || slice.span.upper <= newest)
}

/// What cold has to add to what hot gave: nothing, or the slice clipped to where hot rows end.
fn cold_part<L: List>(list: &L, slice: Slice, hot: &HotRows<L::Row>) -> Option<Slice> {
    let newest_cold = reach(hot.mark, slice.span)?;
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
