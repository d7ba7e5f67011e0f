//! Pages that reach into late rows: rows of hot that lie among the cold ones.

use super::consistency::{Consistent, Outcome, reach};
use super::error::ReadError;
use super::merge::{Placed, cold_stretch, cut, merge, split};
use super::reads::{Hot, HotSnapshot, List};
use thermocline_core::keyset::{Order, Slice, Span};

/// Up to this many late rows are read with the page and ranked in memory; the ranks of more are found by bisection.
const LATE_AT_ONCE: i64 = 100;

/// A page with late rows, and the snapshot that it was read at.
pub(super) struct LatePage<R> {
    pub snapshot: HotSnapshot,
    /// The number of rows of the span that hot holds.
    pub in_hot: i64,
    pub rows: Vec<Placed<R>>,
}

/// A page of `take` rows from the `offset`th newest of `span` on.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    pub span: Span,
    pub offset: i64,
    pub take: i64,
}

impl Wanted {
    fn slice(span: Span, skip: i64, take: i64) -> Slice {
        Slice { span, order: Order::Desc, skip, take }
    }
}

/// Reads a page that reaches into late rows.
///
/// All reads of hot see one snapshot. Up to [`LATE_AT_ONCE`] late rows are read with the page and ranked in memory. Otherwise
/// the number of late rows above the page is found by bisection, with an exact count in both tiers at each step.
pub(super) async fn page_with_late_rows<L: List>(
    tiers: &Consistent<'_, L>,
    list: &L,
    Wanted { span, offset, take }: Wanted,
) -> Result<Outcome<LatePage<L::Row>>, ReadError> {
    let hot = tiers.hot.snapshot().await?;
    let mut top = hot.read(list, Wanted::slice(span, offset, take), true).await?;
    let (snapshot, counted) = (top.snapshot, top.count);
    let Some(newest_cold) = reach(snapshot, span) else {
        return Ok(Outcome::Retry);
    };
    let split = split(offset, take, counted.rows - counted.late);
    top.rows.truncate(split.newer as usize);
    let late_span = span.below(newest_cold);

    let below = if counted.late <= LATE_AT_ONCE {
        let late = hot.read(list, Wanted::slice(late_span, 0, counted.late), false).await?;
        let (skip, take) = cold_stretch(split.above, split.rest, counted.late);
        let Outcome::Answer(cold) = tiers.cold_rows(list, snapshot, Wanted::slice(span, skip, take)).await?
        else {
            return Ok(Outcome::Retry);
        };
        let merged = merge(late.rows, cold, |row| list.key(row), Order::Desc, usize::MAX);
        cut(merged, split.above, split.rest, counted.late)
    } else {
        let late_above = match late_rows_above(
            tiers,
            &*hot,
            list,
            snapshot,
            (span, late_span),
            counted.late.min(split.above),
            split.above,
        )
        .await?
        {
            Outcome::Answer(late_above) => late_above,
            Outcome::Retry => return Ok(Outcome::Retry),
        };
        let late = hot.read(list, Wanted::slice(late_span, late_above, split.rest), false).await?;
        let cold = Wanted::slice(span, split.above - late_above, split.rest);
        let Outcome::Answer(cold) = tiers.cold_rows(list, snapshot, cold).await? else {
            return Ok(Outcome::Retry);
        };
        merge(late.rows, cold, |row| list.key(row), Order::Desc, split.rest as usize)
    };
    let mut rows = Placed::from_hot(top.rows);
    rows.extend(below);
    Ok(Outcome::Answer(LatePage { snapshot, in_hot: counted.rows, rows }))
}

/// Returns how many of the first `above` rows below the newest cold row are late ones, at most `most`.
async fn late_rows_above<L: List>(
    tiers: &Consistent<'_, L>,
    hot: &dyn Hot<L>,
    list: &L,
    snapshot: HotSnapshot,
    (span, late_span): (Span, Span),
    most: i64,
    above: i64,
) -> Result<Outcome<i64>, ReadError> {
    let (mut low, mut high) = (0, most);
    while low < high {
        let middle = low + (high - low) / 2;
        let late = hot.read(list, Wanted::slice(late_span, middle, 1), false).await?;
        let Some(key) = late.rows.first().map(|row| list.key(row)) else {
            break;
        };
        let newer = match tiers.cold(list)?.count(list, snapshot, span.from(key)).await {
            Ok(newer) => newer.rows,
            Err(error) => return tiers.explain(list, snapshot, error).await.map(|()| Outcome::Retry),
        };
        if middle + newer < above {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(Outcome::Answer(low))
}
