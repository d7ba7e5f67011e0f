//! A client that speaks raw TCP, and a server with limits that a test can wait for.

use std::future::{Future, pending};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use thermocline::clock::Clock;
use thermocline::server::refusal::Refusals;
use thermocline::server::{self, Limits};
use thermocline::web::base_path::BasePath;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// The longest wait for a thing that has to happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// Limits in which every time-out but `short` is far away.
pub fn limits() -> Limits {
    let far = Duration::from_mins(10);
    Limits {
        connections: 0,
        header_timeout: far,
        idle_timeout: far,
        write_timeout: far,
        shutdown_timeout: far,
    }
}

/// A time-out that a test waits for.
pub const SHORT: Duration = Duration::from_millis(300);

/// A router with a small answer, a large one that never ends, and one that never begins.
pub fn router() -> Router {
    let endless = || async {
        let chunk = axum::body::Bytes::from(vec![b'x'; 64 * 1024]);
        Body::from_stream(futures::stream::repeat_with(move || Ok::<_, std::io::Error>(chunk.clone())))
    };
    Router::new()
        .route("/", get(|| async { "hello" }))
        .route("/endless", get(endless))
        .route("/never", get(|| async { pending::<()>().await }))
}

/// Serves until `stop` and returns the address; the task ends with the server.
pub async fn serve(
    router: Router,
    limits: Limits,
    stop: impl Future<Output = ()> + Send + 'static,
) -> (String, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let addr = listener.local_addr().expect("an address").to_string();
    let refusals = Refusals::new(BasePath::default(), &Clock::system());
    (addr, tokio::spawn(server::listener::serve(listener, router, limits, refusals, stop)))
}

/// Waits for something that has to happen.
pub async fn soon<T>(what: &str, work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(|_| panic!("{what} did not happen"))
}

/// A raw connection.
pub struct Raw(pub TcpStream);

impl Raw {
    pub async fn connect(addr: &str) -> Self {
        Self(soon("a connection", TcpStream::connect(addr)).await.expect("a connection"))
    }

    pub async fn send(&mut self, text: &str) {
        soon("room for a request", self.0.write_all(text.as_bytes())).await.expect("sent");
    }

    /// Returns everything until the server closes the connection.
    pub async fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        soon("the end of the connection", async {
            // A reset ends it too.
            let _ = self.0.read_to_end(&mut bytes).await;
        })
        .await;
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Returns what arrives up to this text, or until the server closes the connection.
    pub async fn until(&mut self, end: &str) -> String {
        let mut bytes = Vec::new();
        soon(end, async {
            while !bytes.ends_with(end.as_bytes()) {
                // A reset ends it too.
                if self.0.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
                    break;
                }
            }
        })
        .await;
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Returns a response with a `content-length`.
    pub async fn response(&mut self) -> String {
        let mut bytes = Vec::new();
        soon("a response", async {
            loop {
                let text = String::from_utf8_lossy(&bytes).to_lowercase();
                if let Some((head, body)) = text.split_once("\r\n\r\n") {
                    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                    let length: usize = length.map_or(0, |text| text.parse().expect("a length"));
                    if body.len() >= length {
                        break;
                    }
                }
                assert_ne!(
                    self.0.read_buf(&mut bytes).await.expect("a response"),
                    0,
                    "closed after {text:?}"
                );
            }
        })
        .await;
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Sends `GET path` and returns the response.
    pub async fn get(&mut self, path: &str) -> String {
        self.send(&format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n")).await;
        self.response().await
    }
}

/// Checks that a response is a problem of this status and type, whose length is right.
pub fn assert_problem(response: &str, status: u16, name: &str) {
    assert!(response.starts_with(&format!("HTTP/1.1 {status} ")), "{response}");
    let (head, body) = response.split_once("\r\n\r\n").expect("a head");
    assert!(head.contains("content-type: application/problem+json"), "{response}");
    let body: serde_json::Value =
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {response}"));
    assert_eq!(body["type"], format!("/problems/{name}"), "{response}");
    assert_eq!(body["status"], status, "{response}");
    assert_eq!(body["success"], false, "{response}");
    let id = body["request_id"].as_str().expect("a request id");
    assert!(head.contains(&format!("x-request-id: {id}")), "{response}");
}
