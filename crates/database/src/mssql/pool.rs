//! Connections that are used again, and what happens to those that must not be.

use std::sync::Arc;
use std::time::{Duration, Instant};

use deadpool::Runtime;
use deadpool::managed::{self, Metrics, Object, Pool, PoolError, RecycleError, RecycleResult, Timeouts};
use tiberius::error::Error;

use super::connect::{Connection, Role};
use crate::address::Mssql as Address;

/// At most so many at once; more only wait for each other in the server.
const MOST: usize = 50;
/// So many stay when a rush is over.
const LASTING: usize = 20;
/// How long to wait for one.
const WAIT: Duration = Duration::from_secs(30);
/// Renewed after an hour: firewalls and fail-overs leave connections behind that only seem alive.
const AGE: Duration = Duration::from_hours(1);
/// One that lay still for so long is tried first.
const IDLE: Duration = Duration::from_secs(30);
/// How long that may take.
const PING: Duration = Duration::from_secs(3);

/// Makes connections of one role.
#[derive(Debug)]
pub(super) struct Manager {
    address: Arc<Address>,
    role: Role,
}

impl managed::Manager for Manager {
    type Type = Connection;
    type Error = Error;

    async fn create(&self) -> Result<Connection, Error> {
        Connection::open(&self.address, self.role, false).await
    }

    async fn recycle(&self, connection: &mut Connection, _: &Metrics) -> RecycleResult<Error> {
        if connection.dirty {
            return Err(RecycleError::message("in the middle of something"));
        }
        if connection.made.elapsed() > AGE {
            return Err(RecycleError::message("old"));
        }
        if connection.used.elapsed() > IDLE {
            let answered = tokio::time::timeout(PING, connection.batch("SELECT 1")).await;
            answered.map_err(|_| RecycleError::message("silent"))??;
        }
        Ok(())
    }
}

/// Connections of one role.
#[derive(Clone, Debug)]
pub(super) struct Connections(Pool<Manager>);

impl Connections {
    pub fn new(address: &Arc<Address>, role: Role) -> Result<Self, Error> {
        let manager = Manager { address: Arc::clone(address), role };
        let pool = Pool::builder(manager)
            .max_size(MOST)
            .timeouts(Timeouts { wait: Some(WAIT), create: None, recycle: None })
            .runtime(Runtime::Tokio1)
            .build();
        pool.map(Self).map_err(|error| Error::Conversion(error.to_string().into()))
    }

    /// One of them, for as long as it is held.
    pub async fn lease(&self) -> Result<Lease, Error> {
        let begun = Instant::now();
        // On its own: where a login takes longer than a request may, nobody would ever be let in if each gave up the
        // connection with the request that first asked for it.
        let pool = self.0.clone();
        let got = tokio::spawn(async move { pool.get().await }).await;
        match got.map_err(|error| Error::Protocol(error.to_string().into()))? {
            Ok(object) => Ok(Lease { object: Some(object), pool: self.0.clone() }),
            Err(PoolError::Backend(error)) => Err(error),
            Err(error) => Err(Error::Io {
                kind: std::io::ErrorKind::TimedOut,
                message: format!("no free connection after {} s: {error}", begun.elapsed().as_secs()),
            }),
        }
    }

    /// Hangs up on those that wait for work: one of them turned out to be dead, and so will the rest.
    pub fn forget_idle(&self) {
        self.0.retain(|_, _| false);
    }

    /// How many connections there are and how many of them wait for work.
    pub fn size(&self) -> (usize, usize) {
        let status = self.0.status();
        (status.size, status.available)
    }

    pub fn close(&self) {
        self.0.close();
    }
}

/// A connection out of the pool. One that is given up in mid-use never goes back.
#[derive(Debug)]
pub(super) struct Lease {
    /// Gone only in drop.
    object: Option<Object<Manager>>,
    pool: Pool<Manager>,
}

impl Lease {
    /// The connection.
    pub fn connection(&mut self) -> Result<&mut Connection, Error> {
        self.object.as_deref_mut().ok_or_else(|| Error::Protocol("the connection is closed".into()))
    }

    /// Whether the connection has served before, and so may have died in the pool.
    pub fn is_used(&self) -> bool {
        self.object.as_ref().is_some_and(|object| Object::metrics(object).recycle_count > 0)
    }

    /// Keeps the connection from being used again.
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
            // Whoever drops a lease in mid-use may itself be dropped at once: the server is told elsewhere.
            if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                runtime.spawn(connection.abandon());
            }
        } else if self.pool.status().available >= LASTING {
            drop(Object::take(object));
        }
    }
}
