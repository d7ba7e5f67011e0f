//! Engines that fail at a chosen call, over real ones.
//!
//! Until a transaction commits, its calls have no effect: a process that dies at any of them leaves the databases as they
//! were after the last commit. So the fast lane injects deaths and lost answers only at calls with an effect, which are
//! commits and statements outside of a transaction; the full lane injects them at every call.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use thermocline::tier::{Engine, Record, Schema, Session, Statement, Tier, TierError, Value};

use super::Pair;
use crate::support::bounds::is_fast_lane;
use crate::support::intercept::{Call, Intercepted, Interceptor, Reply};

/// The failure of the chosen call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The process dies before the call. All its later calls fail too.
    Death,
    /// The call succeeds, but the process dies before it receives the answer.
    DeathAfter,
    /// The call fails without effect; the process goes on.
    Hiccup,
    /// The call succeeds but reports a failure; the process goes on.
    LostAnswer,
}

impl Fault {
    /// All that differ: dying before a call is dying after the one before it.
    pub const ALL: [Self; 3] = [Self::DeathAfter, Self::Hiccup, Self::LostAnswer];

    pub fn kills(self) -> bool {
        matches!(self, Self::Death | Self::DeathAfter)
    }

    /// Returns whether the fault is injected at calls without an effect, too.
    pub fn hits_every_call(self) -> bool {
        matches!(self, Self::Death | Self::Hiccup) || !is_fast_lane()
    }
}

/// Counts the calls to both tiers down to the fault.
#[derive(Debug)]
pub struct Fuse {
    left: AtomicI64,
    fault: Fault,
}

impl Fuse {
    /// Creates a fuse for the `k`th of the calls that the fault can hit, counted from 1.
    pub fn new(k: i64, fault: Fault) -> Arc<Self> {
        Arc::new(Self { left: AtomicI64::new(k), fault })
    }

    /// Returns whether the fault was reached.
    pub fn burnt(&self) -> bool {
        self.left.load(Ordering::SeqCst) <= 0
    }

    /// Makes a call, or fails before or after it.
    async fn call<T>(
        &self,
        tier: Tier,
        has_effect: bool,
        call: impl Future<Output = Result<T, TierError>>,
    ) -> Result<T, TierError> {
        if !has_effect && !self.fault.hits_every_call() {
            let is_dead = self.fault.kills() && self.burnt();
            return if is_dead { Err(self.error(tier)) } else { call.await };
        }
        let left = self.left.fetch_sub(1, Ordering::SeqCst) - 1;
        match (left, self.fault) {
            (1.., _) | (..0, Fault::Hiccup | Fault::LostAnswer) => call.await,
            (0, Fault::Death | Fault::Hiccup) | (..0, _) => Err(self.error(tier)),
            (0, Fault::DeathAfter | Fault::LostAnswer) => {
                drop(call.await?);
                Err(self.error(tier))
            }
        }
    }

    fn error(&self, tier: Tier) -> TierError {
        let source = "made to fail".into();
        if self.fault.kills() {
            TierError::Unavailable { tier, source }
        } else {
            // An error that is worth a retry.
            TierError::Conflict { tier, statement: "faulty", source }
        }
    }
}

/// A tier that fails when its fuse has burnt down.
#[derive(Debug)]
pub struct Faulty {
    pub inner: Arc<dyn Engine>,
    pub fuse: Arc<Fuse>,
}

impl Faulty {
    /// Puts both tiers of a pair on one fuse.
    pub fn both(pair: &Pair, fuse: &Arc<Fuse>) -> (Self, Self) {
        let of = |inner: &Arc<dyn Schema>| Self { inner: Arc::clone(inner) as _, fuse: Arc::clone(fuse) };
        (of(&pair.hot), of(&pair.cold))
    }
}

#[async_trait]
impl Engine for Faulty {
    fn tier(&self) -> Tier {
        self.inner.tier()
    }

    async fn fetch(&self, statement: &Statement, params: &[Value]) -> Result<Vec<Record>, TierError> {
        self.fuse.call(self.tier(), false, self.inner.fetch(statement, params)).await
    }

    async fn session(&self) -> Result<Box<dyn Session>, TierError> {
        let inner = self.fuse.call(self.tier(), false, self.inner.session()).await?;
        let fuse = Arc::clone(&self.fuse);
        let session = FaultySession { inner, fuse, tier: self.tier(), in_transaction: false };
        Ok(Box::new(Intercepted(session)))
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

/// The session of a process that may die: dropped, it rolls back as a lost connection does.
struct FaultySession {
    inner: Box<dyn Session>,
    fuse: Arc<Fuse>,
    tier: Tier,
    in_transaction: bool,
}

#[async_trait]
impl Interceptor for FaultySession {
    async fn call(&mut self, call: Call<'_>) -> Result<Reply, TierError> {
        let has_effect = match call {
            Call::Commit => true,
            Call::Begin(_) | Call::Rollback => false,
            Call::Fetch(..) | Call::Execute(..) | Call::Insert { .. } => !self.in_transaction,
        };
        match call {
            Call::Begin(_) => self.in_transaction = true,
            Call::Commit | Call::Rollback => self.in_transaction = false,
            _ => {}
        }
        self.fuse.call(self.tier, has_effect, call.forward(&mut *self.inner)).await
    }
}
