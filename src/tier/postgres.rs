//! PostgreSQL as a tier: two pools, one for statements that only read, one for sessions with transactions.
//!
//! Readers' connections end a statement that takes too long; a mover's do not, but wait for locks only so long.

pub(super) mod codec;
mod lease;
mod migrate;
mod url;

use std::fmt;
use std::future::Future;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgConnection, PgPool, PgPoolOptions, PgRow};
use sqlx::{AssertSqlSafe, Connection as _, SqlSafeStr};

use self::lease::Lease;
pub use url::PostgresUrl;

use super::{Begin, Engine, Record, Session, Statement, Tier, TierError, Value, note};

/// How long to wait for a connection.
const ACQUIRE: Duration = Duration::from_mins(1);
/// How soon to ask whether there is a server at all.
const MOMENT: Duration = Duration::from_secs(1);
/// How long to wait for one to a replica.
const REPLICA: Duration = Duration::from_secs(2);
/// How long a connection is used, so that a server behind a changed address is found.
const LIFETIME: Duration = Duration::from_hours(2);
/// How many of the connections are for sessions.
const SESSIONS: u32 = 4;
/// How long a reading statement may take on the server.
const READING: Duration = Duration::from_secs(30);
/// How long the answer to one may take beyond that: then the server or the way to it is gone.
const GRACE: Duration = Duration::from_secs(5);
/// How long a statement of a session may take.
const WRITING: Duration = Duration::from_mins(10);
/// Rows and bytes of text that go into one `INSERT`.
const ROWS_PER_INSERT: usize = 5_000;
const BYTES_PER_INSERT: usize = 16 << 20;

const BEGIN_READ: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
/// The settings end with the transaction, so they hold behind a pooler too. A mover's copy must be on disk before its
/// originals go, whatever the server is set to.
const BEGIN_WRITE: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; \
    SET LOCAL synchronous_commit = on; SET LOCAL lock_timeout = '30s'";

/// A PostgreSQL database that serves as a tier.
#[derive(Clone)]
pub struct Postgres {
    readers: PgPool,
    sessions: PgPool,
    /// For what a pooler cannot carry.
    direct: PgConnectOptions,
    url: PostgresUrl,
    tier: Tier,
}

impl Postgres {
    /// Reaches the database; `direct` leads to the same one past a pooler.
    pub async fn open(
        tier: Tier,
        url: &PostgresUrl,
        direct: Option<&PostgresUrl>,
    ) -> Result<Self, TierError> {
        let database = Self::lazy(tier, url, direct, ACQUIRE);
        database.acquire(&database.readers).await?;
        Ok(database)
    }

    /// A copy of a database, which may be away: it is reached when it is asked, and not waited for long.
    pub fn replica(tier: Tier, url: &PostgresUrl) -> Self {
        Self::lazy(tier, url, None, REPLICA)
    }

    fn lazy(tier: Tier, url: &PostgresUrl, direct: Option<&PostgresUrl>, wait: Duration) -> Self {
        let named = |options: PgConnectOptions| match options.get_application_name() {
            Some(_) => options,
            None => options.application_name("thermocline"),
        };
        let options = named(url.options.clone()).statement_cache_capacity(256);
        let direct = named(direct.unwrap_or(url).options.clone());
        let (reading, writing) = if url.pooled {
            // A pooler knows no start-up options, and a setting would reach whoever comes next.
            (options.clone(), options)
        } else {
            let options = options.options([
                // A vanished client must not hold its locks; short statements are not worth compiling.
                ("tcp_keepalives_idle", "60"),
                ("tcp_keepalives_interval", "10"),
                ("tcp_keepalives_count", "3"),
                ("jit", "off"),
            ]);
            let limit = READING.as_millis().to_string();
            (options.clone().options([("statement_timeout", limit.as_str())]), options)
        };
        let sessions = SESSIONS.min(url.most / 2);
        let readers = url.most - sessions;
        let pool = || {
            let pool = PgPoolOptions::new().acquire_timeout(wait).max_lifetime(LIFETIME);
            // A pooler would hand the setting on to whoever comes next.
            if url.pooled {
                return pool;
            }
            pool.after_connect(|connection, _| {
                Box::pin(async move {
                    lease::look_for_client(connection).await;
                    Ok(())
                })
            })
        };
        Self {
            readers: pool()
                .min_connections(url.kept.min(readers))
                .max_connections(readers)
                .connect_lazy_with(reading),
            sessions: pool().max_connections(sessions).connect_lazy_with(writing),
            direct,
            url: url.clone(),
            tier,
        }
    }

    /// A connection of a pool. A pool waits for a server that is not there as long as for a connection in use; after
    /// a moment one attempt of our own tells which it is.
    async fn acquire(&self, pool: &PgPool) -> Result<PoolConnection<sqlx::Postgres>, TierError> {
        let mut acquired = std::pin::pin!(pool.acquire());
        let acquired = if let Ok(acquired) = tokio::time::timeout(MOMENT, &mut acquired).await {
            acquired
        } else {
            let reached = PgConnection::connect_with(&self.url.options);
            let probe = within(self.tier, "connect", MOMENT * 10, reached).await?;
            // Its end matters to nobody.
            let _ = probe.close().await;
            acquired.await
        };
        acquired.map_err(|error| refused(self.tier, "connect", error))
    }

    async fn rows(
        &self,
        connection: &mut PgConnection,
        text: &'static str,
        arguments: PgArguments,
    ) -> Result<Vec<PgRow>, sqlx::Error> {
        if !self.url.pooled {
            return sqlx::query_with(text, arguments).fetch_all(connection).await;
        }
        // The driver prepares and runs in two steps; only a transaction keeps both on one server connection.
        let mut transaction = connection.begin().await?;
        let query = sqlx::query_with(text, arguments).persistent(false);
        let rows = query.fetch_all(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(rows)
    }

    /// How many connections readers have, and how many of those wait for work.
    pub fn readers(&self) -> (usize, usize) {
        (self.readers.size() as usize, self.readers.num_idle())
    }
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres").field("tier", &self.tier).field("url", &self.url).finish_non_exhaustive()
    }
}

#[async_trait]
impl Engine for Postgres {
    fn tier(&self) -> Tier {
        self.tier
    }

    async fn fetch(&self, statement: &Statement, params: &[Value]) -> Result<Vec<Record>, TierError> {
        let begun = Instant::now();
        let (text, arguments) = prepared(self.tier, statement, params)?;
        let mut lease = Lease::new(self.acquire(&self.readers).await?);
        let rows = async {
            let rows = self.rows(lease.begin(), text, arguments).await;
            lease.end();
            rows
        };
        let rows = within(self.tier, statement.name, READING + GRACE, rows).await;
        answered(self.tier, statement, begun, rows)
    }

    async fn session(&self) -> Result<Box<dyn Session>, TierError> {
        let lease = Lease::new(self.acquire(&self.sessions).await?);
        let persistent = !self.url.pooled;
        Ok(Box::new(PostgresSession { lease, tier: self.tier, persistent, open: false }))
    }

    async fn close(&self) {
        self.sessions.close().await;
        self.readers.close().await;
    }
}

struct PostgresSession {
    lease: Lease,
    tier: Tier,
    persistent: bool,
    open: bool,
}

impl PostgresSession {
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
        Ok(within(self.tier, name, WRITING, done).await?.rows_affected())
    }

    async fn control(&mut self, text: &'static str) -> Result<(), TierError> {
        let lease = &mut self.lease;
        let done = async {
            let done = sqlx::raw_sql(text).execute(lease.begin()).await;
            lease.end();
            done
        };
        within(self.tier, text, WRITING, done).await.map(drop)
    }
}

#[async_trait]
impl Session for PostgresSession {
    async fn begin(&mut self, begin: Begin) -> Result<(), TierError> {
        // Set before the statement: were this future dropped inside it, the connection must not go back to the pool.
        self.open = true;
        self.control(match begin {
            Begin::Read => BEGIN_READ,
            Begin::Write => BEGIN_WRITE,
        })
        .await
    }

    async fn fetch(&mut self, statement: &Statement, params: &[Value]) -> Result<Vec<Record>, TierError> {
        let (tier, begun) = (self.tier, Instant::now());
        let (text, arguments) = prepared(tier, statement, params)?;
        let query = sqlx::query_with(text, arguments).persistent(self.persistent);
        let lease = &mut self.lease;
        let rows = async {
            let rows = query.fetch_all(lease.begin()).await;
            lease.end();
            rows
        };
        let rows = within(tier, statement.name, WRITING, rows).await;
        answered(tier, statement, begun, rows)
    }

    async fn execute(&mut self, statement: &Statement, params: &[Value]) -> Result<u64, TierError> {
        let (text, arguments) = prepared(self.tier, statement, params)?;
        self.run(statement.name, text, arguments).await
    }

    async fn insert(
        &mut self,
        table: &'static str,
        columns: &[&'static str],
        rows: &[Vec<Value>],
    ) -> Result<u64, TierError> {
        let tier = self.tier;
        let arrays: Vec<String> = (1..=columns.len()).map(|place| format!("${place}")).collect();
        // One array a column: one text for any number of rows, and no limit to the number of parameters.
        let text = format!(
            "INSERT INTO {table} ({}) SELECT * FROM UNNEST({})",
            columns.join(", "),
            arrays.join(", ")
        );
        let mut inserted = 0;
        for rows in parts(rows) {
            let arguments = codec::bind_columns(rows, columns.len())
                .map_err(|source| TierError::Statement { tier, statement: table, source })?;
            inserted += self.run(table, AssertSqlSafe(text.clone()), arguments).await?;
        }
        Ok(inserted)
    }

    async fn commit(&mut self) -> Result<(), TierError> {
        self.control("COMMIT").await?;
        self.open = false;
        Ok(())
    }

    async fn rollback(&mut self) -> Result<(), TierError> {
        self.control("ROLLBACK").await?;
        self.open = false;
        Ok(())
    }
}

impl Drop for PostgresSession {
    fn drop(&mut self) {
        if self.open {
            // Closing rolls back; a connection with somebody's transaction in it must not serve the next one.
            self.lease.begin();
        }
    }
}

/// Cuts rows into stretches that one statement can carry.
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

fn prepared(
    tier: Tier,
    statement: &Statement,
    params: &[Value],
) -> Result<(&'static str, PgArguments), TierError> {
    let fault = |source| TierError::Statement { tier, statement: statement.name, source };
    let text = statement.for_postgres().ok_or_else(|| fault("it has no text for PostgreSQL".into()))?;
    let used = params.get(..used(text)).unwrap_or(params);
    Ok((text, codec::bind(used).map_err(fault)?))
}

/// How many parameters a text has. A filter may bring more than a statement takes: SQLite takes no notice, while here
/// every prepared text stands for one number of them.
fn used(text: &str) -> usize {
    let number = |rest: &str| {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest[..digits].parse().unwrap_or(0)
    };
    text.split('$').skip(1).map(number).max().unwrap_or(0)
}

/// A server that is gone without a word must not be waited for without an end.
async fn within<T>(
    tier: Tier,
    statement: &'static str,
    limit: Duration,
    answer: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, TierError> {
    match tokio::time::timeout(limit, answer).await {
        Ok(answer) => answer.map_err(|error| refused(tier, statement, error)),
        Err(elapsed) => Err(TierError::Unavailable { tier, source: elapsed.into() }),
    }
}

fn answered(
    tier: Tier,
    statement: &Statement,
    begun: Instant,
    rows: Result<Vec<PgRow>, TierError>,
) -> Result<Vec<Record>, TierError> {
    note(tier, statement, begun, rows.as_ref().ok().map(Vec::len));
    let rows = rows?;
    Ok(rows.into_iter().map(|row| Record::postgres(row, tier, statement.name)).collect())
}

fn refused(tier: Tier, statement: &'static str, error: sqlx::Error) -> TierError {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    let code = code.as_deref().unwrap_or("").to_owned();
    let never_asked =
        code.is_empty() && matches!(error, sqlx::Error::ColumnNotFound(_) | sqlx::Error::Encode(_));
    let source = error.into();
    match code.as_str() {
        // serialization_failure, deadlock_detected, lock_not_available
        "40001" | "40P01" | "55P03" => TierError::Conflict { tier, statement, source },
        // protocol_violation: the statement and its parameters do not fit.
        "08P01" => TierError::Statement { tier, statement, source },
        // query_canceled is the statement's time limit; a disk or server that is full or broken.
        "57014" | "" if !never_asked => TierError::Unavailable { tier, source },
        code if ["08", "53", "57P", "58"].iter().any(|class| code.starts_with(class)) => {
            TierError::Unavailable { tier, source }
        }
        _ => TierError::Statement { tier, statement, source },
    }
}
