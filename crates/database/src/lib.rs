//! Databases as the program sees them: statements with typed parameters, rows read by column name, sessions with
//! transactions, and errors that name the tier.
//!
//! An [`Engine`] knows its database and no resource. A resource brings its statements as named queries (module `queries`)
//! and reads its rows through [`Record`]. A new database is one more `Engine` and one more text for each statement.

pub mod adoption;
mod coalesce;
mod connect_failure;
mod connection_string;
mod dial;
pub mod fail_point;
mod fragment;
pub mod inspect;
mod liveness;
mod location;
pub mod migrate;
mod mssql;
mod postgres;
pub mod queries;
mod record;
mod refusal;
mod replicas;
pub mod schema;
mod sqlite;
mod statement;
pub mod texts;
pub mod usage;
mod warm;

use std::fmt;
use std::time::Instant;

use async_trait::async_trait;

pub use coalesce::Coalesced;
pub use connect_failure::ConnectFailure;
pub use fragment::Fragment;
pub use location::TierLocation;
pub use migrate::Schema;
pub use mssql::Mssql;
pub use mssql::address;
pub use postgres::{Postgres, PostgresUrl, RESERVE_IDS, RUNS_ON};
pub use record::{Record, portable};
pub use replicas::Replicated;
pub use sqlite::Sqlite;
pub use statement::{Description, Statement, WhichShards};
pub use thermocline_core::tier::Tier;
pub use thermocline_core::value::Value;
pub use warm::warm;

use crate::schema::{Column, Table};

/// The error of a driver.
pub type Source = Box<dyn std::error::Error + Send + Sync>;

/// A tier failed to answer a request.
#[derive(Debug, thiserror::Error)]
pub enum TierError {
    /// The tier is unreachable or timed out. The request may succeed later.
    #[error("the {tier} tier is unavailable")]
    Unavailable {
        /// The tier.
        tier: Tier,
        /// The driver's error.
        source: Source,
    },
    /// A lock, a deadlock or a write conflict. The request may succeed when repeated at once.
    #[error("the {tier} tier is busy: {statement}")]
    Conflict {
        /// The tier.
        tier: Tier,
        /// The statement's name.
        statement: &'static str,
        /// The driver's error.
        source: Source,
    },
    /// The tier rejected a statement.
    #[error("the {tier} tier refused {statement}")]
    Statement {
        /// The tier.
        tier: Tier,
        /// The statement's name.
        statement: &'static str,
        /// The driver's error.
        source: Source,
    },
    /// A row holds a value that its column must not hold.
    #[error("the {tier} tier answered {statement} with column {column} {problem}")]
    Row {
        /// The tier.
        tier: Tier,
        /// The statement's name.
        statement: &'static str,
        /// The column.
        column: String,
        /// The problem.
        problem: String,
    },
}

impl TierError {
    /// Returns the tier of the error.
    pub const fn tier(&self) -> Tier {
        match self {
            Self::Unavailable { tier, .. }
            | Self::Conflict { tier, .. }
            | Self::Statement { tier, .. }
            | Self::Row { tier, .. } => *tier,
        }
    }

    /// Returns whether the same request may succeed when repeated at once.
    pub const fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict { .. })
    }
}

/// Reads at once of an engine that does not say.
const READS_AT_ONCE: usize = 16;

/// The connections of one pool of an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolSize {
    /// The name of the pool, such as `readers`.
    pub pool: &'static str,
    /// Open connections.
    pub open: usize,
    /// Open connections that are leased.
    pub in_use: usize,
    /// Connections at most.
    pub most: usize,
}

/// The kinds of transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// Read only. Every read sees the snapshot of the first one.
    Read,
    /// Read and write. SQLite takes its only write lock at the beginning.
    Write,
}

/// A database server or file behind a connection pool.
#[async_trait]
pub trait Engine: fmt::Debug + Send + Sync {
    /// Returns the tier it serves.
    fn tier(&self) -> Tier;

    /// Runs a read-only statement on any connection and returns all rows. The statement sees one snapshot.
    async fn fetch(&self, statement: &Statement, params: &[Value]) -> Result<Vec<Record>, TierError>;

    /// Runs a read-only statement on a connection that is kept for probes, and checks whatever else shows that the
    /// database is the one that was opened.
    async fn probe(&self, statement: &Statement) -> Result<(), TierError> {
        self.fetch(statement, &[]).await.map(drop)
    }

    /// Returns a connection for transactions. A session dropped within a transaction rolls back.
    async fn session(&self) -> Result<Box<dyn Session>, TierError>;

    /// Returns why this engine cannot store `value` losslessly; `None` if it can.
    fn reject_reason(&self, _value: &Value) -> Option<&'static str> {
        None
    }

    /// Returns the read replicas, which may lag behind, in the order in which to ask them. Only readers that can prove
    /// an answer against the journal may use them.
    fn replicas(&self) -> Vec<&dyn Engine> {
        Vec::new()
    }

    /// Returns every replica, also those that [`Engine::replicas`] leaves out because they failed a moment ago.
    fn all_replicas(&self) -> Vec<&dyn Engine> {
        Vec::new()
    }

    /// Returns the sizes of its pools.
    fn pools(&self) -> Vec<PoolSize> {
        Vec::new()
    }

    /// Returns the number of connections for readers that are worth opening before they are needed.
    fn warm_connections(&self) -> usize {
        0
    }

    /// Returns the number of short reads that it answers at once without one waiting for another.
    fn reads_at_once(&self) -> usize {
        READS_AT_ONCE
    }

    /// Returns the number of slow reads, such as searches, that leave enough for short ones.
    fn slow_reads_at_once(&self) -> usize {
        (self.reads_at_once() / 4).max(1)
    }

    /// Returns whether its tables are spread over workers.
    fn is_spread(&self) -> bool {
        false
    }

    /// Waits for connections in use, then closes all.
    async fn close(&self);
}

/// A connection and its transaction.
#[async_trait]
pub trait Session: Send {
    /// Begins a transaction.
    async fn begin(&mut self, begin: Begin) -> Result<(), TierError>;

    /// Runs a statement that returns rows.
    async fn fetch(&mut self, statement: &Statement, params: &[Value]) -> Result<Vec<Record>, TierError>;

    /// Runs a statement and gives each of its rows to `take`, on some engines while further ones are still on their way. After an
    /// error of `take` it gets no more rows.
    async fn fetch_each(
        &mut self,
        statement: &Statement,
        params: &[Value],
        take: &mut (dyn FnMut(Record) -> Result<(), TierError> + Send),
    ) -> Result<(), TierError> {
        self.fetch(statement, params).await?.into_iter().try_for_each(take)
    }

    /// Runs a statement and returns the number of affected rows.
    async fn execute(&mut self, statement: &Statement, params: &[Value]) -> Result<u64, TierError>;

    /// Inserts `rows`, each with one value for each column, ids included. Returns the number of rows, which is always
    /// all of them.
    async fn insert(
        &mut self,
        table: &'static str,
        columns: &[&'static str],
        rows: &[Vec<Value>],
    ) -> Result<u64, TierError>;

    /// Commits durably. After an error it is unknown whether the commit happened.
    async fn commit(&mut self) -> Result<(), TierError>;

    /// Rolls back everything since [`Session::begin`].
    async fn rollback(&mut self) -> Result<(), TierError>;

    /// Lets the following statements take hours, such as scans of a whole archive. Others end when a server does not answer.
    fn allow_long_statements(&mut self) {}
}

/// Returns every statement this crate sends by itself, to inspect and to migrate.
pub fn statements() -> Vec<&'static Statement> {
    let mut statements = inspect::sql::all();
    statements.extend(migrate::sql::all());
    statements.extend(migrate::live::sql::all());
    statements
}

/// Returns the row of `table` in `record`: one value for each column, in the order of the declaration.
///
/// # Errors
/// [`TierError::Row`] for a value of another type and for a NULL in a column that has none. It names table, column and row.
pub fn row_of(record: &Record, table: &Table) -> Result<Vec<Value>, TierError> {
    let value = |column: &Column| match record.value(column.name, column.kind)? {
        Value::Null(_) if !column.nullable => Err(record.error(column.name, "is null")),
        value => Ok(value),
    };
    let row: Result<Vec<Value>, TierError> = table.columns.iter().map(value).collect();
    row.map_err(|error| match error {
        TierError::Row { tier, statement, column, problem } => {
            let id = record.int(table.columns[0].name);
            let row = id.map_or_else(|_| "a row".to_owned(), |id| format!("row {id}"));
            TierError::Row {
                tier,
                statement,
                column,
                problem: format!("{problem} in {row} of {}", table.name),
            }
        }
        other => other,
    })
}

/// Records a statement begun at `begun` and its number of rows, `None` after an error, for the request's timing, the
/// metrics and the trace.
fn note(tier: Tier, statement: &Statement, params: &[Value], begun: Instant, rows: Option<usize>) {
    let waited = begun.elapsed();
    usage::record(&usage::Asked { tier, statement: statement.name, params, waited, rows });
    if let Some(rows) = rows {
        let (tier, micros) = (tier.name(), waited.as_micros());
        tracing::debug!(tier, statement = statement.name, rows, micros, "asked");
    }
}
