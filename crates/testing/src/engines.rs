//! Pairs of engines, each tier with an empty migrated database.

use std::sync::Arc;

use tempfile::TempDir;
use thermocline::config;
use thermocline::tier::{Engine as _, Mssql, Postgres, Schema, Sqlite, Tier, migrate};

use super::hot_engines::Server;
use super::postgres::{self, Database};

/// Two tiers.
pub struct Engines {
    pub name: &'static str,
    pub hot: Arc<dyn Schema>,
    pub cold: Arc<dyn Schema>,
    /// The database of the hot tier, if that is a SQL Server.
    pub server: Option<Server>,
    /// The database of the hot tier, if that is PostgreSQL.
    pub hot_url: Option<Database>,
    /// The database of the cold tier on a server.
    pub cold_url: Option<Database>,
    _files: TempDir,
}

/// Both servers with their concrete types, for tests of the drivers.
pub struct Servers {
    pub hot: Arc<Mssql>,
    pub cold: Arc<Postgres>,
    pub server: Server,
    pub cold_url: Database,
}

impl Engines {
    pub async fn embedded() -> Self {
        let files = tempfile::tempdir().expect("a folder");
        let (hot, cold) = (sqlite(Tier::Hot, &files).await, sqlite(Tier::Cold, &files).await);
        Self::of("SQLite and SQLite", hot, cold, files)
    }

    /// Two tiers without a database on a server.
    fn of(name: &'static str, hot: Arc<dyn Schema>, cold: Arc<dyn Schema>, files: TempDir) -> Self {
        Self { name, hot, cold, server: None, hot_url: None, cold_url: None, _files: files }
    }

    pub async fn mixed() -> Option<Self> {
        let (cold, url) = postgres::cold().await?;
        let files = tempfile::tempdir().expect("a folder");
        let hot = sqlite(Tier::Hot, &files).await;
        let engines = Self::of("SQLite and PostgreSQL", hot, Arc::new(cold), files);
        Some(Self { cold_url: Some(url), ..engines })
    }

    /// Both tiers in PostgreSQL, each in a database of its own.
    pub async fn on_postgres() -> Option<Self> {
        let ((hot, hot_url), (cold, cold_url)) = (postgres::hot().await?, postgres::cold().await?);
        let files = tempfile::tempdir().expect("a folder");
        let engines = Self::of("PostgreSQL and PostgreSQL", Arc::new(hot), Arc::new(cold), files);
        Some(Self { hot_url: Some(hot_url), cold_url: Some(cold_url), ..engines })
    }

    pub async fn real() -> Option<Self> {
        let Servers { hot, cold, server, cold_url } = Servers::make().await?;
        let files = tempfile::tempdir().expect("a folder");
        let engines = Self::of("SQL Server and PostgreSQL", hot, cold, files);
        Some(Self { server: Some(server), cold_url: Some(cold_url), ..engines })
    }

    /// Closes both tiers and drops the databases on servers.
    pub async fn drop(self) {
        self.hot.close().await;
        self.cold.close().await;
        if let Some(server) = self.server {
            server.drop().await;
        }
    }
}

async fn sqlite(tier: Tier, files: &TempDir) -> Arc<dyn Schema> {
    let database =
        Sqlite::open(thermocline::schema::of(tier), &files.path().join(tier.name())).await.expect("opens");
    migrate::upgrade(&database).await.expect("migrates");
    Arc::new(database)
}

impl Servers {
    /// Creates a database on each. Returns `None` and prints what is missing.
    pub async fn make() -> Option<Self> {
        let server = Server::make().await?;
        let Some((cold, cold_url)) = postgres::cold().await else {
            server.drop().await;
            return None;
        };
        let hot = Mssql::open(thermocline::schema::of(Tier::Hot), &server.at).await.expect("opens");
        migrate::upgrade(&hot).await.expect("migrates");
        Some(Self { hot: Arc::new(hot), cold: Arc::new(cold), server, cold_url })
    }

    /// Returns the address of the hot server through another port of this machine.
    pub fn hot_at(&self, port: u16) -> config::Mssql {
        config::Mssql { host: "127.0.0.1".to_owned(), port, ..self.server.at.clone() }
    }

    /// Closes both tiers and drops the databases.
    pub async fn drop(self) {
        self.hot.close().await;
        self.cold.close().await;
        self.server.drop().await;
    }
}
