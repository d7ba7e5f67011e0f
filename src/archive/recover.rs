//! After one of the databases has come back from a backup: the two are made to fit again, and what only one of them has
//! is kept.
//!
//! *Hot is older*: cold has moves that this hot knows nothing of. The newest version of every row they touched goes back
//! to hot, and what they left open is closed; it will be archived again. Of a move that nobody has confirmed hot gets only
//! what it lacks: it may never have happened, and the rows may have been written to since. *Cold is older*: it does not
//! know the last move of hot. The rows of the moves in between are lost, which somebody has to say that he accepts; what
//! cold shows and hot holds is closed, and what a restore of which nobody knows whether it happened took out of cold comes
//! to hot where that lacks it. Both can be true at once. What was erased stays erased.
//!
//! All of it is one move, so it may be killed and run again. It holds the rows of the moves that hot does not know in
//! memory.

mod assess;
mod put;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::LazyLock;

use serde::Serialize;

use super::digest::Digest;
use super::family::{Family, Moved};
use super::parents::Parents;
use super::run::Mover;
use super::steps::{DOUBTFUL, LOSS, Move, RECOVER, RESTORE, Rows};
use super::{MoveError, erase, fail_point, obstacles, settle};
use crate::page::Key;
use crate::schema::{Kind, Table};
use crate::tier::{Statement, TierError, Value, cold_sql, hot_sql, values};
use assess::assess;
pub use assess::{Choices, InDoubt};
use put::Version;

static DOUBT: LazyLock<Statement> = LazyLock::new(|| cold_sql!("doubt"));
static DOUBTFUL_MOVES: LazyLock<Statement> = LazyLock::new(|| cold_sql!("doubtful"));
static LAST_KNOWN: LazyLock<Statement> = LazyLock::new(|| cold_sql!("last_known"));
static STATE: LazyLock<Statement> = LazyLock::new(|| hot_sql!("pairs"));

/// Ids of one statement.
const AT_ONCE: i64 = 1_000;
/// Rows that a report shows of each sort.
const SHOWN: usize = 10;

/// The statements over one table that only a recovery needs.
#[derive(Debug)]
pub(super) struct TableStatements {
    /// Versions that begin or end above an epoch.
    above: Statement,
    close_above: Statement,
    newest: Statement,
    highest_id: Statement,
    ids_after: Statement,
    ids_above: Statement,
    /// Rows of hot by their first column.
    hot: Statement,
    replace: Statement,
}

impl TableStatements {
    /// Of `table`, whose twin in cold is `archived`.
    pub fn of(table: &Table, archived: &str) -> Self {
        let hot =
            |statement: Statement| statement.with("{table}", table.name).with("{columns}", &table.names());
        let cold = |statement: Statement| {
            statement.with("{table}", archived).with("{columns}", &table.names_in_cold())
        };
        let day = table.columns.iter().find(|column| column.kind == Kind::Date);
        // The order of a table by day has no second part.
        let (at, id) = day.map_or(("created_at", "original_id"), |day| (day.archived, "CAST(0 AS BIGINT)"));
        let assigned = |value: fn(usize, Kind) -> String| {
            let columns = table.columns.iter().enumerate().skip(1);
            let terms =
                columns.map(|(at, column)| format!("{} = {}", column.name, value(at + 1, column.kind)));
            terms.collect::<Vec<_>>().join(", ")
        };
        Self {
            above: cold(cold_sql!("above_versions")),
            close_above: cold(cold_sql!("close_above")),
            newest: cold(cold_sql!("newest_open")).with("{at}", at).with("{id}", id),
            highest_id: cold(cold_sql!("highest_id")),
            ids_after: hot(hot_sql!("ids_after")),
            ids_above: hot(hot_sql!("ids_above")),
            hot: hot(hot_sql!("hot_of")).with("{owner}", table.columns[0].name),
            replace: hot(hot_sql!("replace"))
                .with_in_mssql("{values}", &assigned(in_mssql))
                .with("{values}", &assigned(|n, _| format!("?{n}"))),
        }
    }
}

fn in_mssql(n: usize, kind: Kind) -> String {
    match kind {
        Kind::Time => format!("CAST(@P{n} AS DATETIME2(6))"),
        Kind::Date => format!("CAST(@P{n} AS DATE)"),
        Kind::Price => format!("CAST(@P{n} AS DECIMAL(10, 2))"),
        Kind::Int | Kind::Text | Kind::Bool => format!("@P{n}"),
    }
}

/// What a recovery of one resource does, or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Recovery {
    /// The resource.
    pub resource: &'static str,
    /// Where hot stands.
    pub hot_epoch: i64,
    /// Moves of cold that hot knows nothing of.
    pub unknown_to_hot: Vec<i64>,
    /// The first and the last of the moves of hot that cold knows nothing of. What they moved to cold is lost.
    pub lost: Option<(i64, i64)>,
    /// Rows that hot gets back.
    pub brought_back: i64,
    /// Rows of hot that hold other values than the archive has, and get those.
    pub replaced: i64,
    /// Such rows that keep their own values, as the operator wished.
    pub kept: i64,
    /// The first of both.
    pub differing: Vec<String>,
    /// Versions that cold shows no longer, since hot holds the rows.
    pub closed: i64,
    /// Rows that had been erased, and go from hot again.
    pub erased: i64,
    /// The first rows that are brought back.
    pub first: Vec<String>,
    /// Moves that hot may never have committed, and of which it does not hold every row.
    pub in_doubt: Vec<InDoubt>,
    /// Moves that are undone because the operator says so.
    pub interrupted: Vec<InDoubt>,
    /// Why such a wish cannot be fulfilled. While there are any, nothing is changed.
    pub refused: Vec<String>,
    /// Rows of hot whose id belongs to another row in cold. While there are any, nothing is changed.
    pub conflicts: Vec<String>,
    /// Rows that would come back and refer to what hot does not have. While there are any, nothing is changed.
    pub orphans: Vec<String>,
    /// The epoch of the move, when it was made.
    pub epoch: Option<i64>,
}

impl Recovery {
    /// Whether the two databases do not fit.
    pub const fn is_due(&self) -> bool {
        !self.unknown_to_hot.is_empty() || self.lost.is_some()
    }

    /// Whether there is something to do that has to be asked for.
    pub const fn is_wanted(&self) -> bool {
        self.is_due() || !self.interrupted.is_empty() || !self.refused.is_empty()
    }
}

/// What an operator allows a recovery to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Consent {
    /// Look, and change nothing.
    Look,
    /// Do it, unless rows are lost.
    Lossless,
    /// Do it, and take the loss of these moves.
    Loss(RangeInclusive<i64>),
}

impl Mover<'_> {
    /// Makes the tiers fit again for one resource. When they do, only what a dead mover left is settled.
    pub async fn recover(&self, family: &Family, consent: &Consent) -> Result<Recovery, MoveError> {
        self.recover_as(family, consent, &Choices::default()).await
    }

    /// The same, with what an operator knows.
    pub async fn recover_as(
        &self,
        family: &Family,
        consent: &Consent,
        choices: &Choices,
    ) -> Result<Recovery, MoveError> {
        // Cold may count from an older time than hot.
        let mut floor = 0;
        for record in self.hot.fetch(&STATE, &[]).await? {
            if record.text("resource")? == family.resource {
                floor = record.int("epoch")?;
            }
        }
        let mut this = Move::open(self, family, floor).await?;
        this.lock_claim().await?;
        let mut recovery = assess(&mut this, choices).await?;
        if !recovery.is_due() || !recovery.refused.is_empty() {
            if *consent == Consent::Look || !recovery.refused.is_empty() {
                this.cold.rollback().await?;
            } else {
                settle::settle(&mut this).await?;
                this.cold.commit().await?;
            }
            this.give_up().await?;
            return Ok(recovery);
        }
        let parents = obstacles::none_back(self.hot, family).await?;
        let leaving = work(&mut this, choices, &parents, &mut recovery).await?;
        let refused = match (consent, recovery.lost) {
            _ if !recovery.conflicts.is_empty() || !recovery.orphans.is_empty() => true,
            (Consent::Look, _) | (Consent::Lossless, Some(_)) => true,
            (Consent::Lossless, None) => false,
            (Consent::Loss(accepted), lost) => lost.is_some_and(|(first, last)| *accepted != (first..=last)),
        };
        if refused {
            this.cold.rollback().await?;
            this.give_up().await?;
            return Ok(recovery);
        }
        let kind = if recovery.lost.is_some() { LOSS } else { RECOVER };
        fail_point::reached("worked-in-hot");
        let newest = newest(&mut this).await?;
        // This move confirms them once hot has committed it, not here: until then they would stop every reader. They must
        // not look as if hot had been seen to commit them: the next recovery may meet them again.
        let doubt = [this.resource(), recovery.hot_epoch.into(), DOUBTFUL.into()];
        this.cold.execute(&DOUBT, &doubt).await?;
        this.commit_cold(kind, &leaving, Digest::default()).await?;
        let epoch = this.number;
        this.commit(newest).await?;
        recovery.epoch = Some(epoch);
        let (brought_back, closed, lost) = (recovery.brought_back, recovery.closed, recovery.lost);
        let lost = lost.map(|(first, last)| format!("{first}-{last}"));
        tracing::warn!(resource = family.resource, epoch, brought_back, closed, lost, "recovered");
        // What was erased while the other database was away.
        self.finish_erasures(family).await?;
        Ok(recovery)
    }
}

/// Steps 4 and 5, both uncommitted; returns what leaves cold.
async fn work<'a>(
    this: &mut Move<'a>,
    choices: &Choices,
    parents: &Parents<'_>,
    recovery: &mut Recovery,
) -> Result<Vec<Rows<'a>>, MoveError> {
    let (family, epoch) = (this.family, this.state.epoch);
    let lost = recovery.lost.is_some();
    erase::agree(this, lost).await?;
    let doubtful = doubtful(this).await?;
    let mut leaving: Vec<Rows<'a>> =
        family.tables.iter().map(|moved| Rows { moved, rows: Vec::new() }).collect();
    // Parents before children.
    for rows in leaving.iter_mut().rev() {
        let moved = rows.moved;
        let mut versions = Vec::new();
        if lost {
            versions = given_back(this, moved, &doubtful).await?;
        }
        for record in this.cold.fetch(&moved.recover.above, &[epoch.into()]).await? {
            let row = values(&record, moved.table.columns)?;
            if record.is_null("to_epoch")? {
                rows.rows.push(row.clone());
            }
            // Of a batch that hot never committed it is a row as it was before somebody wrote to it; and beside a cold that
            // is older, hot is right.
            let sure = !lost && !doubtful.contains_key(&record.int("from_epoch")?);
            versions.push(Version { row, sure });
        }
        put::put(this, moved, versions, (choices, parents, &mut *recovery)).await?;
        this.cold.execute(&moved.recover.close_above, &[epoch.into(), this.number.into()]).await?;
    }
    if lost {
        close_what_hot_holds(this, &mut leaving).await?;
        // The notes are seen to when this has been committed; nobody may read in between what cold has learnt is erased.
        erase::close_pending(this, &mut leaving).await?;
    }
    recovery.erased = erase::again(this, !recovery.unknown_to_hot.is_empty()).await?;
    raise_ids(this).await?;
    recovery.closed = super::steps::count(&leaving);
    this.count(&leaving, -1).await?;
    Ok(leaving)
}

/// The moves that hot has perhaps never committed, and their kinds.
async fn doubtful(this: &mut Move<'_>) -> Result<BTreeMap<i64, String>, TierError> {
    let mut moves = BTreeMap::new();
    for record in this.cold.fetch(&DOUBTFUL_MOVES, &[this.resource()]).await? {
        moves.insert(record.int("epoch")?, record.text("kind")?);
    }
    Ok(moves)
}

/// What restores have taken out of an older cold, of which it does not know whether they happened: hot has left their
/// numbers behind, with other moves perhaps. Those above its epoch are looked at with everything else there.
async fn given_back(
    this: &mut Move<'_>,
    moved: &Moved,
    doubtful: &BTreeMap<i64, String>,
) -> Result<Vec<Version>, TierError> {
    let mut versions = Vec::new();
    let passed = doubtful.range(..=this.state.epoch);
    for (number, _) in passed.filter(|(_, kind)| *kind == RESTORE) {
        for record in this.cold.fetch(&moved.closed, &[(*number).into()]).await? {
            versions.push(Version { row: values(&record, moved.table.columns)?, sure: false });
        }
    }
    Ok(versions)
}

/// Closes what cold shows though hot holds it: the move that had closed it is lost.
async fn close_what_hot_holds(this: &mut Move<'_>, leaving: &mut [Rows<'_>]) -> Result<(), TierError> {
    let Some(own) = leaving.last().map(|rows| rows.moved) else { return Ok(()) };
    let mut last = i64::MIN;
    loop {
        let mut ids = Vec::new();
        for record in this.hot.fetch(&own.recover.ids_after, &[last.into(), AT_ONCE.into()]).await? {
            ids.push(record.int("id")?);
        }
        let Some(highest) = ids.last().copied() else { return Ok(()) };
        last = highest;
        let ids = Value::from(ids);
        for Rows { moved, rows } in leaving.iter_mut() {
            for record in this.cold.fetch(&moved.open_of, std::slice::from_ref(&ids)).await? {
                rows.push(values(&record, moved.table.columns)?);
            }
            this.cold.execute(&moved.close, &[ids.clone(), this.number.into()]).await?;
        }
    }
}

/// Sees to it that hot gives out no id again that cold knows.
async fn raise_ids(this: &mut Move<'_>) -> Result<(), TierError> {
    let with_ids = |moved: &&Moved| moved.table.columns[0].name == "id";
    for moved in this.family.tables.iter().filter(with_ids) {
        let noun = this.family.noun(moved);
        let records = this.cold.fetch(&moved.recover.highest_id, &[noun.into()]).await?;
        if let Some(id) = records.first().map(|record| record.int_or_null("id")).transpose()?.flatten() {
            this.hot.execute(&moved.recover.ids_above, &[id.into()]).await?;
        }
    }
    Ok(())
}

/// The newest key that cold still shows.
async fn newest(this: &mut Move<'_>) -> Result<Option<Key>, TierError> {
    let Some(own) = this.family.tables.last() else { return Ok(None) };
    let records = this.cold.fetch(&own.recover.newest, &[]).await?;
    let Some(record) = records.first() else { return Ok(None) };
    let kind = if this.family.by_day { Kind::Date } else { Kind::Time };
    Ok(Some(Key::new(record.value("at", kind)?.time(), record.int("id")?)))
}
