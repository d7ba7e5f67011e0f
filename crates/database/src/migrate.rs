//! Schema migrations: numbered SQL files, compiled into the program.
//!
//! Applied migrations are recorded as sqlx's migrator does, in `_sqlx_migrations` with SHA-384 checksums, so its tools
//! can read them. The driver is our own: it serves SQL Server too, names the failing statement, and can stamp.

mod detect;
mod driver;
mod fault;
pub mod live;
mod text;

use async_trait::async_trait;
use sqlx::migrate::{Migration, MigrationType};

use super::adoption::{Adoption, Preparation};
use super::inspect::{self, Survey};
use super::{Engine, Sqlite, Tier, TierError};
use crate::schema::findings::Live;
use crate::schema::{Dialect, Model, Table};
use thermocline_core::clock::Timestamp;

pub use self::detect::{DetectedSchema, Shapes, detect};
pub use self::driver::sql;
pub(crate) use self::driver::{COMMIT, ROLLBACK, recorded};
pub use self::driver::{Migrating, Stop, Task};
pub use self::fault::Fault;
pub use self::text::{Dropped, Part, batches, statements};

/// The first line of a migration that runs outside a transaction.
const ALONE: &str = "-- no-transaction";

/// One migration.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    version: i64,
    name: &'static str,
    up: &'static str,
    down: &'static str,
}

impl Step {
    /// Creates a migration named `NNNN_what_it_does` with the texts of its two files.
    pub const fn new(version: i64, name: &'static str, up: &'static str, down: &'static str) -> Self {
        Self { version, name, up, down }
    }

    /// Returns its version, from 1.
    pub const fn version(&self) -> i64 {
        self.version
    }

    /// Returns the name of its files.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the text that takes it back.
    pub const fn down(&self) -> &'static str {
        self.down
    }

    /// Returns the text that applies it.
    pub const fn up(&self) -> &'static str {
        self.up
    }

    /// Returns the name without the version.
    fn title(&self) -> &'static str {
        self.name.split_once('_').map_or(self.name, |(_, title)| title)
    }

    /// Returns whether it runs outside a transaction.
    fn is_alone(&self) -> bool {
        self.up.starts_with(ALONE)
    }

    /// Returns the SHA-384 of its text in hexadecimal.
    pub fn checksum(&self) -> String {
        let text = sqlx::SqlSafeStr::into_sql_str(self.up);
        let hashed = Migration::new(self.version, self.name.into(), MigrationType::ReversibleUp, text, false);
        hashed.checksum.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
    }

    /// Returns the tables and columns that a downgrade drops with their data.
    pub fn drops(&self) -> Vec<Dropped> {
        text::dropped(self.down)
    }
}

/// The record of one migration in the version table.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Its version.
    pub version: i64,
    /// Its name without the number.
    pub name: String,
    /// The time it was applied.
    pub at: Timestamp,
    /// Whether it completed.
    pub whole: bool,
    /// The SHA-384 of its text in hexadecimal.
    pub checksum: String,
    /// Its duration in nanoseconds; 0 when it was only recorded.
    pub nanos: i64,
}

/// Returns the version of a schema by its records.
pub fn stands(rows: &[Recorded]) -> i64 {
    rows.iter().filter(|row| row.whole).map(|row| row.version).max().unwrap_or(0)
}

/// The schema of one tier: its tables, and the migrations that make them.
#[derive(Debug)]
pub struct TierSchema {
    /// The tier.
    pub tier: Tier,
    /// Every table, parents before children.
    pub tables: &'static [&'static Table],
    /// The migrations for SQLite.
    pub sqlite: &'static [Step],
    /// The migrations for PostgreSQL; empty where the tier cannot live on it.
    pub postgres: &'static [Step],
    /// The migrations for SQL Server; empty where the tier cannot live on it.
    pub mssql: &'static [Step],
    /// The migrations that add the change feed; `None` for a tier that cannot have one.
    pub live: Option<LiveSteps>,
}

/// The migrations that add the change feed to a hot database. They are not numbered among the others, because not every
/// database has them.
#[derive(Clone, Copy, Debug)]
pub struct LiveSteps {
    /// For SQLite.
    pub sqlite: &'static [Step],
    /// For PostgreSQL.
    pub postgres: &'static [Step],
    /// For SQL Server.
    pub mssql: &'static [Step],
}

impl TierSchema {
    /// Returns the migrations for an engine, in order.
    pub const fn steps(&self, dialect: Dialect) -> &'static [Step] {
        match dialect {
            Dialect::Sqlite => self.sqlite,
            Dialect::Postgres => self.postgres,
            Dialect::Mssql => self.mssql,
        }
    }

    /// Returns the migrations that add the change feed on an engine; none where there cannot be one.
    pub const fn live_steps(&self, dialect: Dialect) -> &'static [Step] {
        match (self.live, dialect) {
            (Some(live), Dialect::Sqlite) => live.sqlite,
            (Some(live), Dialect::Postgres) => live.postgres,
            (Some(live), Dialect::Mssql) => live.mssql,
            (None, _) => &[],
        }
    }
}

/// An engine whose schema the program manages.
#[async_trait]
pub trait Schema: Engine {
    /// Returns the schema of its tier.
    fn schema(&self) -> &'static TierSchema;

    /// Returns its migrations, in order.
    fn steps(&self) -> &'static [Step];

    /// Returns whether the tables of the other tier stand where those of this one belong; never where a database is a file or
    /// of an engine of one tier.
    async fn holds_other_tier(&self) -> Result<bool, TierError> {
        Ok(false)
    }

    /// Returns the migrations that add the change feed.
    fn live_steps(&self) -> &'static [Step] {
        &[]
    }

    /// Returns whether the database belongs to this program alone, so that it may be upgraded without asking.
    fn is_embedded(&self) -> bool;

    /// Takes the migration lock and returns its connection. Concurrent processes wait for each other.
    async fn migrating(&self) -> Result<Box<dyn Migrating>, TierError>;

    /// Describes the tables as they are, and as they would be after each of `steps`; `None` where the engine cannot
    /// try that without side effects.
    async fn shapes(&self, steps: &[Step]) -> Result<Option<Shapes>, TierError>;

    /// Returns how the tables of a platform would be adopted, and changes nothing; `None` where there is nothing to adopt:
    /// an engine on which no platform lives, or a schema that is recorded.
    async fn preparation(&self, _adoption: &Adoption) -> Result<Option<Preparation>, TierError> {
        Ok(None)
    }

    /// Reads the tables from the catalogs.
    async fn inspect(&self, tables: &[&str]) -> Result<Live, TierError> {
        inspect::inspect(self, tables).await
    }

    /// Reads the tables, the server's version and the table sizes.
    async fn survey(&self, tables: &[&str]) -> Result<Survey, TierError> {
        inspect::survey(self, tables).await
    }

    /// Reads the version table; `None` without one.
    async fn recorded(&self) -> Result<Option<Vec<Recorded>>, TierError> {
        driver::look(&mut *self.session().await?).await
    }

    /// Returns the version of the schema: 0 without a version table.
    async fn version(&self) -> Result<i64, TierError> {
        Ok(self.recorded().await?.as_deref().map_or(0, stands))
    }

    /// Runs `task` under the migration lock and returns the version found before it.
    async fn migrate(&self, steps: &[Step], task: Task) -> Result<i64, TierError> {
        // Refused before anything is changed, even a setting of the database.
        if let Some(adoption) = task.adoption()
            && let Some(Preparation { refusals, .. }) = self.preparation(&adoption).await?
            && !refusals.is_empty()
        {
            let source = Fault::Refused(refusals).into();
            return Err(TierError::Statement { tier: self.tier(), statement: "migrate", source });
        }
        let mut on = self.migrating().await?;
        let found = driver::Driver { tier: self.tier(), steps, on: &mut *on }.run(task).await;
        // The lock is released after a failure too.
        on.close().await;
        found
    }
}

/// The result of [`upgrade`].
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Upgraded {
    /// `hot` or `cold`.
    pub tier: &'static str,
    /// The version before; 0 for an empty database.
    pub from: i64,
    /// The version now.
    pub to: i64,
    /// The migrations that were applied, in order.
    pub applied: Vec<String>,
}

/// Returns the newest version available for a database.
pub fn newest(database: &dyn Schema) -> i64 {
    database.steps().last().map_or(0, |step| step.version)
}

/// Checks that every record is complete, known, and equal to this program's files.
///
/// # Errors
/// The problem and its remedy.
pub fn verify(database: &dyn Schema, rows: &[Recorded]) -> Result<(), Fault> {
    driver::verify(database.tier(), database.steps(), rows)
}

/// Applies all pending migrations.
pub async fn upgrade(database: &dyn Schema) -> Result<Upgraded, TierError> {
    upgrade_to(database, None).await
}

/// Applies the pending migrations up to a version.
pub async fn upgrade_to(database: &dyn Schema, version: Option<i64>) -> Result<Upgraded, TierError> {
    let from = database.migrate(database.steps(), Task::Upgrade(version)).await?;
    upgraded(database, from).await
}

async fn upgraded(database: &dyn Schema, from: i64) -> Result<Upgraded, TierError> {
    let to = database.version().await?;
    let applied = database.steps().iter().filter(|step| step.version > from && step.version <= to);
    Ok(Upgraded {
        tier: database.tier().name(),
        from,
        to,
        applied: applied.map(|step| step.name.to_owned()).collect(),
    })
}

/// Applies all pending migrations, and adopts the tables of a platform as its operator chose.
pub async fn adopt(database: &dyn Schema, adoption: &Adoption) -> Result<Upgraded, TierError> {
    let from = database.migrate(database.steps(), Task::TakeOver(*adoption)).await?;
    upgraded(database, from).await
}

/// Downgrades the schema to `version`, which drops what later migrations created, with its rows. Returns the version
/// found.
pub async fn downgrade(database: &dyn Schema, version: i64) -> Result<i64, TierError> {
    database.migrate(database.steps(), Task::Downgrade(version)).await
}

/// Returns the tables that these migrations create, in order, without temporary ones.
pub fn made(steps: &[Step]) -> Vec<&'static str> {
    let mut names = Vec::new();
    for step in steps {
        for rest in step.up.split("CREATE TABLE ").skip(1) {
            let rest = rest.strip_prefix("IF NOT EXISTS ").unwrap_or(rest);
            let name = rest.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or_default();
            // Exists only within a migration.
            let passing = name.ends_with("_as_it_was") || name.ends_with("_last_id");
            if !name.is_empty() && !passing && !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names
}

/// Returns the tables of a tier after each of its migrations, applied to SQLite in memory.
/// [`crate::schema::Dialect::lift`] adds the details that SQLite does not keep.
pub async fn models(schema: &'static TierSchema) -> Result<Vec<Model>, TierError> {
    let steps = schema.sqlite;
    let (scratch, names) = (Sqlite::scratch(schema), made(steps));
    let mut models = Vec::new();
    for step in steps {
        scratch.run(step.up).await?;
        models.push(scratch.inspect(&names).await?.model);
    }
    scratch.close().await;
    Ok(models)
}
