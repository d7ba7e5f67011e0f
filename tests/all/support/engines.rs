//! Pairs of engines, each tier with an empty migrated database of its own.

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
    /// The database of the hot tier, on a server.
    pub server: Option<Server>,
    /// Where the cold tier is, on a server.
    pub cold_url: Option<Database>,
    _files: TempDir,
}

/// The two kinds of servers, for tests of what is seen on the drivers themselves.
pub struct Servers {
    pub hot: Arc<Mssql>,
    pub cold: Arc<Postgres>,
    pub server: Server,
    pub cold_url: Database,
}

impl Engines {
    /// SQLite and SQLite.
    pub async fn embedded() -> Self {
        let files = tempfile::tempdir().expect("a folder");
        let (hot, cold) = (sqlite(Tier::Hot, &files).await, sqlite(Tier::Cold, &files).await);
        Self { name: "SQLite and SQLite", hot, cold, server: None, cold_url: None, _files: files }
    }

    /// SQLite and PostgreSQL.
    pub async fn mixed() -> Option<Self> {
        let (cold, url) = postgres::cold().await?;
        let files = tempfile::tempdir().expect("a folder");
        let (hot, cold) = (sqlite(Tier::Hot, &files).await, Arc::new(cold));
        let name = "SQLite and PostgreSQL";
        Some(Self { name, hot, cold, server: None, cold_url: Some(url), _files: files })
    }

    /// SQL Server and PostgreSQL.
    pub async fn real() -> Option<Self> {
        let Servers { hot, cold, server, cold_url } = Servers::make().await?;
        let files = tempfile::tempdir().expect("a folder");
        let name = "SQL Server and PostgreSQL";
        Some(Self { name, hot, cold, server: Some(server), cold_url: Some(cold_url), _files: files })
    }

    /// Closes both tiers and takes the server's databases away.
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
    /// A database on each, or `None` with a word on what is missing.
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

    /// The hot server, reached by another port of this machine.
    pub fn hot_at(&self, port: u16) -> config::Mssql {
        config::Mssql { host: "127.0.0.1".to_owned(), port, ..self.server.at.clone() }
    }

    /// Closes both tiers and takes the databases away.
    pub async fn drop(self) {
        self.hot.close().await;
        self.cold.close().await;
        self.server.drop().await;
    }
}
