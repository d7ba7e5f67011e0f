//! The server: accepts connections, and answers each one's requests one after the other.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tempfile::TempDir;
use thermocline::config::{self, Encrypt};
use thermocline::tier::{Engine as _, Sqlite, Tier, migrate};
use tokio::io::AsyncWriteExt as _;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};

use super::faults::{At, Fault, Faults, refusal};
use super::inserts::Insert;
use super::login::{self, Login};
use super::packets::{self, Kind, Message, Sender};
use super::registry::{self, Control, Known, Registry};
use super::request::{Request, params_used};
use super::session::{Answer, Change, Session};
use super::tokens::{Refusal, Tokens};
use super::values::Cell;

/// Statements that a life of imports, moves and pages does not come to: the tests beside this file ask them.
const ELSEWHERE: [&str; 11] = [
    "archive.held",
    "archive.state",
    "check.sort",
    "comments.hot_find",
    "conversations.hot_find",
    "health.ping",
    "load.complete_stock",
    "load.correct_price",
    "load.name_user",
    "posts.hot_find_by_author",
    "prices.hot_find",
];

/// What the connections share.
#[derive(Debug)]
pub struct Shared {
    file: PathBuf,
    pub registry: Registry,
    faults: Faults,
    asked: Mutex<Vec<(usize, String)>>,
    unknown: Mutex<Vec<String>>,
    lock: Arc<tokio::sync::Mutex<()>>,
    logins: AtomicUsize,
    attentions: AtomicUsize,
    /// How many connections are open.
    open: AtomicUsize,
    /// How many requests stall.
    stalled: watch::Sender<usize>,
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
        let tables = Sqlite::open(Tier::Hot, &front.shared.file).await.expect("opens");
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
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        let rest = format!("//{}:x@127.0.0.1:{port}/{}?encrypt=off", login::USER, login::DATABASE);
        let at = config::Mssql::parse(&rest).expect("a URL");
        let at = config::Mssql { password: login::PASSWORD.into(), encrypt: Encrypt::Off, ..at };
        Self { at, shared, accepting, _folder: folder }
    }

    /// The next `times` times this happens there.
    pub fn fail(&self, at: At, fault: Fault, times: usize) {
        self.shared.faults.add(at, fault, times);
    }

    /// All is well again.
    pub fn heal(&self) {
        self.shared.faults.clear();
    }

    /// What was asked since the last time, by the number of its connection.
    pub fn asked(&self) -> Vec<(usize, String)> {
        std::mem::take(&mut *self.shared.asked.lock().expect("no panic"))
    }

    /// That every statement there is was asked, but for those that have their own test.
    pub fn assert_asked(&self) {
        let asked: BTreeSet<String> = self.asked().into_iter().map(|(_, name)| name).collect();
        let left: Vec<&str> = registry::names().into_iter().filter(|name| !asked.contains(*name)).collect();
        assert_eq!(left, ELSEWHERE, "a statement that no test asks over the wire, or one that now is asked here");
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

/// Counts up, and down again when it is dropped.
struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A request that stalls until it is dropped.
struct Stalled<'a>(&'a watch::Sender<usize>);

impl Drop for Stalled<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|stalled| *stalled -= 1);
    }
}

async fn stall(shared: &Shared) -> ! {
    shared.stalled.send_modify(|stalled| *stalled += 1);
    let _stalled = Stalled(&shared.stalled);
    std::future::pending().await
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted.expect("a connection");
                let shared = Arc::clone(&shared);
                connections.spawn(async move {
                    let _open = Counted::new(&shared.open);
                    if let Err(error) = serve(stream, &shared).await {
                        // A client may hang up at any moment; what breaks the protocol is a fault.
                        if error.kind() == io::ErrorKind::InvalidData {
                            shared.unknown.lock().expect("no panic").push(error.to_string());
                        }
                    }
                });
            }
            Some(ended) = connections.join_next() => ended.expect("no connection panics"),
        }
    }
}

fn broken(problem: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem)
}

/// The messages of a client, read while its request is at work, so that one that gives up or goes away is heard.
fn listen(mut from: OwnedReadHalf, size: usize) -> mpsc::UnboundedReceiver<io::Result<Message>> {
    let (heard, messages) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(message) = packets::read(&mut from, size).await.transpose() {
            let over = message.is_err();
            if heard.send(message).is_err() || over {
                break;
            }
        }
    });
    messages
}

async fn serve(stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut from, to) = stream.into_split();
    let mut to = Sender::new(to, login::FIRST_PACKET);
    let Some(hello) = packets::read(&mut from, login::FIRST_PACKET).await? else { return Ok(()) };
    if hello.kind != Kind::PreLogin {
        return Err(broken("no PRELOGIN".to_owned()));
    }
    to.send(&login::prelogin(), true).await?;
    let Some(message) = packets::read(&mut from, login::FIRST_PACKET).await? else { return Ok(()) };
    let number = shared.logins.fetch_add(1, Ordering::SeqCst);
    let login = Login::read(&message.body).map_err(broken)?;
    let verdict = match shared.faults.take(|at| *at == At::Login) {
        Some(Fault::Slow(more)) => {
            tokio::time::sleep(more).await;
            login.verdict()
        }
        Some(Fault::Refuse(number)) => Err(number),
        Some(Fault::Stall) => stall(shared).await,
        Some(_) => return Ok(()),
        None => login.verdict(),
    };
    if let Err(number) = verdict {
        let mut tokens = Tokens::default();
        tokens.error(&refusal(number));
        tokens.end_refused(false);
        return to.send(&tokens.0, true).await;
    }
    to.send(&login::accepted().0, true).await?;
    to.size = login::PACKET;
    let mut messages = listen(from, login::PACKET);
    let opened = Session::open(&shared.file, Arc::clone(&shared.lock)).await;
    let mut connection =
        Connection { to, session: opened.map_err(|refusal| broken(refusal.text))?, shared, number };
    while let Some(message) = messages.recv().await {
        let message = message?;
        if message.kind == Kind::Attention {
            // What it was to stop has ended by itself.
            connection.attend().await?;
            continue;
        }
        tokio::select! {
            biased;
            next = messages.recv() => match next.transpose()? {
                Some(Message { kind: Kind::Attention, .. }) => {
                    connection.session.roll_back().await;
                    connection.attend().await?;
                }
                Some(_) => return Err(broken("a request before the last one was answered".to_owned())),
                None => return Ok(()),
            },
            answered = connection.answer(&message) => if !answered? { return Ok(()) },
        }
    }
    Ok(())
}

struct Connection<'a> {
    to: Sender<OwnedWriteHalf>,
    session: Session,
    shared: &'a Shared,
    number: usize,
}

/// What a text asks for.
enum Asked {
    Known(Known),
    Insert(Insert),
}

impl Connection<'_> {
    async fn attend(&mut self) -> io::Result<()> {
        self.shared.attentions.fetch_add(1, Ordering::SeqCst);
        let mut tokens = Tokens::default();
        tokens.attended();
        self.to.send(&tokens.0, true).await
    }

    /// Answers one request; false when the connection is over.
    async fn answer(&mut self, message: &Message) -> io::Result<bool> {
        let request = Request::read(message).map_err(broken)?;
        let (name, asked) = match self.understand(&request) {
            Ok(asked) => asked,
            Err(problem) => {
                self.shared.unknown.lock().expect("no panic").push(problem.clone());
                let refusal = Refusal::new(50_000, 16, problem);
                self.session.failed(&refusal).await;
                return self.refuse(&refusal, request.procedure).await;
            }
        };
        self.shared.asked.lock().expect("no panic").push((self.number, name.clone()));
        let fault = self.shared.faults.take(|at| matches!(at, At::Statement(waits) if *waits == name));
        match fault {
            Some(Fault::Stall) => stall(self.shared).await,
            Some(Fault::HangUp) => return Ok(false),
            Some(Fault::Slow(more)) => tokio::time::sleep(more).await,
            Some(Fault::Refuse(number)) => {
                let refusal = refusal(number);
                self.session.failed(&refusal).await;
                return self.refuse(&refusal, request.procedure).await;
            }
            _ => {}
        }
        let done = match &asked {
            Asked::Known(known) => self.session.run(known, &request.params).await,
            Asked::Insert(insert) => self.session.insert(insert).await,
        };
        let mut answer = match done {
            Ok(answer) => answer,
            Err(refusal) => return self.refuse(&refusal, request.procedure).await,
        };
        if fault == Some(Fault::LoseAnswer) {
            return Ok(false);
        }
        if fault == Some(Fault::HalfCharacters) {
            let cells = answer.rows.iter_mut().flatten();
            cells.filter(|cell| matches!(cell, Cell::Text(_))).for_each(|cell| *cell = Cell::LoneSurrogate);
        }
        let tokens = match self.tokens(&answer, request.procedure) {
            Ok(tokens) => tokens,
            Err(problem) => return Err(broken(format!("{name}: {problem}"))),
        };
        if let Some(fault @ (Fault::StallInRow | Fault::ResetInRow)) = fault {
            self.to.send(&tokens.0[..in_first_row(&answer, &tokens)], false).await?;
            if fault == Fault::StallInRow {
                stall(self.shared).await;
            }
            self.to.to.as_ref().set_zero_linger()?;
            return Ok(false);
        }
        self.to.send(&tokens.0, true).await?;
        Ok(true)
    }

    /// What a request asks for, and its name; or what is wrong with it.
    fn understand(&self, request: &Request) -> Result<(String, Asked), String> {
        if request.descriptor != self.session.descriptor() {
            return Err(format!(
                "a request in transaction {} of a session in {}: {}",
                request.descriptor,
                self.session.descriptor(),
                request.text
            ));
        }
        let used = params_used(&request.text);
        if used > request.params.len() {
            return Err(format!("@P{used} is used and not given: {}", request.text));
        }
        if let Some(known) = self.shared.registry.find(&request.text) {
            let name = match &known {
                Known::Twin(name, _) => (*name).to_owned(),
                Known::Migration(_) => "migration".to_owned(),
                Known::Control(Control::SetUp { .. }) => "set up".to_owned(),
                Known::Control(_) => request.text.clone(),
            };
            return Ok((name, Asked::Known(known)));
        }
        match Insert::read(&request.text, &request.params) {
            Some(insert) => insert.map(|insert| (insert.name.clone(), Asked::Insert(insert))),
            None => Err(format!("nobody knows this text: {}", request.text)),
        }
    }

    fn change(&mut self, tokens: &mut Tokens) {
        match self.session.changed.take() {
            Some(Change::Begun(descriptor)) => tokens.begun(descriptor),
            Some(Change::Committed(descriptor)) => tokens.committed(descriptor),
            Some(Change::RolledBack(descriptor)) => tokens.rolled_back(descriptor),
            None => {}
        }
    }

    fn tokens(&mut self, answer: &Answer, procedure: bool) -> Result<Tokens, String> {
        let mut tokens = Tokens::default();
        self.change(&mut tokens);
        if !answer.columns.is_empty() {
            tokens.columns(&answer.columns);
        }
        for row in &answer.rows {
            tokens.row(&answer.columns, row)?;
        }
        tokens.end(procedure, answer.count);
        Ok(tokens)
    }

    /// Answers an error; false when it costs the connection.
    async fn refuse(&mut self, refusal: &Refusal, procedure: bool) -> io::Result<bool> {
        let mut tokens = Tokens::default();
        tokens.error(refusal);
        self.change(&mut tokens);
        tokens.end_refused(procedure);
        self.to.send(&tokens.0, true).await?;
        if refusal.class >= 20 {
            self.to.to.shutdown().await?;
            return Ok(false);
        }
        Ok(true)
    }
}

/// How many bytes of an answer end in the middle of its first row, or in that of its columns.
fn in_first_row(answer: &Answer, tokens: &Tokens) -> usize {
    let mut columns = Tokens::default();
    columns.columns(&answer.columns);
    let mut row = Tokens::default();
    if let Some(first) = answer.rows.first() {
        row.row(&answer.columns, first).expect("it was written before");
    }
    (columns.0.len() + row.0.len() / 2).min(tokens.0.len() - 1)
}
