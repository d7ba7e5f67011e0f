//! Connections to the workers of Citus, past the coordinator.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::pool::{Connections, Lease, Manager, is_hangup};
use crate::liveness::Liveness;
use crate::{PoolSize, Tier, usage};

/// The name of their pool in the metrics.
const NAME: &str = "workers";
/// The time limit for a new connection, and for a free one: the coordinator serves as well.
const CONNECT: Duration = Duration::from_secs(2);
/// The time during which no new connection to a worker is attempted after one has failed.
const PAUSE: Duration = Duration::from_mins(1);

/// The address of a worker, as the coordinator knows it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Node {
    pub host: String,
    pub port: u16,
}

/// The pools of connections to workers, one each.
pub(super) struct Workers {
    tier: Tier,
    /// Makes their connections, each with its own address.
    manager: Manager,
    /// The maximum number of connections to each.
    most: u32,
    pools: Mutex<HashMap<Node, Worker>>,
}

struct Worker {
    connections: Connections,
    /// When it could not be reached.
    lost: Option<Instant>,
}

impl Workers {
    /// Returns the pools without a connection. A caller has one connection to a worker at a time, so that `most` callers never wait.
    pub fn new(tier: Tier, manager: Manager, most: u32) -> Self {
        // The state of the tables is the coordinator's.
        let manager = Manager { connect: manager.connect.min(CONNECT), found: Arc::default(), ..manager };
        Self { tier, manager, most, pools: Mutex::default() }
    }

    /// Leases a connection to a worker; `None` if it cannot be reached.
    pub async fn lease(&self, node: &Node) -> Option<Lease> {
        let connections = self.connections(node)?;
        let begun = Instant::now();
        let lease = connections.lease().await;
        usage::leased(self.tier, NAME, begun);
        if let Err(error) = &lease {
            tracing::warn!(
                worker = format!("{}:{}", node.host, node.port),
                %error,
                "reads of this worker go through the coordinator for a minute"
            );
            self.set_lost(node);
        }
        lease.ok()
    }

    /// Returns an answer of a worker; `None` if its connection was lost. Then the others probably are.
    pub fn unless_lost<T>(
        &self,
        node: &Node,
        answer: Result<T, sqlx::Error>,
    ) -> Option<Result<T, sqlx::Error>> {
        if !answer.as_ref().is_err_and(is_hangup) {
            return Some(answer);
        }
        if let Some(connections) = self.connections(node) {
            connections.forget_idle();
        }
        None
    }

    fn connections(&self, node: &Node) -> Option<Connections> {
        let mut pools = self.pools();
        let worker = pools.entry(node.clone()).or_insert_with(|| {
            let options = self.manager.options.clone().host(&node.host).port(node.port);
            let manager = Manager { options, liveness: Liveness::default(), ..self.manager.clone() };
            let connections = Connections::new(NAME, manager, 0, self.most, CONNECT);
            Worker { connections, lost: None }
        });
        let is_lost = worker.lost.is_some_and(|lost| lost.elapsed() < PAUSE);
        (!is_lost).then(|| worker.connections.clone())
    }

    fn set_lost(&self, node: &Node) {
        if let Some(worker) = self.pools().get_mut(node) {
            worker.lost = Some(Instant::now());
        }
    }

    /// Returns the number of connections to all workers together.
    pub fn size(&self) -> PoolSize {
        let none = PoolSize { pool: NAME, open: 0, in_use: 0, most: 0 };
        self.pools().values().map(|worker| worker.connections.size()).fold(none, |all, one| PoolSize {
            open: all.open + one.open,
            in_use: all.in_use + one.in_use,
            most: all.most + one.most,
            ..all
        })
    }

    /// Closes the idle connections.
    pub async fn close(&self) {
        let pools: Vec<Connections> =
            self.pools().values().map(|worker| worker.connections.clone()).collect();
        futures::future::join_all(pools.iter().map(Connections::close)).await;
    }

    fn pools(&self) -> MutexGuard<'_, HashMap<Node, Worker>> {
        self.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlx::postgres::PgConnectOptions;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn a_worker_that_cannot_be_reached_is_left_alone_for_a_while() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        drop(listener);
        let manager = Manager {
            options: PgConnectOptions::new_without_pgpass(),
            connect: CONNECT,
            pooled: false,
            must_write: false,
            test_after: Duration::ZERO,
            found: Arc::default(),
            liveness: Liveness::default(),
        };
        let workers = Workers::new(Tier::Cold, manager, 2);
        let node = Node { host: address.ip().to_string(), port: address.port() };
        assert!(workers.lease(&node).await.is_none(), "nothing listens");
        let listener = TcpListener::bind(address).await.expect("the port is free still");
        assert!(workers.lease(&node).await.is_none(), "it was just found lost");
        let asked = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
        assert!(asked.is_err(), "it is asked all the same");
        assert_eq!(workers.size().most, 2);
    }
}
