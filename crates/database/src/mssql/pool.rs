//! The pool of connections. A connection in an unknown state is not reused.
//!
//! A pool is small at first and grows while callers wait, one connection after the other. To open one costs a server more than to
//! answer: if each of many callers opened its own, a busy server would have no time left for answers.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use deadpool::Runtime;
use deadpool::Status;
use deadpool::managed::{
    self, Metrics, Object, Pool, PoolError, QueueMode, RecycleError, RecycleResult, TimeoutType, Timeouts,
};
use tiberius::error::Error;
use tokio::sync::Semaphore;

use super::connect::{Connection, Role};
use crate::PoolSize;
use crate::address::Mssql as Address;
use crate::liveness::Liveness;

/// The maximum number of connections. More would only wait for each other in the server.
pub(super) const MOST: usize = 50;
/// The number of connections kept when idle.
const LASTING: usize = 20;
/// The number of connections opened before they are needed, and all that a pool has at first. Each first statement of one costs
/// the server a second on Babelfish.
pub(super) const WARM: usize = 4;
/// The wait for a connection after which the pool grows.
const BRIEF: Duration = Duration::from_millis(5);
/// Pause between opening connections, in multiples of the time that the last one took.
const PAUSE: u32 = 4;
/// The time limit for a connection of the pool.
const WAIT: Duration = Duration::from_secs(30);
/// The maximum age of a connection. Firewalls and fail-overs leave dead connections behind.
const AGE: Duration = Duration::from_hours(1);
/// The idle time after which a connection is tested before use.
const IDLE: Duration = Duration::from_secs(30);
/// The time limit of the test.
const PING: Duration = Duration::from_secs(3);

/// The statement that tests an idle connection.
pub(super) const PROBE: &str = "SELECT 1";

/// Creates connections of one role.
#[derive(Debug)]
pub(super) struct Manager {
    address: Arc<Address>,
    role: Role,
    /// When the pool may grow again.
    next_growth: Mutex<Instant>,
    liveness: Liveness,
}

impl managed::Manager for Manager {
    type Type = Connection;
    type Error = Error;

    async fn create(&self) -> Result<Connection, Error> {
        let begun = Instant::now();
        // Boxed: each lease would have room for it.
        let opened = Box::pin(Connection::open(&self.address, self.role, false)).await;
        *self.next_growth() = Instant::now() + begun.elapsed() * PAUSE;
        opened
    }

    async fn recycle(&self, connection: &mut Connection, _: &Metrics) -> RecycleResult<Error> {
        if connection.dirty {
            return Err(RecycleError::message("in the middle of something"));
        }
        if connection.made.elapsed() > AGE {
            return Err(RecycleError::message("old"));
        }
        let idle = connection.used.elapsed();
        if idle < IDLE {
            return Ok(());
        }
        self.liveness.test(idle, PING, Box::pin(connection.batch(PROBE))).await
    }
}

impl Manager {
    fn next_growth(&self) -> MutexGuard<'_, Instant> {
        self.next_growth.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The connections of one role.
#[derive(Clone, Debug)]
pub(super) struct Connections {
    name: &'static str,
    pool: Pool<Manager>,
    most: usize,
    /// Held while the pool grows.
    growing: Arc<Semaphore>,
}

impl Connections {
    pub fn new(name: &'static str, address: &Arc<Address>, role: Role, most: usize) -> Result<Self, Error> {
        let manager = Manager {
            address: Arc::clone(address),
            role,
            next_growth: Mutex::new(Instant::now()),
            liveness: Liveness::default(),
        };
        let pool = Pool::builder(manager)
            .max_size(most.min(WARM))
            .queue_mode(QueueMode::Lifo)
            .timeouts(Timeouts { wait: Some(WAIT), create: None, recycle: None })
            .runtime(Runtime::Tokio1)
            .build();
        let growing = Arc::new(Semaphore::new(1));
        pool.map(|pool| Self { name, pool, most, growing })
            .map_err(|error| Error::Conversion(error.to_string().into()))
    }

    /// Leases a connection.
    pub async fn lease(&self) -> Result<Lease, Error> {
        let begun = Instant::now();
        match self.get().await {
            Ok(object) => Ok(Lease { object: Some(object), pool: self.pool.clone() }),
            Err(PoolError::Backend(error)) => Err(error),
            Err(error) => Err(Error::Io {
                kind: std::io::ErrorKind::TimedOut,
                message: format!("no free connection after {} s: {error}", begun.elapsed().as_secs()),
            }),
        }
    }

    async fn get(&self) -> Result<Object<Manager>, PoolError<Error>> {
        if self.pool.status().available > 0 {
            // Not to open one here: the request may be abandoned.
            let at_once =
                Timeouts { wait: Some(Duration::ZERO), create: Some(Duration::ZERO), recycle: None };
            match self.pool.timeout_get(&at_once).await {
                Err(PoolError::Timeout(_)) => {}
                got => return got,
            }
        }
        // A task of its own: if a login takes longer than a request may, no request would ever get a connection if
        // each abandoned its login.
        let connections = self.clone();
        let got = tokio::spawn(async move { connections.get_or_grow().await }).await;
        got.unwrap_or_else(|error| Err(PoolError::Backend(Error::Protocol(error.to_string().into()))))
    }

    async fn get_or_grow(&self) -> Result<Object<Manager>, PoolError<Error>> {
        let brief = Timeouts { wait: Some(BRIEF), ..self.pool.timeouts() };
        match self.pool.timeout_get(&brief).await {
            Err(PoolError::Timeout(TimeoutType::Wait)) => {
                self.grow();
                self.pool.get().await
            }
            other => other,
        }
    }

    /// Lets the pool open one more connection after the other, in a task of its own, until none waits.
    fn grow(&self) {
        let Ok(growing) = Arc::clone(&self.growing).try_acquire_owned() else { return };
        let (pool, most) = (self.pool.clone(), self.most);
        tokio::spawn(async move {
            let _growing = growing;
            loop {
                let Status { max_size, size, waiting, .. } = pool.status();
                if waiting == 0 || max_size >= most {
                    return;
                }
                let next = *pool.manager().next_growth();
                // A waiter has yet to open the last one otherwise.
                if size == max_size && next <= Instant::now() {
                    pool.resize(max_size + 1);
                }
                tokio::time::sleep_until((next.max(Instant::now()) + BRIEF).into()).await;
            }
        });
    }

    /// Drops the idle connections: one was dead, so the others probably are.
    pub fn forget_idle(&self) {
        self.pool.retain(|_, _| false);
    }

    /// Returns the name of the pool in the metrics.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the number of connections.
    pub fn size(&self) -> PoolSize {
        let status = self.pool.status();
        let in_use = status.size.saturating_sub(status.available);
        PoolSize { pool: self.name, open: status.size, in_use, most: self.most }
    }

    pub fn close(&self) {
        self.pool.close();
    }
}

/// A leased connection. It does not return to the pool when dropped in use.
#[derive(Debug)]
pub(super) struct Lease {
    /// `None` only in `drop`.
    object: Option<Object<Manager>>,
    pool: Pool<Manager>,
}

impl Lease {
    /// Returns the connection.
    pub fn connection(&mut self) -> Result<&mut Connection, Error> {
        self.object.as_deref_mut().ok_or_else(|| Error::Protocol("the connection is closed".into()))
    }

    /// Returns whether the connection was used before, so that it may have died in the pool.
    pub fn is_used(&self) -> bool {
        self.object.as_ref().is_some_and(|object| Object::metrics(object).recycle_count > 0)
    }

    /// Marks the connection as not reusable.
    pub fn spoil(&mut self) {
        if let Some(connection) = self.object.as_deref_mut() {
            connection.dirty = true;
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(object) = self.object.take() else { return };
        if object.dirty {
            let connection = Object::take(object);
            // Cancellation runs in its own task, since the dropping task may end at once.
            if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                runtime.spawn(connection.abandon());
            }
        } else if self.pool.status().available >= LASTING {
            drop(Object::take(object));
        }
    }
}
