//! The rows of a move.

use super::timing::Steps;
use crate::model::{Family, Moved};
use thermocline_database::{Record, Session, Statement, TierError, Value, row_of};
use thermocline_journal::Digest;

/// Rows of one table of the family.
pub struct Rows<'a> {
    pub moved: &'a Moved,
    pub rows: Vec<Vec<Value>>,
}

/// A batch that was moved.
#[derive(Clone, Debug)]
pub struct MovedBatch {
    /// Its epoch.
    pub epoch: i64,
    /// The number of its rows, children included.
    pub rows: i64,
    /// The number of its rows of the resource itself.
    pub of_resource: i64,
    /// The time that its steps took.
    pub steps: Steps,
}

impl MovedBatch {
    pub fn new(epoch: i64, moved: &[Rows<'_>], steps: Steps) -> Self {
        Self { epoch, rows: count(moved), of_resource: own(moved).len() as i64, steps }
    }
}

/// Returns an empty list of rows for each table of a family.
pub fn empty(family: &Family) -> Vec<Rows<'_>> {
    family.tables.iter().map(|moved| Rows { moved, rows: Vec::new() }).collect()
}

/// Fetches rows of one table, in the order of its columns.
pub async fn fetch(
    session: &mut dyn Session,
    moved: &Moved,
    statement: &Statement,
    params: &[Value],
) -> Result<Vec<Vec<Value>>, TierError> {
    let mut rows = Vec::new();
    let mut take = |record| {
        rows.push(row_of(&record, moved.table)?);
        Ok(())
    };
    session.fetch_each(statement, params, &mut take).await?;
    Ok(rows)
}

/// Returns the rows of one table in some records.
pub fn rows_of(records: &[Record], moved: &Moved) -> Result<Vec<Vec<Value>>, TierError> {
    records.iter().map(|record| row_of(record, moved.table)).collect()
}

/// Returns the rows of the resource's own table.
pub fn own<'a>(moved: &'a [Rows<'_>]) -> &'a [Vec<Value>] {
    moved.last().map_or(&[], |rows| &rows.rows)
}

/// Returns the number of rows of all tables.
pub fn count(moved: &[Rows<'_>]) -> i64 {
    moved.iter().map(|rows| rows.rows.len() as i64).sum()
}

/// Returns the digest of the rows of all tables.
pub fn digest(moved: &[Rows<'_>]) -> Digest {
    let mut digest = Digest::default();
    for Rows { moved, rows } in moved {
        for row in rows {
            digest.add(moved.table.name, row);
        }
    }
    digest
}
