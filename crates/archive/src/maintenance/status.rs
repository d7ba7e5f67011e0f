//! `archive status`: how far the rows of a resource have moved, and what keeps others from moving.
//!
//! Everything is read without a lock and changes nothing. While cold is unavailable, only what hot knows is reported.

use serde::Serialize;

use super::counter::{Counter, PAUSE};
use super::queries::sql;
use crate::model::{Family, Rule};
use thermocline_core::clock::{Clock, Timestamp};
use thermocline_database::{Engine, TierError};
use thermocline_journal::claim::{self, Head};
use thermocline_journal::{Disagreement, JournalError, State, control, entry, state};

/// Rejects that are listed.
const SHOWN: i64 = 5;

/// The status of a resource.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// The resource.
    pub resource: &'static str,
    /// The number of its last move that hot has committed; 0 before any.
    pub epoch: i64,
    /// Rows of the resource in hot.
    pub rows_in_hot: i64,
    /// Rows of these that are due.
    pub due: i64,
    /// The number of days since the oldest of these became due.
    pub lag_days: f64,
    /// Whether the resource is held after a restore: nothing moves until `archive resume`.
    pub held: bool,
    /// Whether an operator has paused its movers: nothing moves until `archive continue`.
    pub paused: bool,
    /// The number of rows, children included, that move in a second at most.
    pub rows_per_second: Option<i64>,
    /// No batch begins while a cheap read of hot takes longer, in milliseconds.
    pub max_hot_latency_ms: Option<i64>,
    /// Rows that cold cannot hold. They stay in hot and do not count as due.
    pub rejects: Rejects,
    /// Its status in cold; `None` while it is unavailable.
    pub cold: Option<ColdStatus>,
    /// Reasons why due rows do not move, or will not with the next run.
    pub waits: Vec<String>,
}

/// The rows that cannot move.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Rejects {
    /// Their number.
    pub rows: i64,
    /// The newest of them.
    pub newest: Vec<Reject>,
}

/// A row that cannot move.
#[derive(Clone, Debug, Serialize)]
pub struct Reject {
    /// Its id; for a child, the id of the row it belongs to.
    pub id: i64,
    /// The reason.
    pub reason: String,
    /// When that was found.
    pub at: Timestamp,
}

/// The status of a resource in cold.
#[derive(Clone, Debug, Serialize)]
pub struct ColdStatus {
    /// Rows of the resource in cold: exact up to a million, above that the estimate of the database.
    pub rows: i64,
    /// Whether the rows were counted; otherwise the number is an estimate.
    pub rows_exact: bool,
    /// The last move.
    pub last: Option<LastBatch>,
    /// Moves that hot was not seen to commit, newest first.
    pub unconfirmed: Vec<i64>,
    /// The oldest epoch that cold can answer. Readers of an older one ask hot again.
    #[serde(rename = "floor")]
    pub oldest_readable_epoch: i64,
    /// The mover with a claim that is not released: it is at work or was interrupted.
    pub mover: Option<Claim>,
}

/// A move of the journal.
#[derive(Clone, Debug, Serialize)]
pub struct LastBatch {
    /// Its number.
    pub epoch: i64,
    /// Its kind, such as `archive`.
    pub kind: &'static str,
    /// Its rows, children included.
    pub rows: i64,
    /// When its work in cold was done.
    pub finished: Timestamp,
}

/// A claim in use.
#[derive(Clone, Debug, Serialize)]
pub struct Claim {
    /// The mover.
    pub name: String,
    /// The time of the claim.
    pub since: Timestamp,
    /// The claimed number.
    pub epoch: i64,
}

/// Reads the status of one resource, whose due rows `rule` selects.
pub async fn status(
    hot: &dyn Engine,
    cold: Option<&dyn Engine>,
    clock: &Clock,
    family: &'static Family,
    rule: impl Into<Rule>,
) -> Result<Status, JournalError> {
    StatusReader::new(family, rule).read(hot, cold, clock).await
}

/// Reads the status of one resource again and again, and counts rows only now and then: counting takes a twentieth of the time at
/// most. In between, the rows that have moved are subtracted from what was counted; rows that arrive show at the next count, and so does
/// the lag. Whether anything is due is always what hot says.
#[derive(Debug)]
pub struct StatusReader {
    family: &'static Family,
    rule: Rule,
    counter: Counter,
}

impl StatusReader {
    /// Reads the status of a resource, whose due rows `rule` selects.
    pub fn new(family: &'static Family, rule: impl Into<Rule>) -> Self {
        let rule = rule.into();
        Self { family, rule, counter: Counter::new(family, rule, PAUSE) }
    }

    /// Lets so many times as long pass after a count as it took, before the next one.
    #[must_use]
    pub fn with_pause(self, pause: u32) -> Self {
        Self { counter: Counter::new(self.family, self.rule, pause), ..self }
    }

    /// Returns the resource.
    pub const fn resource(&self) -> &'static str {
        self.family.resource
    }

    /// Reads the status.
    pub async fn read(
        &mut self,
        hot: &dyn Engine,
        cold: Option<&dyn Engine>,
        clock: &Clock,
    ) -> Result<Status, JournalError> {
        let resource = self.family.resource;
        let before = state::read(hot, resource).await?;
        let (_, control) = control::read(hot, resource).await?;
        let rejects = rejects(hot, resource).await?;
        let counts = self.counter.read(hot, cold, (before.epoch, rejects.rows), clock.now()).await?;
        let mut status = Status {
            resource,
            epoch: before.epoch,
            rows_in_hot: counts.in_hot,
            due: counts.due,
            lag_days: counts.lag_days,
            held: before.held,
            paused: control.paused,
            rows_per_second: control.rows_per_second,
            max_hot_latency_ms: control.max_hot_latency_ms(),
            rejects,
            cold: None,
            waits: Vec::new(),
        };
        if before.held {
            status.waits.push("held after a restore: run `thermocline archive resume`".to_owned());
        }
        if control.paused {
            status.waits.push("paused: run `thermocline archive continue`".to_owned());
        }
        let Some((cold, rows)) = cold.zip(counts.in_cold) else {
            status.waits.push("cold is unavailable".to_owned());
            return Ok(status);
        };
        let head = claim::head(cold, resource, before.epoch, before.token).await?;
        // Hot is read again: it may have committed a move meanwhile.
        let now = state::read(hot, resource).await?;
        status.waits.extend(disagreement(&head, &before, &now));
        status.cold = Some(cold_status(cold, resource, head, rows, &now, &mut status.waits).await?);
        Ok(status)
    }
}

/// Returns how the databases disagree, if they do.
fn disagreement(head: &Head, before: &State, now: &State) -> Option<String> {
    let disagreement = if before.epoch > 0 && !head.proven {
        Disagreement::UnknownMove(before.epoch)
    } else if head.confirmed > now.epoch {
        Disagreement::ConfirmedAbove { confirmed: head.confirmed, epoch: now.epoch }
    } else {
        return None;
    };
    Some(format!("{disagreement}: run `thermocline archive recover`"))
}

async fn cold_status(
    cold: &dyn Engine,
    resource: &str,
    head: Head,
    (rows, rows_exact): (i64, bool),
    state: &State,
    waits: &mut Vec<String>,
) -> Result<ColdStatus, TierError> {
    let recent = entry::recent(cold, resource).await?;
    let unconfirmed: Vec<i64> =
        recent.iter().filter(|entry| !entry.confirmed).map(|entry| entry.epoch).collect();
    if head.mover.is_none()
        && let Some(epoch) = unconfirmed.iter().find(|epoch| **epoch > state.epoch)
    {
        waits.push(format!("move {epoch} was interrupted: the next run undoes it"));
    }
    Ok(ColdStatus {
        rows,
        rows_exact,
        last: recent.first().map(|entry| LastBatch {
            epoch: entry.epoch,
            kind: entry.kind.name(),
            rows: entry.rows,
            finished: entry.finished,
        }),
        unconfirmed,
        oldest_readable_epoch: head.oldest_readable_epoch,
        mover: head.mover.map(|(name, since)| Claim { name, since, epoch: head.claimed }),
    })
}

async fn rejects(hot: &dyn Engine, resource: &str) -> Result<Rejects, TierError> {
    let mut rejects = Rejects::default();
    for record in hot.fetch(sql::rejects(), &[resource.into(), SHOWN.into()]).await? {
        rejects.rows = record.int("n")?;
        rejects.newest.push(Reject {
            id: record.int("id")?,
            reason: record.text("reason")?,
            at: record.time("at")?,
        });
    }
    Ok(rejects)
}
