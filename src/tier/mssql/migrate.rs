//! Migrations of a SQL Server, driven by the same migrator as everywhere.

use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use sqlx::migrate::{AppliedMigration, Migrate, MigrateError, Migration, Migrator};

use super::connect::{Connection, Role};
use super::{Mssql, fault};
use crate::schema::Kind;
use crate::tier::{Engine as _, TierError, Value};

/// The line between two batches: what a batch makes, only the next one may name.
const BATCH: &str = "GO";
/// How long the last server of many waits for its turn.
const TURN: Duration = Duration::from_mins(10);

type Done<'a, T> = BoxFuture<'a, Result<T, MigrateError>>;

/// A connection on which migrations run.
struct Migrating(Connection);

impl Mssql {
    async fn migrating(&self) -> Result<Migrating, TierError> {
        let opened = Connection::open(&self.address, Role::Migrator, false).await;
        opened.map(Migrating).map_err(|error| self.refused("connect", error))
    }

    pub(in super::super) async fn version(&self) -> Result<i64, TierError> {
        let mut connection = self.migrating().await?.0;
        let asked = async {
            let known = connection.batch("SELECT OBJECT_ID(N'_sqlx_migrations') AS id").await?;
            if known.first().map_or(Ok(true), |row| super::is_null(row, "id")).map_err(conversion)? {
                return Ok(0);
            }
            let text = "SELECT COALESCE(MAX(version), 0) AS version FROM _sqlx_migrations WHERE success = 1";
            let rows = connection.batch(text).await?;
            let version = rows.first().map_or(Ok(None), |row| super::int(row, "version"));
            Ok(version.map_err(conversion)?.unwrap_or(0))
        };
        asked.await.map_err(|error| self.refused("migrate", error))
    }

    /// Switches snapshot isolation on, which no transaction can, and applies what is pending, one process at a time.
    /// Returns the version found once it was this one's turn.
    pub(in super::super) async fn migrate(&self, migrator: &Migrator) -> Result<i64, TierError> {
        self.allow_snapshots().await?;
        let mut migrating = self.migrating().await?;
        let failed = |error| self.failed(error);
        migrating.lock().await.map_err(failed)?;
        let from = self.version().await?;
        migrator.run_direct(None, &mut migrating, false).await.map_err(failed)?;
        Ok(from)
    }

    /// What [`Migrator::undo`] does, which asks for a connection of sqlx's own.
    pub(in super::super) async fn undo(&self, migrator: &Migrator, version: i64) -> Result<(), TierError> {
        let failed = |error| self.failed(error);
        let mut migrating = self.migrating().await?;
        migrating.lock().await.map_err(failed)?;
        migrating.ensure_migrations_table(&migrator.table_name).await.map_err(failed)?;
        let applied = migrating.list_applied_migrations(&migrator.table_name).await.map_err(failed)?;
        let is_applied = |migration: &&Migration| applied.iter().any(|old| old.version == migration.version);
        let down =
            migrator.migrations.iter().rev().filter(|migration| {
                migration.migration_type.is_down_migration() && migration.version > version
            });
        for migration in down.filter(is_applied) {
            migrating.revert(&migrator.table_name, migration).await.map_err(failed)?;
        }
        migrating.unlock().await.map_err(failed)
    }

    fn failed(&self, error: MigrateError) -> TierError {
        TierError::Statement { tier: self.tier(), statement: "migrate", source: error.into() }
    }

    async fn allow_snapshots(&self) -> Result<(), TierError> {
        let mut connection = self.migrating().await?.0;
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

fn conversion(problem: String) -> tiberius::error::Error {
    tiberius::error::Error::Conversion(problem.into())
}

fn execute(error: tiberius::error::Error) -> MigrateError {
    MigrateError::Execute(sqlx::Error::AnyDriverError(error.into()))
}

/// The batches of a migration: its text, cut at lines that say `GO`.
fn batches(text: &str) -> Vec<String> {
    let mut batches = vec![String::new()];
    for line in text.lines() {
        if line.trim() == BATCH {
            batches.push(String::new());
        } else if let Some(batch) = batches.last_mut() {
            batch.push_str(line);
            batch.push('\n');
        }
    }
    batches.retain(|batch| !batch.trim().is_empty());
    batches
}

impl Migrating {
    /// Runs the batches of a migration and what records it, all or nothing.
    async fn all_or_nothing(
        &mut self,
        migration: &Migration,
        record: &str,
        params: &[Value],
    ) -> Result<Duration, MigrateError> {
        let begun = Instant::now();
        let failed = |error: tiberius::error::Error| {
            MigrateError::ExecuteMigration(sqlx::Error::AnyDriverError(error.into()), migration.version)
        };
        self.0.batch("BEGIN TRANSACTION").await.map_err(execute)?;
        let done = async {
            for batch in batches(migration.sql.as_str()) {
                self.0.batch(&batch).await?;
            }
            self.0.execute(record, params).await?;
            self.0.batch("COMMIT TRANSACTION").await
        };
        match done.await {
            Ok(_) => Ok(begun.elapsed()),
            Err(error) => {
                // Best effort: hanging up rolls back too.
                let _ = self.0.batch("IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION").await;
                Err(failed(error))
            }
        }
    }
}

impl Migrate for Migrating {
    fn create_schema_if_not_exists<'e>(&'e mut self, schema_name: &'e str) -> Done<'e, ()> {
        Box::pin(async move { Err(MigrateError::CreateSchemasNotSupported(schema_name.to_owned())) })
    }

    fn ensure_migrations_table<'e>(&'e mut self, table: &'e str) -> Done<'e, ()> {
        Box::pin(async move {
            let text = format!(
                "IF OBJECT_ID(N'{table}') IS NULL CREATE TABLE {table} (
                    version BIGINT NOT NULL PRIMARY KEY,
                    description NVARCHAR(400) NOT NULL,
                    installed_on DATETIME2(6) NOT NULL DEFAULT SYSUTCDATETIME(),
                    success BIT NOT NULL,
                    checksum NVARCHAR(200) NOT NULL,
                    execution_time BIGINT NOT NULL
                )"
            );
            self.0.batch(&text).await.map(drop).map_err(execute)
        })
    }

    fn dirty_version<'e>(&'e mut self, _table: &'e str) -> Done<'e, Option<i64>> {
        // A migration and its record are one transaction: half of one cannot be there.
        Box::pin(async { Ok(None) })
    }

    fn list_applied_migrations<'e>(&'e mut self, table: &'e str) -> Done<'e, Vec<AppliedMigration>> {
        Box::pin(async move {
            let text = format!("SELECT version, checksum FROM {table} ORDER BY version");
            let mut applied = Vec::new();
            for row in self.0.batch(&text).await.map_err(execute)? {
                let read = || {
                    let version = super::int(&row, "version")?.ok_or("has no version")?;
                    let checksum = super::text(&row, "checksum")?.ok_or("has no checksum")?;
                    Ok((version, checksum))
                };
                let (version, checksum) = read().map_err(|problem: String| execute(conversion(problem)))?;
                let checksum = bytes(&checksum).ok_or_else(|| {
                    execute(conversion(format!("the checksum of version {version} is not hexadecimal")))
                })?;
                applied.push(AppliedMigration { version, checksum: checksum.into() });
            }
            Ok(applied)
        })
    }

    fn lock(&mut self) -> Done<'_, ()> {
        Box::pin(async move {
            // Of the session, and counted: taken twice it is held until the connection closes.
            let text = format!(
                "DECLARE @got INT;
                 EXEC @got = sp_getapplock @Resource = N'thermocline.migrate', @LockMode = N'Exclusive',
                    @LockOwner = N'Session', @LockTimeout = {};
                 SELECT @got AS got",
                TURN.as_millis()
            );
            let rows = self.0.batch(&text).await.map_err(execute)?;
            match rows.first().and_then(|row| super::int(row, "got").ok().flatten()) {
                Some(0..) => Ok(()),
                got => {
                    Err(execute(conversion(format!("another process is migrating (sp_getapplock: {got:?})"))))
                }
            }
        })
    }

    fn unlock(&mut self) -> Done<'_, ()> {
        Box::pin(async move {
            let text = "EXEC sp_releaseapplock @Resource = N'thermocline.migrate', @LockOwner = N'Session'";
            self.0.batch(text).await.map(drop).map_err(execute)
        })
    }

    fn apply<'e>(&'e mut self, table: &'e str, migration: &'e Migration) -> Done<'e, Duration> {
        Box::pin(async move {
            let record = format!(
                "INSERT INTO {table} (version, description, success, checksum, execution_time) \
                 VALUES (@P1, @P2, 1, @P3, -1)"
            );
            let params = [
                migration.version.into(),
                (&*migration.description).into(),
                Value::from(hexadecimal(&migration.checksum).as_str()),
            ];
            let took = self.all_or_nothing(migration, &record, &params).await?;
            let text = format!("UPDATE {table} SET execution_time = @P1 WHERE version = @P2");
            let nanos = i64::try_from(took.as_nanos()).map_or(Value::Null(Kind::Int), Value::Int);
            let noted = self.0.execute(&text, &[nanos, migration.version.into()]).await;
            noted.map(|_| took).map_err(execute)
        })
    }

    fn revert<'e>(&'e mut self, table: &'e str, migration: &'e Migration) -> Done<'e, Duration> {
        Box::pin(async move {
            let record = format!("DELETE FROM {table} WHERE version = @P1");
            self.all_or_nothing(migration, &record, &[migration.version.into()]).await
        })
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

fn bytes(hexadecimal: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        hexadecimal.chars().map(|digit| digit.to_digit(16).map(|digit| digit as u8)).collect();
    Some(digits?.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_cut_at_go() {
        assert_eq!(batches("-- a\nGO\n\n  GO \nb\nGOTO\n"), ["-- a\n", "b\nGOTO\n"]);
    }

    #[test]
    fn a_checksum_comes_back() {
        assert_eq!(bytes(&hexadecimal(&[0, 15, 255])), Some(vec![0, 15, 255]));
        assert_eq!(bytes("zz"), None);
    }
}
