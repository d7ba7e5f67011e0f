//! The connections to a file. A statement that nobody waits for any more is interrupted.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::PoolSize;

/// Instructions of SQLite's machine between two looks at the flag, some 10 µs.
const INSTRUCTIONS: i32 = 2_000;

/// A connection and the flag that interrupts its statement.
#[derive(Debug)]
struct Connection {
    connection: SqliteConnection,
    interrupted: Arc<AtomicBool>,
}

impl Connection {
    async fn open(options: &SqliteConnectOptions) -> Result<Self, sqlx::Error> {
        let mut connection = SqliteConnection::connect_with(options).await?;
        let interrupted = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&interrupted);
        let goes_on = move || !flag.load(Ordering::Relaxed);
        connection.lock_handle().await?.set_progress_handler(INSTRUCTIONS, goes_on);
        Ok(Self { connection, interrupted })
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
        for Connection { connection, .. } in idle {
            // Everything is committed; an error while closing is irrelevant.
            let _ = connection.close().await;
        }
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
        self.connection.as_mut().map(|leased| &mut leased.connection).ok_or(sqlx::Error::PoolClosed)
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
            let mut idle = self.pool.idle();
            if idle.len() < self.pool.0.lasting {
                idle.push(leased);
            }
            return;
        }
        leased.interrupted.store(true, Ordering::Relaxed);
        // The place in the pool is free once the statement has ended. Closing rolls back.
        let permit = self.permit.take();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                // Whether it was interrupted or complete does not matter.
                let _ = leased.connection.close().await;
                drop(permit);
            });
        }
    }
}
