//! What a database is to this program: statements with typed parameters, rows read by column name, sessions with
//! transactions, and errors that name the tier.
//!
//! An [`Engine`] knows its database and nothing of messages or prices; a resource brings its statements as SQL
//! files and reads its rows through [`Record`]. A new database is one more `Engine` and one more text a statement.

mod away;
mod fragment;
pub mod inspect;
pub mod migrate;
mod mssql;
mod postgres;
pub mod queries;
mod record;
mod replicas;
pub mod schema;
mod sqlite;
mod statement;
pub mod usage;

use std::fmt;
use std::time::Instant;

use async_trait::async_trait;

pub use away::Away;
pub use fragment::Fragment;
pub use migrate::Schema;
pub use mssql::Mssql;
pub use mssql::address;
pub use postgres::{Postgres, PostgresUrl};
pub use record::Record;
pub use replicas::Replicated;
pub use sqlite::Sqlite;
pub use statement::{Description, Statement};
pub use thermocline_core::tier::Tier;
pub use thermocline_core::value::Value;

use crate::schema::Column;

/// What a driver reports.
pub type Source = Box<dyn std::error::Error + Send + Sync>;

/// A tier did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum TierError {
    /// It cannot be reached, or answered too late: worth asking again later.
    #[error("the {tier} tier is unavailable")]
    Unavailable {
        /// Which one.
        tier: Tier,
        /// What the driver says.
        source: Source,
    },
    /// Somebody else holds what is needed (a lock, a deadlock, a write conflict): worth asking again now.
    #[error("the {tier} tier is busy: {statement}")]
    Conflict {
        /// Which one.
        tier: Tier,
        /// The statement's name.
        statement: &'static str,
        /// What the driver says.
        source: Source,
    },
    /// It refused a statement.
    #[error("the {tier} tier refused {statement}")]
    Statement {
        /// Which one.
        tier: Tier,
        /// The statement's name.
        statement: &'static str,
        /// What the driver says.
        source: Source,
    },
    /// A row holds what its column should not.
    #[error("the {tier} tier answered {statement} with column {column} {problem}")]
    Row {
        /// Which one.
        tier: Tier,
        /// The statement's name.
        statement: &'static str,
        /// The column.
        column: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl TierError {
    /// The tier it happened in.
    pub const fn tier(&self) -> Tier {
        match self {
            Self::Unavailable { tier, .. }
            | Self::Conflict { tier, .. }
            | Self::Statement { tier, .. }
            | Self::Row { tier, .. } => *tier,
        }
    }

    /// Whether the same request may succeed when it is made again at once.
    pub const fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict { .. })
    }
}

/// How a session's transaction is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// Every read sees the instant of the first one.
    Read,
    /// Writes; on SQLite the file's one write lock is taken now, not in the middle.
    Write,
}

/// A database server or file behind a pool.
#[async_trait]
pub trait Engine: fmt::Debug + Send + Sync {
    /// The tier it serves.
    fn tier(&self) -> Tier;

    /// Runs one reading statement on any connection and returns all its rows; the statement sees one instant.
    async fn fetch(&self, statement: &Statement, params: &[Value]) -> Result<Vec<Record>, TierError>;

    /// A connection of one's own, for transactions. Dropped in mid-transaction it rolls back.
    async fn session(&self) -> Result<Box<dyn Session>, TierError>;

    /// Why no column of this database can hold `value` as it is; `None` when one can.
    fn refuses(&self, _value: &Value) -> Option<&'static str> {
        None
    }

    /// Servers with a copy of this database, which may lag behind it, the one to ask first coming first. Readers who
    /// can prove an answer ask them; everybody else is served by this one.
    fn replicas(&self) -> Vec<&dyn Engine> {
        Vec::new()
    }

    /// Waits for connections in use and closes all.
    async fn close(&self);
}

/// One connection and its transaction.
#[async_trait]
pub trait Session: Send {
    /// Begins a transaction.
    async fn begin(&mut self, begin: Begin) -> Result<(), TierError>;

    /// Runs a statement that returns rows.
    async fn fetch(&mut self, statement: &Statement, params: &[Value]) -> Result<Vec<Record>, TierError>;

    /// Runs a statement and returns how many rows it touched.
    async fn execute(&mut self, statement: &Statement, params: &[Value]) -> Result<u64, TierError>;

    /// Inserts `rows`, each with one value a column, ids included; returns how many went in, which is all of them.
    async fn insert(
        &mut self,
        table: &'static str,
        columns: &[&'static str],
        rows: &[Vec<Value>],
    ) -> Result<u64, TierError>;

    /// Commits, durably. An error leaves open whether it happened.
    async fn commit(&mut self) -> Result<(), TierError>;

    /// Takes back everything since [`Session::begin`].
    async fn rollback(&mut self) -> Result<(), TierError>;
}

/// Returns every statement this crate sends by itself, to inspect and to migrate.
pub fn statements() -> Vec<&'static Statement> {
    let mut statements = inspect::sql::all();
    statements.extend(migrate::sql::all());
    statements
}

/// The values of `columns` in `record`, in their order.
pub fn values(record: &Record, columns: &[Column]) -> Result<Vec<Value>, TierError> {
    columns.iter().map(|column| record.value(column.name, column.kind)).collect()
}

/// Notes that a statement begun at `begun` was answered with so many rows, or with an error: for the request's
/// timing, the metrics and, when it was answered, the trace.
fn note(tier: Tier, statement: &Statement, begun: Instant, rows: Option<usize>) {
    let waited = begun.elapsed();
    usage::record((tier.name(), tier as usize), waited, rows.is_some());
    if let Some(rows) = rows {
        let (tier, micros) = (tier.name(), waited.as_micros());
        tracing::debug!(tier, statement = statement.name, rows, micros, "asked");
    }
}
