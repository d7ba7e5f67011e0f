//! A connection and its transaction.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use sqlx::postgres::PgArguments;
use sqlx::{AssertSqlSafe, SqlSafeStr};

use super::super::{Begin, Record, Session, Statement, Tier, TierError, Value};
use super::lease::Lease;
use super::{PostgresUrl, answered, codec, prepared, within};

/// The limits of one `INSERT`: rows and bytes of text.
const ROWS_PER_INSERT: usize = 5_000;
const BYTES_PER_INSERT: usize = 16 << 20;

/// The time limit of a statement over a whole archive.
const LONG: Duration = Duration::from_hours(24);

pub(super) const BEGIN_READ: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
/// The settings end with the transaction, so they are safe behind a pooler. A copy must be on disk before its
/// originals are removed, whatever the server's configuration is. The last setting makes Citus write with one transaction a
/// worker, so that each part of a commit holds the claim row; to other servers it is a name without a meaning.
pub(super) const BEGIN_WRITE: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; \
    SET LOCAL synchronous_commit = on; SET LOCAL lock_timeout = '30s'; \
    SET LOCAL citus.multi_shard_modify_mode = 'sequential'";

pub(super) const COMMIT: &str = "COMMIT";
pub(super) const ROLLBACK: &str = "ROLLBACK";

/// A connection for sessions, and its transaction.
pub(super) struct PostgresSession {
    lease: Lease,
    tier: Tier,
    /// Whether prepared statements may stay on the connection.
    persistent: bool,
    /// The time limit of a statement.
    limit: Duration,
    /// Whether the tables are spread over workers.
    spread: bool,
    open: bool,
}

impl PostgresSession {
    /// Creates a session on a connection to `url`.
    pub fn new(lease: Lease, tier: Tier, url: &PostgresUrl, spread: bool) -> Self {
        Self { lease, tier, persistent: !url.pooled, limit: url.write_timeout, spread, open: false }
    }

    async fn run(
        &mut self,
        name: &'static str,
        text: impl SqlSafeStr,
        arguments: PgArguments,
    ) -> Result<u64, TierError> {
        let query = sqlx::query_with(text, arguments).persistent(self.persistent);
        let lease = &mut self.lease;
        let done = async {
            let done = query.execute(lease.begin()).await;
            lease.end();
            done
        };
        Ok(within(self.tier, name, self.limit, done).await?.rows_affected())
    }

    async fn control(&mut self, text: &'static str) -> Result<(), TierError> {
        let lease = &mut self.lease;
        let done = async {
            let done = sqlx::raw_sql(text).execute(lease.begin()).await;
            lease.end();
            done
        };
        within(self.tier, text, self.limit, done).await.map(drop)
    }
}

#[async_trait]
impl Session for PostgresSession {
    async fn begin(&mut self, begin: Begin) -> Result<(), TierError> {
        // Set before the statement: if this future is dropped, the connection must not return to the pool.
        self.open = true;
        self.control(match begin {
            Begin::Read => BEGIN_READ,
            Begin::Write => BEGIN_WRITE,
        })
        .await
    }

    async fn fetch(&mut self, statement: &Statement, params: &[Value]) -> Result<Vec<Record>, TierError> {
        let (tier, begun) = (self.tier, Instant::now());
        let (text, arguments) = prepared(tier, self.spread, statement, params)?;
        let query = sqlx::query_with(text, arguments).persistent(self.persistent);
        let lease = &mut self.lease;
        let rows = async {
            let rows = query.fetch_all(lease.begin()).await;
            lease.end();
            rows
        };
        let rows = within(tier, statement.name, self.limit, rows).await;
        answered(tier, statement, params, begun, rows)
    }

    async fn execute(&mut self, statement: &Statement, params: &[Value]) -> Result<u64, TierError> {
        let (text, arguments) = prepared(self.tier, self.spread, statement, params)?;
        self.run(statement.name, text, arguments).await
    }

    async fn insert(
        &mut self,
        table: &'static str,
        columns: &[&'static str],
        rows: &[Vec<Value>],
    ) -> Result<u64, TierError> {
        let tier = self.tier;
        let text = insert_text(table, columns);
        let mut inserted = 0;
        for rows in parts(rows) {
            let arguments = codec::bind_columns(rows, columns.len())
                .map_err(|source| TierError::Statement { tier, statement: table, source })?;
            inserted += self.run(table, AssertSqlSafe(text.clone()), arguments).await?;
        }
        Ok(inserted)
    }

    async fn commit(&mut self) -> Result<(), TierError> {
        self.control(COMMIT).await?;
        self.open = false;
        Ok(())
    }

    fn allow_long_statements(&mut self) {
        self.limit = LONG;
    }

    async fn rollback(&mut self) -> Result<(), TierError> {
        self.control(ROLLBACK).await?;
        self.open = false;
        Ok(())
    }
}

impl Drop for PostgresSession {
    fn drop(&mut self) {
        if self.open {
            // Closing rolls back. A connection with an open transaction must not serve another request.
            self.lease.begin();
        }
    }
}

/// Returns the text that inserts rows, one array for each column: one text for any number of rows, and no limit of
/// parameters.
pub(crate) fn insert_text(table: &str, columns: &[&str]) -> String {
    let arrays: Vec<String> = (1..=columns.len()).map(|place| format!("${place}")).collect();
    format!("INSERT INTO {table} ({}) SELECT * FROM UNNEST({})", columns.join(", "), arrays.join(", "))
}

/// Splits rows into chunks that fit one statement.
fn parts(mut rows: &[Vec<Value>]) -> impl Iterator<Item = &[Vec<Value>]> {
    let bytes = |row: &Vec<Value>| -> usize {
        row.iter().map(|value| if let Value::Text(text) = value { text.len() } else { 0 }).sum()
    };
    std::iter::from_fn(move || {
        let mut size = 0;
        let fitting = rows.iter().take(ROWS_PER_INSERT).take_while(|row| {
            let before = size;
            size += bytes(row);
            before == 0 || size <= BYTES_PER_INSERT
        });
        let (part, rest) = rows.split_at(fitting.count());
        rows = rest;
        (!part.is_empty()).then_some(part)
    })
}
