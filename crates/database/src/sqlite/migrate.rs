//! Migrations of a SQLite file.

use std::fs::File;

use async_trait::async_trait;
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Connection as _, Row as _};

use super::{Sqlite, answered, bind, refused};
use crate::migrate::{Migrating, Schema, Shapes, Step, Stop, TierSchema, sql};
use crate::{Engine as _, Record, Source, Statement, Tier, TierError, Value};

/// Lists rows that refer to rows that are not there.
pub(super) const FOREIGN_KEY_CHECK: &str = "PRAGMA foreign_key_check";

/// A connection that holds the migration lock.
struct SqliteMigrating {
    connection: SqliteConnection,
    tier: Tier,
    _turn: File,
}

#[async_trait]
impl Schema for Sqlite {
    fn schema(&self) -> &'static TierSchema {
        self.schema
    }

    fn steps(&self) -> &'static [Step] {
        self.schema.sqlite
    }

    fn live_steps(&self) -> &'static [Step] {
        self.schema.live_steps(crate::schema::Dialect::Sqlite)
    }

    fn is_embedded(&self) -> bool {
        true
    }

    async fn migrating(&self) -> Result<Box<dyn Migrating>, TierError> {
        let turn = turn(self).await?;
        // A rebuilt table is dropped in between. Foreign keys are checked at the commit.
        let options = self.pool.options().clone().foreign_keys(false);
        let connection = SqliteConnection::connect_with(&options).await;
        let connection = connection.map_err(|error| refused(self.schema.tier, "connect", error))?;
        Ok(Box::new(SqliteMigrating { connection, tier: self.schema.tier, _turn: turn }))
    }

    async fn shapes(&self, steps: &[Step]) -> Result<Option<Shapes>, TierError> {
        let (now, scratch) = (self.shape().await?, Self::scratch(self.schema));
        let mut after = Vec::new();
        for step in steps {
            scratch.run(step.up()).await?;
            after.push(scratch.shape().await?);
        }
        scratch.close().await;
        Ok(Some(Shapes { now, after }))
    }
}

impl Sqlite {
    /// Runs a script without the migration lock.
    pub(crate) async fn run(&self, text: &'static str) -> Result<(), TierError> {
        let mut lease = self.lease(&self.pool).await?;
        let done = match lease.begin() {
            Ok(connection) => sqlx::raw_sql(text).execute(connection).await,
            Err(error) => Err(error),
        };
        lease.end();
        done.map(drop).map_err(|error| refused(self.schema.tier, "migrate.try", error))
    }

    async fn shape(&self) -> Result<Vec<(String, String)>, TierError> {
        let mut lease = self.lease(&self.pool).await?;
        let rows = super::fetch_all(&mut lease, sql::shape(), &[]).await.and_then(|rows| {
            rows.iter().map(|row| Ok((row.try_get("tbl")?, row.try_get("line")?))).collect()
        });
        rows.map_err(|error| refused(self.schema.tier, "migrate.shape", error))
    }
}

#[async_trait]
impl Migrating for SqliteMigrating {
    async fn fetch(&mut self, statement: &Statement) -> Result<Vec<Record>, TierError> {
        let begun = std::time::Instant::now();
        let rows = sqlx::query(statement.sqlite()).fetch_all(&mut self.connection).await;
        answered(self.tier, statement, &[], begun, rows)
    }

    async fn execute(&mut self, statement: &Statement, params: &[Value]) -> Result<(), TierError> {
        let done = sqlx::query_with(statement.sqlite(), bind(params)).execute(&mut self.connection).await;
        done.map(drop).map_err(|error| refused(self.tier, statement.name, error))
    }

    async fn run(&mut self, text: &str) -> Result<(), Stop> {
        let done = sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut self.connection).await;
        done.map(drop).map_err(|error| Stop { line: 0, source: error.into() })
    }

    async fn begin(&mut self) -> Result<(), Stop> {
        self.run(super::BEGIN_WRITE).await
    }

    async fn check(&mut self) -> Result<(), Source> {
        let broken = sqlx::query(FOREIGN_KEY_CHECK).fetch_optional(&mut self.connection).await?;
        let Some(row) = broken else { return Ok(()) };
        let (table, parent): (String, String) = (row.try_get("table")?, row.try_get("parent")?);
        Err(format!("a row of {table} would refer to a row of {parent} that is not there").into())
    }

    async fn close(self: Box<Self>) {
        // Everything is committed; an error while closing is irrelevant.
        let _ = self.connection.close().await;
    }
}

/// Takes the migration lock: a lock file beside the database, since SQLite's own locks end with each transaction. It
/// is released with the process.
async fn turn(database: &Sqlite) -> Result<File, TierError> {
    let tier = database.tier();
    let mut path = database.path().as_os_str().to_owned();
    path.push("-migrate.lock");
    let locked = tokio::task::spawn_blocking(move || {
        let file = File::create(path)?;
        file.lock()?;
        Ok::<_, std::io::Error>(file)
    });
    match locked.await {
        Ok(Ok(file)) => Ok(file),
        Ok(Err(source)) => Err(TierError::Unavailable { tier, source: source.into() }),
        Err(source) => Err(TierError::Unavailable { tier, source: source.into() }),
    }
}
