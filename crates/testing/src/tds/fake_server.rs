//! The fake server as tests use it: its address, its faults, and the requests it has received.

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

/// Statements that a history of imports, moves and pages does not use: other tests send them.
const ELSEWHERE: [&str; 35] = [
    "archive.held",
    "journal.hold",
    "journal.control",
    "journal.lock_control",
    "journal.set_control",
    "archive.hot_by",
    "archive.hot_of",
    "maintenance.count_hot",
    "recover.reserve_ids",
    "recover.ids_after",
    "archive.note_erased",
    "archive.noted",
    "archive.retry",
    "journal.locked_state",
    "check.sort",
    "comments.hot_find",
    "conversations.hot_find",
    "health.hot",
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
/// Statements that no test sends over the wire: only a server can verify them.
const NEVER: [&str; 25] = [
    "adopt.lowest_id",
    "adopt.unpair",
    "archive.reject",
    "archive.take_followed",
    "auth.user_by_email",
    "auth.user_by_username",
    "recover.replace",
    "recover.strays",
    "behavior.hot_slice",
    "downgrade.rows",
    "export.referred",
    "inspect.columns",
    "inspect.indexes",
    "inspect.server",
    "inspect.triggers",
    "messages.conversations_of",
    "messages.participants_of_many",
    "journal.live_bound",
    "journal.live_drop",
    "journal.live_kept",
    "journal.live_raise",
    "live.redraw",
    "messages.changes",
    "messages.changes_of",
    "migrate.drop_ledger",
];

/// State shared by the connections.
#[derive(Debug)]
pub struct Shared {
    pub file: PathBuf,
    pub registry: Registry,
    pub faults: Faults,
    pub asked: Mutex<Vec<(usize, String)>>,
    pub unknown: Mutex<Vec<String>>,
    /// The lock of migrations.
    pub lock: Arc<tokio::sync::Mutex<()>>,
    pub logins: AtomicUsize,
    pub attentions: AtomicUsize,
    /// Number of open connections.
    pub open: AtomicUsize,
    /// Number of stalled requests.
    pub stalled: watch::Sender<usize>,
    /// Tells stalled logins to continue.
    pub healed: Notify,
}

/// A TDS server in this process, over a SQLite file. It stops when dropped.
#[derive(Debug)]
pub struct FakeServer {
    /// Its address, for the program.
    pub at: config::Mssql,
    pub shared: Arc<Shared>,
    accepting: JoinHandle<()>,
    _folder: TempDir,
}

impl Drop for FakeServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl FakeServer {
    /// Starts one with the tables of a hot tier, without rows.
    pub async fn start() -> Self {
        let fake = Self::empty().await;
        let tables =
            Sqlite::open(thermocline::schema::of(Tier::Hot), &fake.shared.file).await.expect("opens");
        migrate::upgrade(&tables).await.expect("migrates");
        tables.close().await;
        fake
    }

    /// Starts one with an empty database.
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

    /// Makes the next `times` requests there fail.
    pub fn fail(&self, at: At, fault: Fault, times: usize) {
        self.shared.faults.add(at, fault, times);
    }

    /// Removes all faults; stalled logins continue.
    pub fn heal(&self) {
        self.shared.faults.clear();
        self.shared.healed.notify_waiters();
    }

    /// Returns the requests since the last call, by connection number.
    pub fn asked(&self) -> Vec<(usize, String)> {
        std::mem::take(&mut *self.shared.asked.lock().expect("no panic"))
    }

    /// Checks that every statement of the program was sent, except the listed ones.
    pub fn assert_asked(&self) {
        let asked: BTreeSet<String> = self.asked().into_iter().map(|(_, name)| name).collect();
        let left: BTreeSet<&str> =
            registry::names().into_iter().filter(|name| !asked.contains(*name)).collect();
        let listed: BTreeSet<&str> = ELSEWHERE.into_iter().chain(NEVER).collect();
        let unseen: Vec<&&str> = left.difference(&listed).collect();
        assert!(unseen.is_empty(), "no test asks these over the wire, and no list says so: {unseen:?}");
    }

    /// Returns the texts it did not know, which are a mistake of the program or of the registry.
    pub fn unknown(&self) -> Vec<String> {
        self.shared.unknown.lock().expect("no panic").clone()
    }

    /// Returns the number of logins.
    pub fn logins(&self) -> usize {
        self.shared.logins.load(Ordering::SeqCst)
    }

    /// Returns how often a client sent an attention.
    pub fn attentions(&self) -> usize {
        self.shared.attentions.load(Ordering::SeqCst)
    }

    /// Returns the number of open connections.
    pub fn open(&self) -> usize {
        self.shared.open.load(Ordering::SeqCst)
    }

    /// Waits until so many requests are stalled at once.
    pub async fn stalled(&self, n: usize) {
        let mut stalled = self.shared.stalled.subscribe();
        stalled.wait_for(|now| *now >= n).await.expect("the front is there");
    }
}
