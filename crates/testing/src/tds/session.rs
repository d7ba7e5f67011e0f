//! A session: its settings, its transaction and its connection to SQLite.
//!
//! SQL Server locks rows when they are touched, SQLite its whole file. So a writer's transaction takes the write lock
//! of SQLite at its first statement; a reader's transaction, which sees one instant, begins at its first statement too.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt as _;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous,
};
use sqlx::{
    AssertSqlSafe, Column as _, ConnectOptions as _, Either, Executor as _, Row as _, Statement as _,
};
use sqlx::{SqlSafeStr as _, ValueRef as _};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::faults::refusal;
use super::inserts::Insert;
use super::registry::{Control, Known, declared};
use super::tokens::Refusal;
use super::values::{Cell, Column, Declared, Param};

/// The `LOCK_TIMEOUT` that the program sets.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);

/// A change of the transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Begun(u64),
    Committed(u64),
    RolledBack(u64),
}

/// The result of a statement.
#[derive(Debug, Default)]
pub struct Answer {
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<Cell>>,
    /// Number of rows returned or touched, where it counts them.
    pub count: Option<u64>,
}

/// A session.
pub struct Session {
    sqlite: SqliteConnection,
    /// `XACT_ABORT`: an error rolls the transaction back.
    abort: bool,
    snapshot: bool,
    /// The open transaction, and whether SQLite is in it.
    open: Option<(u64, bool)>,
    begun: u64,
    /// The lock of migrations.
    lock: Arc<Mutex<()>>,
    held: Option<OwnedMutexGuard<()>>,
    /// What the last statement did to the transaction.
    pub changed: Option<Change>,
}

fn broken(problem: impl std::fmt::Display) -> Refusal {
    Refusal::new(50_000, 16, problem.to_string())
}

fn refused(error: &sqlx::Error) -> Refusal {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    match code.as_deref().and_then(|code| code.parse::<i32>().ok()) {
        // SQLITE_CONSTRAINT_FOREIGNKEY, _PRIMARYKEY, _UNIQUE, _NOTNULL
        Some(787) => refusal(547),
        Some(1_555 | 2_067) => refusal(2_627),
        Some(1_299) => refusal(515),
        // SQLITE_BUSY, SQLITE_LOCKED
        Some(code) if matches!(code & 0xff, 5 | 6) => refusal(1_222),
        _ => broken(error),
    }
}

impl Session {
    pub async fn open(file: &Path, lock: Arc<Mutex<()>>) -> Result<Self, Refusal> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Off)
            .foreign_keys(true)
            .busy_timeout(LOCK_TIMEOUT)
            .disable_statement_logging();
        let sqlite = options.connect().await.map_err(|error| refused(&error))?;
        let (abort, snapshot, open, begun, held) = (false, false, None, 0, None);
        Ok(Self { sqlite, abort, snapshot, open, begun, lock, held, changed: None })
    }

    /// Returns the descriptor of its transaction; 0 for none.
    pub fn descriptor(&self) -> u64 {
        self.open.map_or(0, |(descriptor, _)| descriptor)
    }

    /// Runs a known text, or inserts rows.
    pub async fn run(&mut self, known: &Known, params: &[Param]) -> Result<Answer, Refusal> {
        let done = match known {
            Known::Control(control) => self.control(*control).await,
            Known::Migration(script) => {
                self.enter().await?;
                let done = self.sqlite.execute(sqlx::raw_sql(*script)).await;
                done.map(|_| Answer::default()).map_err(|error| refused(&error))
            }
            Known::Twin(name, text) => self.twin(name, text, params).await,
        };
        self.after(done).await
    }

    pub async fn insert(&mut self, insert: &Insert) -> Result<Answer, Refusal> {
        let done = self.insert_all(insert).await;
        self.after(done).await
    }

    /// Under `XACT_ABORT` any error undoes the transaction; a deadlock or a write conflict always does.
    async fn after(&mut self, done: Result<Answer, Refusal>) -> Result<Answer, Refusal> {
        if let Err(refusal) = &done {
            self.failed(refusal).await;
        }
        done
    }

    /// Applies the effect of an error on the transaction.
    pub async fn failed(&mut self, refusal: &Refusal) {
        if self.abort || matches!(refusal.number, 1_205 | 3_960 | 3_961) || refusal.class >= 20 {
            self.roll_back().await;
        }
    }

    /// Rolls the open transaction back.
    pub async fn roll_back(&mut self) {
        if let Some((descriptor, entered)) = self.open.take() {
            if entered {
                // SQLite may have rolled back already.
                let _ = self.sqlite.execute("ROLLBACK").await;
            }
            self.changed = Some(Change::RolledBack(descriptor));
        }
    }

    async fn control(&mut self, control: Control) -> Result<Answer, Refusal> {
        match control {
            Control::SetUp { snapshot, abort } => (self.snapshot, self.abort) = (snapshot, abort),
            Control::Begin if self.open.is_some() => return Err(broken("a transaction in a transaction")),
            Control::Begin => {
                self.begun += 1;
                self.open = Some((self.begun, false));
                self.changed = Some(Change::Begun(self.begun));
            }
            Control::Commit => {
                let Some((descriptor, entered)) = self.open else { return Err(refusal(3_902)) };
                if entered {
                    self.sqlite.execute("COMMIT").await.map_err(|error| refused(&error))?;
                }
                self.open = None;
                self.changed = Some(Change::Committed(descriptor));
            }
            Control::RollBack => self.roll_back().await,
            Control::SnapshotState => return Ok(one("state", 1)),
            Control::AllowSnapshots => {}
            Control::Lock => {
                if self.held.is_none() {
                    self.held = Some(Arc::clone(&self.lock).lock_owned().await);
                }
                return Ok(one("got", 0));
            }
            Control::Unlock => self.held = None,
        }
        Ok(Answer::default())
    }

    /// Begins the transaction in SQLite.
    async fn enter(&mut self) -> Result<(), Refusal> {
        if let Some((_, entered @ false)) = &mut self.open {
            let begin = if self.snapshot { "BEGIN DEFERRED" } else { "BEGIN IMMEDIATE" };
            self.sqlite.execute(begin).await.map_err(|error| refused(&error))?;
            *entered = true;
        }
        Ok(())
    }

    async fn twin(
        &mut self,
        statement: &str,
        text: &'static str,
        params: &[Param],
    ) -> Result<Answer, Refusal> {
        self.enter().await?;
        let prepared = self.sqlite.prepare(AssertSqlSafe(text).into_sql_str()).await;
        let prepared = prepared.map_err(|error| refused(&error))?;
        let columns = prepared.columns().iter().map(|column| {
            let name = column.name();
            let declared = declared(statement, name)
                .ok_or_else(|| broken(format!("column {name} of {statement} has no declared type")))?;
            Ok(Column { name: name.to_owned(), declared })
        });
        let columns: Vec<Column> = columns.collect::<Result<_, Refusal>>()?;
        let mut touched = 0;
        let mut rows = Vec::new();
        let mut steps = self.sqlite.fetch_many(prepared.query_with(arguments(params)));
        while let Some(step) = steps.try_next().await.map_err(|error| refused(&error))? {
            match step {
                Either::Left(done) => touched += done.rows_affected(),
                Either::Right(row) => {
                    let cells = columns.iter().enumerate().map(|(place, column)| cell(&row, place, column));
                    rows.push(cells.collect::<Result<Vec<_>, _>>()?);
                }
            }
        }
        let count = if columns.is_empty() { touched } else { rows.len() as u64 };
        Ok(Answer { columns, rows, count: Some(count) })
    }

    /// Inserts all rows or none.
    async fn insert_all(&mut self, insert: &Insert) -> Result<Answer, Refusal> {
        self.enter().await?;
        let failed = |error: sqlx::Error| refused(&error);
        self.sqlite.execute("SAVEPOINT rows").await.map_err(failed)?;
        for row in &insert.rows {
            let text = AssertSqlSafe(insert.sqlite.clone());
            if let Err(error) = sqlx::query_with(text, arguments(row)).execute(&mut self.sqlite).await {
                self.sqlite.execute("ROLLBACK TO rows; RELEASE rows").await.map_err(failed)?;
                return Err(refused(&error));
            }
        }
        self.sqlite.execute("RELEASE rows").await.map_err(failed)?;
        Ok(Answer { count: Some(insert.rows.len() as u64), ..Answer::default() })
    }
}

fn arguments(params: &[Param]) -> SqliteArguments {
    let mut arguments = SqliteArguments::default();
    for param in params {
        param.bind(&mut arguments);
    }
    arguments
}

fn one(name: &str, value: i64) -> Answer {
    let column = Column { name: name.to_owned(), declared: Declared::Int };
    Answer { columns: vec![column], rows: vec![vec![Cell::Int(value)]], count: Some(1) }
}

fn cell(row: &sqlx::sqlite::SqliteRow, place: usize, column: &Column) -> Result<Cell, Refusal> {
    let unfit = |error: sqlx::Error| broken(format!("column {}: {error}", column.name));
    if row.try_get_raw(place).map_err(unfit)?.is_null() {
        Ok(Cell::Null)
    } else if column.declared.is_text() {
        row.try_get(place).map(Cell::Text).map_err(unfit)
    } else {
        row.try_get(place).map(Cell::Int).map_err(unfit)
    }
}
