//! Engines that fail at a chosen call, over real ones.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use thermocline::tier::{Begin, Engine, Record, Session, Statement, Tier, TierError, Value};

/// What happens at the chosen call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The process dies before it: nothing it asks for happens any more.
    Death,
    /// It happens, and the process dies before it hears of it.
    DeathAfter,
    /// This one call fails, and the process lives on.
    Hiccup,
    /// This one call happens and says that it failed, and the process lives on.
    LostAnswer,
}

impl Fault {
    pub const ALL: [Self; 4] = [Self::Death, Self::DeathAfter, Self::Hiccup, Self::LostAnswer];

    pub fn kills(self) -> bool {
        matches!(self, Self::Death | Self::DeathAfter)
    }
}

/// Burns with every call to either tier.
#[derive(Debug)]
pub struct Fuse {
    left: AtomicI64,
    fault: Fault,
}

impl Fuse {
    /// The fault comes with the `k`th call, from 1.
    pub fn new(k: i64, fault: Fault) -> Arc<Self> {
        Arc::new(Self { left: AtomicI64::new(k), fault })
    }

    /// Whether the fault has come.
    pub fn burnt(&self) -> bool {
        self.left.load(Ordering::SeqCst) <= 0
    }

    /// Makes a call: whether it happens, and whether its answer comes back.
    async fn call<T>(
        &self,
        tier: Tier,
        call: impl Future<Output = Result<T, TierError>>,
    ) -> Result<T, TierError> {
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
            // What is worth trying again.
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

#[async_trait]
impl Engine for Faulty {
    fn tier(&self) -> Tier {
        self.inner.tier()
    }

    async fn fetch(&self, statement: &Statement, params: &[Value]) -> Result<Vec<Record>, TierError> {
        self.fuse.call(self.tier(), self.inner.fetch(statement, params)).await
    }

    async fn session(&self) -> Result<Box<dyn Session>, TierError> {
        let inner = self.fuse.call(self.tier(), self.inner.session()).await?;
        Ok(Box::new(FaultySession { inner, fuse: Arc::clone(&self.fuse), tier: self.tier() }))
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

/// Dropped by a process that died, it leaves its transaction as a lost connection does: rolled back.
struct FaultySession {
    inner: Box<dyn Session>,
    fuse: Arc<Fuse>,
    tier: Tier,
}

#[async_trait]
impl Session for FaultySession {
    async fn begin(&mut self, begin: Begin) -> Result<(), TierError> {
        self.fuse.call(self.tier, self.inner.begin(begin)).await
    }

    async fn fetch(&mut self, statement: &Statement, params: &[Value]) -> Result<Vec<Record>, TierError> {
        self.fuse.call(self.tier, self.inner.fetch(statement, params)).await
    }

    async fn execute(&mut self, statement: &Statement, params: &[Value]) -> Result<u64, TierError> {
        self.fuse.call(self.tier, self.inner.execute(statement, params)).await
    }

    async fn insert(
        &mut self,
        table: &'static str,
        columns: &[&'static str],
        rows: &[Vec<Value>],
    ) -> Result<u64, TierError> {
        self.fuse.call(self.tier, self.inner.insert(table, columns, rows)).await
    }

    async fn commit(&mut self) -> Result<(), TierError> {
        self.fuse.call(self.tier, self.inner.commit()).await
    }

    async fn rollback(&mut self) -> Result<(), TierError> {
        self.fuse.call(self.tier, self.inner.rollback()).await
    }
}
