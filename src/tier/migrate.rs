//! Schema migrations: the files under `migrations/`, carried in the program and applied by sqlx's migrator.

use async_trait::async_trait;
use sqlx::migrate::{Migration, MigrationType, Migrator};

use super::{Engine, Mssql, Postgres, Sqlite, Tier, TierError};

/// One migration.
#[derive(Debug)]
pub struct Step {
    version: i64,
    name: &'static str,
    up: &'static str,
    down: &'static str,
}

impl Step {
    /// Its number, from 1.
    pub const fn version(&self) -> i64 {
        self.version
    }

    /// Its files' name.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// What it makes of the schema.
    pub const fn up(&self) -> &'static str {
        self.up
    }
}

macro_rules! step {
    ($version:literal, $folder:literal, $file:literal) => {
        Step {
            version: $version,
            name: $file,
            up: include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/migrations/",
                $folder,
                "/",
                $file,
                ".up.sql"
            )),
            down: include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/migrations/",
                $folder,
                "/",
                $file,
                ".down.sql"
            )),
        }
    };
}

// A list for each folder of `migrations/`, made by `build.rs`.
include!(concat!(env!("OUT_DIR"), "/migrations.rs"));

/// An engine whose schema the program looks after.
#[async_trait]
pub trait Schema: Engine {
    /// Its migrations, in order.
    fn steps(&self) -> &'static [Step];

    /// Whether nobody but this program uses the database, so that there is nobody to ask before it is brought up to
    /// date.
    fn is_embedded(&self) -> bool;

    /// The version it stands at: 0 without a version table.
    async fn version(&self) -> Result<i64, TierError>;

    /// Applies what is pending, or with a `target` takes back what is newer. Processes that start at once take turns;
    /// returns the version found once it was this one's.
    async fn migrate(&self, migrator: &Migrator, target: Option<i64>) -> Result<i64, TierError>;
}

/// What [`upgrade`] found and did.
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

/// The newest version there is for a database.
pub fn newest(database: &dyn Schema) -> i64 {
    database.steps().last().map_or(0, |step| step.version)
}

fn migrator(steps: &[Step]) -> Migrator {
    let both = |step: &Step| {
        let name = step.name.split_once('_').map_or(step.name, |(_, name)| name);
        [(MigrationType::ReversibleUp, step.up), (MigrationType::ReversibleDown, step.down)].map(
            |(kind, sql)| {
                Migration::new(
                    step.version,
                    name.to_owned().into(),
                    kind,
                    sqlx::SqlSafeStr::into_sql_str(sql),
                    false,
                )
            },
        )
    };
    Migrator::with_migrations(steps.iter().flat_map(both).collect())
}

/// Applies the migrations that are still pending.
pub async fn upgrade(database: &dyn Schema) -> Result<Upgraded, TierError> {
    let from = database.migrate(&migrator(database.steps()), None).await?;
    let to = database.version().await?;
    let applied = database.steps().iter().filter(|step| step.version > from && step.version <= to);
    Ok(Upgraded {
        tier: database.tier().name(),
        from,
        to,
        applied: applied.map(|step| step.name.to_owned()).collect(),
    })
}

/// Takes the schema back to `version`, dropping what later migrations made, rows included.
pub async fn downgrade(database: &dyn Schema, version: i64) -> Result<(), TierError> {
    database.migrate(&migrator(database.steps()), Some(version)).await.map(drop)
}

#[async_trait]
impl Schema for Sqlite {
    fn steps(&self) -> &'static [Step] {
        match self.tier() {
            Tier::Hot => HOT_SQLITE,
            Tier::Cold => COLD_SQLITE,
        }
    }

    fn is_embedded(&self) -> bool {
        true
    }

    async fn version(&self) -> Result<i64, TierError> {
        let known: Option<i64> = sqlx::query_scalar(
            "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = '_sqlx_migrations'",
        )
        .fetch_optional(self.pool())
        .await
        .map_err(|error| failed(self.tier(), error))?;
        if known.is_none() {
            return Ok(0);
        }
        sqlx::query_scalar("SELECT coalesce(max(version), 0) FROM _sqlx_migrations WHERE success")
            .fetch_one(self.pool())
            .await
            .map_err(|error| failed(self.tier(), error))
    }

    async fn migrate(&self, migrator: &Migrator, target: Option<i64>) -> Result<i64, TierError> {
        let _turn = turn(self).await?;
        let from = self.version().await?;
        let done = match target {
            None => migrator.run(self.pool()).await,
            Some(version) => migrator.undo(self.pool(), version).await,
        };
        done.map(|()| from).map_err(|error| failed(self.tier(), error))
    }
}

#[async_trait]
impl Schema for Postgres {
    fn steps(&self) -> &'static [Step] {
        match self.tier() {
            // Nothing keeps the platform's own tables in PostgreSQL.
            Tier::Hot => &[],
            Tier::Cold => COLD_POSTGRES,
        }
    }

    fn is_embedded(&self) -> bool {
        false
    }

    async fn version(&self) -> Result<i64, TierError> {
        Self::version(self).await
    }

    async fn migrate(&self, migrator: &Migrator, target: Option<i64>) -> Result<i64, TierError> {
        Self::migrate(self, migrator, target).await
    }
}

#[async_trait]
impl Schema for Mssql {
    fn steps(&self) -> &'static [Step] {
        match self.tier() {
            Tier::Hot => HOT_MSSQL,
            // Nothing keeps an archive in SQL Server.
            Tier::Cold => &[],
        }
    }

    fn is_embedded(&self) -> bool {
        false
    }

    async fn version(&self) -> Result<i64, TierError> {
        Self::version(self).await
    }

    async fn migrate(&self, migrator: &Migrator, target: Option<i64>) -> Result<i64, TierError> {
        match target {
            None => Self::migrate(self, migrator).await,
            Some(version) => self.undo(migrator, version).await.map(|()| version),
        }
    }
}

/// sqlx's migrator takes no lock on SQLite, so a lock file beside the database does it; it goes with the process.
async fn turn(database: &Sqlite) -> Result<std::fs::File, TierError> {
    let tier = database.tier();
    let mut path = database.path().as_os_str().to_owned();
    path.push("-migrate.lock");
    let locked = tokio::task::spawn_blocking(move || {
        let file = std::fs::File::create(path)?;
        file.lock()?;
        Ok::<_, std::io::Error>(file)
    });
    match locked.await {
        Ok(Ok(file)) => Ok(file),
        Ok(Err(source)) => Err(TierError::Unavailable { tier, source: source.into() }),
        Err(source) => Err(TierError::Unavailable { tier, source: source.into() }),
    }
}

fn failed(tier: Tier, error: impl Into<super::Source>) -> TierError {
    TierError::Statement { tier, statement: "migrate", source: error.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whichever engine a tier is on, a version is the same step.
    #[test]
    fn the_engines_of_a_tier_are_in_step() {
        let names = |steps: &[Step]| steps.iter().map(|step| step.name).collect::<Vec<_>>();
        assert_eq!(names(HOT_SQLITE), names(HOT_MSSQL));
        assert_eq!(names(COLD_SQLITE), names(COLD_POSTGRES));
    }
}
