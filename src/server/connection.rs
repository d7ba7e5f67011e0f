//! One connection: HTTP/1.1 or HTTP/2 by its first bytes, until it ends or is given up.

use std::convert::Infallible;
use std::future::ready;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use futures::future::Either;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
#[cfg(target_os = "linux")]
use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tower::Service as _;

use super::activity::{Activity, Expiry};
use super::body::Sending;
use super::limits::Limits;
use super::refusal::{self, Refusals};
use super::socket::Socket;

/// The first byte of a client of HTTP/2 (RFC 9113, section 3.4), and of some methods of HTTP/1.1.
const HTTP2: u8 = b'P';
/// Bytes of a request's header.
const HEADER: usize = 16 * 1024;
/// Requests at once on a connection of HTTP/2.
const STREAMS: u32 = 128;
/// Requests that a client of HTTP/2 may take back before they are looked at (CVE-2023-44487).
const RESETS: usize = 32;
/// Bytes of a request's body that a client of HTTP/2 may send ahead.
const WINDOW: u32 = 64 * 1024;
/// Bytes of a response that wait for a client of HTTP/2, a stream.
const SEND_BUFFER: usize = 64 * 1024;
/// Bytes of a response that wait in the kernel.
#[cfg(target_os = "linux")]
const UNSENT: u32 = 64 * 1024;
/// The time between two checks whether a client of HTTP/2 is still there, and the time for its answer.
const PING: Duration = Duration::from_secs(20);
/// The time in which a client accepts that its idle connection ends.
const FAREWELL: Duration = Duration::from_secs(1);
/// Counter of connections that were given up, by reason.
const GIVEN_UP: &str = "thermocline_http_connections_given_up_total";

/// The parts that all connections of a server share.
#[derive(Debug)]
pub struct Server {
    router: Router,
    limits: Limits,
    /// Writes the refusals of connections and requests that do not reach the router.
    pub refusals: Refusals,
    /// Speaks HTTP/1.1 alone.
    http1: Builder<TokioExecutor>,
    /// Speaks the version that the client begins with. It keeps twice the buffer for a client of HTTP/1.1.
    any_version: Builder<TokioExecutor>,
    /// Cancelled when the server stops.
    pub stopping: CancellationToken,
}

impl Server {
    /// Returns a server of `router`.
    pub fn new(router: Router, limits: Limits, refusals: Refusals) -> Arc<Self> {
        let mut builder = Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            // `Activity` knows when a header began, and has its own time for idle connections.
            .header_read_timeout(None)
            .max_buf_size(HEADER);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS)
            .max_header_list_size(HEADER as u32)
            .max_pending_accept_reset_streams(RESETS)
            .max_local_error_reset_streams(RESETS)
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(WINDOW * 4)
            .max_send_buf_size(SEND_BUFFER)
            .keep_alive_interval(PING)
            .keep_alive_timeout(PING);
        Arc::new(Self {
            router,
            limits,
            refusals,
            http1: builder.clone().http1_only(),
            any_version: builder,
            stopping: CancellationToken::new(),
        })
    }

    /// Serves a connection until it ends.
    pub async fn serve(&self, stream: TcpStream, peer: SocketAddr, activity: Arc<Activity>) {
        prepare(&stream, &self.limits);
        let stream = Arc::new(stream);
        let ended = Arc::new(AtomicBool::new(false));
        let last_word = self.run(&stream, peer, &activity, &ended).await;
        match last_word {
            LastWord::None if ended.load(Ordering::Relaxed) => {}
            LastWord::Nothing => {}
            LastWord::None => until_evicted(&activity, refusal::linger(&stream)).await,
            LastWord::Refusal(refusal) => {
                // Best effort: the client may not read.
                let _ = stream.try_write(&refusal);
                until_evicted(&activity, refusal::linger(&stream)).await;
            }
        }
    }

    async fn run(
        &self,
        stream: &Arc<TcpStream>,
        peer: SocketAddr,
        activity: &Arc<Activity>,
        ended: &Arc<AtomicBool>,
    ) -> LastWord {
        let builder = match self.first_byte(stream, peer, activity).await {
            Ok(HTTP2) => &self.any_version,
            Ok(_) => &self.http1,
            Err(last_word) => return last_word,
        };
        let socket =
            Socket::new(Arc::clone(stream), Arc::clone(activity), Arc::clone(ended), self.refusals.clone());
        let service = service_fn(|mut request: http::Request<Incoming>| {
            let in_progress = activity.begin(request.version());
            let answer = if let Some(refusal) = self.refusals.of_overload(&request, peer) {
                Either::Left(ready(Ok(refusal)))
            } else {
                request.extensions_mut().insert(ConnectInfo(peer));
                Either::Right(self.router.clone().call(request.map(Body::new)))
            };
            let stopping = self.stopping.clone();
            async move {
                let response = answer.await.unwrap_or_else(|never: Infallible| match never {});
                Ok::<_, Infallible>(Sending::response(response, in_progress, &stopping))
            }
        });
        let mut connection = pin!(builder.serve_connection(TokioIo::new(socket), service));
        let mut stopping = pin!(self.stopping.cancelled());
        // Set once the client was asked to close.
        let mut closing: Option<Instant> = None;
        loop {
            let now = Instant::now();
            let next = match (closing, activity.idle_since()) {
                (Some(asked), Some(idle)) if asked.max(idle) + FAREWELL <= now => return LastWord::Nothing,
                (Some(asked), Some(idle)) => Ok(asked.max(idle) + FAREWELL),
                _ => activity.check(now, &self.limits),
            };
            let next = match next {
                Ok(next) => next,
                Err(Expiry::Idle) => {
                    count(Expiry::Idle);
                    closing = Some(now);
                    connection.as_mut().graceful_shutdown();
                    continue;
                }
                Err(expiry) => {
                    give_up(peer, expiry);
                    let begun = expiry == Expiry::Header && activity.is_in_header();
                    return if begun {
                        LastWord::Refusal(self.refusals.late_header())
                    } else {
                        LastWord::Nothing
                    };
                }
            };
            tokio::select! {
                biased;
                done = &mut connection => {
                    if let Err(error) = done {
                        tracing::debug!(%peer, error, "a connection ended with an error");
                    }
                    return LastWord::None;
                }
                () = activity.evicted.notified() => return LastWord::Nothing,
                () = &mut stopping, if closing.is_none() => {
                    if activity.is_in_header() {
                        return LastWord::Nothing;
                    }
                    closing = Some(Instant::now());
                    connection.as_mut().graceful_shutdown();
                }
                () = tokio::time::sleep_until(next) => {}
            }
        }
    }

    /// Waits for the first byte of a client, which stays to be read; 0 if the client ends without one.
    async fn first_byte(
        &self,
        stream: &TcpStream,
        peer: SocketAddr,
        activity: &Activity,
    ) -> Result<u8, LastWord> {
        let mut byte = [0];
        loop {
            let next = activity.check(Instant::now(), &self.limits).map_err(|expiry| {
                give_up(peer, expiry);
                LastWord::Nothing
            })?;
            tokio::select! {
                biased;
                // An error of the socket shows again at the next read.
                _ = stream.peek(&mut byte) => return Ok(byte[0]),
                () = activity.evicted.notified() => return Err(LastWord::Nothing),
                () = self.stopping.cancelled() => return Err(LastWord::Nothing),
                () = tokio::time::sleep_until(next) => {}
            }
        }
    }
}

/// The way a connection ends.
enum LastWord {
    /// The HTTP library is done with it.
    None,
    /// It is closed at once.
    Nothing,
    /// The client is told why.
    Refusal(Vec<u8>),
}

fn give_up(peer: SocketAddr, expiry: Expiry) {
    count(expiry);
    tracing::debug!(%peer, ?expiry, "a connection is given up");
}

fn count(expiry: Expiry) {
    let reason = match expiry {
        Expiry::Header => "header",
        Expiry::Idle => "idle",
        Expiry::Write => "write",
    };
    metrics::counter!(GIVEN_UP, "reason" => reason).increment(1);
}

async fn until_evicted(activity: &Activity, work: impl Future<Output = ()>) {
    tokio::select! {
        () = work => {}
        () = activity.evicted.notified() => {}
    }
}

/// Sets the options of a socket. An error leaves the connection slower to notice a client that is gone.
fn prepare(stream: &TcpStream, limits: &Limits) {
    let _ = stream.set_nodelay(true);
    #[cfg(target_os = "linux")]
    {
        let socket = SockRef::from(stream);
        let _ = socket.set_tcp_user_timeout(Some(limits.write_timeout));
        // With megabytes in the kernel, a slow client would look like one that does not read.
        let _ = socket.set_tcp_notsent_lowat(UNSENT);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = limits;
}
