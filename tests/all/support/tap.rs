//! A tier that can be told to fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use async_trait::async_trait;
use thermocline::tier::{Engine, Record, Session, Statement, Tier, TierError, Value};

/// How a tier answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Mode {
    /// As it should.
    Up,
    /// It cannot be reached.
    Away,
    /// It never answers.
    Stuck,
    /// Its driver panics.
    Panicking,
}

/// What a failing tier says: a client must never read it.
pub const SECRET_DETAIL: &str = "password=hunter2 host=db-internal";

/// A tier behind a tap.
#[derive(Debug)]
pub struct Tap {
    inner: Arc<dyn Engine>,
    mode: AtomicU8,
}

impl Tap {
    /// Lets everything through.
    pub fn new(inner: Arc<dyn Engine>) -> Self {
        Self { inner, mode: AtomicU8::new(Mode::Up as u8) }
    }

    /// How it answers from now on.
    pub fn set(&self, mode: Mode) {
        self.mode.store(mode as u8, Ordering::SeqCst);
    }

    async fn pass(&self) -> Result<(), TierError> {
        let mode = self.mode.load(Ordering::SeqCst);
        if mode == Mode::Away as u8 {
            return Err(TierError::Unavailable { tier: self.tier(), source: SECRET_DETAIL.into() });
        }
        if mode == Mode::Stuck as u8 {
            std::future::pending::<()>().await;
        }
        assert!(mode != Mode::Panicking as u8, "{SECRET_DETAIL}");
        Ok(())
    }
}

#[async_trait]
impl Engine for Tap {
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
