//! Limits of connections.

use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::ConnectInfo;
use axum::routing::get;
use thermocline::server::Limits;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::Instant;

use super::raw::{Raw, SHORT, assert_problem, limits, router, serve, soon};
use crate::support::client;
use crate::support::waiting::until;

#[tokio::test]
async fn a_header_that_is_not_sent_in_time_is_refused() {
    let (addr, _server) = serve(router(), Limits { header_timeout: SHORT, ..limits() }, pending()).await;
    let (mut half, mut silent) = (Raw::connect(&addr).await, Raw::connect(&addr).await);
    half.send("GET / HTTP/1.1\r\nhost: test\r\n").await;
    assert_problem(&half.rest().await, 408, "invalid-parameter");
    assert_eq!(silent.rest().await, "", "a client that never began gets no answer");
    let mut second = answered(&addr).await;
    second.send("G").await;
    assert_problem(&second.rest().await, 408, "invalid-parameter");
}

/// Returns a connection whose first request was answered. On a busy machine a first header may be late.
async fn answered(addr: &str) -> Raw {
    soon("an answer", async {
        loop {
            let mut raw = Raw::connect(addr).await;
            if raw.0.write_all(b"GET / HTTP/1.1\r\nhost: test\r\n\r\n").await.is_ok() {
                let response = raw.until("hello").await;
                if response.starts_with("HTTP/1.1 200 ") {
                    return raw;
                }
            }
        }
    })
    .await
}

#[tokio::test]
async fn a_byte_now_and_then_does_not_prolong_the_header() {
    let (addr, _server) = serve(router(), Limits { header_timeout: SHORT, ..limits() }, pending()).await;
    let mut slow = Raw::connect(&addr).await;
    slow.send("GET / HTTP/1.1\r\nx: ").await;
    soon("the end of a slow header", async {
        // Writing fails once the server has closed the connection.
        while slow.0.write_all(b"y").await.is_ok() {
            tokio::time::sleep(SHORT / 10).await;
        }
    })
    .await;
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let (addr, _server) = serve(router(), Limits { idle_timeout: SHORT, ..limits() }, pending()).await;
    assert_eq!(answered(&addr).await.rest().await, "");
}

#[tokio::test]
async fn a_connection_is_kept_for_another_request() {
    let (addr, _server) = serve(router(), limits(), pending()).await;
    let mut raw = Raw::connect(&addr).await;
    for _ in 0..3 {
        assert!(raw.get("/").await.ends_with("hello"));
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_off() {
    let (addr, _server) = serve(router(), Limits { write_timeout: SHORT, ..limits() }, pending()).await;
    let mut deaf = Raw::connect(&addr).await;
    deaf.send("GET /endless HTTP/1.1\r\nhost: test\r\n\r\n").await;
    // The server gives up although it is never read from: the client notices when it writes.
    soon("the end of a client that does not read", async {
        while deaf.0.write_all(b"x").await.is_ok() {
            tokio::time::sleep(SHORT / 3).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_client_that_reads_is_never_cut_off() {
    let (addr, _server) = serve(router(), Limits { write_timeout: SHORT, ..limits() }, pending()).await;
    let mut buffer = vec![0; 64 * 1024];
    // On a busy machine this reader may be the one that stalls: then the server may cut it off, and it tries again.
    soon("a whole time-out with a reader that never stalls", async {
        'again: loop {
            let mut reader = Raw::connect(&addr).await;
            reader.send("GET /endless HTTP/1.1\r\nhost: test\r\n\r\n").await;
            let begun = Instant::now();
            while begun.elapsed() < SHORT * 4 {
                let before = Instant::now();
                let bytes = reader.0.read(&mut buffer).await.unwrap_or(0);
                tokio::time::sleep(SHORT / 30).await;
                if before.elapsed() > SHORT / 3 {
                    continue 'again;
                }
                assert_ne!(bytes, 0, "it was cut off while it was reading");
            }
            break;
        }
    })
    .await;
}

#[tokio::test]
async fn a_stream_of_http2_that_is_not_read_is_cut_off() {
    let port = |ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.port().to_string() };
    let router = router().route("/port", get(port));
    let (addr, _server) = serve(router, Limits { write_timeout: SHORT, ..limits() }, pending()).await;
    let client = client().http2_prior_knowledge().build().expect("a client");
    let port = async || {
        let answer = client.get(format!("http://{addr}/port")).send().await.ok()?;
        answer.text().await.ok()
    };
    let mut response = client.get(format!("http://{addr}/endless")).send().await.expect("a head");
    assert_eq!(response.version(), reqwest::Version::HTTP_2);
    let first = port().await;
    // The client library reads ahead within its window, then the server waits for nothing. Its other requests need another
    // connection once this one is cut off.
    until("another connection", async || port().await.is_some_and(|port| Some(port) != first)).await;
    soon("the end of the stream", async { while let Ok(Some(_)) = response.chunk().await {} }).await;
}

#[tokio::test]
async fn http2_without_tls_is_spoken() {
    let (addr, _server) = serve(router(), limits(), pending()).await;
    let client = client().http2_prior_knowledge().build().expect("a client");
    let answers = (0..50).map(|_| client.get(format!("http://{addr}/")).send());
    for answer in futures::future::join_all(answers).await {
        let answer = answer.expect("an answer");
        assert_eq!((answer.version(), answer.status().as_u16()), (reqwest::Version::HTTP_2, 200));
    }
}

#[tokio::test]
async fn requests_that_cannot_be_read_are_problems() {
    let (addr, _server) = serve(router(), limits(), pending()).await;
    for (request, status, name) in [
        ("GET / HTTP/1.1\r\nhost: test\r\nbad header\r\n\r\n".to_owned(), 400, "invalid-parameter"),
        ("\0\0\0\0\r\n\r\n".to_owned(), 400, "invalid-parameter"),
        (format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(17 * 1024)), 431, "payload-too-large"),
        (format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(500 * 1024)), 431, "payload-too-large"),
        (format!("GET / HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(200)), 431, "payload-too-large"),
        (format!("GET /{} HTTP/1.1\r\n\r\n", "y".repeat(70 * 1024)), 431, "payload-too-large"),
    ] {
        let mut raw = Raw::connect(&addr).await;
        // The server may refuse before it has read everything.
        let _ = raw.0.write_all(request.as_bytes()).await;
        assert_problem(&raw.rest().await, status, name);
    }
    let mut raw = Raw::connect(&addr).await;
    raw.send(&format!("GET / HTTP/1.1\r\nhost: test\r\nx: {}\r\n\r\n", "y".repeat(15 * 1024))).await;
    assert!(raw.response().await.ends_with("hello"), "a header of 15 kB is accepted");
}

#[tokio::test]
async fn half_sent_headers_do_not_keep_others_out() {
    let (addr, _server) = serve(router(), Limits { connections: 10, ..limits() }, pending()).await;
    let mut held = Vec::new();
    for _ in 0..50 {
        let mut raw = Raw::connect(&addr).await;
        raw.send("GET / HTTP/1.1\r\n").await;
        held.push(raw);
    }
    for _ in 0..20 {
        let mut guest = Raw::connect(&addr).await;
        assert!(guest.get("/").await.ends_with("hello"));
        held.push(guest);
    }
}

#[tokio::test]
async fn with_all_connections_busy_the_next_one_is_told_so() {
    let begun = Arc::new(AtomicUsize::new(0));
    let busy_handler = {
        let begun = Arc::clone(&begun);
        move || async move {
            begun.fetch_add(1, Ordering::SeqCst);
            pending::<()>().await;
        }
    };
    let router = router().route("/busy", get(busy_handler));
    let (addr, _server) = serve(router, Limits { connections: 3, ..limits() }, pending()).await;
    let mut busy = Vec::new();
    for _ in 0..3 {
        let mut raw = Raw::connect(&addr).await;
        raw.send("GET /busy HTTP/1.1\r\nhost: test\r\n\r\n").await;
        busy.push(raw);
    }
    // A connection whose request is still on its way makes room.
    until("three requests", async || begun.load(Ordering::SeqCst) == 3).await;
    let mut guest = Raw::connect(&addr).await;
    guest.send("GET / HTTP/1.1\r\nhost: test\r\n\r\n").await;
    let refusal = guest.rest().await;
    assert_problem(&refusal, 503, "overloaded");
    assert!(refusal.contains("retry-after: 1\r\n"), "{refusal}");
    drop(busy.pop());
    soon("room for another connection", async {
        loop {
            let mut guest = Raw::connect(&addr).await;
            guest.send("GET / HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n").await;
            if guest.rest().await.ends_with("hello") {
                break;
            }
        }
    })
    .await;
}
