//! The connections to a file. A statement whose future is dropped is cancelled.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{coop, spawn_blocking};
use tokio_util::task::TaskTracker;

use super::connection::{Connection, Options};
use crate::coalesce::Read;
use crate::{PoolSize, Record, Source, Tier};

/// The time after which an idle connection is closed when another one comes back. Each has a cache of up to 16 MiB.
const KEPT: Duration = Duration::from_secs(30);

/// Why work on a connection failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// There is no connection.
    Connect(Source),
    Sqlite(rusqlite::Error),
}

impl From<Failure> for Source {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Connect(source) => source,
            Failure::Sqlite(error) => error.into(),
        }
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// A pool of connections to one file.
#[derive(Clone, Debug)]
pub(super) struct Pool(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: &'static str,
    options: Options,
    most: u32,
    /// The number of connections kept when idle. Each has a cache.
    lasting: usize,
    wait: Duration,
    permits: Arc<Semaphore>,
    /// In the order in which they were used; the next one to be used is at the end, so that few stay in use.
    idle: Mutex<Vec<Connection>>,
    /// The names of reads that were brief the last time.
    brief: Mutex<HashSet<&'static str>>,
    /// The connections that are being closed.
    closing: TaskTracker,
}

impl Pool {
    /// Returns a pool of at most `most` connections, `lasting` of which are kept when idle. It opens none yet.
    pub fn new(name: &'static str, options: Options, most: u32, lasting: usize, wait: Duration) -> Self {
        let permits = Arc::new(Semaphore::new(most as usize));
        let (idle, brief, closing) = (Mutex::default(), Mutex::default(), TaskTracker::new());
        Self(Arc::new(Inner { name, options, most, lasting, wait, permits, idle, brief, closing }))
    }

    /// Returns the name of the pool in the metrics.
    pub fn name(&self) -> &'static str {
        self.0.name
    }

    /// Returns the number of connections.
    pub fn size(&self) -> PoolSize {
        let most = self.0.most as usize;
        let in_use = most.saturating_sub(self.0.permits.available_permits());
        PoolSize { pool: self.0.name, open: in_use + self.idle().len(), in_use, most }
    }

    /// Returns the options that connections are opened with.
    pub fn options(&self) -> &Options {
        &self.0.options
    }

    /// Leases a connection.
    pub async fn lease(&self) -> Result<Lease, Failure> {
        // Brief reads wait for nothing, so that a task of many of them would never let others run.
        coop::consume_budget().await;
        let permit = match Arc::clone(&self.0.permits).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => self.wait().await.map_err(|problem| Failure::Connect(problem.into()))?,
        };
        let idle = self.idle().pop();
        let connection = if let Some(connection) = idle {
            connection
        } else {
            let options = self.0.options.clone();
            let opened = spawn_blocking(move || Connection::open(&options)).await;
            opened.map_err(|ended| Failure::Connect(ended.into()))??
        };
        let leased = Leased { open: Some((connection, permit)), closing: self.0.closing.clone() };
        Ok(Lease { leased: Some(leased), pool: self.clone() })
    }

    async fn wait(&self) -> Result<OwnedSemaphorePermit, &'static str> {
        let permit = tokio::time::timeout(self.0.wait, Arc::clone(&self.0.permits).acquire_owned());
        permit.await.map_err(|_| "no connection is free")?.map_err(|_| "the pool is closed")
    }

    /// Waits for the connections in use, then closes all.
    pub async fn close(&self) {
        let Ok(_all) = self.0.permits.acquire_many(self.0.most).await else { return };
        self.0.permits.close();
        let idle: Vec<Connection> = self.idle().drain(..).collect();
        close(&self.0.closing, idle);
        self.0.closing.close();
        self.0.closing.wait().await;
    }

    /// Keeps a connection for the next lease. Closes those that have been idle for long, and this one if enough are idle.
    fn give_back(&self, mut connection: Connection, now: Instant) {
        connection.used = now;
        let mut idle = self.idle();
        let outdated = idle.partition_point(|idle| now.duration_since(idle.used) > KEPT);
        let mut outdated: Vec<Connection> = idle.drain(..outdated).collect();
        if idle.len() < self.0.lasting {
            idle.push(connection);
        } else {
            outdated.push(connection);
        }
        drop(idle);
        if !outdated.is_empty() {
            close(&self.0.closing, outdated);
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn brief(&self) -> MutexGuard<'_, HashSet<&'static str>> {
        self.0.brief.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes connections on another thread if there is one: they may have to roll back, or to write.
fn close(closing: &TaskTracker, connections: impl Send + 'static) {
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        closing.spawn_blocking_on(|| drop(connections), &runtime);
    }
}

/// A leased connection, which goes back to its pool.
#[derive(Debug)]
pub(super) struct Lease {
    /// `None` while it is in use by another thread.
    leased: Option<Leased>,
    pool: Pool,
}

/// A connection and its place in the pool, which is free once the connection is closed. It is closed when this is dropped.
#[derive(Debug)]
struct Leased {
    open: Option<(Connection, OwnedSemaphorePermit)>,
    closing: TaskTracker,
}

impl Leased {
    fn connection(&mut self) -> Option<&mut Connection> {
        self.open.as_mut().map(|(connection, _)| connection)
    }
}

impl Drop for Leased {
    fn drop(&mut self) {
        if let Some(open) = self.open.take() {
            close(&self.closing, open);
        }
    }
}

impl Lease {
    fn connection(&mut self) -> Option<&mut Connection> {
        self.leased.as_mut()?.connection()
    }

    /// Returns all rows of a statement that only reads. It runs on this thread if its last run was brief, and on a blocking one if
    /// that was not or this one is not.
    pub async fn read(&mut self, read: Read, tier: Tier) -> Result<Vec<Record>, Failure> {
        let name = read.statement.name;
        let was_brief = self.pool.brief().contains(name);
        if was_brief {
            let connection = self.connection().ok_or_else(lost)?;
            let in_transaction = connection.is_in_transaction();
            if let Some(records) = connection.briefly(|connection| connection.read(&read, tier)) {
                if !connection.was_brief() {
                    self.pool.brief().remove(name);
                }
                return Ok(records);
            }
            // Some errors, as of the disk, roll back. Another transaction would see another instant.
            if in_transaction && !connection.is_in_transaction() {
                return Err(Failure::Connect("the transaction was rolled back".into()));
            }
        }
        let done = self.run(move |connection| connection.read(&read, tier)).await;
        let is_brief = self.connection().is_some_and(|connection| connection.was_brief());
        if is_brief && !was_brief {
            self.pool.brief().insert(name);
        } else if was_brief && !is_brief {
            self.pool.brief().remove(name);
        }
        done
    }

    /// Begins or ends a transaction that only reads, which waits for nothing.
    pub async fn control(&mut self, text: &'static str) -> Result<(), Failure> {
        if self.control_now(text) {
            return Ok(());
        }
        self.run(move |connection| connection.control(text)).await
    }

    /// Begins or ends a transaction on this thread. Returns whether it succeeded.
    pub fn control_now(&mut self, text: &'static str) -> bool {
        let controlled =
            |connection: &mut Connection| connection.briefly(|connection| connection.control(text));
        self.connection().and_then(controlled).is_some()
    }

    /// Runs work on a blocking thread. If the future is dropped first, the work is cancelled and the connection closed.
    pub async fn run<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Failure> {
        let cancel = self.connection().ok_or_else(lost)?.cancel_on_drop();
        let mut leased = self.leased.take().ok_or_else(lost)?;
        let ended = spawn_blocking(move || {
            let done = leased.connection().map(|connection| connection.at_length(work));
            (leased, done)
        });
        let (leased, done) = ended.await.map_err(|ended| Failure::Connect(ended.into()))?;
        cancel.disarm();
        self.leased = Some(leased);
        Ok(done.ok_or_else(lost)??)
    }

    /// Runs work that may write on a blocking thread.
    pub async fn write<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Failure> {
        self.run(|connection| work(connection.writer())).await
    }

    /// Closes the connection, which rolls back what is open. [`Pool::close`] waits for it.
    pub fn close(&mut self) {
        self.leased = None;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some((connection, permit)) = self.leased.take().and_then(|mut leased| leased.open.take()) {
            self.pool.give_back(connection, Instant::now());
            drop(permit);
        }
    }
}

fn lost() -> Failure {
    Failure::Connect("the connection is lost".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_connection_is_kept_after_a_transaction_and_closed_within_one() {
        let pool = Pool::new(
            "connections",
            Options { file: None, foreign_keys: true },
            1,
            1,
            Duration::from_mins(1),
        );
        let mut lease = pool.lease().await.expect("a lease");
        assert!(lease.control_now("BEGIN DEFERRED") && !lease.control_now("BEGIN DEFERRED"));
        assert!(lease.control_now("ROLLBACK"));
        drop(lease);
        assert_eq!(pool.idle().len(), 1);
        let mut lease = pool.lease().await.expect("a lease");
        assert!(lease.control_now("BEGIN DEFERRED"));
        lease.close();
        drop(lease);
        assert_eq!(pool.idle().len(), 0);
        let mut lease = pool.lease().await.expect("its place is free once it is closed");
        assert!(lease.control_now("BEGIN DEFERRED"), "another connection");
    }

    #[tokio::test]
    async fn a_connection_that_is_idle_for_long_is_closed() {
        let options = Options { file: None, foreign_keys: true };
        let pool = Pool::new("connections", options.clone(), 4, 4, Duration::from_mins(1));
        let begun = Instant::now();
        for seconds in [0, 10, 20] {
            let connection = Connection::open(&options).expect("opens");
            pool.give_back(connection, begun + Duration::from_secs(seconds));
        }
        assert_eq!(pool.idle().len(), 3);
        let mut lease = pool.lease().await.expect("a lease");
        let leased = lease.leased.as_mut().and_then(|leased| leased.open.take());
        let (newest, _permit) = leased.expect("a connection");
        assert_eq!(newest.used, begun + Duration::from_secs(20), "the one that was used last");
        pool.give_back(newest, begun + KEPT + Duration::from_secs(1));
        let idle: Vec<Duration> = pool.idle().iter().map(|idle| idle.used - begun).collect();
        assert_eq!(idle, [Duration::from_secs(10), KEPT + Duration::from_secs(1)]);
    }
}
