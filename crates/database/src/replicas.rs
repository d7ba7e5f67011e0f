//! A database with read replicas.
//!
//! Everything goes to the primary. A reader that can prove an answer asks the replicas itself ([`Engine::replicas`])
//! and accepts only one whose journal holds the reader's epoch.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;

use super::{Engine, PoolSize, Record, Schema, Session, Statement, Tier, TierError, Value, migrate};

/// How long a failed replica is skipped.
const REST: Duration = Duration::from_secs(10);

/// A primary and its replicas.
#[derive(Debug)]
pub struct Replicated {
    primary: Arc<dyn Schema>,
    replicas: Vec<Replica>,
}

impl Replicated {
    /// Creates a tier of a primary and its replicas.
    pub fn new(primary: Arc<dyn Schema>, replicas: Vec<Arc<dyn Engine>>) -> Self {
        let replicas =
            replicas.into_iter().map(|engine| Replica { engine, failed: Mutex::default() }).collect();
        Self { primary, replicas }
    }
}

#[async_trait]
impl Engine for Replicated {
    fn tier(&self) -> Tier {
        self.primary.tier()
    }

    async fn fetch(&self, statement: &Statement, params: &[Value]) -> Result<Vec<Record>, TierError> {
        self.primary.fetch(statement, params).await
    }

    async fn probe(&self, statement: &Statement) -> Result<(), TierError> {
        self.primary.probe(statement).await
    }

    async fn session(&self) -> Result<Box<dyn Session>, TierError> {
        self.primary.session().await
    }

    fn warm_connections(&self) -> usize {
        self.primary.warm_connections()
    }

    fn reads_at_once(&self) -> usize {
        self.primary.reads_at_once()
    }

    fn is_spread(&self) -> bool {
        self.primary.is_spread()
    }

    fn slow_reads_at_once(&self) -> usize {
        self.primary.slow_reads_at_once()
    }

    fn reject_reason(&self, value: &Value) -> Option<&'static str> {
        self.primary.reject_reason(value)
    }

    fn replicas(&self) -> Vec<&dyn Engine> {
        let rested = self.replicas.iter().filter(|replica| replica.is_rested());
        rested.map(|replica| replica as &dyn Engine).collect()
    }

    fn all_replicas(&self) -> Vec<&dyn Engine> {
        self.replicas.iter().map(|replica| replica as &dyn Engine).collect()
    }

    fn pools(&self) -> Vec<PoolSize> {
        self.primary.pools()
    }

    async fn close(&self) {
        for replica in &self.replicas {
            replica.close().await;
        }
        self.primary.close().await;
    }
}

#[async_trait]
impl Schema for Replicated {
    fn schema(&self) -> &'static migrate::TierSchema {
        self.primary.schema()
    }

    fn steps(&self) -> &'static [migrate::Step] {
        self.primary.steps()
    }

    async fn holds_other_tier(&self) -> Result<bool, TierError> {
        self.primary.holds_other_tier().await
    }

    fn live_steps(&self) -> &'static [migrate::Step] {
        self.primary.live_steps()
    }

    fn is_embedded(&self) -> bool {
        self.primary.is_embedded()
    }

    async fn migrating(&self) -> Result<Box<dyn migrate::Migrating>, TierError> {
        self.primary.migrating().await
    }

    async fn shapes(&self, steps: &[migrate::Step]) -> Result<Option<migrate::Shapes>, TierError> {
        self.primary.shapes(steps).await
    }
}

/// A replica. It is skipped for a while after a failure, so that a dead one does not delay every reader.
#[derive(Debug)]
struct Replica {
    engine: Arc<dyn Engine>,
    failed: Mutex<Option<Instant>>,
}

impl Replica {
    fn is_rested(&self) -> bool {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.is_none_or(|at| at.elapsed() >= REST)
    }
}

#[async_trait]
impl Engine for Replica {
    fn tier(&self) -> Tier {
        self.engine.tier()
    }

    async fn fetch(&self, statement: &Statement, params: &[Value]) -> Result<Vec<Record>, TierError> {
        let answer = self.engine.fetch(statement, params).await;
        let failed = answer.is_err().then(Instant::now);
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = failed;
        answer
    }

    async fn session(&self) -> Result<Box<dyn Session>, TierError> {
        self.engine.session().await
    }

    fn pools(&self) -> Vec<PoolSize> {
        self.engine.pools()
    }

    async fn close(&self) {
        self.engine.close().await;
    }
}
