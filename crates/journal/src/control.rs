//! Requests of operators to the movers of a resource, wherever they run. Movers read them between batches.

use std::time::Duration;

use super::queries::sql;
use super::{ConsistencyError, Disagreement, JournalError};
use thermocline_core::clock::Timestamp;
use thermocline_core::table::ColumnType;
use thermocline_database::{Begin, Engine, Record, TierError, Value};

const TABLE: &str = "archive_control";
/// Attempts of a change that conflicts with another one.
const ATTEMPTS: u32 = 3;
const COLUMNS: [&str; 5] = ["resource", "paused", "rows_per_second", "max_hot_latency_ms", "changed_at"];

/// The requests of operators to the movers of a resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Control {
    /// Whether no batch begins.
    pub paused: bool,
    /// The number of rows, children included, that move in a second at most.
    pub rows_per_second: Option<i64>,
    /// No batch begins while a cheap read of hot takes longer.
    pub max_hot_latency: Option<Duration>,
}

impl Control {
    fn of(record: &Record) -> Result<Self, TierError> {
        let millis = record.int_or_null("max_hot_latency_ms")?;
        Ok(Self {
            paused: record.bool_or_null("paused")?.unwrap_or(false),
            rows_per_second: record.int_or_null("rows_per_second")?.filter(|rows| *rows > 0),
            max_hot_latency: millis.map(|millis| Duration::from_millis(millis.max(0).cast_unsigned())),
        })
    }

    /// Returns `max_hot_latency` in milliseconds.
    pub fn max_hot_latency_ms(&self) -> Option<i64> {
        self.max_hot_latency.map(|most| i64::try_from(most.as_millis()).unwrap_or(i64::MAX))
    }
}

/// Returns whether a resource is held, and what operators ask of its movers. Takes no lock.
pub async fn read(hot: &dyn Engine, resource: &str) -> Result<(bool, Control), JournalError> {
    let records = hot.fetch(sql::controlled(), &[resource.into()]).await?;
    match records.first() {
        Some(record) => Ok((record.bool("held")?, Control::of(record)?)),
        None => Err(ConsistencyError::new(resource, Disagreement::StateRows(0)).into()),
    }
}

/// Changes what is asked of the movers of a resource, in a transaction of its own. Returns what was asked before and what is
/// asked now.
///
/// # Errors
/// [`TierError::Conflict`] when others were in its way several times.
pub async fn change(
    hot: &dyn Engine,
    resource: &str,
    now: Timestamp,
    change: impl Fn(&mut Control) + Send + Sync,
) -> Result<(Control, Control), TierError> {
    for _ in 1..ATTEMPTS {
        match attempt(hot, resource, now, &change).await {
            Err(error) if error.is_conflict() => {}
            done => return done,
        }
    }
    attempt(hot, resource, now, &change).await
}

async fn attempt(
    hot: &dyn Engine,
    resource: &str,
    now: Timestamp,
    change: &(impl Fn(&mut Control) + Send + Sync),
) -> Result<(Control, Control), TierError> {
    let mut session = hot.session().await?;
    session.begin(Begin::Write).await?;
    // Two operators wait for each other.
    if session.execute(sql::lock_control(), &[resource.into(), now.into()]).await? == 0 {
        let none = Value::Null(ColumnType::Int);
        let row: Vec<Value> = vec![resource.into(), false.into(), none.clone(), none, now.into()];
        session.insert(TABLE, &COLUMNS, &[row]).await?;
    }
    let records = session.fetch(sql::control(), &[resource.into()]).await?;
    let before = records.first().map(Control::of).transpose()?.unwrap_or_default();
    let mut after = before;
    change(&mut after);
    let params = [
        resource.into(),
        after.paused.into(),
        Value::or_null(after.rows_per_second, ColumnType::Int),
        Value::or_null(after.max_hot_latency_ms(), ColumnType::Int),
    ];
    session.execute(sql::set_control(), &params).await?;
    session.commit().await?;
    Ok((before, after))
}
