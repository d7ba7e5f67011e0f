//! A connection to a file, and how long a statement of it may run on the calling thread.
//!
//! SQLite runs in this process. Most reads take less time than another thread needs to wake up, so they run on the calling
//! thread, for a limited number of instructions of SQLite's virtual machine and without waiting for locks. A statement that exceeds
//! the limit is interrupted and run again on a blocking thread. An instruction may take long: one counts all rows of a table. So a
//! statement first runs on a blocking thread, and on the calling one as long as its last run was short ([`SHORT`]).

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rusqlite::types::{ToSqlOutput, Value as Owned, ValueRef};
use rusqlite::{CachedStatement, Error, OpenFlags, Result, Rows};

use super::file::DatabaseFile;
use super::result_cache::{FILE_ANSWERS, ResultCache};
use crate::coalesce::Read;
use crate::record::portable::{Cell, PortableRow};
use crate::usage::cache_asked;
use crate::{Record, Statement, Tier, Value};
use thermocline_core::clock::Timestamp;

/// The time limit for a lock that another connection holds.
const BUSY: Duration = Duration::from_secs(30);
/// Prepared statements of a connection.
const STATEMENTS: usize = 256;
/// Instructions of the virtual machine between two calls of the progress handler, some 10 µs.
const INSTRUCTIONS: i32 = 1_000;
/// Calls of the progress handler after which a statement is no longer brief, some 200 µs.
const BRIEF: u64 = 20;
/// The longest time of brief work. More than the instructions need is time that it waited for a disk or a processor.
const SHORT: Duration = Duration::from_millis(2);
/// Rows of one batch.
const ROWS_AT_ONCE: usize = 256;

/// Returns a number that changes when another connection commits.
pub(super) const DATA_VERSION: &str = "PRAGMA data_version";

/// The settings of a connection.
#[derive(Clone, Debug)]
pub(super) struct Options {
    /// The file. `None` is a database in memory.
    pub file: Option<(PathBuf, DatabaseFile)>,
    /// Whether references are checked at once.
    pub foreign_keys: bool,
}

/// A connection.
#[derive(Debug)]
pub(super) struct Connection {
    handle: rusqlite::Connection,
    progress: Arc<Progress>,
    results: ResultCache,
    /// The time of the last work.
    took: Duration,
    /// When it was last in use.
    pub used: Instant,
    /// Closed after the connection.
    _file: Option<DatabaseFile>,
}

/// The progress of a statement, and its limit.
#[derive(Debug, Default)]
struct Progress {
    calls: AtomicU64,
    /// The number of calls of the progress handler after which the statement is interrupted.
    limit: AtomicU64,
    cancelled: AtomicBool,
}

impl Progress {
    fn begin(&self, limit: u64) {
        self.calls.store(0, Ordering::Relaxed);
        self.limit.store(limit, Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        let calls = self.calls.fetch_add(1, Ordering::Relaxed);
        calls >= self.limit.load(Ordering::Relaxed) || self.cancelled.load(Ordering::Relaxed)
    }
}

/// Cancels the statement of a connection, and all later ones, when it is dropped; not after [`CancelOnDrop::disarm`].
#[derive(Debug)]
pub(super) struct CancelOnDrop(Option<Arc<Progress>>);

impl CancelOnDrop {
    pub fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        if let Some(progress) = &self.0 {
            progress.cancelled.store(true, Ordering::Relaxed);
        }
    }
}

impl Connection {
    /// Opens a connection. It may wait for locks.
    pub fn open(options: &Options) -> Result<Self> {
        let handle = match &options.file {
            // No connection creates a file: if it is removed meanwhile, an empty one must not take its place.
            Some((path, _)) => {
                let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
                rusqlite::Connection::open_with_flags(path, flags)?
            }
            None => rusqlite::Connection::open_in_memory()?,
        };
        handle.busy_timeout(BUSY)?;
        if options.file.is_some() {
            handle.pragma_update(None, "journal_mode", "wal")?;
            // A copy must be on disk before its originals are removed, and a raised epoch before it is confirmed.
            handle.pragma_update(None, "synchronous", "full")?;
            // In KiB.
            handle.pragma_update(None, "cache_size", -16_384)?;
        }
        handle.pragma_update(None, "foreign_keys", options.foreign_keys)?;
        handle.set_prepared_statement_cache_capacity(STATEMENTS);
        let progress = Arc::new(Progress::default());
        let watched = Arc::clone(&progress);
        handle.progress_handler(INSTRUCTIONS, Some(move || watched.is_over()))?;
        handle.busy_timeout(Duration::ZERO)?;
        let file = options.file.as_ref().map(|(_, file)| file.clone());
        Ok(Self {
            handle,
            progress,
            results: ResultCache::default(),
            took: Duration::ZERO,
            used: Instant::now(),
            _file: file,
        })
    }

    /// Runs work that only reads, without waiting for locks; `None` if it is not brief, or fails. A lock that is met while a
    /// statement is prepared may look like a missing table, so no error of it means anything.
    pub fn briefly<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Option<T> {
        self.timed(BRIEF, work).ok()
    }

    /// Runs work which may take long and wait for locks.
    pub fn at_length<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.handle.busy_timeout(BUSY)?;
        let done = self.timed(u64::MAX, work);
        self.handle.busy_timeout(Duration::ZERO)?;
        done
    }

    fn timed<T>(&mut self, limit: u64, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.progress.begin(limit);
        let begun = Instant::now();
        let done = work(self);
        self.took = begun.elapsed();
        done
    }

    /// Returns the connection of the driver, to write.
    pub fn writer(&mut self) -> &rusqlite::Connection {
        self.results.forget();
        &self.handle
    }

    /// Begins or ends a transaction.
    pub fn control(&self, text: &'static str) -> Result<()> {
        execute(&self.handle, text, [].iter()).map(drop)
    }

    /// Returns all rows of a statement that only reads, from the cache if nothing was written since they were read.
    pub fn read(&mut self, read: &Read, tier: Tier) -> Result<Vec<Record>> {
        let version = self.version()?;
        let known = self.results.get(read, version);
        cache_asked(FILE_ANSWERS, known.is_some());
        if let Some(records) = known {
            return Ok(records);
        }
        let records = fetch(&self.handle, &read.statement, &read.params, tier)?;
        // They belong to this version if it is still the same.
        if self.results.is_wanted(read, &records) && self.version()? == version {
            self.results.keep(read.clone(), records.clone());
        }
        Ok(records)
    }

    fn version(&self) -> Result<i64> {
        self.handle.prepare_cached(DATA_VERSION)?.query_row([], |row| row.get(0))
    }

    /// Returns whether the last work was brief.
    pub fn was_brief(&self) -> bool {
        self.progress.calls.load(Ordering::Relaxed) <= BRIEF && self.took <= SHORT
    }

    /// Returns whether a transaction is open.
    pub fn is_in_transaction(&self) -> bool {
        !self.handle.is_autocommit()
    }

    /// Returns a guard that cancels the statements of this connection when it is dropped.
    pub fn cancel_on_drop(&self) -> CancelOnDrop {
        CancelOnDrop(Some(Arc::clone(&self.progress)))
    }
}

/// Returns all rows of a statement.
pub(super) fn fetch(
    handle: &rusqlite::Connection,
    statement: &Statement,
    params: &[Value],
    tier: Tier,
) -> Result<Vec<Record>> {
    let mut records = Vec::new();
    fetch_each(handle, statement, params, tier, usize::MAX, |rows| {
        records = rows;
        true
    })?;
    Ok(records)
}

/// Passes the rows of a statement to `give` in batches, until it returns false. Returns their number.
pub(super) fn fetch_some(
    handle: &rusqlite::Connection,
    statement: &Statement,
    params: &[Value],
    tier: Tier,
    give: impl FnMut(Vec<Record>) -> bool,
) -> Result<usize> {
    fetch_each(handle, statement, params, tier, ROWS_AT_ONCE, give)
}

fn fetch_each(
    handle: &rusqlite::Connection,
    statement: &Statement,
    params: &[Value],
    tier: Tier,
    at_once: usize,
    mut give: impl FnMut(Vec<Record>) -> bool,
) -> Result<usize> {
    let mut prepared = handle.prepare_cached(statement.sqlite())?;
    let columns: Arc<[String]> = prepared.column_names().into_iter().map(str::to_owned).collect();
    bind(&mut prepared, params.iter())?;
    let mut rows = prepared.raw_query();
    let (mut records, mut count) = (Vec::new(), 0);
    while let Some(cells) = next_row(&mut rows, columns.len())? {
        count += 1;
        let row = PortableRow { columns: Arc::clone(&columns), cells };
        records.push(Record::portable(row, tier, statement.name));
        if records.len() == at_once && !give(std::mem::take(&mut records)) {
            return Ok(count);
        }
    }
    give(records);
    Ok(count)
}

fn next_row(rows: &mut Rows<'_>, columns: usize) -> Result<Option<Vec<Cell>>> {
    let Some(row) = rows.next()? else { return Ok(None) };
    let mut cells = Vec::with_capacity(columns);
    for place in 0..columns {
        cells.push(match row.get_ref(place)? {
            ValueRef::Null => Cell::Null,
            ValueRef::Integer(int) => Cell::Int(int),
            ValueRef::Real(real) => Cell::Real(real),
            ValueRef::Text(text) => match str::from_utf8(text) {
                Ok(text) => Cell::Text(text.to_owned()),
                // Reading it as a text is an error that names the column.
                Err(_) => Cell::Bytes(text.to_vec()),
            },
            ValueRef::Blob(bytes) => Cell::Bytes(bytes.to_vec()),
        });
    }
    Ok(Some(cells))
}

/// Runs a statement, whose rows are ignored. Returns the number of rows that it changed.
pub(super) fn execute<'a>(
    handle: &rusqlite::Connection,
    text: &str,
    params: impl Iterator<Item = &'a Value>,
) -> Result<u64> {
    let mut prepared = handle.prepare_cached(text)?;
    bind(&mut prepared, params)?;
    if prepared.column_count() == 0 {
        return prepared.raw_execute().map(|changed| changed as u64);
    }
    let mut rows = prepared.raw_query();
    while rows.next()?.is_some() {}
    Ok(handle.changes())
}

/// Binds `$1`, `$2` and so on, or `?` one after the other. To SQLite `$1` is only a name.
fn bind<'a>(prepared: &mut CachedStatement<'_>, params: impl Iterator<Item = &'a Value>) -> Result<()> {
    let params: Vec<&Value> = params.collect();
    for place in 1..=prepared.parameter_count() {
        let number = prepared.parameter_name(place).and_then(|name| name.strip_prefix('$')?.parse().ok());
        let value = params.get(number.unwrap_or(place).wrapping_sub(1));
        let value = value.ok_or_else(|| Error::InvalidParameterCount(params.len(), place))?;
        prepared.raw_bind_parameter(place, sql(value))?;
    }
    Ok(())
}

fn sql(value: &Value) -> ToSqlOutput<'_> {
    match value {
        Value::Null(_) => ToSqlOutput::Owned(Owned::Null),
        Value::Int(int) => (*int).into(),
        Value::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
        Value::Time(at) => at.micros().into(),
        Value::Date(day) => Timestamp::midnight(*day).micros().into(),
        Value::Price(price) => price.to_string().into(),
        Value::Bool(bit) => i64::from(*bit).into(),
        Value::Bytes(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
        Value::Ints(ints) => json(ints).into(),
    }
}

fn json(ints: &[i64]) -> String {
    let ints: Vec<String> = ints.iter().map(i64::to_string).collect();
    format!("[{}]", ints.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open() -> Connection {
        Connection::open(&Options { file: None, foreign_keys: true }).expect("opens")
    }

    /// Counts to a number, some twenty instructions each.
    fn count_to(connection: &Connection, end: i64) -> Result<i64> {
        let text = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?1) SELECT max(n) FROM n";
        connection.handle.query_row(text, [end], |row| row.get(0))
    }

    #[test]
    fn work_that_is_not_brief_is_interrupted_and_may_run_at_length() {
        let mut connection = open();
        assert_eq!(connection.briefly(|connection| count_to(connection, 10)), Some(10));
        assert!(connection.was_brief());
        assert_eq!(connection.briefly(|connection| count_to(connection, 1_000_000)), None);
        assert_eq!(
            connection.at_length(|connection| count_to(connection, 100_000)).expect("counts"),
            100_000
        );
        assert!(!connection.was_brief());
        assert_eq!(connection.briefly(|connection| count_to(connection, 10)), Some(10));
    }

    #[test]
    fn cancelled_work_is_interrupted() {
        let mut connection = open();
        connection.cancel_on_drop().disarm();
        assert_eq!(
            connection.at_length(|connection| count_to(connection, 100_000)).expect("counts"),
            100_000
        );
        drop(connection.cancel_on_drop());
        let stopped =
            connection.at_length(|connection| count_to(connection, 100_000)).expect_err("is stopped");
        assert_eq!(stopped.sqlite_error_code(), Some(rusqlite::ffi::ErrorCode::OperationInterrupted));
    }

    #[test]
    fn a_result_is_reused_until_a_connection_writes() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file.db");
        std::fs::File::create(&path).expect("a file");
        let file = DatabaseFile::open(&path).expect("opens");
        let options = Options { file: Some((path, file)), foreign_keys: true };
        let [mut reader, mut other] = [(); 2].map(|()| Connection::open(&options).expect("opens"));
        let insert = |connection: &mut Connection| {
            let done = connection.writer().execute_batch("INSERT INTO rows_of_test VALUES (1)");
            done.expect("is written");
        };
        other.writer().execute_batch("CREATE TABLE rows_of_test (x INT)").expect("is created");
        let statement = Statement::new("-- test.count\nSELECT count(*) AS n FROM rows_of_test");
        let read = Read { statement, params: vec![] };
        let count = |reader: &mut Connection| {
            let records = reader.read(&read, Tier::Hot).expect("an answer");
            records[0].int("n").expect("a count")
        };
        for before in 0..3 {
            for asked in 0..4 {
                assert_eq!(count(&mut reader), 2 * before);
                assert_eq!(reader.results.len() == 1, before > 0 || asked > 0, "it is kept the second time");
            }
            insert(&mut other);
            assert_eq!(count(&mut reader), 2 * before + 1);
            insert(&mut reader);
        }
        // A snapshot does not change.
        reader.control("BEGIN DEFERRED").expect("begins");
        assert_eq!(count(&mut reader), 6);
        insert(&mut other);
        assert_eq!((count(&mut reader), count(&mut reader)), (6, 6));
        reader.control("COMMIT").expect("commits");
        assert_eq!(count(&mut reader), 7);
    }
}
