//! The front as the tests see it: where it is, what it is told, and what it has seen.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tempfile::TempDir;
use thermocline::config::{self, Encrypt};
use thermocline::tier::{Engine as _, Sqlite, Tier, migrate};
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use super::faults::{At, Fault, Faults};
use super::registry::{self, Registry};
use super::{login, server};

/// Statements that a life of imports, moves and pages does not come to: other tests over the front ask them.
const ELSEWHERE: [&str; 33] = [
    "archive.held",
    "journal.hold",
    "archive.hot_by",
    "archive.hot_of",
    "maintenance.count_hot",
    "recover.reserve_ids",
    "recover.ids_after",
    "archive.note_erased",
    "archive.noted",
    "archive.retry",
    "journal.locked_state",
    "check.epochs",
    "check.sort",
    "comments.hot_find",
    "conversations.hot_find",
    "health.ping",
    "inspect.tables",
    "load.complete_stock",
    "load.correct_price",
    "load.name_user",
    "migrate.forget",
    "migrate.known",
    "migrate.ledger",
    "migrate.make_ledger",
    "migrate.record",
    "posts.due_active",
    "posts.due_count_active",
    "posts.hot_find_by_author",
    "prices.hot_find",
    "prices.in_hot",
    "maintenance.rejects",
    "journal.state",
    "maintenance.in_hot",
];
/// Statements that nothing asks over the wire: only a server can verify anything of them.
const NEVER: [&str; 9] = [
    "archive.reject",
    "recover.replace",
    "behavior.hot_slice",
    "downgrade.rows",
    "inspect.columns",
    "inspect.indexes",
    "inspect.server",
    "inspect.triggers",
    "migrate.drop_ledger",
];

/// What the connections share.
#[derive(Debug)]
pub struct Shared {
    pub file: PathBuf,
    pub registry: Registry,
    pub faults: Faults,
    pub asked: Mutex<Vec<(usize, String)>>,
    pub unknown: Mutex<Vec<String>>,
    /// That of migrations.
    pub lock: Arc<tokio::sync::Mutex<()>>,
    pub logins: AtomicUsize,
    pub attentions: AtomicUsize,
    /// How many connections are open.
    pub open: AtomicUsize,
    /// How many requests stall.
    pub stalled: watch::Sender<usize>,
    /// Tells logins that stall to go on.
    pub healed: Notify,
}

/// A TDS server in this process, over a SQLite file. It ends when it is dropped.
#[derive(Debug)]
pub struct Front {
    /// Where it is, for the program.
    pub at: config::Mssql,
    pub shared: Arc<Shared>,
    accepting: JoinHandle<()>,
    _folder: TempDir,
}

impl Drop for Front {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Front {
    /// One whose database has the tables of a hot tier, without rows.
    pub async fn start() -> Self {
        let front = Self::empty().await;
        let tables =
            Sqlite::open(thermocline::schema::of(Tier::Hot), &front.shared.file).await.expect("opens");
        migrate::upgrade(&tables).await.expect("migrates");
        tables.close().await;
        front
    }

    /// One whose database has nothing in it.
    pub async fn empty() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let shared = Arc::new(Shared {
            file: folder.path().join("front.db"),
            registry: Registry::default(),
            faults: Faults::default(),
            asked: Mutex::default(),
            unknown: Mutex::default(),
            lock: Arc::default(),
            logins: AtomicUsize::new(0),
            attentions: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            stalled: watch::channel(0).0,
            healed: Notify::new(),
        });
        let accepting = tokio::spawn(server::accept(listener, Arc::clone(&shared)));
        let rest = format!("//{}:x@127.0.0.1:{port}/{}?encrypt=off", login::USER, login::DATABASE);
        let at = config::Mssql::parse(&rest).expect("a URL");
        let at = config::Mssql { password: login::PASSWORD.into(), encrypt: Encrypt::Off, ..at };
        Self { at, shared, accepting, _folder: folder }
    }

    /// The next `times` times this happens there.
    pub fn fail(&self, at: At, fault: Fault, times: usize) {
        self.shared.faults.add(at, fault, times);
    }

    /// All is well again, and logins that stalled go on.
    pub fn heal(&self) {
        self.shared.faults.clear();
        self.shared.healed.notify_waiters();
    }

    /// What was asked since the last time, by the number of its connection.
    pub fn asked(&self) -> Vec<(usize, String)> {
        std::mem::take(&mut *self.shared.asked.lock().expect("no panic"))
    }

    /// That every statement there is was asked, but for those that are listed.
    pub fn assert_asked(&self) {
        let asked: BTreeSet<String> = self.asked().into_iter().map(|(_, name)| name).collect();
        let left: BTreeSet<&str> =
            registry::names().into_iter().filter(|name| !asked.contains(*name)).collect();
        let listed: BTreeSet<&str> = ELSEWHERE.into_iter().chain(NEVER).collect();
        let unseen: Vec<&&str> = left.difference(&listed).collect();
        assert!(unseen.is_empty(), "no test asks these over the wire, and no list says so: {unseen:?}");
    }

    /// The texts nobody knew, which is a fault of the program or of the registry.
    pub fn unknown(&self) -> Vec<String> {
        self.shared.unknown.lock().expect("no panic").clone()
    }

    /// How many logins there were.
    pub fn logins(&self) -> usize {
        self.shared.logins.load(Ordering::SeqCst)
    }

    /// How often a client told it to stop.
    pub fn attentions(&self) -> usize {
        self.shared.attentions.load(Ordering::SeqCst)
    }

    /// How many connections are open.
    pub fn open(&self) -> usize {
        self.shared.open.load(Ordering::SeqCst)
    }

    /// Waits until so many requests stall at once.
    pub async fn stalled(&self, n: usize) {
        let mut stalled = self.shared.stalled.subscribe();
        stalled.wait_for(|now| *now >= n).await.expect("the front is there");
    }
}
