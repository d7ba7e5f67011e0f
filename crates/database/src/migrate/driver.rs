//! Applies migrations and takes them back, the same on every engine.
//!
//! A migration and its record in the version table are one transaction. One whose text begins with
//! `-- no-transaction` (an index built beside the traffic) cannot be: it is recorded as half done before its first
//! statement, so that whoever comes next does not go on over what a failure left.

use std::time::Instant;

use async_trait::async_trait;

use super::fault::Fault;
use super::text::{self, Part};
use super::{Recorded, Step};
use crate::{Engine, Record, Source, Statement, Tier, TierError, Value};

crate::queries! {
    /// Statements about the version table.
    pub mod sql = "migrate" {
        Shared: "queries.sql",
        Sqlite: "queries.sqlite.sql",
        Postgres: "queries.postgres.sql",
        Mssql: "queries.mssql.sql",
    }
    [known, ledger, make_ledger, drop_ledger, record, forget, shape]
}

/// How much of a statement is shown.
const SHOWN: usize = 80;

/// What is to be done with a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Apply what is pending, up to a version or all of it.
    Upgrade(Option<i64>),
    /// Take back what is newer than a version.
    Downgrade(i64),
    /// Record that the schema stands at a version; touch nothing else.
    Stamp(i64),
    /// The same, unless something is recorded already.
    Adopt(i64),
    /// Forget what was recorded; touch nothing else.
    Reset,
}

/// Why a text did not run to its end.
#[derive(Debug)]
pub struct Stop {
    /// The line of the text it stopped at, from 0.
    pub line: usize,
    /// What the database says.
    pub source: Source,
}

/// A connection of one's own on which it is this process's turn to migrate.
#[async_trait]
pub trait Migrating: Send {
    /// Where one text ends that is sent by itself.
    fn cut<'a>(&self, text: &'a str) -> Vec<Part<'a>> {
        text::statements(text)
    }

    /// Rows of a statement.
    async fn fetch(&mut self, statement: &Statement) -> Result<Vec<Record>, TierError>;

    /// Runs a statement.
    async fn execute(&mut self, statement: &Statement, params: &[Value]) -> Result<(), TierError>;

    /// Runs a text as it is.
    async fn run(&mut self, text: &str) -> Result<(), Stop>;

    /// Begins a transaction that writes.
    async fn begin(&mut self) -> Result<(), Stop>;

    /// Looks, before a commit, after rules the engine does not mind while it migrates.
    async fn check(&mut self) -> Result<(), Source> {
        Ok(())
    }

    /// Ends the turn.
    async fn close(self: Box<Self>);
}

/// What is recorded; none without a version table.
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

/// The same on any connection of an engine.
pub(crate) async fn recorded(engine: &dyn Engine) -> Result<Option<Vec<Recorded>>, TierError> {
    let known = engine.fetch(sql::known(), &[]).await?;
    if is_known(&known)? { read(&engine.fetch(sql::ledger(), &[]).await?).map(Some) } else { Ok(None) }
}

/// The same on a session that only reads.
pub(super) async fn look(session: &mut dyn crate::Session) -> Result<Option<Vec<Recorded>>, TierError> {
    session.begin(crate::Begin::Read).await?;
    let known = session.fetch(sql::known(), &[]).await?;
    let rows = if is_known(&known)? { Some(session.fetch(sql::ledger(), &[]).await?) } else { None };
    session.rollback().await?;
    rows.map(|rows| read(&rows)).transpose()
}

/// One task on one database.
pub(super) struct Driver<'a> {
    pub tier: Tier,
    pub steps: &'a [Step],
    pub on: &'a mut dyn Migrating,
}

impl Driver<'_> {
    /// Does it, and returns the version found.
    pub async fn run(&mut self, task: Task) -> Result<i64, TierError> {
        let recorded = ledger(self.on).await?;
        let stands = recorded.as_deref().map_or(0, super::stands);
        let rows = recorded.as_deref().unwrap_or_default();
        match task {
            Task::Upgrade(to) => {
                verify(self.tier, self.steps, rows).map_err(|fault| self.failed(fault))?;
                let is_applied = |step: &&Step| rows.iter().any(|row| row.version == step.version);
                let pending = |step: &&Step| !is_applied(step) && to.is_none_or(|to| step.version <= to);
                let pending: Vec<&Step> = self.steps.iter().filter(pending).collect();
                if let Some(late) = pending.iter().find(|step| step.version < stands) {
                    return Err(self.failed(Fault::Late { name: late.name.to_owned(), stands }));
                }
                self.on.execute(sql::make_ledger(), &[]).await?;
                for step in pending {
                    self.apply(step).await?;
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
            Task::Adopt(_) if recorded.is_some() => {}
            Task::Stamp(to) | Task::Adopt(to) => self.stamp(rows, to).await?,
            Task::Reset if recorded.is_some() => self.on.execute(sql::drop_ledger(), &[]).await?,
            Task::Reset => {}
        }
        Ok(stands)
    }

    async fn apply(&mut self, step: &Step) -> Result<(), TierError> {
        let begun = Instant::now();
        let nanos = || i64::try_from(begun.elapsed().as_nanos()).unwrap_or(i64::MAX);
        tracing::info!(tier = self.tier.name(), migration = step.name, "applying");
        if step.is_alone() {
            self.record(step, step.title(), false, 0).await?;
            if let Err(stop) = self.send(step.up).await {
                let name = format!("{} (stopped at line {})", step.title(), stop.line);
                self.on.execute(sql::forget(), &[step.version.into()]).await?;
                self.record(step, &name, false, nanos()).await?;
                return Err(self.stopped(step, step.up, stop, false));
            }
            self.on.execute(sql::forget(), &[step.version.into()]).await?;
            return self.record(step, step.title(), true, nanos()).await;
        }
        let done = async {
            self.begin().await?;
            self.send(step.up).await?;
            self.check(step.up).await?;
            self.record(step, step.title(), true, nanos()).await.map_err(Stop::unplaced)?;
            self.on.run("COMMIT").await
        };
        match done.await {
            Ok(()) => Ok(()),
            Err(stop) => {
                self.roll_back().await;
                Err(self.stopped(step, step.up, stop, true))
            }
        }
    }

    async fn take_back(&mut self, step: &Step) -> Result<(), TierError> {
        tracing::info!(tier = self.tier.name(), migration = step.name, "taking back");
        let done = async {
            self.begin().await?;
            self.send(step.down).await?;
            self.check(step.down).await?;
            self.on.execute(sql::forget(), &[step.version.into()]).await.map_err(Stop::unplaced)?;
            self.on.run("COMMIT").await
        };
        match done.await {
            Ok(()) => Ok(()),
            Err(stop) => {
                self.roll_back().await;
                Err(self.stopped(step, step.down, stop, true))
            }
        }
    }

    /// Leaves the rows that are right, with their time, and makes the others.
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
            self.on.run("COMMIT").await
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
        // Best effort: some errors have done so already, and hanging up does too.
        let _ = self.on.run("ROLLBACK").await;
    }

    /// Sends a text part by part.
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

    fn stopped(&self, step: &Step, text: &str, stop: Stop, undone: bool) -> TierError {
        let (name, line, source) = (step.name.to_owned(), stop.line.max(1), stop.source);
        let shown = text.lines().nth(line - 1).unwrap_or_default().trim();
        let statement = shown.chars().take(SHOWN).collect();
        self.failed(if undone {
            Fault::Stopped { name, line, statement, source }
        } else {
            Fault::Halfway { name, line, statement, source }
        })
    }

    fn failed(&self, fault: Fault) -> TierError {
        TierError::Statement { tier: self.tier, statement: "migrate", source: fault.into() }
    }
}

impl Stop {
    /// Of no line of the text.
    fn unplaced(error: TierError) -> Self {
        Self { line: 0, source: error.into() }
    }
}

/// Whether what is recorded is whole, known, and of the files the program has.
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
