//! A connection and its transaction.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use sqlx::postgres::PgArguments;
use sqlx::{AssertSqlSafe, SqlSafeStr};

use super::super::{Begin, Record, Session, Statement, Tier, TierError, Value};
use super::pool::Lease;
use super::{PostgresUrl, answered, code, codec, prepared, within};

/// The limits of one `INSERT`: rows and bytes of text.
const ROWS_PER_INSERT: usize = 5_000;
const BYTES_PER_INSERT: usize = 16 << 20;

/// The time limit of a statement over a whole archive.
const LONG: Duration = Duration::from_hours(24);

/// The settings end with the transaction, so they are safe behind a pooler. A platform's times without a zone are in UTC.
pub(super) const BEGIN_READ: &str =
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL TimeZone = 'UTC'";
/// A copy must be on disk before its originals are removed, and a move has limits of its own: the settings override those of the
/// server and the role. The last one makes Citus write with one transaction a worker, so that each part of a commit holds the
/// claim row; other servers accept and ignore it.
pub(super) const BEGIN_WRITE: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; \
    SET LOCAL synchronous_commit = on; SET LOCAL lock_timeout = '30s'; SET LOCAL statement_timeout = 0; \
    SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL TimeZone = 'UTC'; \
    SET LOCAL citus.multi_shard_modify_mode = 'sequential'";
/// Begins the transaction of one read behind a pooler.
pub(super) const BEGIN_ONE: &str = "BEGIN READ ONLY; SET LOCAL TimeZone = 'UTC'";
/// A row cannot go while another refers to it.
const FOREIGN_KEY_VIOLATION: &str = "23503";

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
            let done = query.execute(lease.begin()?).await;
            lease.end(&done);
            done
        };
        Ok(within(self.tier, name, self.limit, done).await?.rows_affected())
    }

    async fn control(&mut self, text: &'static str) -> Result<(), TierError> {
        let lease = &mut self.lease;
        let done = async {
            let done = sqlx::raw_sql(text).execute(lease.begin()?).await;
            lease.end(&done);
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
            let rows = query.fetch_all(lease.begin()?).await;
            lease.end(&rows);
            rows
        };
        let rows = within(tier, statement.name, self.limit, rows).await;
        answered(tier, statement, params, begun, rows.map_err(|error| referred(text, error)))
    }

    async fn execute(&mut self, statement: &Statement, params: &[Value]) -> Result<u64, TierError> {
        let (text, arguments) = prepared(self.tier, self.spread, statement, params)?;
        self.run(statement.name, text, arguments).await.map_err(|error| referred(text, error))
    }

    async fn insert(
        &mut self,
        table: &'static str,
        columns: &[&'static str],
        rows: &[Vec<Value>],
    ) -> Result<u64, TierError> {
        let tier = self.tier;
        let unbound = |source| TierError::Statement { tier, statement: table, source };
        let text = insert_text(table, columns);
        let mut inserted = 0;
        for rows in parts(rows) {
            let arguments = codec::bind_columns(rows, columns.len()).map_err(unbound)?;
            inserted += self.run(table, AssertSqlSafe(text.clone()), arguments).await?;
        }
        if let Some(highest) = highest_id(columns, rows) {
            let arguments = codec::bind(&[highest.into()]).map_err(unbound)?;
            self.run(table, AssertSqlSafe(reserve_text(table)), arguments).await?;
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
            let _ = self.lease.begin();
        }
    }
}

/// Makes a row that cannot go because a new one refers to it a conflict: the next attempt takes both.
fn referred(text: &str, error: TierError) -> TierError {
    let deletes = text.lines().nth(1).is_some_and(|line| line.starts_with("DELETE"));
    match error {
        TierError::Statement { tier, statement, source }
            if deletes && source.downcast_ref().is_some_and(|error| code(error) == FOREIGN_KEY_VIOLATION) =>
        {
            TierError::Conflict { tier, statement, source }
        }
        other => other,
    }
}

/// Returns the highest of the ids that rows bring along; `None` if they get theirs from the database.
fn highest_id(columns: &[&str], rows: &[Vec<Value>]) -> Option<i64> {
    if columns.first() != Some(&"id") {
        return None;
    }
    rows.iter().filter_map(|row| if let Value::Int(id) = row[0] { Some(id) } else { None }).max()
}

/// Returns the text that inserts rows, one array for each column: one text for any number of rows, and no limit of
/// parameters. Rows keep the ids they bring along.
pub(crate) fn insert_text(table: &str, columns: &[&str]) -> String {
    let arrays: Vec<String> = (1..=columns.len()).map(|place| format!("${place}")).collect();
    let overriding = if columns.first() == Some(&"id") { "OVERRIDING SYSTEM VALUE " } else { "" };
    format!(
        "INSERT INTO {table} ({}) {overriding}SELECT * FROM UNNEST({})",
        columns.join(", "),
        arrays.join(", ")
    )
}

/// Returns [`RESERVE_IDS`] for a table.
pub(crate) fn reserve_text(table: &str) -> String {
    RESERVE_IDS.replace("{table}", table)
}

/// The text that makes `{table}` give out no id up to `$1`, after rows have brought theirs along: unlike other engines PostgreSQL
/// does not notice. The sequence may be that of an identity column, of a `SERIAL`, or any that the default names.
///
/// A program that takes an id at the same moment must get another one. Near the parameter the ids in between are therefore taken
/// one by one; only a sequence that is far behind is set.
pub const RESERVE_IDS: &str = "WITH s AS MATERIALIZED (
    SELECT q.seqrelid::regclass AS name, coalesce(pg_sequence_last_value(q.seqrelid), q.seqstart - q.seqincrement) AS last
    FROM pg_sequence q
    WHERE q.seqrelid = coalesce(
        pg_get_serial_sequence('{table}', 'id')::regclass::oid,
        (
            SELECT d.refobjid
            FROM pg_attrdef f
            JOIN pg_attribute a ON a.attrelid = f.adrelid AND a.attnum = f.adnum AND a.attname = 'id'
            JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid AND d.refclassid = 'pg_class'::regclass
            JOIN pg_class c ON c.oid = d.refobjid AND c.relkind = 'S'
            WHERE f.adrelid = '{table}'::regclass
        )
    )
)
SELECT CASE
        WHEN last >= $1 THEN last
        WHEN last < $1 - 1000 THEN setval(name, $1)
        ELSE (SELECT max(n) FROM (SELECT nextval(name) AS n FROM generate_series(last + 1, $1)) taken)
    END AS n
FROM s";

/// Splits rows into chunks that fit one statement.
fn parts(mut rows: &[Vec<Value>]) -> impl Iterator<Item = &[Vec<Value>]> {
    let bytes = |row: &Vec<Value>| -> usize {
        let length = |value: &Value| match value {
            Value::Text(text) => text.len(),
            Value::Bytes(bytes) => bytes.len(),
            _ => 0,
        };
        row.iter().map(length).sum()
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
