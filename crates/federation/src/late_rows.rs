//! Pages that reach into late rows: rows of hot that lie among the cold ones.

use super::consistency::{Consistent, Outcome, reach};
use super::error::ReadError;
use super::merge::{Placed, cold_stretch, cut, merge, split};
use super::reads::{Hot, HotSnapshot, List};
use thermocline_core::keyset::{Order, Slice, Span};

/// Up to this many late rows of a filter are read with the page; above it their ranks are bisected.
const LATE_AT_ONCE: i64 = 100;

/// A page with late rows on it, and what it was read at.
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

/// Reads a page whose window reaches into late rows.
///
/// All reads of hot see one instant. A few late rows are read with the page and ranked in memory. Of many the number above
/// the page is found by bisection, each step an exact count in both tiers.
pub(super) async fn page_with_late_rows<L: List>(
    tiers: &Consistent<'_, L>,
    list: &L,
    Wanted { span, offset, take }: Wanted,
) -> Result<Outcome<LatePage<L::Row>>, ReadError> {
    let hot = tiers.hot.snapshot().await?;
    let mut top = hot.read(list, Wanted::slice(span, offset, take), true).await?;
    let (snapshot, held) = (top.snapshot, top.count);
    let Some(newest_cold) = reach(snapshot, span) else {
        return Ok(Outcome::Retry);
    };
    let split = split(offset, take, held.rows - held.late);
    top.rows.truncate(split.newer as usize);
    let late_span = span.below(newest_cold);

    let below = if held.late <= LATE_AT_ONCE {
        let late = hot.read(list, Wanted::slice(late_span, 0, held.late), false).await?;
        let (skip, take) = cold_stretch(split.above, split.rest, held.late);
        let Outcome::Answer(cold) = tiers.cold_rows(list, snapshot, Wanted::slice(span, skip, take)).await?
        else {
            return Ok(Outcome::Retry);
        };
        let merged = merge(late.rows, cold, |row| list.key(row), Order::Desc, usize::MAX);
        cut(merged, split.above, split.rest, held.late)
    } else {
        let late_above = match late_rows_above(
            tiers,
            &*hot,
            list,
            snapshot,
            (span, late_span),
            held.late.min(split.above),
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
    Ok(Outcome::Answer(LatePage { snapshot, in_hot: held.rows, rows }))
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
    let (mut few, mut many) = (0, most);
    while few < many {
        let middle = few + (many - few) / 2;
        let late = hot.read(list, Wanted::slice(late_span, middle, 1), false).await?;
        let Some(key) = late.rows.first().map(|row| list.key(row)) else {
            break;
        };
        let newer = match tiers.cold(list)?.count(list, snapshot, span.from(key)).await {
            Ok(newer) => newer.rows,
            Err(error) => return tiers.explain(list, snapshot, error).await.map(|()| Outcome::Retry),
        };
        if middle + newer < above {
            few = middle + 1;
        } else {
            many = middle;
        }
    }
    Ok(Outcome::Answer(few))
}
