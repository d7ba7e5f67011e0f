//! Sessions whose calls all pass through one function.

use async_trait::async_trait;
use thermocline::tier::{Begin, Record, Session, Statement, TierError, Value};

/// A call of a session, with its arguments.
#[derive(Clone, Copy, Debug)]
pub enum Call<'a> {
    Begin(Begin),
    Fetch(&'a Statement, &'a [Value]),
    Execute(&'a Statement, &'a [Value]),
    Insert { table: &'static str, columns: &'a [&'static str], rows: &'a [Vec<Value>] },
    Commit,
    Rollback,
}

/// The answer to a call.
#[derive(Debug)]
pub enum Reply {
    Done,
    Rows(Vec<Record>),
    Count(u64),
}

impl Call<'_> {
    /// Returns the name of the statement, or of the method where there is none.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Begin(_) => "begin",
            Self::Fetch(statement, _) | Self::Execute(statement, _) => statement.name,
            Self::Insert { .. } => "insert",
            Self::Commit => "commit",
            Self::Rollback => "rollback",
        }
    }

    /// Makes the call on `session`.
    pub async fn forward(self, session: &mut dyn Session) -> Result<Reply, TierError> {
        match self {
            Self::Begin(begin) => session.begin(begin).await.map(|()| Reply::Done),
            Self::Fetch(statement, params) => session.fetch(statement, params).await.map(Reply::Rows),
            Self::Execute(statement, params) => session.execute(statement, params).await.map(Reply::Count),
            Self::Insert { table, columns, rows } => {
                session.insert(table, columns, rows).await.map(Reply::Count)
            }
            Self::Commit => session.commit().await.map(|()| Reply::Done),
            Self::Rollback => session.rollback().await.map(|()| Reply::Done),
        }
    }
}

/// Decides about each call of a session: [`Call::forward`] makes it.
#[async_trait]
pub trait Interceptor: Send {
    async fn call(&mut self, call: Call<'_>) -> Result<Reply, TierError>;
}

/// The session that an [`Interceptor`] stands for.
pub struct Intercepted<I>(pub I);

#[async_trait]
impl<I: Interceptor> Session for Intercepted<I> {
    async fn begin(&mut self, begin: Begin) -> Result<(), TierError> {
        self.0.call(Call::Begin(begin)).await.map(drop)
    }

    async fn fetch(&mut self, statement: &Statement, params: &[Value]) -> Result<Vec<Record>, TierError> {
        match self.0.call(Call::Fetch(statement, params)).await? {
            Reply::Rows(rows) => Ok(rows),
            other => panic!("{}: {other:?}", statement.name),
        }
    }

    async fn execute(&mut self, statement: &Statement, params: &[Value]) -> Result<u64, TierError> {
        match self.0.call(Call::Execute(statement, params)).await? {
            Reply::Count(count) => Ok(count),
            other => panic!("{}: {other:?}", statement.name),
        }
    }

    async fn insert(
        &mut self,
        table: &'static str,
        columns: &[&'static str],
        rows: &[Vec<Value>],
    ) -> Result<u64, TierError> {
        match self.0.call(Call::Insert { table, columns, rows }).await? {
            Reply::Count(count) => Ok(count),
            other => panic!("{table}: {other:?}"),
        }
    }

    async fn commit(&mut self) -> Result<(), TierError> {
        self.0.call(Call::Commit).await.map(drop)
    }

    async fn rollback(&mut self) -> Result<(), TierError> {
        self.0.call(Call::Rollback).await.map(drop)
    }
}
