//! SQLite as a tier: one file, WAL, one writer at a time.
//!
//! Instants and days are integer microseconds, prices decimal text of scale 2, lists of integers JSON arrays.

mod connection;
mod file;
mod migrate;
mod pool;
mod result_cache;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use rusqlite::ffi::ErrorCode;
use tokio::sync::mpsc;

use self::connection::{DATA_VERSION, Options, execute, fetch, fetch_some};
use self::file::DatabaseFile;
use self::pool::{Failure, Lease, Pool};
use super::coalesce::Read;
use super::migrate::TierSchema;
use super::texts::Text;
use super::{Begin, Engine, PoolSize, Record, Session, Statement, Tier, TierError, Value, note, usage};

/// The time limit for a free connection.
const WAIT: Duration = Duration::from_secs(30);
/// The number of connections at most. Movers hold some of them for long.
const CONNECTIONS: u32 = 16;
/// The time a probe waits for another one.
const PROBE_WAIT: Duration = Duration::from_secs(3);
/// Rows of one `INSERT` at most, a power of two: with twelve columns they stay far below the engine's 32,766 parameters.
const ROWS_PER_INSERT: usize = 512;
/// Batches of rows that are read ahead.
const BATCHES_AHEAD: usize = 4;

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
    file: Option<DatabaseFile>,
}

impl Sqlite {
    /// Opens the file and creates it if it is missing.
    pub async fn open(schema: &'static TierSchema, path: &Path) -> Result<Self, TierError> {
        let tier = schema.tier;
        let unavailable = |source: std::io::Error| TierError::Unavailable { tier, source: source.into() };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(unavailable)?;
        }
        create(path).map_err(unavailable)?;
        let file = DatabaseFile::open(path).map_err(unavailable)?;
        let options = Options { file: Some((path.to_owned(), file.clone())), foreign_keys: true };
        let pool = Pool::new("connections", options.clone(), CONNECTIONS, 2 * processors(), WAIT);
        drop(pool.lease().await.map_err(|failure| refused(tier, "connect", failure))?);
        let probes = Pool::new("probes", options, 1, 1, PROBE_WAIT);
        Ok(Self { pool, probes, schema, path: path.to_owned(), file: Some(file) })
    }

    /// Creates an empty database in memory with one connection.
    pub(super) fn scratch(schema: &'static TierSchema) -> Self {
        let pool = Pool::new("connections", Options { file: None, foreign_keys: true }, 1, 1, WAIT);
        Self { probes: pool.clone(), pool, schema, path: PathBuf::new(), file: None }
    }

    /// Returns the path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    async fn lease(&self, pool: &Pool) -> Result<Lease, TierError> {
        self.connection(pool).await.map_err(|failure| refused(self.schema.tier, "connect", failure))
    }

    async fn connection(&self, pool: &Pool) -> Result<Lease, Failure> {
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
        let (tier, begun) = (self.schema.tier, Instant::now());
        let records = match self.connection(pool).await {
            Ok(mut lease) => lease.read(Read { statement: *statement, params: params.to_vec() }, tier).await,
            Err(failure) => Err(failure),
        };
        answered(tier, statement, params, begun, records)
    }
}

/// Returns the number of processors. Statements run in this process, so more long ones at once only take time from each other,
/// and from the threads that read requests and write answers.
fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
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
        if let Some(file) = &self.file {
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
        Ok(Box::new(SqliteSession { lease, tier: self.schema.tier, open: None }))
    }

    fn reads_at_once(&self) -> usize {
        // Half of them, which one user may have, keep all processors busy.
        (4 * processors()).min(CONNECTIONS as usize)
    }

    fn slow_reads_at_once(&self) -> usize {
        // Half of the processors stay for other work.
        (processors() / 2).max(1)
    }

    async fn close(&self) {
        self.probes.close().await;
        self.pool.close().await;
    }
}

struct SqliteSession {
    lease: Lease,
    tier: Tier,
    /// The transaction that may be open. One that begins to write counts as one of a writer.
    open: Option<Begin>,
}

impl SqliteSession {
    /// Runs work that may write.
    async fn write<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Failure> {
        self.open = self.open.and(Some(Begin::Write));
        self.lease.write(work).await
    }

    /// Begins or ends the transaction.
    async fn control(&mut self, text: &'static str) -> Result<(), TierError> {
        let done = match self.open {
            Some(Begin::Read) => self.lease.control(text).await,
            _ => self.lease.run(move |connection| connection.control(text)).await,
        };
        done.map_err(|failure| refused(self.tier, text, failure))
    }
}

#[async_trait]
impl Session for SqliteSession {
    async fn begin(&mut self, begin: Begin) -> Result<(), TierError> {
        // Set before the statement: if this future is dropped, the connection must not return to the pool.
        self.open = Some(begin);
        self.control(match begin {
            Begin::Read => BEGIN_READ,
            Begin::Write => BEGIN_WRITE,
        })
        .await
    }

    async fn fetch(&mut self, statement: &Statement, params: &[Value]) -> Result<Vec<Record>, TierError> {
        let (tier, begun) = (self.tier, Instant::now());
        let read = Read { statement: *statement, params: params.to_vec() };
        let records = if self.open == Some(Begin::Read) {
            self.lease.read(read, tier).await
        } else {
            self.write(move |handle| fetch(handle, &read.statement, &read.params, tier)).await
        };
        answered(tier, statement, params, begun, records)
    }

    async fn fetch_each(
        &mut self,
        statement: &Statement,
        params: &[Value],
        take: &mut (dyn FnMut(Record) -> Result<(), TierError> + Send),
    ) -> Result<(), TierError> {
        let (tier, begun) = (self.tier, Instant::now());
        let (given, mut parts) = mpsc::channel(BATCHES_AHEAD);
        let (asked, values) = (*statement, params.to_vec());
        let giving = self.write(move |handle| {
            fetch_some(handle, &asked, &values, tier, |records| given.blocking_send(records).is_ok())
        });
        let taking = async {
            let mut taken = Ok(());
            while let Some(records) = parts.recv().await {
                if taken.is_ok() {
                    taken = records.into_iter().try_for_each(&mut *take);
                }
            }
            taken
        };
        let (count, taken) = futures::future::join(giving, taking).await;
        note(tier, statement, params, begun, count.as_ref().ok().copied());
        count.map_err(|failure| refused(tier, statement.name, failure))?;
        taken
    }

    async fn execute(&mut self, statement: &Statement, params: &[Value]) -> Result<u64, TierError> {
        let (text, params) = (statement.sqlite(), params.to_vec());
        let done = self.write(move |handle| execute(handle, text, params.iter())).await;
        done.map_err(|failure| refused(self.tier, statement.name, failure))
    }

    async fn insert(
        &mut self,
        table: &'static str,
        columns: &[&'static str],
        rows: &[Vec<Value>],
    ) -> Result<u64, TierError> {
        let (columns, rows) = (columns.to_vec(), rows.to_vec());
        let inserting = self.write(move |handle| {
            let insert = |rows: &[Vec<Value>]| {
                execute(handle, &insert_text(table, &columns, rows.len()), rows.iter().flatten())
            };
            match parts(&rows).map(insert).sum() {
                Err(error) if has_no_further_id(handle, table, &error) => {
                    Ok(Err(format!("the largest id is taken in {table}: no further row can be numbered")))
                }
                inserted => inserted.map(Ok),
            }
        });
        let inserted = inserting.await.map_err(|failure| refused(self.tier, table, failure))?;
        inserted.map_err(|problem| TierError::Statement {
            tier: self.tier,
            statement: table,
            source: problem.into(),
        })
    }

    async fn commit(&mut self) -> Result<(), TierError> {
        self.control(COMMIT).await?;
        self.open = None;
        Ok(())
    }

    async fn rollback(&mut self) -> Result<(), TierError> {
        self.control(ROLLBACK).await?;
        self.open = None;
        Ok(())
    }
}

impl Drop for SqliteSession {
    fn drop(&mut self) {
        // A connection with an open transaction must not serve another request. Nothing is undone by the end of one that only reads.
        match self.open {
            Some(Begin::Read) if self.lease.control_now(ROLLBACK) => {}
            Some(_) => self.lease.close(),
            None => {}
        }
    }
}

/// Returns whether an insert failed because the table has no further id, which SQLite calls a full disk.
fn has_no_further_id(handle: &rusqlite::Connection, table: &str, error: &rusqlite::Error) -> bool {
    let is_last = format!("SELECT max(rowid) = {} FROM {table}", i64::MAX);
    let is_taken = || handle.query_row(&is_last, [], |row| row.get::<_, Option<bool>>(0));
    error.sqlite_error_code() == Some(ErrorCode::DiskFull) && matches!(is_taken(), Ok(Some(true)))
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
    records: Result<Vec<Record>, Failure>,
) -> Result<Vec<Record>, TierError> {
    note(tier, statement, params, begun, records.as_ref().ok().map(Vec::len));
    records.map_err(|failure| refused(tier, statement.name, failure))
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

fn refused(tier: Tier, statement: &'static str, failure: Failure) -> TierError {
    let error = match failure {
        Failure::Connect(source) => return TierError::Unavailable { tier, source },
        Failure::Sqlite(error) => error,
    };
    // The low byte of an extended result code is the primary one.
    let primary = error.sqlite_error().map(|error| error.extended_code & 0xff);
    let source = error.into();
    match primary {
        // SQLITE_BUSY, SQLITE_LOCKED
        Some(5 | 6) => TierError::Conflict { tier, statement, source },
        // SQLITE_ERROR, SQLITE_CONSTRAINT, SQLITE_MISMATCH, SQLITE_RANGE, or an error that is not the file's
        Some(1 | 19 | 20 | 25) | None => TierError::Statement { tier, statement, source },
        // A full disk, or a missing or damaged file.
        Some(_) => TierError::Unavailable { tier, source },
    }
}

/// Returns the texts of sessions and migrations.
pub(crate) fn texts() -> Vec<Text> {
    vec![
        Text::new("session.begin_read", "Begins a transaction that only reads.", BEGIN_READ),
        Text::new("session.begin_write", "Begins a transaction that writes.", BEGIN_WRITE),
        Text::new("session.commit", "Commits the transaction.", COMMIT),
        Text::new("session.rollback", "Rolls the transaction back.", ROLLBACK),
        Text::new("session.version", "Tells whether another connection has written.", DATA_VERSION),
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
