//! The engine under test: the program's own for SQL Server, told on the way which statement comes next.

use std::sync::Arc;

use async_trait::async_trait;
use thermocline::tier::{Begin, Engine, Mssql, Record, Session, Statement, Tier, TierError, Value};

use super::front::{Front, Shared};

/// [`Mssql`] over a front that knows each statement before it is asked.
#[derive(Debug)]
pub struct Wired {
    pub inner: Mssql,
    shared: Arc<Shared>,
}

impl Wired {
    pub async fn open(front: &Front) -> Result<Self, TierError> {
        let inner = Mssql::open(thermocline::schema::of(Tier::Hot), &front.at).await?;
        Ok(Self { inner, shared: Arc::clone(&front.shared) })
    }
}

#[async_trait]
impl Engine for Wired {
    fn tier(&self) -> Tier {
        self.inner.tier()
    }

    async fn fetch(&self, statement: &Statement, params: &[Value]) -> Result<Vec<Record>, TierError> {
        self.shared.registry.note(statement);
        self.inner.fetch(statement, params).await
    }

    async fn session(&self) -> Result<Box<dyn Session>, TierError> {
        let inner = self.inner.session().await?;
        Ok(Box::new(WiredSession { inner, shared: Arc::clone(&self.shared) }))
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

struct WiredSession {
    inner: Box<dyn Session>,
    shared: Arc<Shared>,
}

#[async_trait]
impl Session for WiredSession {
    async fn begin(&mut self, begin: Begin) -> Result<(), TierError> {
        self.inner.begin(begin).await
    }

    async fn fetch(&mut self, statement: &Statement, params: &[Value]) -> Result<Vec<Record>, TierError> {
        self.shared.registry.note(statement);
        self.inner.fetch(statement, params).await
    }

    async fn execute(&mut self, statement: &Statement, params: &[Value]) -> Result<u64, TierError> {
        self.shared.registry.note(statement);
        self.inner.execute(statement, params).await
    }

    async fn insert(
        &mut self,
        table: &'static str,
        columns: &[&'static str],
        rows: &[Vec<Value>],
    ) -> Result<u64, TierError> {
        self.inner.insert(table, columns, rows).await
    }

    async fn commit(&mut self) -> Result<(), TierError> {
        self.inner.commit().await
    }

    async fn rollback(&mut self) -> Result<(), TierError> {
        self.inner.rollback().await
    }
}
