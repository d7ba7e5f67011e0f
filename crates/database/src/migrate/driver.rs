//! Upgrades and downgrades a schema, the same way on every engine.
//!
//! A migration and its record are one transaction. A migration that begins with `-- no-transaction` (an index built
//! concurrently) cannot be: it is recorded as incomplete before its first statement, so that the next run stops at
//! what a failure left.

use std::error::Error;
use std::time::Instant;

use async_trait::async_trait;

use super::fault::Fault;
use super::text::{self, Part};
use super::{Recorded, Step};
use crate::adoption::{Adoption, Preparation};
use crate::fail_point;
use crate::{Engine, Record, Source, Statement, Tier, TierError, Value};

crate::queries! {
    /// Statements about the version table.
    pub mod sql = "migrate" {
        Shared: "queries.sql",
        Sqlite: "queries.sqlite.sql",
        Postgres: "queries.postgres.sql",
        Mssql: "queries.mssql.sql",
    }
    [known, ledger, make_ledger, drop_ledger, record, forget, shape, has_table]
}

/// Commits a migration, on every engine.
pub(crate) const COMMIT: &str = "COMMIT";
/// Rolls a migration back, on every engine.
pub(crate) const ROLLBACK: &str = "ROLLBACK";

/// The number of attempts at a migration that gives way to other transactions.
const ATTEMPTS: usize = 5;
/// The number of characters of a statement shown in an error.
const SHOWN: usize = 80;

/// A task on a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Apply pending migrations, up to a version or all.
    Upgrade(Option<i64>),
    /// Apply all pending migrations, and adopt the tables of a platform as its operator chose.
    TakeOver(Adoption),
    /// Revert migrations newer than a version.
    Downgrade(i64),
    /// Record a version without running anything.
    Stamp(i64),
    /// The same, unless a version is recorded already.
    Adopt(i64),
    /// Delete the records without running anything.
    Reset,
}

impl Task {
    /// Returns how the tables of a platform are adopted, if the task may adopt some.
    pub(super) const fn adoption(self) -> Option<Adoption> {
        match self {
            Self::Upgrade(_) => Some(Adoption { zone: None }),
            Self::TakeOver(adoption) => Some(adoption),
            Self::Downgrade(_) | Self::Stamp(_) | Self::Adopt(_) | Self::Reset => None,
        }
    }
}

/// Why a script stopped.
#[derive(Debug)]
pub struct Stop {
    /// The line it stopped at, from 0.
    pub line: usize,
    /// The database's error.
    pub source: Source,
}

/// A connection that holds the migration lock.
#[async_trait]
pub trait Migrating: Send {
    /// Splits a script into the parts that are sent separately.
    fn cut<'a>(&self, text: &'a str) -> Vec<Part<'a>> {
        text::statements(text)
    }

    /// Returns the rows of a statement.
    async fn fetch(&mut self, statement: &Statement) -> Result<Vec<Record>, TierError>;

    /// Runs a statement.
    async fn execute(&mut self, statement: &Statement, params: &[Value]) -> Result<(), TierError>;

    /// Runs a script as it is.
    async fn run(&mut self, text: &str) -> Result<(), Stop>;

    /// Begins a write transaction.
    async fn begin(&mut self) -> Result<(), Stop>;

    /// Returns how the tables of a platform are prepared for the first migration, in the open transaction; `None` if there are
    /// none.
    async fn plan(&mut self, _adoption: &Adoption) -> Result<Option<Preparation>, TierError> {
        Ok(None)
    }

    /// Checks, before a commit, the constraints that the engine does not enforce during a migration.
    async fn check(&mut self) -> Result<(), Source> {
        Ok(())
    }

    /// Returns whether an error means that the transaction gave way to another one, as in a deadlock, and may be repeated.
    fn gave_way(&self, _error: &(dyn Error + 'static)) -> bool {
        false
    }

    /// Releases the lock.
    async fn close(self: Box<Self>);
}

/// Reads the records; `None` without a version table.
async fn ledger(on: &mut dyn Migrating) -> Result<Option<Vec<Recorded>>, TierError> {
    let known = on.fetch(sql::known()).await?;
    if is_known(&known)? { read(&on.fetch(sql::ledger()).await?).map(Some) } else { Ok(None) }
}

fn is_known(rows: &[Record]) -> Result<bool, TierError> {
    Ok(rows.first().map_or(Ok(0), |row| row.int("n"))? > 0)
}

fn read(rows: &[Record]) -> Result<Vec<Recorded>, TierError> {
    let one = |row: &Record| {
        Ok(Recorded {
            version: row.int("version")?,
            name: row.text("name")?,
            at: row.time("at")?,
            whole: row.bool("whole")?,
            checksum: row.text("checksum")?,
            nanos: row.int("nanos")?,
        })
    };
    rows.iter().map(one).collect()
}

/// Reads the records on any connection of an engine.
pub(crate) async fn recorded(engine: &dyn Engine) -> Result<Option<Vec<Recorded>>, TierError> {
    let known = engine.fetch(sql::known(), &[]).await?;
    if is_known(&known)? { read(&engine.fetch(sql::ledger(), &[]).await?).map(Some) } else { Ok(None) }
}

/// Reads the records on a read-only session.
pub(super) async fn look(session: &mut dyn crate::Session) -> Result<Option<Vec<Recorded>>, TierError> {
    session.begin(crate::Begin::Read).await?;
    let known = session.fetch(sql::known(), &[]).await?;
    let rows = if is_known(&known)? { Some(session.fetch(sql::ledger(), &[]).await?) } else { None };
    session.rollback().await?;
    rows.map(|rows| read(&rows)).transpose()
}

/// Runs one task on one database.
pub(super) struct Driver<'a> {
    pub tier: Tier,
    pub steps: &'a [Step],
    pub on: &'a mut dyn Migrating,
}

impl Driver<'_> {
    /// Runs the task and returns the version found before it.
    pub async fn run(&mut self, task: Task) -> Result<i64, TierError> {
        let recorded = ledger(self.on).await?;
        let stands = recorded.as_deref().map_or(0, super::stands);
        let rows = recorded.as_deref().unwrap_or_default();
        match task {
            Task::Upgrade(_) | Task::TakeOver(_) => {
                let to = if let Task::Upgrade(to) = task { to } else { None };
                verify(self.tier, self.steps, rows).map_err(|fault| self.failed(fault))?;
                let is_applied = |step: &&Step| rows.iter().any(|row| row.version == step.version);
                let pending = |step: &&Step| !is_applied(step) && to.is_none_or(|to| step.version <= to);
                let pending: Vec<&Step> = self.steps.iter().filter(pending).collect();
                if let Some(late) = pending.iter().find(|step| step.version < stands) {
                    return Err(self.failed(Fault::Late { name: late.name.to_owned(), stands }));
                }
                for step in pending {
                    // The first migration adopts what a platform has.
                    let first = rows.is_empty()
                        && self.steps.first().is_some_and(|first| first.version == step.version);
                    self.apply(step, task.adoption().filter(|_| first)).await?;
                }
            }
            Task::Downgrade(to) => {
                verify(self.tier, self.steps, rows).map_err(|fault| self.failed(fault))?;
                let is_applied = |step: &&Step| rows.iter().any(|row| row.version == step.version);
                let steps = self.steps;
                for step in steps.iter().rev().filter(|step| step.version > to).filter(is_applied) {
                    self.take_back(step).await?;
                }
            }
            Task::Adopt(_) if !rows.is_empty() => {}
            Task::Stamp(to) | Task::Adopt(to) => self.stamp(rows, to).await?,
            Task::Reset if recorded.is_some() => self.on.execute(sql::drop_ledger(), &[]).await?,
            Task::Reset => {}
        }
        Ok(stands)
    }

    /// Applies a migration. The version table is made with the first, so that one that fails leaves nothing behind.
    async fn apply(&mut self, step: &Step, adoption: Option<Adoption>) -> Result<(), TierError> {
        let begun = Instant::now();
        tracing::info!(tier = self.tier.name(), migration = step.name, "applying");
        if step.is_alone() {
            self.on.execute(sql::make_ledger(), &[]).await?;
            self.record(step, step.title(), false, 0).await?;
            if let Err(stop) = self.send(step.up).await {
                let name = format!("{} (stopped at line {})", step.title(), stop.line);
                self.on.execute(sql::forget(), &[step.version.into()]).await?;
                self.record(step, &name, false, nanos(begun)).await?;
                return Err(self.failed(stopped(step, step.up, stop, false)));
            }
            self.on.execute(sql::forget(), &[step.version.into()]).await?;
            return self.record(step, step.title(), true, nanos(begun)).await;
        }
        for attempt in 1.. {
            let Err(fault) = self.attempt(step, adoption, begun).await else { break };
            self.roll_back().await;
            if attempt == ATTEMPTS || !fault.source().is_some_and(|source| self.on.gave_way(source)) {
                return Err(self.failed(fault));
            }
            tracing::warn!(tier = self.tier.name(), migration = step.name, %fault, "gave way, and begins anew");
        }
        fail_point::reached("migrated");
        Ok(())
    }

    /// Applies a migration and its record in one transaction. After an error it is to be rolled back.
    async fn attempt(
        &mut self,
        step: &Step,
        adoption: Option<Adoption>,
        begun: Instant,
    ) -> Result<(), Fault> {
        self.prepare(adoption).await?;
        let done = async {
            self.on.execute(sql::make_ledger(), &[]).await.map_err(Stop::unplaced)?;
            self.send(step.up).await?;
            self.check(step.up).await?;
            self.record(step, step.title(), true, nanos(begun)).await.map_err(Stop::unplaced)?;
            fail_point::reached("migrating");
            self.on.run(COMMIT).await
        };
        done.await.map_err(|stop| stopped(step, step.up, stop, true))
    }

    /// Begins the transaction of a migration, and prepares the tables of a platform in it.
    async fn prepare(&mut self, adoption: Option<Adoption>) -> Result<(), Fault> {
        let unprepared = |statement: &str, source: Source| {
            let statement = statement.to_owned();
            Fault::Unprepared { statement, source }
        };
        self.begin().await.map_err(|stop| unprepared("BEGIN", stop.source))?;
        let Some(adoption) = adoption else { return Ok(()) };
        let planned = self.on.plan(&adoption).await;
        let planned = planned.map_err(|error| unprepared("the catalogs", error.into()))?;
        let Some(Preparation { refusals, statements, .. }) = planned else { return Ok(()) };
        if !refusals.is_empty() {
            return Err(Fault::Refused(refusals));
        }
        for statement in &statements {
            tracing::info!(statement, "adopting");
            fail_point::reached("preparing-hot");
            self.on.run(statement).await.map_err(|stop| unprepared(statement, stop.source))?;
        }
        fail_point::reached("prepared-hot");
        Ok(())
    }

    async fn take_back(&mut self, step: &Step) -> Result<(), TierError> {
        tracing::info!(tier = self.tier.name(), migration = step.name, "taking back");
        let done = async {
            self.begin().await?;
            self.send(step.down).await?;
            self.check(step.down).await?;
            self.on.execute(sql::forget(), &[step.version.into()]).await.map_err(Stop::unplaced)?;
            self.on.run(COMMIT).await
        };
        match done.await {
            Ok(()) => Ok(()),
            Err(stop) => {
                self.roll_back().await;
                Err(self.failed(stopped(step, step.down, stop, true)))
            }
        }
    }

    /// Keeps the correct records with their times and writes the others.
    async fn stamp(&mut self, rows: &[Recorded], to: i64) -> Result<(), TierError> {
        let newest = self.steps.last().map_or(0, |step| step.version);
        if let Some(Recorded { version, .. }) = rows.iter().find(|row| row.version > newest) {
            let (version, tier) = (*version, self.tier.name());
            return Err(self.failed(Fault::Newer { version, newest, tier }));
        }
        self.on.execute(sql::make_ledger(), &[]).await?;
        let steps = self.steps;
        let done = async {
            self.begin().await?;
            let stays = |row: &Recorded| {
                let step = steps.iter().find(|step| step.version == row.version && row.version <= to);
                row.whole && step.is_some_and(|step| step.checksum() == row.checksum)
            };
            for row in rows.iter().filter(|row| !stays(row)) {
                self.on.execute(sql::forget(), &[row.version.into()]).await.map_err(Stop::unplaced)?;
            }
            let is_there = |step: &&Step| rows.iter().any(|row| row.version == step.version && stays(row));
            for step in steps.iter().filter(|step| step.version <= to && !is_there(step)) {
                self.record(step, step.title(), true, 0).await.map_err(Stop::unplaced)?;
            }
            self.on.run(COMMIT).await
        };
        match done.await {
            Ok(()) => Ok(()),
            Err(stop) => {
                self.roll_back().await;
                Err(TierError::Statement { tier: self.tier, statement: "stamp", source: stop.source })
            }
        }
    }

    async fn begin(&mut self) -> Result<(), Stop> {
        self.on.begin().await
    }

    async fn roll_back(&mut self) {
        // Best effort: some errors roll back themselves, and so does closing the connection.
        let _ = self.on.run(ROLLBACK).await;
    }

    /// Sends a script part by part.
    async fn send(&mut self, text: &str) -> Result<(), Stop> {
        for Part { line, text } in self.on.cut(text) {
            self.on.run(text).await.map_err(|stop| Stop { line: stop.line + line, ..stop })?;
        }
        Ok(())
    }

    async fn check(&mut self, text: &str) -> Result<(), Stop> {
        let line = text.lines().count();
        self.on.check().await.map_err(|source| Stop { line, source })
    }

    async fn record(&mut self, step: &Step, name: &str, whole: bool, nanos: i64) -> Result<(), TierError> {
        let params =
            [step.version.into(), name.into(), step.checksum().as_str().into(), whole.into(), nanos.into()];
        self.on.execute(sql::record(), &params).await
    }

    fn failed(&self, fault: Fault) -> TierError {
        TierError::Statement { tier: self.tier, statement: "migrate", source: fault.into() }
    }
}

impl Stop {
    /// An error without a line.
    fn unplaced(error: TierError) -> Self {
        Self { line: 0, source: error.into() }
    }
}

/// Returns why a migration stopped.
fn stopped(step: &Step, text: &str, stop: Stop, undone: bool) -> Fault {
    let (name, line, source) = (step.name.to_owned(), stop.line.max(1), stop.source);
    let shown = text.lines().nth(line - 1).unwrap_or_default().trim();
    let statement = shown.chars().take(SHOWN).collect();
    if undone {
        Fault::Stopped { name, line, statement, source }
    } else {
        Fault::Halfway { name, line, statement, source }
    }
}

fn nanos(begun: Instant) -> i64 {
    i64::try_from(begun.elapsed().as_nanos()).unwrap_or(i64::MAX)
}

/// Checks that every record is complete, known, and equal to the program's files.
pub(super) fn verify(tier: Tier, steps: &[Step], rows: &[Recorded]) -> Result<(), Fault> {
    let (tier, stands) = (tier.name(), super::stands(rows));
    let before =
        |version| steps.iter().map(|step| step.version).take_while(|v| *v < version).last().unwrap_or(0);
    for row in rows {
        let version = row.version;
        let Some(step) = steps.iter().find(|step| step.version == version) else {
            return Err(Fault::Newer { version, newest: steps.last().map_or(0, |step| step.version), tier });
        };
        if !row.whole {
            let stopped = row.name.strip_prefix(step.title()).unwrap_or_default();
            return Err(Fault::Dirty {
                name: format!("{}{stopped}", step.name),
                version,
                before: before(version),
                tier,
            });
        }
        if row.checksum != step.checksum() {
            return Err(Fault::Changed { name: step.name.to_owned(), stands, tier });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A connection whose first commits end in a deadlock.
    struct Unlucky {
        deadlocks: usize,
        ran: Vec<String>,
    }

    #[async_trait]
    impl Migrating for Unlucky {
        async fn fetch(&mut self, _: &Statement) -> Result<Vec<Record>, TierError> {
            Ok(Vec::new())
        }

        async fn execute(&mut self, _: &Statement, _: &[Value]) -> Result<(), TierError> {
            Ok(())
        }

        async fn run(&mut self, text: &str) -> Result<(), Stop> {
            self.ran.push(text.to_owned());
            if text == COMMIT && self.deadlocks > 0 {
                self.deadlocks -= 1;
                return Err(Stop { line: 0, source: "a deadlock".into() });
            }
            if text == "broken" { Err(Stop { line: 0, source: "an error".into() }) } else { Ok(()) }
        }

        async fn begin(&mut self) -> Result<(), Stop> {
            self.run("BEGIN").await
        }

        fn gave_way(&self, error: &(dyn Error + 'static)) -> bool {
            error.to_string() == "a deadlock"
        }

        async fn close(self: Box<Self>) {}
    }

    /// Upgrades with one migration. Returns the result and the texts that were run.
    async fn upgrade(up: &'static str, deadlocks: usize) -> (Result<i64, TierError>, Vec<String>) {
        let mut on = Unlucky { deadlocks, ran: Vec::new() };
        let steps = [Step::new(1, "0001_first", up, "")];
        let done = Driver { tier: Tier::Hot, steps: &steps, on: &mut on }.run(Task::Upgrade(None)).await;
        (done, on.ran)
    }

    #[tokio::test]
    async fn a_migration_that_gives_way_begins_anew() {
        let (done, ran) = upgrade("work", 2).await;
        assert_eq!(done.expect("the third attempt succeeds"), 0);
        let lost = ["BEGIN", "work", COMMIT, ROLLBACK];
        assert_eq!(ran, [&lost[..], &lost, &["BEGIN", "work", COMMIT]].concat());
    }

    #[tokio::test]
    async fn attempts_are_limited_and_other_errors_end_it() {
        let (done, ran) = upgrade("work", ATTEMPTS).await;
        let error = done.expect_err("no attempt succeeds");
        assert!(matches!(error.source().and_then(|fault| fault.downcast_ref()), Some(Fault::Stopped { .. })));
        assert_eq!(ran.iter().filter(|text| *text == ROLLBACK).count(), ATTEMPTS);
        let (done, ran) = upgrade("broken", 0).await;
        assert!(done.is_err());
        assert_eq!(ran, ["BEGIN", "broken", ROLLBACK]);
    }
}
