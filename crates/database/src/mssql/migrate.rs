//! Migrations of a SQL Server.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use tiberius::Row;
use tiberius::error::Error;

use super::connect::{Connection, Role};
use super::platform::Asking;
use super::{Mssql, fault};
use crate::adoption::{Adoption, Preparation};
use crate::inspect::{self, Survey};
use crate::migrate::{self, Migrating, Part, Recorded, Schema, Shapes, Step, Stop, TierSchema};
use crate::schema::findings::Live;
use crate::{Engine as _, Record, Statement, TierError, Value};

/// The time limit for the migration lock.
const TURN: Duration = Duration::from_mins(10);

/// Reads 1 when readers may open snapshots.
pub(super) const SNAPSHOT_STATE: &str =
    "SELECT snapshot_isolation_state AS state FROM sys.databases WHERE name = DB_NAME()";
pub(super) const ALLOW_SNAPSHOTS: &str = "ALTER DATABASE CURRENT SET ALLOW_SNAPSHOT_ISOLATION ON";

/// Returns the text that takes the migration lock, a session lock that is held until the connection closes.
pub(super) fn lock_text() -> String {
    format!(
        "DECLARE @got INT;
             EXEC @got = sp_getapplock @Resource = N'thermocline.migrate', @LockMode = N'Exclusive',
                @LockOwner = N'Session', @LockTimeout = {};
             SELECT @got AS got",
        TURN.as_millis()
    )
}

/// A connection on which migrations run.
struct MssqlMigrating {
    connection: Connection,
    of: Mssql,
}

#[async_trait]
impl Schema for Mssql {
    fn schema(&self) -> &'static TierSchema {
        self.schema
    }

    fn steps(&self) -> &'static [Step] {
        self.schema.mssql
    }

    fn live_steps(&self) -> &'static [Step] {
        self.schema.live_steps(crate::schema::Dialect::Mssql)
    }

    fn is_embedded(&self) -> bool {
        false
    }

    /// Also enables snapshot isolation, which cannot be done in a transaction.
    async fn migrating(&self) -> Result<Box<dyn Migrating>, TierError> {
        let mut migrating = self.connect().await?;
        self.allow_snapshots(&mut migrating.connection).await?;
        migrating.lock().await?;
        Ok(Box::new(migrating))
    }

    /// Always `None`: SQL Server cannot apply a migration elsewhere to compare.
    async fn shapes(&self, _steps: &[Step]) -> Result<Option<Shapes>, TierError> {
        Ok(None)
    }

    async fn preparation(&self, adoption: &Adoption) -> Result<Option<Preparation>, TierError> {
        if self.is_recorded().await? {
            return Ok(None);
        }
        let mut migrating = self.connect().await?;
        // Another process may be changing the tables, or the server may be taking back what a killed one had changed.
        migrating.lock().await?;
        let prepared = if self.is_recorded().await? { Ok(None) } else { migrating.plan(adoption).await };
        migrating.connection.abandon().await;
        prepared
    }

    async fn inspect(&self, tables: &[&str]) -> Result<Live, TierError> {
        inspect::inspect(&self.catalogs(), tables).await
    }

    async fn survey(&self, tables: &[&str]) -> Result<Survey, TierError> {
        inspect::survey(&self.catalogs(), tables).await
    }

    async fn recorded(&self) -> Result<Option<Vec<Recorded>>, TierError> {
        migrate::recorded(&self.catalogs()).await
    }
}

impl Mssql {
    /// The same database through the migrators' connections. Readers' connections cannot read before snapshot
    /// isolation is enabled, and time out on the version table's lock while another process migrates.
    fn catalogs(&self) -> Self {
        Self { readers: self.migrators.clone(), ..self.clone() }
    }

    async fn is_recorded(&self) -> Result<bool, TierError> {
        Ok(self.recorded().await?.is_some_and(|rows| !rows.is_empty()))
    }

    async fn connect(&self) -> Result<MssqlMigrating, TierError> {
        let connection = Connection::open(&self.address, Role::Migrator, false).await;
        let connection = connection.map_err(|error| self.refused("connect", error))?;
        Ok(MssqlMigrating { connection, of: self.clone() })
    }

    async fn allow_snapshots(&self, connection: &mut Connection) -> Result<(), TierError> {
        let mut switched = false;
        let begun = Instant::now();
        loop {
            let rows =
                connection.batch(SNAPSHOT_STATE).await.map_err(|error| self.refused("migrate", error))?;
            let state = rows.first().and_then(|row| super::int(row, "state").ok().flatten());
            if state == Some(1) {
                return Ok(());
            }
            let off = |source| TierError::Statement { tier: self.tier(), statement: "migrate", source };
            if switched && begun.elapsed() > TURN {
                // The server waits for every open transaction.
                return Err(off(fault::snapshots_off(&self.address.database).into()));
            }
            if !switched {
                if let Err(error) = connection.batch(ALLOW_SNAPSHOTS).await {
                    let command = fault::snapshots_off(&self.address.database);
                    return Err(off(format!("{command} ({error})").into()));
                }
                switched = true;
                continue;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

impl MssqlMigrating {
    async fn lock(&mut self) -> Result<(), TierError> {
        let rows =
            self.connection.batch(&lock_text()).await.map_err(|error| self.of.refused("migrate", error))?;
        match rows.first().and_then(|row| super::int(row, "got").ok().flatten()) {
            Some(0..) => Ok(()),
            got => {
                let (tier, statement) = (self.of.tier(), "migrate");
                let source = format!("another process is migrating (sp_getapplock: {got:?})").into();
                Err(TierError::Conflict { tier, statement, source })
            }
        }
    }

    fn records(&self, statement: &Statement, rows: Vec<Row>) -> Vec<Record> {
        rows.into_iter().map(|row| Record::mssql(row, self.of.tier(), statement.name)).collect()
    }
}

#[async_trait]
impl Migrating for MssqlMigrating {
    fn cut<'a>(&self, text: &'a str) -> Vec<Part<'a>> {
        migrate::batches(text)
    }

    async fn fetch(&mut self, statement: &Statement) -> Result<Vec<Record>, TierError> {
        let text = self.of.text(statement)?;
        let rows = self.connection.batch(text).await;
        let rows = rows.map_err(|error| self.of.refused(statement.name, error))?;
        Ok(self.records(statement, rows))
    }

    async fn execute(&mut self, statement: &Statement, params: &[Value]) -> Result<(), TierError> {
        let text = self.of.text(statement)?;
        let done = match params {
            // A text without parameters may not be preparable.
            [] => self.connection.batch(text).await.map(drop),
            params => self.connection.execute(text, params).await.map(drop),
        };
        done.map_err(|error| self.of.refused(statement.name, error))
    }

    async fn run(&mut self, text: &str) -> Result<(), Stop> {
        let done = self.connection.batch(text).await;
        done.map(drop).map_err(|error| Stop { line: line(&error), source: error.into() })
    }

    async fn plan(&mut self, adoption: &Adoption) -> Result<Option<Preparation>, TierError> {
        let names: Vec<&str> = self.of.schema.tables.iter().map(|table| table.name).collect();
        let (sizes, names) = (inspect::sql::tables(), serde_json::Value::from(names).to_string());
        let text = self.of.text(sizes)?;
        let there = self.connection.query(text, &[Value::from(names.as_str())]).await;
        if there.map_err(|error| self.of.refused(sizes.name, error))?.is_empty() {
            return Ok(None);
        }
        let of = self.of.clone();
        let preparation = Asking { connection: &mut self.connection, of: &of }.preparation(adoption).await?;
        Ok(Some(preparation))
    }

    async fn begin(&mut self) -> Result<(), Stop> {
        self.run(super::session::BEGIN).await
    }

    fn gave_way(&self, error: &(dyn std::error::Error + 'static)) -> bool {
        error.downcast_ref().is_some_and(fault::is_conflict)
            || error.downcast_ref().is_some_and(TierError::is_conflict)
    }

    async fn close(self: Box<Self>) {
        self.connection.abandon().await;
    }
}

/// Returns the line of a batch that an error refers to, from 0.
fn line(error: &Error) -> usize {
    match error {
        Error::Server(token) => (token.line() as usize).saturating_sub(1),
        _ => 0,
    }
}
