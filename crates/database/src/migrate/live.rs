//! The change feed of a hot database: whether it has one, and adding it.
//!
//! The feed is wanted or not, so its migrations are numbered apart and leave no record. They are found by what they make.

use super::driver::{COMMIT, ROLLBACK};
use super::fault::Fault;
use super::{Migrating, Schema, Step, Stop};
use crate::{Record, TierError};

/// The table whose changes are fed.
pub(crate) const TABLE: &str = "messages";
/// The column with the version of a row, in SQL Server and PostgreSQL.
pub const COLUMN: &str = "live_version";
/// The index of that column.
pub(crate) const INDEX: &str = "messages_live";
/// The triggers that give rows their versions, in SQLite; in PostgreSQL one of them.
pub(crate) const TRIGGERS: [&str; 3] = ["live_insert", "live_update", "live_delete"];

crate::queries! {
    /// Statements about the presence of the feed.
    pub mod sql = "live" { Shared: "live.sql", Sqlite: "live.sqlite.sql", Postgres: "live.postgres.sql", Mssql: "live.mssql.sql" }
    [kind, redraw, is_beyond]
}

/// The source of the versions of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// SQLite: triggers raise a counter.
    Counter,
    /// SQL Server: a ROWVERSION, of which the server returns the lowest in use.
    RowVersion,
    /// Babelfish: a ROWVERSION that is the number of the transaction.
    Transaction,
    /// PostgreSQL: the number of the transaction, in a column whose default and trigger write it.
    TransactionId,
}

impl Kind {
    /// Reads the answer of [`sql::kind`]; `None` for a database without a feed.
    ///
    /// # Errors
    /// [`TierError::Row`] for an answer that is none of those.
    pub fn read(records: &[Record]) -> Result<Option<Self>, TierError> {
        let Some(record) = records.first() else { return Ok(None) };
        match record.int("n")? {
            0 => Ok(None),
            1 => Ok(Some(Self::Counter)),
            2 => Ok(Some(Self::RowVersion)),
            3 => Ok(Some(Self::Transaction)),
            4 => Ok(Some(Self::TransactionId)),
            _ => Err(record.error("n", "is no kind of feed")),
        }
    }
}

/// Adds the change feed, unless it is there. `incarnation` is a random number. Returns whether it was added; a tier that
/// cannot have a feed has nothing to add.
pub async fn install(database: &dyn Schema, incarnation: i64) -> Result<bool, TierError> {
    let steps = database.live_steps();
    if steps.is_empty() {
        return Ok(false);
    }
    let kind = Kind::read(&database.fetch(sql::kind(), &[]).await?)?;
    let is_foreign =
        kind == Some(Kind::TransactionId) && is_beyond(&database.fetch(sql::is_beyond(), &[]).await?)?;
    if kind.is_some() && !is_foreign {
        return Ok(false);
    }
    let mut on = database.migrating().await?;
    let done = install_on(&mut *on, steps, incarnation).await;
    // The lock is released after a failure too.
    on.close().await;
    done.map_err(|(step, stop)| {
        let (name, line) = (step.name().to_owned(), stop.line.max(1));
        let shown = step.up().lines().nth(line - 1).unwrap_or_default().trim().to_owned();
        let fault = Fault::Stopped { name, line, statement: shown, source: stop.source };
        TierError::Statement { tier: database.tier(), statement: "migrate", source: fault.into() }
    })
}

/// Returns whether the floor of a feed lies above every transaction that its server knows: the rows came from another server,
/// with its versions.
fn is_beyond(records: &[Record]) -> Result<bool, TierError> {
    records.first().map_or(Ok(false), |record| record.bool("is_beyond"))
}

/// Returns whether the feed is there, and no other server's.
async fn is_there(on: &mut dyn Migrating) -> Result<bool, TierError> {
    let kind = Kind::read(&on.fetch(sql::kind()).await?)?;
    let is_foreign = kind == Some(Kind::TransactionId) && is_beyond(&on.fetch(sql::is_beyond()).await?)?;
    Ok(kind.is_some() && !is_foreign)
}

async fn install_on<'a>(
    on: &mut dyn Migrating,
    steps: &'a [Step],
    incarnation: i64,
) -> Result<bool, (&'a Step, Stop)> {
    let last = &steps[steps.len() - 1];
    let failed = |error: TierError| (last, Stop { line: 0, source: error.into() });
    // Another process may have been faster.
    if is_there(on).await.map_err(failed)? {
        return Ok(false);
    }
    on.begin().await.map_err(|stop| (last, stop))?;
    let mut done = Ok(());
    'steps: for step in steps {
        tracing::info!(migration = step.name(), "adding the change feed");
        for part in on.cut(step.up()) {
            if let Err(stop) = on.run(part.text).await {
                done = Err((step, Stop { line: stop.line + part.line, ..stop }));
                break 'steps;
            }
        }
    }
    if done.is_ok() {
        done = on.execute(sql::redraw(), &[incarnation.into()]).await.map_err(failed);
    }
    if done.is_ok() {
        done = on.run(COMMIT).await.map_err(|stop| (last, stop));
    }
    if let Err(stopped) = done {
        // Best effort: some errors roll back themselves, and so does closing the connection.
        let _ = on.run(ROLLBACK).await;
        return Err(stopped);
    }
    Ok(true)
}
