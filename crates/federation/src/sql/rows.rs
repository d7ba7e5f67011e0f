//! Parameters of list statements, and the rows of their answers.

use std::cmp::Reverse;

use super::lists::SqlList;
use crate::reads::List;
use thermocline_core::keyset::{Order, Slice, Span};
use thermocline_database::{Record, Tier, TierError, Value};

/// Parameters 1 to 4.
pub(super) fn span_params(span: Span) -> Vec<Value> {
    let Span { lower, upper } = span;
    vec![lower.at.into(), lower.id.into(), upper.at.into(), upper.id.into()]
}

/// Parameters 1 to 6.
pub(super) fn slice_params(slice: Slice) -> Vec<Value> {
    let mut params = span_params(slice.span);
    params.extend([slice.take.into(), slice.skip.into()]);
    params
}

/// Reads the rows of an answer and sorts them. They come sorted, which costs one pass here, but no database promises the order of
/// a join that it did not sort.
pub(super) fn rows<L: SqlList>(list: &L, order: Order, records: &[Record]) -> Result<Vec<L::Row>, TierError> {
    let mut rows = Vec::with_capacity(records.len());
    for record in records {
        if !record.is_null("id")? {
            rows.push(list.read(record)?);
        }
    }
    match order {
        Order::Desc => rows.sort_by_key(|row| Reverse(list.key(row))),
        Order::Asc => rows.sort_by_key(|row| list.key(row)),
    }
    Ok(rows)
}

pub(super) fn no_ids<L: List>(list: &L, tier: Tier) -> TierError {
    TierError::Statement { tier, statement: list.name(), source: "its rows have no ids".into() }
}
