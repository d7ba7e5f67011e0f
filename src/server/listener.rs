//! Accepts connections, and ends them when the server stops.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::activity::Activity;
use super::connection::Server;
use super::limits::Limits;
use super::open::OpenConnections;
use super::refusal::{self, Refusals};

/// The pause after an error that a next attempt would meet again, such as too many open files.
const BACK_OFF: Duration = Duration::from_millis(100);
/// Refused clients that may read why at the same time.
const REFUSALS: usize = 64;
/// Counter of errors while accepting.
const ACCEPT_ERRORS: &str = "thermocline_http_accept_errors_total";

/// Serves until `stop` resolves, then finishes the requests in progress within the time that `limits` sets.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    refusals: Refusals,
    stop: impl Future<Output = ()>,
) {
    let server = Server::new(router, limits, refusals);
    let open = OpenConnections::new(limits.connections);
    let leaving = Arc::new(Semaphore::new(REFUSALS));
    let mut tasks = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let activity = Activity::new(Instant::now());
                    if let Some(place) = open.admit(peer.ip(), &activity) {
                        let server = Arc::clone(&server);
                        tasks.spawn(async move {
                            server.serve(stream, peer, activity).await;
                            drop(place);
                        });
                    } else {
                        refuse(stream, peer, &server, &leaving, &mut tasks);
                    }
                }
                Err(error) => after(&error, &open).await,
            },
            Some(_) = tasks.join_next() => {}
        }
    }
    drop(listener);
    server.stopping.cancel();
    let drained = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(limits.shutdown_timeout, drained).await.is_err() {
        tracing::warn!(
            connections = tasks.len(),
            "requests did not end in time, their connections are cut off"
        );
        tasks.shutdown().await;
    }
}

/// Tells a client that there are too many connections.
fn refuse(
    stream: TcpStream,
    peer: SocketAddr,
    server: &Server,
    leaving: &Arc<Semaphore>,
    tasks: &mut JoinSet<()>,
) {
    tracing::debug!(%peer, "a connection is refused: there are too many");
    let Ok(permit) = Arc::clone(leaving).try_acquire_owned() else { return };
    let refusal = server.refusals.too_many_connections();
    tasks.spawn(async move {
        // Best effort: the client may not read.
        let _ = stream.try_write(&refusal);
        refusal::linger(&stream).await;
        drop(permit);
    });
}

/// Recovers from an error of `accept`.
async fn after(error: &io::Error, open: &OpenConnections) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    metrics::counter!(ACCEPT_ERRORS).increment(1);
    if matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted) {
        return;
    }
    // Most likely there are no more file descriptors.
    tracing::error!(%error, "a connection cannot be accepted");
    open.evict();
    tokio::time::sleep(BACK_OFF).await;
}
