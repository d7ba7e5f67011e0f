//! Migrations of a SQLite file.

use std::fs::File;

use async_trait::async_trait;

use super::connection::{Options, execute, fetch};
use super::pool::{Failure, Lease, Pool};
use super::{Sqlite, WAIT, answered, refused};
use crate::migrate::{Migrating, Schema, Shapes, Step, Stop, TierSchema, sql};
use crate::{Engine as _, Record, Source, Statement, Tier, TierError, Value};

/// Lists rows that refer to rows that are not there.
pub(super) const FOREIGN_KEY_CHECK: &str = "PRAGMA foreign_key_check";

/// A connection that holds the migration lock.
struct SqliteMigrating {
    pool: Pool,
    lease: Lease,
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
        let options = Options { foreign_keys: false, ..self.pool.options().clone() };
        let pool = Pool::new("migrations", options, 1, 0, WAIT);
        let lease = pool.lease().await.map_err(|failure| refused(self.schema.tier, "connect", failure))?;
        Ok(Box::new(SqliteMigrating { pool, lease, tier: self.schema.tier, _turn: turn }))
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
        let done = lease.write(|handle| handle.execute_batch(text)).await;
        done.map_err(|failure| refused(self.schema.tier, "migrate.try", failure))
    }

    async fn shape(&self) -> Result<Vec<(String, String)>, TierError> {
        let records = self.fetch(sql::shape(), &[]).await?;
        records.iter().map(|record| Ok((record.text("tbl")?, record.text("line")?))).collect()
    }
}

#[async_trait]
impl Migrating for SqliteMigrating {
    async fn fetch(&mut self, statement: &Statement) -> Result<Vec<Record>, TierError> {
        let (begun, statement, tier) = (std::time::Instant::now(), *statement, self.tier);
        let records = self.lease.write(move |handle| fetch(handle, &statement, &[], tier)).await;
        answered(tier, &statement, &[], begun, records)
    }

    async fn execute(&mut self, statement: &Statement, params: &[Value]) -> Result<(), TierError> {
        let (text, params) = (statement.sqlite(), params.to_vec());
        let done = self.lease.write(move |handle| execute(handle, text, params.iter())).await;
        done.map(drop).map_err(|failure| refused(self.tier, statement.name, failure))
    }

    async fn run(&mut self, text: &str) -> Result<(), Stop> {
        let text = text.to_owned();
        let done = self.lease.write(move |handle| handle.execute_batch(&text)).await;
        done.map_err(|failure| Stop { line: 0, source: failure.into() })
    }

    async fn begin(&mut self) -> Result<(), Stop> {
        self.run(super::BEGIN_WRITE).await
    }

    async fn check(&mut self) -> Result<(), Source> {
        let broken = self.lease.write(|handle| {
            handle.query_row_and_then(FOREIGN_KEY_CHECK, [], |row| {
                Ok::<(String, String), rusqlite::Error>((row.get("table")?, row.get("parent")?))
            })
        });
        match broken.await {
            Ok((table, parent)) => {
                Err(format!("a row of {table} would refer to a row of {parent} that is not there").into())
            }
            Err(Failure::Sqlite(rusqlite::Error::QueryReturnedNoRows)) => Ok(()),
            Err(failure) => Err(failure.into()),
        }
    }

    async fn close(self: Box<Self>) {
        drop(self.lease);
        self.pool.close().await;
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
