//! Picking the next archived rows of a selection, newest move first.

use std::collections::HashMap;

use super::budget::BatchBudget;
use super::queries::sql;
use super::transaction::Move;
use crate::model::{RestoreCursor, Selection};
use thermocline_database::{TierError, Value};

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
