//! Equal reads that come at the same time share one statement.
//!
//! When everybody looks at one conversation, everybody sends the same statement with the same parameters. [`Coalesced`] runs
//! [`AT_ONCE`] of them at a time. The reads that come meanwhile wait together, and the next statement answers all of them. So
//! a popular list costs the database little more than one with two readers.
//!
//! A read gets the answer of a statement that began after it did, never of one that ran already: that one may not see what
//! the reader has just written, or what an earlier answer has shown.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared, WeakShared};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{Engine, PoolSize, Record, Session, Source, Statement, Tier, TierError, Value, usage};

/// Equal statements at once.
const AT_ONCE: usize = 2;

/// A database whose equal reads share statements.
#[derive(Debug)]
pub struct Coalesced {
    engine: Arc<dyn Engine>,
    reads: Arc<Mutex<Reads>>,
}

/// The reads that run or wait.
type Reads = HashMap<Read, Equal>;

/// A statement with its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Read {
    pub statement: Statement,
    pub params: Vec<Value>,
}

impl Hash for Read {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.statement.name.hash(state);
        self.params.hash(state);
    }
}

/// Equal reads.
#[derive(Debug)]
struct Equal {
    permits: Arc<Semaphore>,
    /// The statement that has not started yet. It is dropped with its last waiter.
    next: Option<WeakShared<Answer>>,
}

/// An answer for several reads.
type Answer = BoxFuture<'static, Result<Vec<Record>, Arc<TierError>>>;

/// The statement that answers a read.
enum Turn {
    /// One of its own, which starts at once.
    Own(Place),
    /// The next one, which other reads share.
    Next(Shared<Answer>),
}

impl Coalesced {
    /// Returns the same database. One that answers no more than two reads at once gains nothing and is left as it is.
    pub fn around(engine: Arc<dyn Engine>) -> Arc<dyn Engine> {
        if engine.reads_at_once() <= AT_ONCE { engine } else { Arc::new(Self::new(engine)) }
    }

    fn new(engine: Arc<dyn Engine>) -> Self {
        Self { engine, reads: Arc::default() }
    }

    fn turn(&self, read: Read) -> Turn {
        let mut reads = lock(&self.reads);
        let equal = reads.entry(read.clone()).or_insert_with(Equal::new);
        if let Some(next) = equal.next.as_ref().and_then(WeakShared::upgrade) {
            return Turn::Next(next);
        }
        let mut place =
            Place { reads: Arc::clone(&self.reads), read, permits: Arc::clone(&equal.permits), permit: None };
        if let Ok(permit) = Arc::clone(&equal.permits).try_acquire_owned() {
            place.permit = Some(permit);
            return Turn::Own(place);
        }
        let next = next_statement(Arc::clone(&self.engine), place).boxed().shared();
        equal.next = next.downgrade();
        Turn::Next(next)
    }
}

#[async_trait]
impl Engine for Coalesced {
    fn tier(&self) -> Tier {
        self.engine.tier()
    }

    async fn fetch(&self, statement: &Statement, params: &[Value]) -> Result<Vec<Record>, TierError> {
        let begun = Instant::now();
        match self.turn(Read { statement: *statement, params: params.to_vec() }) {
            Turn::Own(_place) => self.engine.fetch(statement, params).await,
            Turn::Next(next) => {
                let answer = next.await;
                usage::coalesced(self.tier(), begun);
                answer.map_err(|error| copy(&error))
            }
        }
    }

    async fn probe(&self, statement: &Statement) -> Result<(), TierError> {
        self.engine.probe(statement).await
    }

    async fn session(&self) -> Result<Box<dyn Session>, TierError> {
        self.engine.session().await
    }

    fn reject_reason(&self, value: &Value) -> Option<&'static str> {
        self.engine.reject_reason(value)
    }

    fn replicas(&self) -> Vec<&dyn Engine> {
        self.engine.replicas()
    }

    fn all_replicas(&self) -> Vec<&dyn Engine> {
        self.engine.all_replicas()
    }

    fn pools(&self) -> Vec<PoolSize> {
        self.engine.pools()
    }

    fn warm_connections(&self) -> usize {
        self.engine.warm_connections()
    }

    fn reads_at_once(&self) -> usize {
        self.engine.reads_at_once()
    }

    fn slow_reads_at_once(&self) -> usize {
        self.engine.slow_reads_at_once()
    }

    fn is_spread(&self) -> bool {
        self.engine.is_spread()
    }

    async fn close(&self) {
        self.engine.close().await;
    }
}

impl Equal {
    fn new() -> Self {
        Self { permits: Arc::new(Semaphore::new(AT_ONCE)), next: None }
    }
}

/// Runs a read when fewer than [`AT_ONCE`] equal ones run.
async fn next_statement(engine: Arc<dyn Engine>, mut place: Place) -> Result<Vec<Record>, Arc<TierError>> {
    place.begin().await;
    let Read { statement, params } = &place.read;
    // Each of the reads that wait for it counts it by itself.
    let (answer, _) = usage::tally(engine.fetch(statement, params)).await;
    answer.map_err(Arc::new)
}

/// A read that runs or waits. Its permit goes to the next one when this is dropped.
struct Place {
    reads: Arc<Mutex<Reads>>,
    read: Read,
    permits: Arc<Semaphore>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Place {
    /// Waits for the permit. Reads that come from now on wait for another statement.
    async fn begin(&mut self) {
        // They are never closed.
        self.permit = Arc::clone(&self.permits).acquire_owned().await.ok();
        if let Some(equal) = lock(&self.reads).get_mut(&self.read) {
            equal.next = None;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.permit = None;
        let mut reads = lock(&self.reads);
        // The map and this place: no other one has it.
        if Arc::strong_count(&self.permits) == 2 {
            reads.remove(&self.read);
        }
    }
}

fn lock(reads: &Mutex<Reads>) -> MutexGuard<'_, Reads> {
    reads.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The driver's error of an answer that several reads get.
#[derive(Debug)]
struct SharedSource(Arc<TierError>);

impl fmt::Display for SharedSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.source().map_or(Ok(()), |source| write!(formatter, "{source}"))
    }
}

impl Error for SharedSource {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()?.source()
    }
}

/// Returns an error for one of the reads that it met.
fn copy(error: &Arc<TierError>) -> TierError {
    let source: Source = Box::new(SharedSource(Arc::clone(error)));
    match **error {
        TierError::Unavailable { tier, .. } => TierError::Unavailable { tier, source },
        TierError::Conflict { tier, statement, .. } => TierError::Conflict { tier, statement, source },
        TierError::Statement { tier, statement, .. } => TierError::Statement { tier, statement, source },
        TierError::Row { tier, statement, ref column, ref problem } => {
            TierError::Row { tier, statement, column: column.clone(), problem: problem.clone() }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::task::JoinHandle;

    use super::*;

    /// Answers when it is allowed to, with the number of the statement as an error.
    #[derive(Debug)]
    struct Counting {
        sent: AtomicUsize,
        allowed: Semaphore,
    }

    #[async_trait]
    impl Engine for Counting {
        fn tier(&self) -> Tier {
            Tier::Hot
        }

        async fn fetch(&self, statement: &Statement, _: &[Value]) -> Result<Vec<Record>, TierError> {
            let number = self.sent.fetch_add(1, Ordering::Relaxed) + 1;
            self.allowed.acquire().await.expect("is open").forget();
            let source = number.to_string().into();
            Err(TierError::Statement { tier: Tier::Hot, statement: statement.name, source })
        }

        async fn session(&self) -> Result<Box<dyn Session>, TierError> {
            unimplemented!("reads only")
        }

        async fn close(&self) {}
    }

    struct Reader {
        engine: Arc<Counting>,
        coalesced: Arc<Coalesced>,
    }

    impl Reader {
        fn new() -> Self {
            let engine = Arc::new(Counting { sent: AtomicUsize::new(0), allowed: Semaphore::new(0) });
            let coalesced = Arc::new(Coalesced::new(Arc::clone(&engine) as _));
            Self { engine, coalesced }
        }

        /// Begins a read; its output is the number of the statement that answered it.
        async fn begin(&self, param: i64) -> JoinHandle<String> {
            let coalesced = Arc::clone(&self.coalesced);
            let read = tokio::spawn(async move {
                let answer = coalesced.fetch(&Statement::new("-- test\nSELECT 1"), &[param.into()]).await;
                answer.expect_err("has no rows").source().expect("a number").to_string()
            });
            settle().await;
            read
        }

        /// Lets so many statements end.
        async fn end(&self, statements: usize) {
            self.engine.allowed.add_permits(statements);
            settle().await;
        }

        fn sent(&self) -> usize {
            self.engine.sent.load(Ordering::Relaxed)
        }

        fn remembered(&self) -> usize {
            lock(&self.coalesced.reads).len()
        }
    }

    async fn settle() {
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
    }

    async fn answers(reads: Vec<JoinHandle<String>>) -> Vec<String> {
        futures::future::join_all(reads).await.into_iter().map(|read| read.expect("ends")).collect()
    }

    #[tokio::test]
    async fn reads_that_wait_share_a_statement_that_begins_after_them() {
        let reader = Reader::new();
        let mut reads = Vec::new();
        for _ in 0..5 {
            reads.push(reader.begin(1).await);
        }
        assert_eq!(reader.sent(), 2, "three wait");
        reader.end(1).await;
        assert_eq!(reader.sent(), 3, "the next one has begun");
        // It may see what the statement that runs does not.
        reads.push(reader.begin(1).await);
        assert_eq!(reader.sent(), 3);
        reader.end(3).await;
        assert_eq!(answers(reads).await, ["1", "2", "3", "3", "3", "4"]);
        assert_eq!(reader.remembered(), 0);
    }

    #[tokio::test]
    async fn reads_with_other_parameters_wait_for_nothing() {
        let reader = Reader::new();
        let mut reads = Vec::new();
        for param in 0..5 {
            reads.push(reader.begin(param).await);
        }
        assert_eq!(reader.sent(), 5);
        reader.end(5).await;
        assert_eq!(answers(reads).await.len(), 5);
        assert_eq!(reader.remembered(), 0);
    }

    #[tokio::test]
    async fn a_reader_that_goes_away_takes_no_answer_from_others() {
        let reader = Reader::new();
        let mut reads = Vec::new();
        for _ in 0..4 {
            reads.push(reader.begin(1).await);
        }
        reads.remove(2).abort();
        reader.end(3).await;
        assert_eq!(answers(reads).await, ["1", "2", "3"]);
        assert_eq!(reader.remembered(), 0);
    }

    #[tokio::test]
    async fn a_statement_that_nobody_waits_for_is_not_sent() {
        let reader = Reader::new();
        let reads = vec![reader.begin(1).await, reader.begin(1).await];
        reader.begin(1).await.abort();
        reader.end(2).await;
        assert_eq!(answers(reads).await, ["1", "2"]);
        assert_eq!((reader.sent(), reader.remembered()), (2, 0));
    }
}
