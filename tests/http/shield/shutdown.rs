//! A server that stops does so in time, independent of its clients.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use futures::StreamExt as _;
use thermocline::server::Limits;
use tokio::sync::oneshot;

use super::raw::{Raw, SHORT, limits, router, serve, soon};

#[tokio::test]
async fn clients_without_a_request_do_not_delay_the_end() {
    let (stop, stopped) = oneshot::channel::<()>();
    let (addr, server) = serve(router(), limits(), async { drop(stopped.await) }).await;
    let mut clients = Vec::new();
    for text in ["", "GET / HT", "GET / HTTP/1.1\r\nhost: test\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        let mut raw = Raw::connect(&addr).await;
        raw.send(text).await;
        clients.push(raw);
    }
    let mut idle = Raw::connect(&addr).await;
    assert!(idle.get("/").await.ends_with("hello"));
    stop.send(()).expect("the server runs");
    soon("the end of the server", server).await.expect("it ends");
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_off_at_the_end() {
    let (stop, stopped) = oneshot::channel::<()>();
    let limits = Limits { shutdown_timeout: SHORT, ..limits() };
    let (addr, server) = serve(router(), limits, async { drop(stopped.await) }).await;
    let mut deaf = Raw::connect(&addr).await;
    deaf.send("GET /endless HTTP/1.1\r\nhost: test\r\n\r\n").await;
    let mut hopeful = Raw::connect(&addr).await;
    hopeful.send("GET /never HTTP/1.1\r\nhost: test\r\n\r\n").await;
    let mut idle = Raw::connect(&addr).await;
    assert!(idle.get("/").await.ends_with("hello"));
    stop.send(()).expect("the server runs");
    soon("the end of the server", server).await.expect("it ends");
    assert_eq!(hopeful.rest().await, "");
}

#[tokio::test]
async fn a_request_in_progress_is_answered() {
    let (begun, has_begun) = oneshot::channel::<()>();
    let (release, released) = oneshot::channel::<()>();
    let once = std::sync::Mutex::new(Some((begun, released)));
    let slow = move || {
        let once = once.lock().expect("a lock").take();
        async move {
            let (begun, released) = once.expect("one request");
            begun.send(()).expect("the test waits");
            released.await.expect("the test goes on");
            "done"
        }
    };
    let slow = std::sync::Arc::new(slow);
    let router = Router::new().route("/slow", get(move || slow()));
    let (stop, stopped) = oneshot::channel::<()>();
    let (addr, server) = serve(router, limits(), async { drop(stopped.await) }).await;
    let mut raw = Raw::connect(&addr).await;
    raw.send("GET /slow HTTP/1.1\r\nhost: test\r\n\r\n").await;
    soon("the request", has_begun).await.expect("it begins");
    stop.send(()).expect("the server runs");
    soon("a refused connection", async {
        while tokio::net::TcpStream::connect(&addr).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    release.send(()).expect("the request waits");
    assert!(raw.rest().await.ends_with("done"));
    soon("the end of the server", server).await.expect("it ends");
}

#[tokio::test]
async fn a_stream_of_events_ends_when_the_server_stops() {
    let events = || async {
        let first = futures::stream::once(async { Ok::<_, Infallible>("data: 1\n\n") });
        let body = Body::from_stream(first.chain(futures::stream::pending()));
        ([(CONTENT_TYPE, "text/event-stream")], body)
    };
    let router = Router::new().route("/events", get(events));
    let (stop, stopped) = oneshot::channel::<()>();
    let (addr, server) = serve(router, limits(), async { drop(stopped.await) }).await;
    let mut raw = Raw::connect(&addr).await;
    raw.send("GET /events HTTP/1.1\r\nhost: test\r\n\r\n").await;
    raw.0.readable().await.expect("the first event");
    stop.send(()).expect("the server runs");
    let text = raw.rest().await;
    assert!(text.ends_with("data: 1\n\n\r\n0\r\n\r\n"), "the stream is whole: {text:?}");
    soon("the end of the server", server).await.expect("it ends");
}
