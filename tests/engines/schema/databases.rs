//! An empty database of each engine of each tier.

use std::sync::Arc;

use tempfile::TempDir;
use thermocline::schema::findings::Live;
use thermocline::schema::{Dialect, Model, Table, cold, hot};
use thermocline::telemetry::explain;
use thermocline::tier::migrate::{self, Schema, Step, Task};
use thermocline::tier::{Begin, Mssql, Postgres, PostgresUrl, Sqlite, Statement, Tier, Value, inspect};

use crate::support::{hot_engines, postgres};

/// A version beyond those of the program.
const NEXT: i64 = 1_000;

/// An empty database of an engine.
pub struct Database {
    pub engine: Arc<dyn Schema>,
    pub dialect: Dialect,
    server: Option<hot_engines::Server>,
    _postgres: Option<postgres::Database>,
    _folder: TempDir,
}

impl Database {
    async fn sqlite(tier: Tier) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let engine =
            Sqlite::open(thermocline::schema::of(tier), &folder.path().join("db")).await.expect("opens");
        Self {
            engine: Arc::new(engine),
            dialect: Dialect::Sqlite,
            server: None,
            _postgres: None,
            _folder: folder,
        }
    }

    async fn postgres(tier: Tier) -> Option<Self> {
        let database = postgres::database().await?;
        let url = PostgresUrl::parse(&database).expect("a URL");
        let engine = Postgres::open(thermocline::schema::of(tier), &url, None).await.expect("opens");
        let folder = tempfile::tempdir().expect("a folder");
        Some(Self {
            engine: Arc::new(engine),
            dialect: Dialect::Postgres,
            server: None,
            _postgres: Some(database),
            _folder: folder,
        })
    }

    async fn mssql() -> Option<Self> {
        let server = hot_engines::Server::make().await?;
        let engine = Mssql::open(thermocline::schema::of(Tier::Hot), &server.at).await.expect("opens");
        let folder = tempfile::tempdir().expect("a folder");
        let server = Some(server);
        Some(Self {
            engine: Arc::new(engine),
            dialect: Dialect::Mssql,
            server,
            _postgres: None,
            _folder: folder,
        })
    }

    /// Creates one of each available engine: two embedded ones always, servers where available.
    pub async fn all() -> Vec<Self> {
        let mut all = Self::of(Tier::Cold).await;
        all.extend(Self::of(Tier::Hot).await);
        all
    }

    /// Creates those of one tier.
    pub async fn of(tier: Tier) -> Vec<Self> {
        let mut all = vec![Self::sqlite(tier).await];
        all.extend(Self::postgres(tier).await);
        if tier == Tier::Hot {
            all.extend(Self::mssql().await);
        }
        all
    }

    pub fn name(&self) -> String {
        format!("{} {}", self.engine.tier(), self.dialect.name())
    }

    /// Returns the declared tables of its tier.
    pub fn tables(&self) -> &'static [&'static Table] {
        match self.engine.tier() {
            Tier::Hot => &hot::TABLES,
            Tier::Cold => &cold::TABLES,
        }
    }

    pub fn declared(&self) -> Model {
        Model::of(self.tables())
    }

    /// Reads the declared tables from its catalogs.
    pub async fn live(&self) -> Live {
        let names: Vec<&str> = self.tables().iter().map(|table| table.name).collect();
        inspect::inspect(&*self.engine, &names).await.expect("inspects")
    }

    /// Migrates it to the newest version.
    pub async fn upgrade(&self) {
        migrate::upgrade(&*self.engine).await.expect("migrates");
    }

    /// Applies a text as a migration.
    pub async fn apply(&self, text: &str) {
        self.go(text, "", None).await;
    }

    /// Reverts [`Database::apply`].
    pub async fn take_back(&self, up: &str, down: &str) {
        self.go(up, down, Some(NEXT - 1)).await;
    }

    async fn go(&self, up: &str, down: &str, target: Option<i64>) {
        let leak = |text: &str| -> &'static str { text.to_owned().leak() };
        let mut steps = Vec::new();
        // Migrations of the program stay known.
        if self.engine.version().await.expect("answers") > 0 {
            steps.extend_from_slice(self.engine.steps());
        }
        let version = steps.last().map_or(0, Step::version);
        steps.push(Step::new(NEXT, "1000_test", leak(up), leak(down)));
        let task = target.map_or(Task::Upgrade(None), |_| Task::Downgrade(version));
        let done = self.engine.migrate(&steps, task).await;
        done.unwrap_or_else(|error| {
            let text = if target.is_none() { up } else { down };
            panic!("{}: {}\n{text}", self.name(), explain(&error))
        });
    }

    /// Inserts rows and commits.
    pub async fn put(&self, table: &'static str, columns: &[&'static str], rows: &[Vec<Value>]) {
        let mut session = self.engine.session().await.expect("a session");
        session.begin(Begin::Write).await.expect("begins");
        let inserted = session.insert(table, columns, rows).await.expect("inserts");
        assert_eq!(inserted, rows.len() as u64);
        session.commit().await.expect("commits");
    }

    /// Runs statements that every engine understands, in one transaction.
    pub async fn execute(&self, text: &str) {
        let mut session = self.engine.session().await.expect("a session");
        session.begin(Begin::Write).await.expect("begins");
        for text in text.split(";\n").filter(|text| !text.trim().is_empty()) {
            session.execute(&statement(text), &[]).await.expect(text);
        }
        session.commit().await.expect("commits");
    }

    /// Returns the integers in the column `n` of a query that every engine understands.
    pub async fn ints(&self, text: &str) -> Vec<i64> {
        let records = self.engine.fetch(&statement(text), &[]).await.expect("answers");
        records.iter().map(|record| record.int("n").expect("a number")).collect()
    }

    /// Returns whether it is Babelfish instead of SQL Server.
    pub async fn is_babelfish(&self) -> bool {
        let server = inspect::server(&*self.engine).await.expect("says what it is");
        server.version.contains("Babelfish")
    }

    /// Closes and drops it.
    pub async fn drop(self) {
        self.engine.close().await;
        if let Some(server) = self.server {
            server.drop().await;
        }
    }
}

fn statement(text: &str) -> Statement {
    let text: &'static str = format!("-- test\n{text}").leak();
    Statement::new(text).postgres(text).mssql(text)
}
