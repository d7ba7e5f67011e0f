//! The pool of connections. The one that was used last is used next: its server process has the plans and pages at hand, while the
//! others become idle and are closed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use deadpool::Runtime;
use deadpool::managed::{
    self, Metrics, Object, PoolError, QueueMode, RecycleError, RecycleResult, TimeoutType, Timeouts,
};
use futures::future::join_all;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{Connection as _, Executor as _};

use super::{citus, code, reach};
use crate::PoolSize;
use crate::liveness::Liveness;

/// The maximum age of a connection, so that a changed address is noticed.
const LIFETIME: Duration = Duration::from_hours(2);
/// The time after which an idle connection is closed when another one comes back.
const IDLE: Duration = Duration::from_mins(10);
/// The time limit of the test of an idle connection.
const PING: Duration = Duration::from_secs(5);
/// The time during which a connection is attempted again while the server is starting, or has no connection left.
const RETRY_FOR: Duration = Duration::from_secs(1);
/// The pause between two attempts.
const PAUSE: Duration = Duration::from_millis(50);
/// The time limit for closing the connections of one pool.
const CLOSE: Duration = Duration::from_secs(10);

/// Makes the server check every second of a statement whether its client is still there. Servers without the setting
/// (before 14) ignore it.
pub(super) const LOOK_FOR_CLIENT: &str = "SELECT set_config(name, '1000', false) FROM pg_settings \
    WHERE name = 'client_connection_check_interval'";

/// Reads whether the server accepts no writes: a standby, or a server that was made read-only.
pub(super) const READS_ONLY: &str = "SELECT current_setting('transaction_read_only') = 'on'";

/// The state of the tables, as the most recent connection has read it.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Whether they are spread over workers.
    pub spread: AtomicBool,
    /// Whether there are functions that run statements on the worker with the shard.
    pub functions: AtomicBool,
}

/// Creates connections.
#[derive(Clone)]
pub(super) struct Manager {
    pub options: PgConnectOptions,
    /// The time limit for a connection.
    pub connect: Duration,
    /// Whether it leads to a pooler in transaction mode, where settings would leak to other clients.
    pub pooled: bool,
    /// Whether a server that only reads is refused.
    pub must_write: bool,
    /// The idle time after which a connection is tested before use.
    pub test_after: Duration,
    pub found: Arc<Found>,
    pub liveness: Liveness,
}

impl managed::Manager for Manager {
    type Type = PgConnection;
    type Error = sqlx::Error;

    async fn create(&self) -> Result<PgConnection, sqlx::Error> {
        // Boxed: each lease would have room for it.
        let connected = async {
            let begun = Instant::now();
            loop {
                match self.connected().await {
                    Err(error) if is_transient(&error) && begun.elapsed() < RETRY_FOR => {
                        tokio::time::sleep(PAUSE).await;
                    }
                    connected => return connected,
                }
            }
        };
        let Ok(connected) = tokio::time::timeout(self.connect, Box::pin(connected)).await else {
            let text = format!("no answer within {} s", self.connect.as_secs());
            return Err(std::io::Error::new(std::io::ErrorKind::TimedOut, text).into());
        };
        connected
    }

    async fn recycle(&self, connection: &mut PgConnection, metrics: &Metrics) -> RecycleResult<sqlx::Error> {
        if metrics.age() > LIFETIME {
            return Err(RecycleError::message("old"));
        }
        let idle = metrics.last_used();
        if idle < self.test_after {
            return Ok(());
        }
        self.liveness.test(idle, PING.min(self.connect), connection.ping()).await
    }
}

impl Manager {
    async fn connected(&self) -> Result<PgConnection, sqlx::Error> {
        let options = reach::reachable(&self.options).await?;
        let mut connection = PgConnection::connect_with(&options).await?;
        if !self.pooled {
            // Best effort: without it an abandoned statement ends at its time limit.
            let _ = connection.execute(LOOK_FOR_CLIENT).await;
        }
        let is_spread = citus::is_spread(&mut connection).await?;
        self.found.spread.store(is_spread, Ordering::Relaxed);
        if is_spread && !self.pooled {
            citus::plan_for_parameters(&mut connection).await?;
            let has_functions = citus::has_functions(&mut connection).await?;
            self.found.functions.store(has_functions, Ordering::Relaxed);
        }
        if self.must_write && sqlx::query_scalar(READS_ONLY).fetch_one(&mut connection).await? {
            let text = "the server accepts no writes, and target_session_attrs asks for one that does";
            return Err(sqlx::Error::Configuration(text.into()));
        }
        Ok(connection)
    }
}

/// Returns whether the server has no connection left, or is starting.
fn is_transient(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_transient_in_connect_phase)
}

/// Returns whether the connection was lost, or the server ended it.
pub(super) fn is_hangup(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Io(_)) || code(error).starts_with("57P")
}

/// The connections for one purpose.
#[derive(Clone)]
pub(super) struct Connections {
    /// The name in the metrics.
    pub name: &'static str,
    pool: managed::Pool<Manager>,
    /// The number of connections that stay open when idle.
    pub kept: usize,
    pub most: usize,
}

impl Connections {
    /// Returns a pool of at most `most` connections, for which callers wait for `wait` at most. It opens none yet.
    pub fn new(name: &'static str, manager: Manager, kept: u32, most: u32, wait: Duration) -> Self {
        let (kept, most) = (kept as usize, most as usize);
        let pool = managed::Pool::builder(manager)
            .max_size(most)
            .queue_mode(QueueMode::Lifo)
            .timeouts(Timeouts { wait: Some(wait), create: None, recycle: None })
            .runtime(Runtime::Tokio1)
            .build()
            .expect("a runtime is given");
        Self { name, pool, kept, most }
    }

    /// Leases a connection.
    pub async fn lease(&self) -> Result<Lease, sqlx::Error> {
        self.leased(&self.pool.timeouts()).await
    }

    /// Leases a connection if one is idle.
    pub async fn lease_idle(&self) -> Option<Lease> {
        if self.pool.status().available == 0 {
            return None;
        }
        self.leased(&Timeouts { wait: Some(Duration::ZERO), ..self.pool.timeouts() }).await.ok()
    }

    async fn leased(&self, timeouts: &Timeouts) -> Result<Lease, sqlx::Error> {
        match self.pool.timeout_get(timeouts).await {
            Ok(object) => Ok(Lease { object: Some(object), busy: false, pool: self.clone() }),
            Err(PoolError::Backend(error)) => Err(error),
            Err(PoolError::Timeout(TimeoutType::Wait)) => Err(sqlx::Error::PoolTimedOut),
            Err(_) => Err(sqlx::Error::PoolClosed),
        }
    }

    /// Closes connections that have been idle for long.
    fn close_outdated(&self) {
        let mut spare = self.pool.status().available.saturating_sub(self.kept);
        if spare > 0 {
            self.pool.retain(|_, metrics| {
                let stays = spare == 0 || metrics.last_used() < IDLE;
                spare -= usize::from(!stays);
                stays
            });
        }
    }

    /// Drops the idle connections: one was dead, so the others probably are.
    pub fn forget_idle(&self) {
        self.pool.retain(|_, _| false);
    }

    /// Returns the number of connections.
    pub fn size(&self) -> PoolSize {
        let status = self.pool.status();
        let in_use = status.size.saturating_sub(status.available);
        PoolSize { pool: self.name, open: status.size, in_use, most: self.most }
    }

    /// Closes the idle connections; others are closed when they come back.
    pub async fn close(&self) {
        let idle = self.pool.retain(|_, _| false).removed;
        self.pool.close();
        // An error while closing is irrelevant.
        let _ = tokio::time::timeout(CLOSE, join_all(idle.into_iter().map(PgConnection::close))).await;
    }
}

/// A leased connection. Dropped before its answer is complete, it is closed, which ends the statement. In the pool it
/// would block until the server had finished.
pub(super) struct Lease {
    /// `None` only in `drop`.
    object: Option<Object<Manager>>,
    busy: bool,
    pool: Connections,
}

impl Lease {
    /// Returns the connection and marks it as in use.
    pub fn begin(&mut self) -> Result<&mut PgConnection, sqlx::Error> {
        self.busy = true;
        self.object.as_deref_mut().ok_or(sqlx::Error::PoolClosed)
    }

    /// Marks the use as complete, unless the connection may be lost.
    pub fn end<T>(&mut self, answer: &Result<T, sqlx::Error>) {
        self.busy = match answer {
            Err(error @ sqlx::Error::Database(_)) => is_hangup(error),
            answer => answer.is_err(),
        };
    }

    /// Returns whether the connection was used before, so that it may have died in the pool.
    pub fn is_used(&self) -> bool {
        self.object.as_ref().is_some_and(|object| Object::metrics(object).recycle_count > 0)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(object) = self.object.take() else { return };
        if self.busy {
            drop(Object::take(object));
        } else {
            drop(object);
            self.pool.close_outdated();
        }
    }
}
