//! The engine under test: the program's own for SQL Server, with each statement registered before it is sent.

use std::sync::Arc;

use async_trait::async_trait;
use thermocline::tier::{Engine, Mssql, Record, Session, Statement, Tier, TierError, Value};

use super::fake_server::{FakeServer, Shared};
use crate::intercept::{Call, Intercepted, Interceptor, Reply};

/// [`Mssql`] connected to a fake server that is told of each statement in advance.
#[derive(Debug)]
pub struct TdsEngine {
    pub inner: Mssql,
    shared: Arc<Shared>,
}

impl TdsEngine {
    pub async fn open(fake: &FakeServer) -> Result<Self, TierError> {
        let inner = Mssql::open(thermocline::schema::of(Tier::Hot), &fake.at).await?;
        Ok(Self { inner, shared: Arc::clone(&fake.shared) })
    }
}

#[async_trait]
impl Engine for TdsEngine {
    fn tier(&self) -> Tier {
        self.inner.tier()
    }

    async fn fetch(&self, statement: &Statement, params: &[Value]) -> Result<Vec<Record>, TierError> {
        self.shared.registry.note(statement);
        self.inner.fetch(statement, params).await
    }

    async fn session(&self) -> Result<Box<dyn Session>, TierError> {
        let inner = self.inner.session().await?;
        Ok(Box::new(Intercepted(TdsSession { inner, shared: Arc::clone(&self.shared) })))
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

struct TdsSession {
    inner: Box<dyn Session>,
    shared: Arc<Shared>,
}

#[async_trait]
impl Interceptor for TdsSession {
    async fn call(&mut self, call: Call<'_>) -> Result<Reply, TierError> {
        if let Call::Fetch(statement, _) | Call::Execute(statement, _) = call {
            self.shared.registry.note(statement);
        }
        call.forward(&mut *self.inner).await
    }
}
