//! A hot tier in SQLite, or on the fake TDS server, and a cold tier of any engine, with a fixed clock and small blocks.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use secrecy::SecretString;
use tempfile::TempDir;
use thermocline::archive::{ArchiveOptions, BlockSizes, Mover, Outcome};
use thermocline::clock::{Clock, DAY, Timestamp};
use thermocline::config::WRITE_TIMEOUT;
use thermocline::federation::HotSnapshot;
use thermocline::federation::reads::Hot as _;
use thermocline::federation::sql::{SqlHot, SqlList};
use thermocline::journal::pair;
use thermocline::page::{Slice, Span};
use thermocline::resources;
use thermocline::schema::{self, ColumnType, Table};
use thermocline::tier::{Begin, Engine, Sqlite, Tier, Value, migrate};
use thermocline::web::auth::{AuthSettings, KeySource, Verifier};
use thermocline::web::state::App;

use crate::postgres::Database;
use crate::tds::{FakeServer, TdsEngine};

/// A pair of tiers.
pub struct Pair {
    pub hot: Arc<dyn Engine>,
    pub cold: Arc<dyn Engine>,
    pub clock: Clock,
    _files: TempDir,
    _database: Option<Database>,
}

/// Returns the current time of every test.
pub fn now() -> Timestamp {
    "2026-11-20T10:00:00Z".parse().expect("a time")
}

impl Pair {
    /// Both tiers in SQLite files.
    pub async fn embedded() -> Self {
        let files = tempfile::tempdir().expect("a folder");
        let cold = Sqlite::open(thermocline::schema::of(Tier::Cold), &files.path().join("cold.db"))
            .await
            .expect("opens");
        migrate::upgrade(&cold).await.expect("migrates");
        Self::beside(Arc::new(cold), files).await
    }

    /// Creates a pair with cold in PostgreSQL, where a server is available.
    pub async fn mixed() -> Option<Self> {
        let (cold, database) = crate::postgres::cold().await?;
        let pair = Self::beside(Arc::new(cold), tempfile::tempdir().expect("a folder")).await;
        Some(Self { _database: Some(database), ..pair })
    }

    /// Creates a pair of two schemas of one PostgreSQL database, where a server is available.
    pub async fn on_postgres() -> Option<Self> {
        let (hot, cold, database) = crate::postgres::both().await?;
        let files = tempfile::tempdir().expect("a folder");
        let pair = Self::of(Arc::new(hot), Arc::new(cold), files).await;
        Some(Self { _database: Some(database), ..pair })
    }

    /// Creates a pair with hot behind the fake TDS server and cold in a SQLite file.
    pub async fn over_tds() -> (Self, Arc<TdsEngine>, FakeServer) {
        Self::over_tds_within(WRITE_TIMEOUT).await
    }

    /// The same with a time limit for the statements of a move in hot.
    pub async fn over_tds_within(write_timeout: Duration) -> (Self, Arc<TdsEngine>, FakeServer) {
        let mut fake = FakeServer::start().await;
        fake.at.write_timeout = write_timeout;
        let hot = Arc::new(TdsEngine::open(&fake).await.expect("opens"));
        let files = tempfile::tempdir().expect("a folder");
        let cold = Sqlite::open(thermocline::schema::of(Tier::Cold), &files.path().join("cold.db"))
            .await
            .expect("opens");
        migrate::upgrade(&cold).await.expect("migrates");
        (Self::of(hot.clone(), Arc::new(cold), files).await, hot, fake)
    }

    pub async fn beside(cold: Arc<dyn Engine>, files: TempDir) -> Self {
        let hot = Sqlite::open(thermocline::schema::of(Tier::Hot), &files.path().join("hot.db"))
            .await
            .expect("opens");
        migrate::upgrade(&hot).await.expect("migrates");
        Self::of(Arc::new(hot), cold, files).await
    }

    async fn of(hot: Arc<dyn Engine>, cold: Arc<dyn Engine>, files: TempDir) -> Self {
        let clock = Clock::fixed(now());
        pair::ensure(&*hot, &*cold, &clock).await.expect("a pair");
        let pair = Self { hot, cold, clock, _files: files, _database: None };
        let user = |id: i64| {
            vec![id.into(), Value::from(format!("user{id}").as_str()), Value::Null(ColumnType::Text)]
        };
        pair.put(&schema::USERS, (1..=4).map(user).collect()).await;
        let at = Value::from(now());
        let talk = |id: i64| vec![id.into(), 1.into(), 2.into(), at.clone(), at.clone()];
        pair.put(&schema::CONVERSATIONS, (1..=3).map(talk).collect()).await;
        let stock = |id: i64| {
            let text = |text: &str| Value::from(text);
            vec![
                id.into(),
                text(&format!("{id}")),
                text("x"),
                text("TWSE"),
                text("x"),
                at.clone(),
                at.clone(),
            ]
        };
        pair.put(&schema::STOCKS, (1..=2).map(stock).collect()).await;
        pair
    }

    /// Inserts rows into hot.
    pub async fn put(&self, table: &'static Table, rows: Vec<Vec<Value>>) {
        insert(&*self.hot, table.name, &table.columns.iter().map(|c| c.name).collect::<Vec<_>>(), rows).await;
    }

    /// Archives `rows` rows of a resource that are older than 30 days, or all of them.
    pub async fn archive(&self, resource: &str, rows: Option<i64>) {
        let family = resources::families().into_iter().find(|family| family.resource == resource);
        let mover = Mover {
            hot: &*self.hot,
            cold: &*self.cold,
            clock: &self.clock,
            name: "test".to_owned(),
            sizes: BlockSizes { most: [6, 24], part: [3, 12] },
        };
        let plan = ArchiveOptions {
            rule: (30 * DAY).into(),
            batch: rows.unwrap_or(50),
            max_rows: rows,
            ..ArchiveOptions::default()
        };
        let stop = AtomicBool::new(false);
        let report = mover.run(family.expect("a resource"), &plan, &stop, &mut |_| {}).await;
        assert_ne!(report.outcome, Outcome::Failed, "{:?}", report.error);
    }

    /// Returns the hot snapshot of a list.
    pub async fn mark<L: SqlList>(&self, list: &L) -> HotSnapshot {
        SqlHot(&*self.hot).read(list, Slice::newest(Span::ALL, 1), false).await.expect("hot answers").snapshot
    }

    /// Returns the service over the pair, and a token of user 1.
    pub fn service(&self) -> (App, String) {
        let key = KeySource::Secret(SecretString::from("0123456789abcdef0123456789abcdef"));
        let settings = AuthSettings { key, issuer: None, audience: None };
        let verifier = Verifier::new(settings, self.clock.clone()).expect("long enough");
        let token = verifier.issue(1, None, 3600).expect("a token");
        let app = App::new(self.hot.clone(), Some(self.cold.clone()), Arc::new(verifier), self.clock.clone());
        (app, token)
    }
}

pub async fn insert(
    engine: &dyn Engine,
    table: &'static str,
    columns: &[&'static str],
    rows: Vec<Vec<Value>>,
) {
    let mut session = engine.session().await.expect("a session");
    session.begin(Begin::Write).await.expect("begins");
    let n = session.insert(table, columns, &rows).await.expect("goes in");
    assert_eq!(n, rows.len() as u64);
    session.commit().await.expect("commits");
}
