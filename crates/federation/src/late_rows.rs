//! Pages that reach into late rows: rows of hot that lie among the cold ones.

use super::attempt::{Attempt, Interruption};
use super::consistency::{Consistent, watermark_in};
use super::merge::{Placed, Split, cold_stretch, cut, merge, split};
use super::reads::{Hot, HotSnapshot, List};
use thermocline_core::keyset::{Key, Order, Slice, Span};

/// Up to this many late rows are read with the page and ranked in memory; the ranks of more are found by bisection.
const LATE_AT_ONCE: i64 = 100;

/// A page with late rows, and the snapshot that it was read at.
pub(super) struct LatePage<R> {
    pub snapshot: HotSnapshot,
    /// The number of rows of the span that hot holds.
    pub in_hot: i64,
    pub rows: Vec<Placed<R>>,
}

/// Late and cold rows of a span, as one snapshot of hot sees them.
struct LateRows<'a, L: List> {
    tiers: &'a Consistent<'a, L>,
    hot: &'a dyn Hot<L>,
    list: &'a L,
    snapshot: HotSnapshot,
    span: Span,
    /// The part of the span that holds late rows.
    late_span: Span,
    /// The number of late rows.
    late: i64,
}

/// Reads a slice, newest first, that reaches into late rows.
///
/// All reads of hot see one snapshot. Up to [`LATE_AT_ONCE`] late rows are read with the page and ranked in memory. Otherwise
/// the number of late rows above the page is found by bisection, with an exact count in both tiers at each step.
pub(super) async fn page_with_late_rows<L: List>(
    tiers: &Consistent<'_, L>,
    list: &L,
    slice: Slice,
) -> Attempt<LatePage<L::Row>> {
    let span = slice.span;
    let hot = tiers.hot.snapshot().await?;
    let mut top = hot.read(list, slice, true).await?;
    let (snapshot, counted) = (top.snapshot, top.count);
    let newest_cold = watermark_in(snapshot, span).ok_or(Interruption::Retry)?;
    let split = split(slice.skip, slice.take, counted.rows - counted.late);
    top.rows.truncate(split.newer as usize);
    let (late_span, late) = (span.below(newest_cold), counted.late);
    let late_rows = LateRows { tiers, hot: &*hot, list, snapshot, span, late_span, late };
    let below = if late <= LATE_AT_ONCE {
        late_rows.ranked_in_memory(split).await?
    } else {
        late_rows.ranked_by_bisection(split).await?
    };
    let mut rows = Placed::from_hot(top.rows);
    rows.extend(below);
    Ok(LatePage { snapshot, in_hot: counted.rows, rows })
}

impl<L: List> LateRows<'_, L> {
    /// Reads every late row, and the cold rows among which those of the page are.
    async fn ranked_in_memory(&self, split: Split) -> Attempt<Vec<Placed<L::Row>>> {
        let late = self.late_rows(0, self.late).await?;
        let (skip, take) = cold_stretch(split.above, split.rest, self.late);
        let merged = merge(late, self.cold_rows(skip, take).await?, self.key(), Order::Desc, usize::MAX);
        Ok(cut(merged, split.above, split.rest, self.late))
    }

    /// Reads late and cold rows from the page on.
    async fn ranked_by_bisection(&self, split: Split) -> Attempt<Vec<Placed<L::Row>>> {
        let late_above = self.late_rows_above(split.above).await?;
        let late = self.late_rows(late_above, split.rest).await?;
        let cold = self.cold_rows(split.above - late_above, split.rest).await?;
        Ok(merge(late, cold, self.key(), Order::Desc, split.rest as usize))
    }

    /// Returns how many of the first `above` late and cold rows are late ones.
    async fn late_rows_above(&self, above: i64) -> Attempt<i64> {
        let (mut low, mut high) = (0, self.late.min(above));
        while low < high {
            let middle = low + (high - low) / 2;
            let late = self.late_rows(middle, 1).await?;
            let Some(key) = late.first().map(self.key()) else {
                break;
            };
            let counted =
                self.tiers.cold(self.list)?.count(self.list, self.snapshot, self.span.from(key)).await;
            let newer = match counted {
                Ok(newer) => newer.rows,
                Err(error) => return self.tiers.retry_or_fail(self.list, self.snapshot, error).await,
            };
            if middle + newer < above {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    async fn late_rows(&self, skip: i64, take: i64) -> Attempt<Vec<L::Row>> {
        let slice = Slice::newest(self.late_span, take).skipping(skip);
        Ok(self.hot.read(self.list, slice, false).await?.rows)
    }

    async fn cold_rows(&self, skip: i64, take: i64) -> Attempt<Vec<L::Row>> {
        let slice = Slice::newest(self.span, take).skipping(skip);
        self.tiers.cold_rows(self.list, self.snapshot, slice).await
    }

    fn key(&self) -> impl Fn(&L::Row) -> Key {
        |row| self.list.key(row)
    }
}
