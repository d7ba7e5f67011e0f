//! What `archive status` says of a resource: how far its rows have moved, and what keeps others from moving.
//!
//! Everything is read without a lock and changes nothing. With cold away, what hot knows is all there is to say.

use std::sync::LazyLock;

use serde::Serialize;

use super::due::Rule;
use super::family::Family;
use crate::clock::{Clock, DAY, Timestamp};
use crate::schema::Kind;
use crate::tier::{Engine, Statement, TierError, Value, cold_sql, hot_sql};

static STATE: LazyLock<Statement> = LazyLock::new(|| hot_sql!("state"));
static REJECTS: LazyLock<Statement> = LazyLock::new(|| hot_sql!("rejects"));
static HEAD: LazyLock<Statement> = LazyLock::new(|| cold_sql!("head"));
static BATCHES: LazyLock<Statement> = LazyLock::new(|| cold_sql!("batches"));

/// How many rejects are shown.
const SHOWN: i64 = 5;

/// Where a resource stands.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// The resource.
    pub resource: &'static str,
    /// The number of its last move, as hot has committed it; 0 before any.
    pub epoch: i64,
    /// Rows of the resource in hot.
    pub rows_in_hot: i64,
    /// Those of them that are old enough to move.
    pub due: i64,
    /// How many days the oldest of those has been due.
    pub lag_days: f64,
    /// Whether the resource is held: rows were brought back, and nothing moves until `archive resume`.
    pub held: bool,
    /// Rows cold cannot hold. They stay in hot and are not counted as due.
    pub rejects: Rejects,
    /// What cold knows; absent while it is away.
    pub cold: Option<ColdStatus>,
    /// Why due rows do not move, or why they will not with the next run; empty when nothing is in the way.
    pub waits: Vec<String>,
}

/// The rows that cannot move.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Rejects {
    /// All of them.
    pub rows: i64,
    /// The newest few.
    pub newest: Vec<Reject>,
}

/// A row that cannot move.
#[derive(Clone, Debug, Serialize)]
pub struct Reject {
    /// Its id; of a child, that of the post it belongs to.
    pub id: i64,
    /// What cold cannot hold.
    pub reason: String,
    /// When that was found out.
    pub at: Timestamp,
}

/// What cold knows of a resource.
#[derive(Clone, Debug, Serialize)]
pub struct ColdStatus {
    /// Rows of the resource in cold: exact up to a million, then as the database estimates it.
    pub rows: i64,
    /// The last move.
    pub last: Option<LastBatch>,
    /// Moves that hot has not been seen to commit, newest first.
    pub unconfirmed: Vec<i64>,
    /// Readers of an epoch below this one ask hot again: what they need may be vacuumed away.
    pub floor: i64,
    /// Who claimed a number and has not said that he is done: he is at work, or was interrupted.
    pub mover: Option<Claim>,
}

/// A move of the journal.
#[derive(Clone, Debug, Serialize)]
pub struct LastBatch {
    /// Its number.
    pub epoch: i64,
    /// What it was: `archive`, `restore`, …
    pub kind: String,
    /// Its rows, children included.
    pub rows: i64,
    /// When its copy was done.
    pub finished: Timestamp,
}

/// A claim in use.
#[derive(Clone, Debug, Serialize)]
pub struct Claim {
    /// Who.
    pub name: String,
    /// Since when.
    pub since: Timestamp,
    /// The number he claimed.
    pub epoch: i64,
}

/// Looks at one resource, of which `rule` says what is due.
pub async fn status(
    hot: &dyn Engine,
    cold: Option<&dyn Engine>,
    clock: &Clock,
    family: &Family,
    rule: impl Into<Rule>,
) -> Result<Status, TierError> {
    let state = State::read(hot, family).await?;
    let rule = rule.into();
    let cutoff = family.cutoff(clock.now(), rule);
    let (due, oldest) = family.count_due(hot, rule, &cutoff).await?;
    let mut status = Status {
        resource: family.resource,
        epoch: state.epoch,
        rows_in_hot: count(hot, &family.own().hot_rows).await?,
        due,
        lag_days: oldest.map_or(0.0, |oldest| (cutoff.time().micros() - oldest.micros()) as f64 / DAY as f64),
        held: state.held,
        rejects: rejects(hot, family).await?,
        cold: None,
        waits: Vec::new(),
    };
    if state.held {
        status
            .waits
            .push("held since rows were brought back: `thermocline archive resume` lets it go".to_owned());
    }
    match cold {
        Some(cold) => {
            let head = Head::read(cold, family, &state).await?;
            // Read again: a move that was committed meanwhile is not one that hot has forgotten.
            let now = State::read(hot, family).await?;
            status.waits.extend(head.disagreement(&state, &now));
            status.cold = Some(cold_status(cold, family, head, &now, &mut status.waits).await?);
        }
        None => status.waits.push("cold is away".to_owned()),
    }
    Ok(status)
}

/// The state row of hot.
#[derive(Clone, Copy, Debug)]
struct State {
    epoch: i64,
    token: Option<i64>,
    held: bool,
}

impl State {
    async fn read(hot: &dyn Engine, family: &Family) -> Result<Self, TierError> {
        let records = hot.fetch(&STATE, &[family.resource.into()]).await?;
        let Some(record) = records.first() else { return Ok(Self { epoch: 0, token: None, held: false }) };
        Ok(Self {
            epoch: record.int("epoch")?,
            token: record.int_or_null("token")?,
            held: record.bool("held")?,
        })
    }
}

/// The claim row of cold, and what its journal says of hot's epoch.
#[derive(Debug)]
struct Head {
    floor: i64,
    claim: Option<Claim>,
    confirmed: i64,
    proven: bool,
}

impl Head {
    async fn read(cold: &dyn Engine, family: &Family, state: &State) -> Result<Self, TierError> {
        let token = Value::or_null(state.token, Kind::Int);
        let records = cold.fetch(&HEAD, &[family.resource.into(), state.epoch.into(), token]).await?;
        let Some(record) = records.first() else {
            return Ok(Self { floor: 0, claim: None, confirmed: 0, proven: false });
        };
        let claim = match (record.text_or_null("mover")?, record.time_or_null("claimed_at")?) {
            (Some(name), Some(since)) => Some(Claim { name, since, epoch: record.int("claimed")? }),
            _ => None,
        };
        Ok(Self {
            floor: record.int("floor")?,
            claim,
            confirmed: record.int_or_null("confirmed")?.unwrap_or(0),
            proven: record.int("proven")? == 1,
        })
    }

    /// What tells that one of the databases came back from a backup.
    fn disagreement(&self, before: &State, now: &State) -> Option<String> {
        let detail = if before.epoch > 0 && !self.proven {
            format!("cold does not know move {} of this hot", before.epoch)
        } else if self.confirmed > now.epoch {
            format!("cold has confirmed move {}, hot stands at {}", self.confirmed, now.epoch)
        } else {
            return None;
        };
        Some(format!("{detail}: `thermocline archive recover`"))
    }
}

async fn cold_status(
    cold: &dyn Engine,
    family: &Family,
    head: Head,
    state: &State,
    waits: &mut Vec<String>,
) -> Result<ColdStatus, TierError> {
    let (mut last, mut unconfirmed) = (None, Vec::new());
    for record in cold.fetch(&BATCHES, &[family.resource.into()]).await? {
        let epoch = record.int("epoch")?;
        if !record.bool("confirmed")? {
            unconfirmed.push(epoch);
        }
        if last.is_none() {
            last = Some(LastBatch {
                epoch,
                kind: record.text("kind")?,
                rows: record.int("row_count")?,
                finished: record.time("finished")?,
            });
        }
    }
    if head.claim.is_none()
        && let Some(epoch) = unconfirmed.iter().find(|epoch| **epoch > state.epoch)
    {
        waits.push(format!("move {epoch} was interrupted: the next run takes it back"));
    }
    Ok(ColdStatus {
        rows: count(cold, &family.own().cold_rows).await?,
        last,
        unconfirmed,
        floor: head.floor,
        mover: head.claim,
    })
}

async fn count(engine: &dyn Engine, statement: &Statement) -> Result<i64, TierError> {
    engine.fetch(statement, &[]).await?.first().map_or(Ok(0), |record| record.int("n"))
}

async fn rejects(hot: &dyn Engine, family: &Family) -> Result<Rejects, TierError> {
    let mut rejects = Rejects::default();
    for record in hot.fetch(&REJECTS, &[family.resource.into(), SHOWN.into()]).await? {
        rejects.rows = record.int("n")?;
        rejects.newest.push(Reject {
            id: record.int("id")?,
            reason: record.text("reason")?,
            at: record.time("at")?,
        });
    }
    Ok(rejects)
}
