//! The connections to a file. A statement that nobody waits for any more is interrupted.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::PoolSize;

/// Instructions of SQLite's machine between two looks at the flag, some 10 µs.
const INSTRUCTIONS: i32 = 2_000;
/// The time after which an idle connection is closed when another one comes back. Each has a cache of up to 16 MiB.
const KEPT: Duration = Duration::from_secs(30);

/// A connection and the flag that interrupts its statement.
#[derive(Debug)]
struct Connection {
    handle: SqliteConnection,
    interrupted: Arc<AtomicBool>,
    /// When it was last in use.
    used: Instant,
}

impl Connection {
    async fn open(options: &SqliteConnectOptions) -> Result<Self, sqlx::Error> {
        let mut handle = SqliteConnection::connect_with(options).await?;
        let interrupted = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&interrupted);
        let goes_on = move || !flag.load(Ordering::Relaxed);
        handle.lock_handle().await?.set_progress_handler(INSTRUCTIONS, goes_on);
        Ok(Self { handle, interrupted, used: Instant::now() })
    }
}

/// A pool of connections to one file.
#[derive(Clone, Debug)]
pub(super) struct Pool(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: &'static str,
    options: SqliteConnectOptions,
    most: u32,
    /// The number of connections kept when idle. Each has a cache.
    lasting: usize,
    wait: Duration,
    permits: Arc<Semaphore>,
    /// In the order in which they were used; the next one to be used is at the end, so that few stay in use.
    idle: Mutex<Vec<Connection>>,
}

impl Pool {
    /// Returns a pool of at most `most` connections, `lasting` of which are kept when idle. It opens none yet.
    pub fn new(
        name: &'static str,
        options: SqliteConnectOptions,
        most: u32,
        lasting: usize,
        wait: Duration,
    ) -> Self {
        let permits = Arc::new(Semaphore::new(most as usize));
        Self(Arc::new(Inner { name, options, most, lasting, wait, permits, idle: Mutex::default() }))
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
    pub fn options(&self) -> &SqliteConnectOptions {
        &self.0.options
    }

    /// Leases a connection.
    pub async fn lease(&self) -> Result<Lease, sqlx::Error> {
        let permit = tokio::time::timeout(self.0.wait, Arc::clone(&self.0.permits).acquire_owned());
        let permit = permit.await.map_err(|_| sqlx::Error::PoolTimedOut)?;
        let permit = permit.map_err(|_| sqlx::Error::PoolClosed)?;
        let idle = self.idle().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => Connection::open(&self.0.options).await?,
        };
        Ok(Lease { connection: Some(connection), busy: false, permit: Some(permit), pool: self.clone() })
    }

    /// Waits for the connections in use, then closes all.
    pub async fn close(&self) {
        let Ok(_all) = self.0.permits.acquire_many(self.0.most).await else { return };
        self.0.permits.close();
        let idle: Vec<Connection> = self.idle().drain(..).collect();
        for Connection { handle, .. } in idle {
            // Everything is committed; an error while closing is irrelevant.
            let _ = handle.close().await;
        }
    }

    /// Keeps a connection for the next lease. Closes those that have been idle for long, and this one if enough are idle.
    fn give_back(&self, mut connection: Connection, now: Instant) {
        connection.used = now;
        let mut idle = self.idle();
        let outdated = idle.partition_point(|idle| now.duration_since(idle.used) > KEPT);
        let outdated: Vec<Connection> = idle.drain(..outdated).collect();
        if idle.len() < self.0.lasting {
            idle.push(connection);
        }
        drop(idle);
        // Closing waits for their threads.
        drop(outdated);
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A leased connection. Dropped before its statement is complete, the statement is interrupted and the connection closed.
#[derive(Debug)]
pub(super) struct Lease {
    /// `None` only in `drop`.
    connection: Option<Connection>,
    busy: bool,
    permit: Option<OwnedSemaphorePermit>,
    pool: Pool,
}

impl Lease {
    /// Returns the connection and marks it as in use.
    pub fn begin(&mut self) -> Result<&mut SqliteConnection, sqlx::Error> {
        self.busy = true;
        self.connection.as_mut().map(|leased| &mut leased.handle).ok_or(sqlx::Error::PoolClosed)
    }

    /// Marks the use as complete.
    pub fn end(&mut self) {
        self.busy = false;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(leased) = self.connection.take() else { return };
        if !self.busy {
            self.pool.give_back(leased, Instant::now());
            return;
        }
        leased.interrupted.store(true, Ordering::Relaxed);
        // The place in the pool is free once the statement has ended. Closing rolls back.
        let permit = self.permit.take();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                // Whether it was interrupted or complete does not matter.
                let _ = leased.handle.close().await;
                drop(permit);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_connection_that_is_idle_for_long_is_closed() {
        let options = SqliteConnectOptions::new().in_memory(true);
        let pool = Pool::new("connections", options.clone(), 4, 4, Duration::from_mins(1));
        let begun = Instant::now();
        for seconds in [0, 10, 20] {
            let connection = Connection::open(&options).await.expect("opens");
            pool.give_back(connection, begun + Duration::from_secs(seconds));
        }
        assert_eq!(pool.idle().len(), 3);
        let Lease { connection, .. } = &mut pool.lease().await.expect("a lease");
        let newest = connection.take().expect("a connection");
        assert_eq!(newest.used, begun + Duration::from_secs(20), "the one that was used last");
        pool.give_back(newest, begun + KEPT + Duration::from_secs(1));
        let idle: Vec<Duration> = pool.idle().iter().map(|idle| idle.used - begun).collect();
        assert_eq!(idle, [Duration::from_secs(10), KEPT + Duration::from_secs(1)]);
    }
}
