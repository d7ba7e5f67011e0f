//! Refusals below the router: of requests that would overload it and, as bytes, of connections on which no request could be
//! read.

use std::net::{Shutdown, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use http::{Request, StatusCode};
use socket2::SockRef;
use tokio::net::TcpStream;

use super::Options;
use super::entrance::Entrance;
use crate::clock::Clock;
use crate::web::base_path::BasePath;
use crate::web::finish::{RequestIds, X_REQUEST_ID};
use crate::web::problem::Problem;

/// The time in which a refused client can read the refusal.
const LINGER: Duration = Duration::from_secs(1);
/// Bytes that are read and dropped meanwhile.
const LINGER_BYTES: usize = 256 * 1024;

/// Writes refusals as the router does: with the prefix of its paths, and a request id.
#[derive(Clone, Debug)]
pub struct Refusals {
    base: BasePath,
    ids: RequestIds,
    entrance: Option<Arc<Entrance>>,
}

impl Refusals {
    /// Returns refusals under this prefix. Their ids do not repeat those of the router.
    pub fn new(base: BasePath, clock: &Clock) -> Self {
        Self { base, ids: RequestIds::new(clock), entrance: None }
    }

    /// Returns the refusals for a router with these options: also those of requests that would overload it.
    pub fn before(options: &Options, clock: &Clock) -> Self {
        let refusals = Self::new(options.base.clone(), clock);
        let entrance = Some(Arc::new(Entrance::new(options, refusals.ids.clone())));
        Self { entrance, ..refusals }
    }

    /// Returns the refusal of a request that would overload the router; `None` if it may enter.
    pub fn of_overload<B>(&self, request: &Request<B>, peer: SocketAddr) -> Option<Response> {
        self.entrance.as_ref()?.refusal(request, peer)
    }

    /// Returns a response with a problem that closes the connection.
    fn response(&self, status: StatusCode, problem: &Problem) -> Vec<u8> {
        let id = self.ids.draw();
        tracing::debug!(request_id = id.as_str(), status = status.as_u16(), %problem, "refused before the router");
        let body = problem.body(&self.base, status, None, Some(id.as_str()));
        let header = problem
            .header()
            .and_then(|(name, value)| Some(format!("{name}: {}\r\n", value.to_str().ok()?)))
            .unwrap_or_default();
        let reason = status.canonical_reason().unwrap_or_default();
        format!(
            "HTTP/1.1 {} {reason}\r\ncontent-type: application/problem+json\r\ncontent-length: {}\r\n\
             {X_REQUEST_ID}: {id}\r\n{header}connection: close\r\n\r\n{body}",
            status.as_u16(),
            body.len(),
        )
        .into_bytes()
    }

    /// Returns the problem to send instead of a response that the HTTP library wrote because it could not read a
    /// request; `None` for any other bytes.
    pub fn instead_of(&self, written: &[u8]) -> Option<Vec<u8>> {
        // No response of the router is that short: each has a request id.
        let bare = written.len() < 200 && written.ends_with(b"\r\n\r\n");
        let status = written.strip_prefix(b"HTTP/1.1 4").filter(|_| bare)?.get(..2)?;
        let (status, problem) = match status {
            b"00" => (StatusCode::BAD_REQUEST, Problem::parameter("request", "cannot be read")),
            b"14" => (StatusCode::URI_TOO_LONG, Problem::PayloadTooLarge),
            b"31" => (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, Problem::PayloadTooLarge),
            _ => return None,
        };
        Some(self.response(status, &problem))
    }

    /// Returns the refusal of a header that was not sent in time.
    pub fn late_header(&self) -> Vec<u8> {
        self.response(StatusCode::REQUEST_TIMEOUT, &Problem::parameter("request", "did not arrive in time"))
    }

    /// Returns the refusal of a connection when there are too many.
    pub fn too_many_connections(&self) -> Vec<u8> {
        self.response(StatusCode::SERVICE_UNAVAILABLE, &Problem::Overloaded { retry_after: 1 })
    }
}

/// Closes the connection once the client has read everything, or after a moment. Closing at once with unread bytes would
/// reset it, and the client would never see the refusal.
pub async fn linger(stream: &TcpStream) {
    if SockRef::from(stream).shutdown(Shutdown::Write).is_err() {
        return;
    }
    let read = async {
        let mut dropped = 0;
        while dropped < LINGER_BYTES && stream.readable().await.is_ok() {
            // A buffer that lived across the waits would be part of every connection.
            match stream.try_read(&mut [0; 4096]) {
                Ok(0) => break,
                Ok(bytes) => dropped += bytes,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => break,
            }
        }
    };
    // Either way it is closed.
    let _ = tokio::time::timeout(LINGER, read).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusals() -> Refusals {
        let clock = Clock::fixed("2026-03-01T00:00:00Z".parse().expect("a time"));
        Refusals::new("/thermocline".parse().expect("a prefix"), &clock)
    }

    #[test]
    fn only_bare_refusals_are_replaced() {
        let refusals = refusals();
        let refused = |text: &str| {
            refusals.instead_of(text.as_bytes()).map(|bytes| String::from_utf8(bytes).expect("text"))
        };
        let bare =
            "HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        let problem = refused(bare).expect("it is bare");
        assert!(problem.starts_with("HTTP/1.1 431 Request Header Fields Too Large\r\n"), "{problem}");
        assert!(problem.contains("\"type\":\"/thermocline/problems/payload-too-large\""), "{problem}");
        let (head, body) = problem.split_once("\r\n\r\n").expect("a head");
        assert!(head.contains(&format!("content-length: {}", body.len())), "{problem}");
        let (_, id) = head.split_once("\r\nx-request-id: ").expect("a request id");
        let id = id.lines().next().expect("a line");
        assert!(!id.is_empty() && body.contains(&format!("\"request_id\":\"{id}\"")), "{problem}");
        assert_eq!(refused("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"), None);
        assert_eq!(refused("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"), None);
        assert_eq!(refused(&format!("HTTP/1.1 400 Bad Request\r\nx: {}\r\n\r\n", "y".repeat(200))), None);
    }

    #[test]
    fn a_refused_connection_says_when_to_return() {
        let text = String::from_utf8(refusals().too_many_connections()).expect("text");
        assert!(text.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{text}");
        assert!(
            text.contains("\r\nretry-after: 1\r\n") && text.contains("/thermocline/problems/overloaded"),
            "{text}"
        );
    }
}
