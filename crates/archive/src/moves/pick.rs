//! The next archived rows of a selection, newest move first.

use std::collections::HashMap;

use super::budget::BatchBudget;
use super::queries::sql;
use super::transaction::Move;
use crate::model::{Family, RestoreCursor, Selection};
use thermocline_database::{Engine, TierError, Value};
use thermocline_journal::entry;

/// Returns the first and the last move that can have brought selected rows.
pub async fn moves_of(
    cold: &dyn Engine,
    family: &Family,
    selection: Selection,
) -> Result<(i64, i64), TierError> {
    let Some(span) = selection.span(family) else { return Ok((0, i64::MAX)) };
    // No move has the number 0.
    Ok(entry::spanned(cold, family.resource, span).await?.unwrap_or_default())
}

/// Returns the ids of the next rows below a cursor and from the move `first` on, as many as fit into a batch of `rows` rows,
/// children included; and the cursor of the last one.
pub async fn pick(
    this: &mut Move<'_>,
    selection: Selection,
    (below, first): (RestoreCursor, i64),
    rows: i64,
) -> Result<(Vec<i64>, RestoreCursor), TierError> {
    let (statement, params) = selection.pick(this.family, below, first, rows);
    let mut picked = Vec::new();
    for record in this.cold.fetch(&statement, &params).await? {
        let cursor = RestoreCursor { epoch: record.int("epoch")?, id: record.int("place")? };
        picked.push((record.int("id")?, cursor));
    }
    let all = Value::from(picked.iter().map(|(id, _)| *id).collect::<Vec<_>>());
    let mut weights: HashMap<i64, (i64, i64)> = HashMap::new();
    for moved in &this.family.tables {
        let statement = moved.sql(sql::open_weights());
        for record in this.cold.fetch(&statement, std::slice::from_ref(&all)).await? {
            let (rows, bytes) = weights.entry(record.int("id")?).or_default();
            *rows += record.int("n")?;
            *bytes += record.int("bytes")?;
        }
    }
    let (mut ids, mut budget, mut last) = (Vec::new(), BatchBudget::new(rows), below);
    for (id, cursor) in picked {
        let (rows, bytes) = weights.get(&id).copied().unwrap_or_default();
        if !budget.takes(rows, bytes) {
            break;
        }
        ids.push(id);
        last = cursor;
    }
    Ok((ids, last))
}
