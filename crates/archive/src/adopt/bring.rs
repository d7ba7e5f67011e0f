//! Bringing rows of a file straight into cold: an old archive that was kept outside every database.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

use async_trait::async_trait;

use crate::model::{Family, Moved};
use crate::moves::archive::prove;
use crate::moves::retry::{Attempt, retry_on_conflict};
use crate::moves::rows::{self, MovedBatch, Rows};
use crate::moves::transaction::Move;
use crate::moves::{self, MoveError, Mover, erasures, settle};
use crate::recover::reserve_ids;
use thermocline_database::{Begin, TierError, Value};
use thermocline_journal::MoveKind;

/// The outcome of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Brought {
    /// It is a version now.
    Inserted,
    /// One of the tiers shows it already.
    Known,
    /// It cannot go in, for this reason.
    Rejected(String),
}

/// One move that brings rows of a family's own table.
struct Bring<'a> {
    mover: &'a Mover<'a>,
    family: &'a Family,
    rows: Vec<Vec<Value>>,
    verdicts: Mutex<Vec<Brought>>,
}

/// Brings rows of a family's own table into cold, in one move. Returns one verdict each, in their order.
pub async fn bring(
    mover: &Mover<'_>,
    family: &Family,
    rows: Vec<Vec<Value>>,
) -> Result<Vec<Brought>, MoveError> {
    let bring = Bring { mover, family, rows, verdicts: Mutex::default() };
    retry_on_conflict(&bring).await?;
    let mut cold = mover.cold.session().await?;
    let mut hot = mover.hot.session().await?;
    hot.begin(Begin::Write).await?;
    reserve_ids(&mut *cold, &mut *hot, family).await?;
    hot.commit().await?;
    Ok(bring.verdicts.into_inner().unwrap_or_default())
}

#[async_trait]
impl Attempt for Bring<'_> {
    async fn attempt(&self) -> Result<Option<MovedBatch>, MoveError> {
        let mut this = settle::begin(self.mover, self.family).await?;
        let (verdicts, own) = self.judge(&mut this).await?;
        *self.verdicts.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = verdicts;
        if own.is_empty() {
            this.give_up().await?;
            return Ok(None);
        }
        let empty = |moved| Rows { moved, rows: Vec::new() };
        let mut taken: Vec<Rows<'_>> = self.family.tables.iter().map(empty).collect();
        if let Some(last) = taken.last_mut() {
            last.rows = own;
        }
        let (digest, moved) = (rows::digest(&taken), self.family.own());
        this.lock_claim().await?;
        let now = Value::from(self.mover.clock.now());
        let copies: Vec<Vec<Value>> =
            rows::own(&taken).iter().map(|row| Moved::archived_row(row, now.clone(), this.number)).collect();
        this.cold.insert(moved.archived, &moved.archived_columns(), &copies).await?;
        this.count(&taken, 1).await?;
        this.commit_cold(MoveKind::Adopt, &taken, digest).await?;
        prove(&mut *this.cold, self.family, this.number, &taken, digest).await?;
        let number = this.number;
        let newest = rows::own(&taken).iter().map(|row| (self.family.key)(row)).max();
        let watermark = newest.max(this.state.cold_watermark);
        let steps = this.commit(watermark).await?;
        Ok(Some(MovedBatch::new(number, &taken, steps)))
    }
}

impl Bring<'_> {
    /// Returns a verdict for each row, and the rows that go in.
    async fn judge(&self, this: &mut Move<'_>) -> Result<(Vec<Brought>, Vec<Vec<Value>>), TierError> {
        let moved = self.family.own();
        let ids = Value::from(self.rows.iter().map(|row| row[0].int()).collect::<Vec<_>>());
        let (hot, cold) = (moved.sql_by(moves::sql::hot_of(), 0), moved.sql_by(moves::sql::open_of(), 0));
        let mut known: HashMap<i64, (Vec<Value>, &str)> = HashMap::new();
        for row in this.hot_rows(moved, &hot, std::slice::from_ref(&ids)).await? {
            known.insert(row[0].int(), (row, "hot"));
        }
        for row in this.cold_rows(moved, &cold, std::slice::from_ref(&ids)).await? {
            known.insert(row[0].int(), (row, "cold"));
        }
        let erased: HashSet<i64> = erasures::erased(&mut *this.hot, self.family.resource, &ids).await?;
        let (mut verdicts, mut own) = (Vec::new(), Vec::new());
        for row in &self.rows {
            let id = row[0].int();
            let unfit = row.iter().zip(moved.table.columns).find_map(|(value, column)| {
                self.mover.cold.reject_reason(value).map(|reason| format!("{} {reason}", column.name))
            });
            verdicts.push(match (known.get(&id), unfit) {
                _ if erased.contains(&id) => Brought::Rejected(format!("row {id} was erased")),
                (Some((shown, _)), _) if is_same(moved, shown, row) => Brought::Known,
                (Some((_, tier)), _) => Brought::Rejected(format!("{tier} holds another row {id}")),
                (None, Some(reason)) => Brought::Rejected(reason),
                (None, None) => {
                    known.insert(id, (row.clone(), "the file"));
                    own.push(row.clone());
                    Brought::Inserted
                }
            });
        }
        Ok((verdicts, own))
    }
}

/// Returns whether a row is one that is shown. An archive may not tell whether a message was read.
fn is_same(moved: &Moved, shown: &[Value], row: &[Value]) -> bool {
    let pairs = shown.iter().zip(row).zip(moved.table.columns);
    pairs.filter(|(_, column)| column.name != "is_read").all(|((a, b), _)| a == b)
}
