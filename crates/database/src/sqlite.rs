//! SQLite as a tier: one file, WAL, one writer at a time.
//!
//! Instants and days are integer microseconds, prices decimal text of scale 2, lists of integers JSON arrays.

mod file;
mod migrate;
mod pool;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::TryStreamExt as _;
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqliteRow, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Sqlite as Driver};

use self::file::FileId;
use self::pool::{Lease, Pool};
use super::migrate::TierSchema;
use super::texts::Text;
use super::{Begin, Engine, PoolSize, Record, Session, Statement, Tier, TierError, Value, note, usage};
use thermocline_core::clock::Timestamp;

/// How long a writer waits for another one.
const BUSY: Duration = Duration::from_secs(30);
/// The number of connections at most. Movers hold some of them for long.
const CONNECTIONS: u32 = 16;
/// The time a probe waits for another one.
const PROBE_WAIT: Duration = Duration::from_secs(3);
/// Rows of one `INSERT` at most, a power of two: with twelve columns they stay far below the engine's 32,766 parameters.
const ROWS_PER_INSERT: usize = 512;
/// Rows of one answer that may wait to be converted.
const ROWS_ON_THEIR_WAY: usize = 2_048;
/// `SQLITE_FULL`: the disk is full, or a table has no further id.
const FULL: i32 = 13;

const BEGIN_READ: &str = "BEGIN DEFERRED";
const BEGIN_WRITE: &str = "BEGIN IMMEDIATE";
const COMMIT: &str = "COMMIT";
const ROLLBACK: &str = "ROLLBACK";

/// A SQLite file that serves as a tier.
#[derive(Clone, Debug)]
pub struct Sqlite {
    pool: Pool,
    /// The connection of probes, which wait for no other reader.
    probes: Pool,
    schema: &'static TierSchema,
    path: PathBuf,
    /// The file that was opened; none in memory.
    file: Option<FileId>,
}

impl Sqlite {
    /// Opens the file and creates it if it is missing. Later connections never create it: if the file is removed meanwhile,
    /// an empty one must not take its place.
    pub async fn open(schema: &'static TierSchema, path: &Path) -> Result<Self, TierError> {
        let tier = schema.tier;
        let unavailable = |source: std::io::Error| TierError::Unavailable { tier, source: source.into() };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(unavailable)?;
        }
        create(path).map_err(unavailable)?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(false)
            .journal_mode(SqliteJournalMode::Wal)
            // A copy must be on disk before its originals are removed, and a raised epoch before it is confirmed.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY)
            .statement_cache_capacity(256)
            .pragma("cache_size", "-16384")
            // The connection's thread is not to wait, and be woken, for each row that is converted.
            .row_buffer_size(ROWS_ON_THEIR_WAY)
            // Statements are logged here, by name.
            .disable_statement_logging();
        let pool = Pool::new("connections", options.clone(), CONNECTIONS, 2 * reads_at_once(), BUSY);
        drop(pool.lease().await.map_err(|error| refused(tier, "connect", error))?);
        let probes = Pool::new("probes", options, 1, 1, PROBE_WAIT);
        let file = FileId::of(path).map_err(unavailable)?;
        Ok(Self { pool, probes, schema, path: path.to_owned(), file: Some(file) })
    }

    /// Creates an empty database in memory with one connection.
    pub(super) fn scratch(schema: &'static TierSchema) -> Self {
        let options = SqliteConnectOptions::new().in_memory(true).disable_statement_logging();
        let pool = Pool::new("connections", options, 1, 1, BUSY);
        Self { probes: pool.clone(), pool, schema, path: PathBuf::new(), file: None }
    }

    /// Returns the path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    async fn lease(&self, pool: &Pool) -> Result<Lease, TierError> {
        self.connection(pool).await.map_err(|error| refused(self.schema.tier, "connect", error))
    }

    async fn connection(&self, pool: &Pool) -> Result<Lease, sqlx::Error> {
        let begun = Instant::now();
        let lease = pool.lease().await;
        usage::leased(self.schema.tier, pool.name(), begun);
        lease
    }

    async fn ask(
        &self,
        pool: &Pool,
        statement: &Statement,
        params: &[Value],
    ) -> Result<Vec<Record>, TierError> {
        let begun = Instant::now();
        let rows = match self.connection(pool).await {
            Ok(mut lease) => fetch_all(&mut lease, statement, params).await,
            Err(error) => Err(error),
        };
        answered(self.schema.tier, statement, params, begun, rows)
    }
}

/// Returns the number of reads that make sense at once. The statements run in this process, so more of them than processors
/// only take time from each other, and from the threads that read requests and write answers.
fn reads_at_once() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).clamp(2, CONNECTIONS as usize)
}

async fn fetch_all(
    lease: &mut Lease,
    statement: &Statement,
    params: &[Value],
) -> Result<Vec<SqliteRow>, sqlx::Error> {
    let rows = sqlx::query_with(statement.sqlite(), bind(params)).fetch_all(lease.begin()?).await;
    lease.end();
    rows
}

#[async_trait]
impl Engine for Sqlite {
    fn tier(&self) -> Tier {
        self.schema.tier
    }

    async fn fetch(&self, statement: &Statement, params: &[Value]) -> Result<Vec<Record>, TierError> {
        self.ask(&self.pool, statement, params).await
    }

    async fn probe(&self, statement: &Statement) -> Result<(), TierError> {
        if let Some(file) = self.file {
            // Connections may go on reading from their caches when there is no such file any more.
            file.check(&self.path)
                .map_err(|source| TierError::Unavailable { tier: self.schema.tier, source: source.into() })?;
        }
        self.ask(&self.probes, statement, &[]).await.map(drop)
    }

    fn pools(&self) -> Vec<PoolSize> {
        vec![self.pool.size(), self.probes.size()]
    }

    async fn session(&self) -> Result<Box<dyn Session>, TierError> {
        let lease = self.lease(&self.pool).await?;
        Ok(Box::new(SqliteSession { lease, tier: self.schema.tier, open: false }))
    }

    fn reads_at_once(&self) -> usize {
        reads_at_once()
    }

    fn slow_reads_at_once(&self) -> usize {
        // Half of the processors stay for other work.
        (reads_at_once() / 2).max(1)
    }

    async fn close(&self) {
        self.probes.close().await;
        self.pool.close().await;
    }
}

struct SqliteSession {
    lease: Lease,
    tier: Tier,
    open: bool,
}

impl SqliteSession {
    async fn send(
        &mut self,
        query: sqlx::query::Query<'_, Driver, SqliteArguments>,
    ) -> Result<u64, sqlx::Error> {
        let done = query.execute(self.lease.begin()?).await;
        self.lease.end();
        done.map(|done| done.rows_affected())
    }

    async fn run(
        &mut self,
        name: &'static str,
        query: sqlx::query::Query<'_, Driver, SqliteArguments>,
    ) -> Result<u64, TierError> {
        self.send(query).await.map_err(|error| refused(self.tier, name, error))
    }
}

impl SqliteSession {
    /// Converts the error of an insert. SQLite calls a table that has no further id a full disk.
    async fn explained(&mut self, table: &'static str, error: sqlx::Error) -> TierError {
        let tier = self.tier;
        if primary_code(&error) == Some(FULL)
            && let Ok(connection) = self.lease.begin()
        {
            let text = format!("SELECT max(rowid) = {} FROM {table}", i64::MAX);
            let taken =
                sqlx::query_scalar::<_, Option<bool>>(AssertSqlSafe(text)).fetch_one(connection).await;
            self.lease.end();
            if let Ok(Some(true)) = taken {
                let source =
                    format!("the largest id is taken in {table}: no further row can be numbered").into();
                return TierError::Statement { tier, statement: table, source };
            }
        }
        refused(tier, table, error)
    }
}

#[async_trait]
impl Session for SqliteSession {
    async fn begin(&mut self, begin: Begin) -> Result<(), TierError> {
        // Set before the statement: if this future is dropped, the connection must not return to the pool.
        self.open = true;
        let text = match begin {
            Begin::Read => BEGIN_READ,
            Begin::Write => BEGIN_WRITE,
        };
        self.run(text, sqlx::query(text)).await.map(drop)
    }

    async fn fetch(&mut self, statement: &Statement, params: &[Value]) -> Result<Vec<Record>, TierError> {
        let (tier, begun) = (self.tier, Instant::now());
        let rows = fetch_all(&mut self.lease, statement, params).await;
        answered(tier, statement, params, begun, rows)
    }

    async fn fetch_each(
        &mut self,
        statement: &Statement,
        params: &[Value],
        take: &mut (dyn FnMut(Record) -> Result<(), TierError> + Send),
    ) -> Result<(), TierError> {
        let (tier, begun) = (self.tier, Instant::now());
        let mut taken = Ok(());
        let answer = async {
            let mut rows = sqlx::query_with(statement.sqlite(), bind(params)).fetch(self.lease.begin()?);
            let mut n = 0;
            while let Some(row) = rows.try_next().await? {
                n += 1;
                if taken.is_ok() {
                    taken = take(Record::sqlite(row, tier, statement.name));
                }
            }
            Ok::<usize, sqlx::Error>(n)
        };
        let answer = answer.await;
        self.lease.end();
        note(tier, statement, params, begun, answer.as_ref().ok().copied());
        answer.map_err(|error| refused(tier, statement.name, error))?;
        taken
    }

    async fn execute(&mut self, statement: &Statement, params: &[Value]) -> Result<u64, TierError> {
        self.run(statement.name, sqlx::query_with(statement.sqlite(), bind(params))).await
    }

    async fn insert(
        &mut self,
        table: &'static str,
        columns: &[&'static str],
        rows: &[Vec<Value>],
    ) -> Result<u64, TierError> {
        let mut parts = parts(rows)
            .map(|rows| (insert_text(table, columns, rows.len()), bind_all(rows.iter().flatten())));
        let (mut inserted, mut part) = (0, parts.next());
        while let Some((text, arguments)) = part {
            let sent = self.send(sqlx::query_with(AssertSqlSafe(text), arguments));
            // The next part is made while the engine inserts this one.
            let (done, next) = futures::future::join(sent, async { parts.next() }).await;
            inserted += match done {
                Ok(rows) => rows,
                Err(error) => return Err(self.explained(table, error).await),
            };
            part = next;
        }
        Ok(inserted)
    }

    async fn commit(&mut self) -> Result<(), TierError> {
        self.run(COMMIT, sqlx::query(COMMIT)).await?;
        self.open = false;
        Ok(())
    }

    async fn rollback(&mut self) -> Result<(), TierError> {
        self.run(ROLLBACK, sqlx::query(ROLLBACK)).await?;
        self.open = false;
        Ok(())
    }
}

impl Drop for SqliteSession {
    fn drop(&mut self) {
        if self.open {
            // Closing rolls back. A connection with an open transaction must not serve another request.
            let _ = self.lease.begin();
        }
    }
}

pub(crate) fn insert_text(table: &str, columns: &[&str], rows: usize) -> String {
    let tuple = format!("({})", vec!["?"; columns.len()].join(", "));
    let others = format!(", {tuple}").repeat(rows - 1);
    format!("INSERT INTO {table} ({}) VALUES {tuple}{others}", columns.join(", "))
}

/// Splits rows into chunks whose lengths are powers of two, so that a table has few texts of `INSERT`, which all stay prepared.
fn parts<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let length = 1 << rows.len().min(ROWS_PER_INSERT).checked_ilog2()?;
        let (part, rest) = rows.split_at(length);
        rows = rest;
        Some(part)
    })
}

fn answered(
    tier: Tier,
    statement: &Statement,
    params: &[Value],
    begun: Instant,
    rows: Result<Vec<SqliteRow>, sqlx::Error>,
) -> Result<Vec<Record>, TierError> {
    note(tier, statement, params, begun, rows.as_ref().ok().map(Vec::len));
    let rows = rows.map_err(|error| refused(tier, statement.name, error))?;
    Ok(rows.into_iter().map(|row| Record::sqlite(row, tier, statement.name)).collect())
}

fn bind(params: &[Value]) -> SqliteArguments {
    bind_all(params.iter())
}

fn bind_all<'a>(params: impl Iterator<Item = &'a Value>) -> SqliteArguments {
    use sqlx::Arguments as _;
    let mut arguments = SqliteArguments::default();
    for param in params {
        // Encoding an integer or a text cannot fail.
        let _ = match param {
            Value::Null(_) => arguments.add(None::<i64>),
            Value::Int(value) => arguments.add(*value),
            Value::Text(text) => arguments.add(Arc::clone(text)),
            Value::Time(at) => arguments.add(at.micros()),
            Value::Date(day) => arguments.add(Timestamp::midnight(*day).micros()),
            Value::Price(price) => arguments.add(price.to_string()),
            Value::Bool(bit) => arguments.add(i64::from(*bit)),
            Value::Bytes(bytes) => arguments.add(bytes.to_vec()),
            Value::Ints(ints) => arguments.add(json(ints)),
        };
    }
    arguments
}

fn json(ints: &[i64]) -> String {
    let ints: Vec<String> = ints.iter().map(i64::to_string).collect();
    format!("[{}]", ints.join(","))
}

/// Returns the primary result code, which is the low byte of the extended one.
fn primary_code(error: &sqlx::Error) -> Option<i32> {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.and_then(|code| code.parse::<i32>().ok()).map(|code| code & 0xff)
}

/// Creates the file if it is missing, for its owner alone. SQLite gives its other files the same permissions.
fn create(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        // A file that cannot be created may still be there to read; its own error comes later.
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists && !path.exists() => {
            Err(std::io::Error::new(error.kind(), format!("{} cannot be created: {error}", path.display())))
        }
        _ => Ok(()),
    }
}

fn refused(tier: Tier, statement: &'static str, error: sqlx::Error) -> TierError {
    let primary = primary_code(&error);
    let source = error.into();
    match primary {
        // SQLITE_BUSY, SQLITE_LOCKED
        Some(5 | 6) => TierError::Conflict { tier, statement, source },
        // SQLITE_ERROR, SQLITE_CONSTRAINT, SQLITE_MISMATCH, SQLITE_RANGE
        Some(1 | 19 | 20 | 25) => TierError::Statement { tier, statement, source },
        // A full disk, a missing or damaged file, or no connection in time.
        _ => TierError::Unavailable { tier, source },
    }
}

/// Returns the texts of sessions and migrations.
pub(crate) fn texts() -> Vec<Text> {
    vec![
        Text::new("session.begin_read", "Begins a transaction that only reads.", BEGIN_READ),
        Text::new("session.begin_write", "Begins a transaction that writes.", BEGIN_WRITE),
        Text::new("session.commit", "Commits the transaction.", COMMIT),
        Text::new("session.rollback", "Rolls the transaction back.", ROLLBACK),
        Text::new(
            "migrate.foreign_key_check",
            "Looks for rows whose parent is missing, before a migration commits.",
            migrate::FOREIGN_KEY_CHECK,
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_few_lengths_of_inserts() {
        for rows in [0, 1, 7, 512, 1_000, 1_025] {
            let all: Vec<usize> = (0..rows).collect();
            let parts: Vec<&[usize]> = parts(&all).collect();
            assert_eq!(parts.concat(), all);
            assert!(parts.iter().all(|part| part.len().is_power_of_two() && part.len() <= ROWS_PER_INSERT));
        }
    }
}
