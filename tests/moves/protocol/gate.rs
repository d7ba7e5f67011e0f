//! Engines whose calls all wait at a gate, so that a test decides what happens next.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use thermocline::tier::{Engine, Record, Session, Statement, Tier, TierError, Value};
use tokio::sync::{mpsc, oneshot};

use crate::support::intercept::{Call, Intercepted, Interceptor, Reply};

/// The fate of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is made.
    Pass,
    /// It is made, but its answer is lost with the connection.
    Unanswered,
    /// The connection is lost before it is made.
    Lost,
}

/// A waiting call.
#[derive(Debug)]
pub struct WaitingCall {
    pub tier: Tier,
    /// `session`, `begin`, `commit`, `rollback`, `insert`, or the name of a statement.
    pub what: &'static str,
    verdict: oneshot::Sender<Verdict>,
}

impl WaitingCall {
    pub fn is(&self, tier: Tier, what: &str) -> bool {
        self.tier == tier && self.what == what
    }

    pub fn decide(self, verdict: Verdict) {
        // The caller may be gone.
        let _ = self.verdict.send(verdict);
    }
}

/// A session that can be taken away from its user.
type Shared = Arc<tokio::sync::Mutex<Option<Box<dyn Session>>>>;

/// The waiting calls of one mover.
pub struct Gate {
    calls: mpsc::UnboundedSender<WaitingCall>,
    /// The most recently opened session of each tier.
    sessions: Mutex<[Option<Shared>; 2]>,
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").finish_non_exhaustive()
    }
}

impl Gate {
    pub fn new() -> (Arc<Self>, mpsc::UnboundedReceiver<WaitingCall>) {
        let (calls, waiting) = mpsc::unbounded_channel();
        (Arc::new(Self { calls, sessions: Mutex::default() }), waiting)
    }

    async fn ask(&self, tier: Tier, what: &'static str) -> Verdict {
        let (verdict, decided) = oneshot::channel();
        self.calls.send(WaitingCall { tier, what, verdict }).expect("the gate has an owner");
        decided.await.expect("a verdict")
    }

    /// Ends the most recent session of a tier as a server does: rolled back, locks released, the client not informed.
    pub async fn lose(&self, tier: Tier) {
        let session = self.sessions()[tier as usize].clone();
        let Some(session) = session else { return };
        let taken = session.lock().await.take();
        if let Some(mut session) = taken {
            // Fails where no transaction is open.
            let _ = session.rollback().await;
        }
    }

    fn sessions(&self) -> MutexGuard<'_, [Option<Shared>; 2]> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A tier behind a gate.
#[derive(Debug)]
pub struct Gated {
    pub inner: Arc<dyn Engine>,
    pub gate: Arc<Gate>,
}

fn lost(tier: Tier) -> TierError {
    TierError::Unavailable { tier, source: "the connection is lost".into() }
}

#[async_trait]
impl Engine for Gated {
    fn tier(&self) -> Tier {
        self.inner.tier()
    }

    async fn fetch(&self, statement: &Statement, params: &[Value]) -> Result<Vec<Record>, TierError> {
        self.gate.ask(self.tier(), statement.name).await;
        self.inner.fetch(statement, params).await
    }

    async fn session(&self) -> Result<Box<dyn Session>, TierError> {
        self.gate.ask(self.tier(), "session").await;
        let inner: Shared = Arc::new(tokio::sync::Mutex::new(Some(self.inner.session().await?)));
        self.gate.sessions()[self.tier() as usize] = Some(Arc::clone(&inner));
        let gate = Arc::clone(&self.gate);
        Ok(Box::new(Intercepted(GatedSession { inner, gate, tier: self.tier() })))
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

struct GatedSession {
    inner: Shared,
    gate: Arc<Gate>,
    tier: Tier,
}

/// A call that was let through.
struct Passage {
    session: tokio::sync::OwnedMutexGuard<Option<Box<dyn Session>>>,
    verdict: Verdict,
    tier: Tier,
}

impl Passage {
    fn session(&mut self) -> &mut dyn Session {
        &mut **self.session.as_mut().expect("looked at when it was entered")
    }

    /// Returns the answer, or an error if it is lost.
    fn back<T>(mut self, answer: Result<T, TierError>) -> Result<T, TierError> {
        if self.verdict == Verdict::Pass {
            return answer;
        }
        answer?;
        drop(self.session.take());
        Err(lost(self.tier))
    }
}

impl GatedSession {
    async fn enter(&self, what: &'static str) -> Result<Passage, TierError> {
        let (tier, verdict) = (self.tier, self.gate.ask(self.tier, what).await);
        let mut session = Arc::clone(&self.inner).lock_owned().await;
        if verdict == Verdict::Lost
            && let Some(mut session) = session.take()
        {
            session.rollback().await.expect("rolled back");
        }
        if session.is_some() { Ok(Passage { session, verdict, tier }) } else { Err(lost(tier)) }
    }
}

#[async_trait]
impl Interceptor for GatedSession {
    async fn call(&mut self, call: Call<'_>) -> Result<Reply, TierError> {
        let mut passage = self.enter(call.name()).await?;
        let answer = call.forward(passage.session()).await;
        passage.back(answer)
    }
}
