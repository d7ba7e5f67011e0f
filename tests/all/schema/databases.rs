//! An empty database of every engine of every tier.

use std::sync::Arc;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use tempfile::TempDir;
use thermocline::schema::findings::Live;
use thermocline::schema::{Dialect, Model, Table, cold, hot};
use thermocline::tier::inspect::inspect;
use thermocline::tier::migrate::Schema;
use thermocline::tier::{Mssql, Postgres, PostgresUrl, Sqlite, Tier};

use crate::support::{hot_engines, postgres};

/// An empty database of one engine.
pub struct Database {
    pub engine: Arc<dyn Schema>,
    pub dialect: Dialect,
    server: Option<hot_engines::Server>,
    _folder: TempDir,
}

impl Database {
    async fn sqlite(tier: Tier) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let engine = Sqlite::open(tier, &folder.path().join("db")).await.expect("opens");
        Self { engine: Arc::new(engine), dialect: Dialect::Sqlite, server: None, _folder: folder }
    }

    async fn postgres() -> Option<Self> {
        let url = PostgresUrl::parse(&postgres::database().await?).expect("a URL");
        let engine = Postgres::open(Tier::Cold, &url, None).await.expect("opens");
        let folder = tempfile::tempdir().expect("a folder");
        Some(Self { engine: Arc::new(engine), dialect: Dialect::Postgres, server: None, _folder: folder })
    }

    async fn mssql() -> Option<Self> {
        let server = hot_engines::Server::make().await?;
        let engine = Mssql::open(Tier::Hot, &server.at).await.expect("opens");
        let folder = tempfile::tempdir().expect("a folder");
        let server = Some(server);
        Some(Self { engine: Arc::new(engine), dialect: Dialect::Mssql, server, _folder: folder })
    }

    /// One of each engine there is: two embedded ones always, a server where there is one.
    pub async fn all() -> Vec<Self> {
        let mut all = vec![Self::sqlite(Tier::Hot).await, Self::sqlite(Tier::Cold).await];
        all.extend(Self::postgres().await);
        all.extend(Self::mssql().await);
        all
    }

    pub fn name(&self) -> String {
        format!("{} {}", self.engine.tier(), self.dialect.name())
    }

    /// What is declared for it.
    pub fn tables(&self) -> &'static [&'static Table] {
        match self.engine.tier() {
            Tier::Hot => &hot::TABLES,
            Tier::Cold => &cold::TABLES,
        }
    }

    pub fn declared(&self) -> Model {
        Model::of(self.tables())
    }

    /// What it holds of the tables that are declared.
    pub async fn live(&self) -> Live {
        let names: Vec<&str> = self.tables().iter().map(|table| table.name).collect();
        inspect(&*self.engine, &names).await.expect("inspects")
    }

    /// Runs a text as the migration that it is.
    pub async fn apply(&self, text: &str) {
        let done = self.engine.migrate(&migration(1, text, ""), None).await;
        done.unwrap_or_else(|error| panic!("{}: {}\n{text}", self.name(), explained(&error)));
    }

    /// Closes it and takes it away.
    pub async fn drop(self) {
        self.engine.close().await;
        if let Some(server) = self.server {
            server.drop().await;
        }
    }
}

fn explained(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// A migrator with one migration.
pub fn migration(version: i64, up: &str, down: &str) -> Migrator {
    let of = |kind, text: &str| {
        let text: &'static str = text.to_owned().leak();
        Migration::new(version, "test".into(), kind, sqlx::SqlSafeStr::into_sql_str(text), false)
    };
    Migrator::with_migrations(vec![
        of(MigrationType::ReversibleUp, up),
        of(MigrationType::ReversibleDown, down),
    ])
}
