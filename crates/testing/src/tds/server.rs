//! The server: accepts connections and answers the requests of each in order.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::AsyncWriteExt as _;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::fake_server::Shared;
use super::faults::{At, Fault, referred, refusal};
use super::inserts::Insert;
use super::login::{self, Login};
use super::packets::{self, Kind, Message, Sender};
use super::registry::{Control, Known};
use super::request::{Request, params_used};
use super::session::{Answer, Change, Session};
use super::tokens::{Refusal, Tokens};
use super::values::Cell;

/// Increments a counter, and decrements it when dropped.
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

/// Accepts connections; they end when it is dropped.
pub async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted.expect("a connection");
                let shared = Arc::clone(&shared);
                connections.spawn(async move {
                    let _open = Counted::new(&shared.open);
                    if let Err(error) = serve(stream, &shared).await {
                        // A client may disconnect at any moment; a protocol error is a fault.
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

/// Reads the messages of a client while its request is running, so that cancellation and disconnection are noticed.
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

/// Returns whether a login is accepted, or the number of the error.
async fn admit(login: &Login, shared: &Shared) -> Result<(), u32> {
    match shared.faults.take(|at| *at == At::Login) {
        Some(Fault::Slow(more)) => tokio::time::sleep(more).await,
        Some(Fault::Refuse(number)) => return Err(number),
        Some(Fault::Stall) => tokio::select! {
            () = shared.healed.notified() => {}
            never = stall(shared) => never,
        },
        Some(fault) => panic!("{fault:?} does not happen at a login"),
        None => {}
    }
    login.verdict()
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
    let verdict = tokio::select! {
        verdict = admit(&login, shared) => verdict,
        // The client gave up waiting.
        _ = packets::read(&mut from, login::FIRST_PACKET) => return Ok(()),
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
            // The request has already ended.
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

/// The meaning of a text.
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

    /// Answers one request. Returns false when the connection is over.
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
            Some(fault @ (Fault::Refuse(_) | Fault::Refer)) => {
                let refusal = if let Fault::Refuse(number) = fault { refusal(number) } else { referred() };
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

    /// Returns the name and meaning of a request, or what is wrong with it.
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
        if let Some(known) = self.shared.registry.find(&request.text, &request.params) {
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
            None => Err(format!("unknown text: {}", request.text)),
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

    /// Answers with an error. Returns false when it ends the connection.
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

/// Returns the length of a prefix of an answer that ends in the middle of its first row, or of its columns.
fn in_first_row(answer: &Answer, tokens: &Tokens) -> usize {
    let mut columns = Tokens::default();
    columns.columns(&answer.columns);
    let mut row = Tokens::default();
    if let Some(first) = answer.rows.first() {
        row.row(&answer.columns, first).expect("it was written before");
    }
    (columns.0.len() + row.0.len() / 2).min(tokens.0.len() - 1)
}
