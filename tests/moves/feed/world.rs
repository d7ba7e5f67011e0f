//! A pair with a change feed, and everything that happens to it in these tests.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tempfile::TempDir;
use thermocline::archive::{ArchiveOptions, Mover, Outcome, RunReport, Selection};
use thermocline::clock::{Clock, DAY};
use thermocline::federation::sql::SqlCold;
use thermocline::federation::{Change, Changed, Changes, Feed, FeedError, ReadCache};
use thermocline::feed::Token;
use thermocline::journal::pair;
use thermocline::resources::messages::archive::FAMILY;
use thermocline::resources::messages::{Message, Messages};
use thermocline::schema;
use thermocline::tier::{Begin, Engine, Schema, Session, Sqlite, Statement, Tier, Value, migrate};

use super::super::{COLD, HOT, SIZES, run, scratch};
use super::day;
use crate::support::engines::Engines;
use crate::support::waiting::until;

static LIST: Messages = Messages::of(0);

/// A pair with a change feed.
pub struct World {
    pub name: &'static str,
    pub hot: Arc<dyn Schema>,
    pub cold: Arc<dyn Schema>,
    pub cache: ReadCache,
    clock: Clock,
    folder: TempDir,
    engines: Option<Engines>,
}

/// Runs a test on SQLite, with cold in PostgreSQL, and on a server for both, as far as they are there.
pub fn on_every_pair(test: &impl AsyncFn(&World)) {
    run(async {
        for world in Box::pin(World::all()).await {
            test(&world).await;
            world.drop().await;
        }
    });
}

/// Returns changes as texts.
pub fn shown(changes: &[Changed<Message>]) -> Vec<String> {
    let text = |changed: &Changed<Message>| match &changed.change {
        Change::Row(placed) => {
            assert_eq!(changed.scope, placed.row.conversation_id);
            format!("{} {}", placed.row.id, placed.row.content)
        }
        Change::Erased(id) => format!("erased {id} of {}", changed.scope),
    };
    changes.iter().map(text).collect()
}

/// Returns the id of the row.
pub fn id_of(changed: &Changed<Message>) -> i64 {
    match &changed.change {
        Change::Row(placed) => placed.row.id,
        Change::Erased(id) => *id,
    }
}

async fn open(tier: Tier, folder: &Path) -> Arc<dyn Schema> {
    let name = if tier == Tier::Hot { HOT } else { COLD };
    let database = Sqlite::open(thermocline::schema::of(tier), &folder.join(name)).await.expect("opens");
    migrate::upgrade(&database).await.expect("migrates");
    Arc::new(database)
}

impl World {
    /// Both tiers in files, hot without a feed.
    pub async fn without_feed() -> Self {
        let folder = scratch();
        let (hot, cold) = (open(Tier::Hot, folder.path()).await, open(Tier::Cold, folder.path()).await);
        Self::of("SQLite and SQLite", hot, cold, folder, None).await
    }

    /// Both tiers in files.
    pub async fn embedded() -> Self {
        Self::without_feed().await.with_feed().await
    }

    /// Every pair of engines that there is.
    pub async fn all() -> Vec<Self> {
        let mut all = vec![Self::embedded().await];
        let servers = [Engines::mixed().await, Engines::on_postgres().await, Engines::real().await];
        for engines in servers.into_iter().flatten() {
            let (hot, cold) = (Arc::clone(&engines.hot), Arc::clone(&engines.cold));
            all.push(Self::of(engines.name, hot, cold, scratch(), Some(engines)).await.with_feed().await);
        }
        all
    }

    async fn of(
        name: &'static str,
        hot: Arc<dyn Schema>,
        cold: Arc<dyn Schema>,
        folder: TempDir,
        engines: Option<Engines>,
    ) -> Self {
        let clock = Clock::fixed(super::super::fault_injection::now());
        pair::ensure(&*hot, &*cold, &clock).await.expect("a pair");
        let world = Self { name, hot, cold, cache: ReadCache::default(), clock, folder, engines };
        let users = (1..=2).map(|id| vec![id.into(), format!("user{id}").as_str().into()]).collect();
        world.insert("users", &["id", "username"], users).await;
        let talk = |id: i64| vec![id.into(), 1.into(), 2.into(), day(-90), day(-90)];
        let columns = ["id", "user1_id", "user2_id", "created_at", "updated_at"];
        world.insert("conversations", &columns, (1..=3).map(talk).collect()).await;
        world
    }

    async fn with_feed(self) -> Self {
        migrate::live::install(&*self.hot, 1).await.expect("a feed");
        self
    }

    /// Opens the files anew, as another process would.
    pub async fn reopen(self) -> Self {
        self.close_files().await;
        let path = self.folder.path();
        let (hot, cold) = (open(Tier::Hot, path).await, open(Tier::Cold, path).await);
        Self { hot, cold, cache: ReadCache::default(), ..self }
    }

    pub async fn close_files(&self) {
        self.hot.close().await;
        self.cold.close().await;
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    pub fn is_embedded(&self) -> bool {
        self.hot.is_embedded()
    }

    /// Closes both tiers and drops the databases on servers.
    pub async fn drop(self) {
        match self.engines {
            Some(engines) => engines.drop().await,
            None => self.close_files().await,
        }
    }

    pub fn feed<'a>(&'a self, cache: &'a ReadCache) -> Feed<'a, Messages> {
        Feed { hot: &*self.hot, cold: Some(SqlCold(&*self.cold)), cache, list: &LIST, wanted: true }
    }

    pub async fn try_now(&self) -> Result<Token, FeedError> {
        self.wait_for_bound().await;
        self.feed(&self.cache).now().await
    }

    pub async fn now(&self) -> Token {
        self.try_now().await.expect("a token")
    }

    pub async fn try_changes(&self, since: Token) -> Result<Changes<Message>, FeedError> {
        self.wait_for_bound().await;
        self.feed(&self.cache).changes(since, None, 10).await
    }

    /// Waits on PostgreSQL until the bound has passed every transaction that has begun so far. Those of other tests, which are in
    /// other databases of the same server, hold it back too.
    async fn wait_for_bound(&self) {
        if self.engines.as_ref().is_none_or(|engines| engines.hot_url.is_none()) {
            return;
        }
        let bounds = "-- test.bounds\nSELECT pg_snapshot_xmin(s)::text::bigint AS low, pg_snapshot_xmax(s)::text::bigint AS high \
                      FROM pg_current_snapshot() s";
        let bounds = Statement::new(bounds).postgres(bounds);
        let bound = async |name: &str| {
            self.hot.fetch(&bounds, &[]).await.expect("bounds")[0].int(name).expect("a number")
        };
        let high = bound("high").await;
        until("other transactions have ended", async || bound("low").await >= high).await;
    }

    pub async fn changes(&self, since: Token, scopes: Option<&[i64]>, limit: i64) -> Changes<Message> {
        self.wait_for_bound().await;
        self.changes_so_far(since, scopes, limit).await
    }

    /// Returns changes beside transactions that are open.
    pub async fn changes_so_far(&self, since: Token, scopes: Option<&[i64]>, limit: i64) -> Changes<Message> {
        self.feed(&self.cache).changes(since, scopes, limit).await.expect("changes")
    }

    pub async fn begin(&self) -> Box<dyn Session> {
        let mut session = self.hot.session().await.expect("a session");
        session.begin(Begin::Write).await.expect("a transaction");
        session
    }

    async fn insert(&self, table: &'static str, columns: &[&'static str], rows: Vec<Vec<Value>>) {
        let mut session = self.begin().await;
        session.insert(table, columns, &rows).await.expect("inserted");
        session.commit().await.expect("committed");
    }

    /// Runs a statement in hot.
    pub async fn execute(&self, statement: Statement) {
        let mut session = self.begin().await;
        session.execute(&statement, &[]).await.expect("executed");
        session.commit().await.expect("committed");
    }

    /// Inserts a message in the open transaction, dated so many days from now.
    pub async fn put_in(&self, session: &mut dyn Session, id: i64, talk: i64, text: &str, days: i64) {
        let columns: Vec<&str> = schema::MESSAGES.columns.iter().map(|column| column.name).collect();
        let row = vec![id.into(), talk.into(), 1.into(), text.into(), day(days), false.into()];
        session.insert("messages", &columns, &[row]).await.expect("inserted");
    }

    pub async fn put(&self, id: i64, talk: i64, text: &str, days: i64) {
        let mut session = self.begin().await;
        self.put_in(&mut *session, id, talk, text, days).await;
        session.commit().await.expect("committed");
    }

    /// Inserts messages in one transaction.
    pub async fn put_all(&self, ids: &[i64]) {
        let columns: Vec<&str> = schema::MESSAGES.columns.iter().map(|column| column.name).collect();
        let row = |id: &i64| vec![(*id).into(), 1.into(), 1.into(), "one".into(), day(-1), false.into()];
        self.insert("messages", &columns, ids.iter().map(row).collect()).await;
    }

    pub async fn edit(&self, id: i64, text: &str) {
        let edit = "-- test.edit\nUPDATE messages SET content = $2, is_read = $3 WHERE id = $1";
        let edit = Statement::new(edit)
            .postgres(edit)
            .mssql("-- test.edit\nUPDATE messages SET content = @P2, is_read = @P3 WHERE id = @P1");
        let mut session = self.begin().await;
        session.execute(&edit, &[id.into(), text.into(), true.into()]).await.expect("edited");
        session.commit().await.expect("committed");
    }

    pub fn mover(&self) -> Mover<'_> {
        let (hot, cold) = (&*self.hot as &dyn Engine, &*self.cold as &dyn Engine);
        Mover { hot, cold, clock: &self.clock, name: "test".to_owned(), sizes: SIZES }
    }

    /// Archives what is older than 30 days. Returns the number of rows.
    pub async fn archive(&self) -> i64 {
        let report = self.run_mover(4).await;
        assert_eq!((report.outcome, report.error), (Outcome::Done, None), "{}", self.name);
        report.rows
    }

    /// Archives the same rows in batches of `batch` rows.
    pub async fn run_mover(&self, batch: i64) -> RunReport {
        let plan = ArchiveOptions { rule: (30 * DAY).into(), batch, ..ArchiveOptions::default() };
        self.mover().run(&FAMILY, &plan, &AtomicBool::new(false), &mut |_| {}).await
    }

    /// Brings everything back, and lets movers work again.
    pub async fn restore(&self) {
        let report = self.bring_back(5).await;
        assert_eq!((report.outcome, report.error), (Outcome::Done, None), "{}", self.name);
    }

    /// Brings everything back in batches of `batch` rows, and lets movers work again.
    pub async fn bring_back(&self, batch: i64) -> RunReport {
        let stop = AtomicBool::new(false);
        let report = self.mover().restore(&FAMILY, Selection::All, batch, &stop, &mut |_| {}).await;
        self.mover().resume(&FAMILY).await.expect("resumed");
        report
    }

    pub async fn erase(&self, ids: &[i64]) {
        self.mover().erase(&FAMILY, "messages", ids).await.expect("erased");
    }

    /// Notes so many moved rows that are not there, all with one version.
    pub async fn note_moved(&self, version: i64, n: i64) {
        let note = |id: i64| vec![version.into(), (1_000_000 + id).into(), 1.into()];
        self.insert("live_moved", &["version", "id", "scope"], (0..n).map(note).collect()).await;
    }

    /// Returns the number of notes of moved rows.
    pub async fn notes(&self) -> i64 {
        let count = "-- test.notes\nSELECT count(*) AS n FROM live_moved";
        let count = Statement::new(count).postgres(count).mssql(count);
        self.hot.fetch(&count, &[]).await.expect("a count")[0].int("n").expect("a number")
    }
}
