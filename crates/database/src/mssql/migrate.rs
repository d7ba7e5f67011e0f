//! Migrations of a SQL Server.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use tiberius::Row;
use tiberius::error::Error;

use super::connect::{Connection, Role};
use super::{Mssql, fault};
use crate::inspect::{self, Survey};
use crate::migrate::{self, Migrating, Part, Recorded, Schema, Shapes, Step, Stop, TierSchema};
use crate::schema::findings::Live;
use crate::{Engine as _, Record, Statement, TierError, Value};

/// How long the last server of many waits for its turn.
const TURN: Duration = Duration::from_mins(10);

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

    fn is_embedded(&self) -> bool {
        false
    }

    /// Switches snapshot isolation on, too, which no transaction can.
    async fn migrating(&self) -> Result<Box<dyn Migrating>, TierError> {
        let mut migrating = self.connect().await?;
        self.allow_snapshots(&mut migrating.connection).await?;
        migrating.lock().await?;
        Ok(Box::new(migrating))
    }

    /// Nothing here: no statement can be told to make its tables somewhere else.
    async fn shapes(&self, _steps: &[Step]) -> Result<Option<Shapes>, TierError> {
        Ok(None)
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
    /// The same database by connections of migrators, for whoever asks what there is. Readers' connections cannot read before
    /// snapshot isolation is on, and give up on a lock: while another process migrates, there is one on the version
    /// table.
    fn catalogs(&self) -> Self {
        Self { readers: self.migrators.clone(), ..self.clone() }
    }

    async fn connect(&self) -> Result<MssqlMigrating, TierError> {
        let connection = Connection::open(&self.address, Role::Migrator, false).await;
        let connection = connection.map_err(|error| self.refused("connect", error))?;
        Ok(MssqlMigrating { connection, of: self.clone() })
    }

    async fn allow_snapshots(&self, connection: &mut Connection) -> Result<(), TierError> {
        let asked = "SELECT snapshot_isolation_state AS state FROM sys.databases WHERE name = DB_NAME()";
        let mut switched = false;
        let begun = Instant::now();
        loop {
            let rows = connection.batch(asked).await.map_err(|error| self.refused("migrate", error))?;
            let state = rows.first().and_then(|row| super::int(row, "state").ok().flatten());
            if state == Some(1) {
                return Ok(());
            }
            let off = |source| TierError::Statement { tier: self.tier(), statement: "migrate", source };
            if switched && begun.elapsed() > TURN {
                // It waits for every transaction that was open when it was asked for.
                return Err(off(fault::snapshots_off(&self.address.database).into()));
            }
            if !switched {
                let text = "ALTER DATABASE CURRENT SET ALLOW_SNAPSHOT_ISOLATION ON";
                if let Err(error) = connection.batch(text).await {
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
    /// Of the session: it is held until the connection closes.
    async fn lock(&mut self) -> Result<(), TierError> {
        let text = format!(
            "DECLARE @got INT;
             EXEC @got = sp_getapplock @Resource = N'thermocline.migrate', @LockMode = N'Exclusive',
                @LockOwner = N'Session', @LockTimeout = {};
             SELECT @got AS got",
            TURN.as_millis()
        );
        let rows = self.connection.batch(&text).await.map_err(|error| self.of.refused("migrate", error))?;
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
            // What has no parameters may be no statement that can be prepared.
            [] => self.connection.batch(text).await.map(drop),
            params => self.connection.execute(text, params).await.map(drop),
        };
        done.map_err(|error| self.of.refused(statement.name, error))
    }

    async fn run(&mut self, text: &str) -> Result<(), Stop> {
        let done = self.connection.batch(text).await;
        done.map(drop).map_err(|error| Stop { line: line(&error), source: error.into() })
    }

    async fn begin(&mut self) -> Result<(), Stop> {
        self.run("BEGIN TRANSACTION").await
    }

    async fn close(self: Box<Self>) {
        self.connection.abandon().await;
    }
}

/// The line of a batch that an error is of, from 0.
fn line(error: &Error) -> usize {
    match error {
        Error::Server(token) => (token.line() as usize).saturating_sub(1),
        _ => 0,
    }
}
