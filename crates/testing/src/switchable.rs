//! A tier that can be made to fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use async_trait::async_trait;
use thermocline::tier::{Engine, Record, Session, Statement, Tier, TierError, Value};

/// State of a tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Mode {
    /// It works.
    Up,
    /// It is unreachable.
    Unreachable,
    /// It never answers.
    Hung,
    /// Its driver panics.
    Panicking,
}

/// Error text of a failing tier: clients must never see it.
pub const SECRET_DETAIL: &str = "password=hunter2 host=db-internal";

/// A tier that answers or fails as it is told.
#[derive(Debug)]
pub struct Switchable {
    inner: Arc<dyn Engine>,
    mode: AtomicU8,
    hanging: AtomicUsize,
}

/// A call that never ends, until its caller gives it up.
struct Hanging<'a>(&'a AtomicUsize);

impl Drop for Hanging<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Switchable {
    pub fn new(inner: Arc<dyn Engine>) -> Self {
        Self { inner, mode: AtomicU8::new(Mode::Up as u8), hanging: AtomicUsize::new(0) }
    }

    /// Sets the state from now on.
    pub fn set(&self, mode: Mode) {
        self.mode.store(mode as u8, Ordering::SeqCst);
    }

    /// Returns the number of calls that will never be answered.
    pub fn hanging(&self) -> usize {
        self.hanging.load(Ordering::SeqCst)
    }

    async fn pass(&self) -> Result<(), TierError> {
        let mode = self.mode.load(Ordering::SeqCst);
        if mode == Mode::Unreachable as u8 {
            return Err(TierError::Unavailable { tier: self.tier(), source: SECRET_DETAIL.into() });
        }
        if mode == Mode::Hung as u8 {
            self.hanging.fetch_add(1, Ordering::SeqCst);
            let _hanging = Hanging(&self.hanging);
            std::future::pending::<()>().await;
        }
        assert!(mode != Mode::Panicking as u8, "{SECRET_DETAIL}");
        Ok(())
    }
}

#[async_trait]
impl Engine for Switchable {
    fn tier(&self) -> Tier {
        self.inner.tier()
    }

    async fn fetch(&self, statement: &Statement, params: &[Value]) -> Result<Vec<Record>, TierError> {
        self.pass().await?;
        self.inner.fetch(statement, params).await
    }

    async fn session(&self) -> Result<Box<dyn Session>, TierError> {
        self.pass().await?;
        self.inner.session().await
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}
