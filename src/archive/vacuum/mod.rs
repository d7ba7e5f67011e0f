//! `archive vacuum`: takes out of cold what no reader may see any more.
//!
//! Versions closed by moves that were finished long ago are removed, and the deltas of counted blocks up to there
//! become one, as do those of what users did. The number of the last such move, the **floor**, is recorded first: a
//! reader of an older epoch then refuses cold's answer and asks hot again, so that nobody reads what is half gone. Every transaction is small and
//! leaves a sound archive, so vacuum may die anywhere; the next one goes on. Hot is not touched.
//!
//! A removed row leaves the count and the digest of the batch it came with in the same transaction, so that the
//! journal always says what cold holds. The floor never passes a move that hot has not been seen to commit: whatever
//! that closed may have to be opened again.

mod actions;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use serde::Serialize;

use super::digest::Digest;
use super::fail_point;
use super::family::{Blocks, Family, Moved};
use crate::clock::Clock;
use crate::schema::Table;
use crate::tier::{Begin, Engine, Session, Statement, Tier, TierError, Value, cold_sql, values};

static BOUND: LazyLock<Statement> = LazyLock::new(|| cold_sql!("bound"));
static SET_FLOOR: LazyLock<Statement> = LazyLock::new(|| cold_sql!("set_floor"));
static ENTRY: LazyLock<Statement> = LazyLock::new(|| cold_sql!("entry"));
static SUBTRACT: LazyLock<Statement> = LazyLock::new(|| cold_sql!("subtract"));

/// Scopes whose deltas are folded in one transaction.
const SCOPES: i64 = 100;

/// The statements over one table that moves.
#[derive(Debug)]
pub(super) struct TableStatements {
    closing: Statement,
    closed: Statement,
    remove: Statement,
    count: Statement,
    analyze: Statement,
}

impl TableStatements {
    /// For `table`.
    pub fn of(table: &Table, archived: &str) -> Self {
        let of = |statement: Statement| statement.with("{table}", archived);
        Self {
            closing: of(cold_sql!("closing")),
            closed: of(cold_sql!("closed")).with("{columns}", &table.names_in_cold()),
            remove: of(cold_sql!("remove")),
            count: of(cold_sql!("count_closed")),
            analyze: of(cold_sql!("analyze")),
        }
    }
}

/// The statements over one table of blocks.
#[derive(Debug)]
pub(super) struct BlockStatements {
    foldable: Statement,
    fold: Statement,
    drop: Statement,
    count: Statement,
    analyze: Statement,
}

impl BlockStatements {
    /// For the table `name`.
    pub fn of(name: &str) -> Self {
        let of = |statement: Statement| statement.with("{blocks}", name);
        Self {
            foldable: of(cold_sql!("foldable")),
            fold: of(cold_sql!("fold")),
            drop: of(cold_sql!("drop_folded")),
            count: of(cold_sql!("count_foldable")),
            analyze: cold_sql!("analyze").with("{table}", name),
        }
    }
}

/// What vacuum did to a resource, or would do.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Swept {
    /// The resource.
    pub resource: &'static str,
    /// The last move whose closed versions are old enough to go.
    pub upto: i64,
    /// The floor now, or the one there would be. Erasing raises it too, and then it may lie above the former.
    pub floor: i64,
    /// Closed versions that were removed.
    pub versions: i64,
    /// Deltas of counted blocks that became part of another.
    pub deltas: i64,
    /// Counts of what users did that became part of another, or came to nothing.
    pub actions: i64,
    /// Whether it was stopped before it was done.
    pub stopped: bool,
    /// Seconds it took.
    pub seconds: f64,
}

/// Takes what is old out of one resource of cold.
#[derive(Clone, Copy, Debug)]
pub struct Vacuum<'a> {
    /// The cold tier.
    pub cold: &'a dyn Engine,
    /// The time.
    pub clock: &'a Clock,
    /// The resource.
    pub family: &'a Family,
    /// How long closed versions are kept after their move, in microseconds: longer than the oldest backup of hot that
    /// one would restore, which may need them.
    pub keep: i64,
}

impl Vacuum<'_> {
    fn swept(&self, (floor, upto): (i64, i64)) -> Swept {
        Swept {
            resource: self.family.resource,
            upto,
            floor: floor.max(upto),
            versions: 0,
            deltas: 0,
            actions: 0,
            stopped: false,
            seconds: 0.0,
        }
    }

    /// What [`Vacuum::run`] would do; changes nothing.
    pub async fn count(&self) -> Result<Swept, TierError> {
        let begun = Instant::now();
        let mut cold = self.cold.session().await?;
        cold.begin(Begin::Write).await?;
        let bound = self.bound(&mut *cold).await?;
        cold.rollback().await?;
        let mut swept = self.swept(bound);
        cold.begin(Begin::Read).await?;
        for moved in &self.family.tables {
            swept.versions += n(&cold.fetch(&moved.vacuum.count, &[swept.upto.into()]).await?)?;
        }
        if let Some(blocks) = &self.family.blocks {
            swept.deltas = n(&cold.fetch(&blocks.vacuum.count, &[swept.upto.into()]).await?)?;
        }
        swept.actions = self.count_actions(&mut *cold, swept.floor).await?;
        cold.rollback().await?;
        swept.seconds = begun.elapsed().as_secs_f64();
        Ok(swept)
    }

    /// Does it, until done or told to stop.
    pub async fn run(&self, stop: &AtomicBool) -> Result<Swept, TierError> {
        let begun = Instant::now();
        let mut cold = self.cold.session().await?;
        let cold = &mut *cold;
        let mut swept = self.swept(self.raise_floor(cold).await?);
        self.remove_versions(cold, &mut swept, stop).await?;
        if let Some(blocks) = &self.family.blocks {
            self.fold(cold, blocks, &mut swept, stop).await?;
        }
        self.fold_actions(cold, &mut swept, stop).await?;
        swept.stopped = stop.load(Ordering::Relaxed);
        if !swept.stopped {
            self.analyze(cold).await?;
        }
        swept.seconds = begun.elapsed().as_secs_f64();
        Ok(swept)
    }

    /// The floor there is, and the last move that may be swept up, with the claim row locked.
    async fn bound(&self, cold: &mut dyn Session) -> Result<(i64, i64), TierError> {
        let kept = self.clock.now().plus(self.keep.saturating_neg());
        let records = cold.fetch(&BOUND, &[self.family.resource.into(), kept.into()]).await?;
        let Some(record) = records.first() else { return Ok((0, 0)) };
        let floor = record.int("floor")?;
        Ok((floor, record.int_or_null("bound")?.unwrap_or(0)))
    }

    async fn raise_floor(&self, cold: &mut dyn Session) -> Result<(i64, i64), TierError> {
        cold.begin(Begin::Write).await?;
        let (floor, bound) = self.bound(cold).await?;
        if bound > floor {
            cold.execute(&SET_FLOOR, &[self.family.resource.into(), bound.into()]).await?;
        }
        fail_point::reached("raising-floor");
        cold.commit().await?;
        fail_point::reached("raised-floor");
        Ok((floor, bound))
    }

    /// Removes what each move up to the floor closed, a transaction a move.
    async fn remove_versions(
        &self,
        cold: &mut dyn Session,
        swept: &mut Swept,
        stop: &AtomicBool,
    ) -> Result<(), TierError> {
        let mut epochs = BTreeSet::new();
        for moved in &self.family.tables {
            for record in cold.fetch(&moved.vacuum.closing, &[swept.upto.into()]).await? {
                epochs.insert(record.int("epoch")?);
            }
        }
        for epoch in epochs {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            cold.begin(Begin::Write).await?;
            // Nobody else changes the journal meanwhile.
            self.bound(cold).await?;
            let mut left: BTreeMap<i64, (Digest, i64)> = BTreeMap::new();
            for moved in &self.family.tables {
                swept.versions += remove(cold, moved, epoch, &mut left).await?;
            }
            for (from, (digest, rows)) in left {
                self.subtract(cold, from, digest, rows).await?;
            }
            fail_point::reached("removing");
            cold.commit().await?;
            fail_point::reached("removed");
        }
        Ok(())
    }

    /// Takes rows out of the entry of the batch they came with.
    async fn subtract(
        &self,
        cold: &mut dyn Session,
        epoch: i64,
        removed: Digest,
        rows: i64,
    ) -> Result<(), TierError> {
        let resource = || Value::from(self.family.resource);
        let records = cold.fetch(&ENTRY, &[resource(), epoch.into()]).await?;
        // Rows of a batch the journal does not know are for `archive verify` to name.
        let Some(record) = records.first() else { return Ok(()) };
        let noted = record.text("digest")?;
        let broken = |what: String| TierError::Statement {
            tier: Tier::Cold,
            statement: SUBTRACT.name,
            source: format!("{} {epoch}: {what}", self.family.resource).into(),
        };
        let digest: Digest = noted.parse().map_err(|_| broken(format!("{noted:?} is no digest")))?;
        let without = digest.without(removed).to_string();
        let params = [resource(), epoch.into(), rows.into(), without.as_str().into(), noted.as_str().into()];
        match cold.execute(&SUBTRACT, &params).await? {
            1 => Ok(()),
            n => Err(broken(format!("{n} entries of the journal"))),
        }
    }

    /// Makes one delta of those that a block has up to the floor.
    async fn fold(
        &self,
        cold: &mut dyn Session,
        blocks: &Blocks,
        swept: &mut Swept,
        stop: &AtomicBool,
    ) -> Result<(), TierError> {
        let mut next = i64::MIN;
        while !stop.load(Ordering::Relaxed) {
            let params = [next.into(), swept.upto.into(), SCOPES.into()];
            let records = cold.fetch(&blocks.vacuum.foldable, &params).await?;
            let scopes: Vec<i64> =
                records.iter().map(|record| record.int("scope")).collect::<Result<_, _>>()?;
            let Some(last) = scopes.last().copied() else { break };
            let params = [scopes.into(), swept.upto.into()];
            cold.begin(Begin::Write).await?;
            cold.execute(&blocks.vacuum.fold, &params).await?;
            swept.deltas += cold.execute(&blocks.vacuum.drop, &params).await?.cast_signed();
            fail_point::reached("folding");
            cold.commit().await?;
            fail_point::reached("folded");
            let Some(after) = last.checked_add(1) else { break };
            next = after;
        }
        Ok(())
    }

    /// Tells the planner what is left.
    async fn analyze(&self, cold: &mut dyn Session) -> Result<(), TierError> {
        let tables = self.family.tables.iter().map(|moved| &moved.vacuum.analyze);
        let blocks = self.family.blocks.iter().map(|blocks| &blocks.vacuum.analyze);
        for analyze in tables.chain(blocks).chain([&*actions::ANALYZE]) {
            cold.begin(Begin::Write).await?;
            cold.execute(analyze, &[]).await?;
            cold.commit().await?;
            fail_point::reached("analyzed");
        }
        Ok(())
    }
}

/// Removes the versions of one table that the move `epoch` closed, and adds them up by the batch they came with.
async fn remove(
    cold: &mut dyn Session,
    moved: &Moved,
    epoch: i64,
    left: &mut BTreeMap<i64, (Digest, i64)>,
) -> Result<i64, TierError> {
    let mut removed = 0;
    for record in cold.fetch(&moved.vacuum.closed, &[epoch.into()]).await? {
        let (digest, rows) = left.entry(record.int("from_epoch")?).or_default();
        digest.add(moved.table.name, &values(&record, moved.table.columns)?);
        *rows += 1;
        removed += 1;
    }
    cold.execute(&moved.vacuum.remove, &[epoch.into()]).await?;
    Ok(removed)
}

fn n(records: &[crate::tier::Record]) -> Result<i64, TierError> {
    records.first().map_or(Ok(0), |record| record.int("n"))
}
