//! Refuses requests whose `Host` is missing, repeated or malformed (RFC 9112, section 3.2): two readers could understand
//! them in two ways.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::HOST;
use http::uri::Authority;
use http::{HeaderMap, Uri, Version};

use crate::web::problem::Problem;

/// Middleware that answers such requests with 400. A request that did not come over a connection has no host to check.
pub async fn check(request: Request, next: Next) -> Response {
    if request.extensions().get::<ConnectInfo<SocketAddr>>().is_none() {
        return next.run(request).await;
    }
    match fault(request.version(), request.uri(), request.headers()) {
        Some(fault) => Problem::parameter("Host", fault).into_response(),
        None => next.run(request).await,
    }
}

fn fault(version: Version, uri: &Uri, headers: &HeaderMap) -> Option<&'static str> {
    let mut hosts = headers.get_all(HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return Some("is repeated");
    }
    let Some(host) = host else {
        let needs_host =
            version == Version::HTTP_11 || (version >= Version::HTTP_2 && uri.authority().is_none());
        return needs_host.then_some("is missing");
    };
    let Some(host) = host.to_str().ok().filter(|host| is_host(host)) else { return Some("is malformed") };
    let differs = |authority: &Authority| !authority.as_str().eq_ignore_ascii_case(host);
    if version >= Version::HTTP_2 && uri.authority().is_some_and(differs) {
        return Some("differs from the authority of the request");
    }
    None
}

fn is_host(text: &str) -> bool {
    text.parse::<Authority>().is_ok_and(|authority| !authority.host().is_empty()) && !text.contains('@')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_well_formed_host_a_request() {
        let of = |version, uri: &str, hosts: &[&str]| {
            let mut headers = HeaderMap::new();
            for host in hosts {
                headers.append(HOST, host.parse().expect("a header value"));
            }
            fault(version, &uri.parse().expect("a target"), &headers)
        };
        for host in ["localhost", "localhost:8080", "127.0.0.1:80", "[::1]:8080", "a.example"] {
            assert_eq!(of(Version::HTTP_11, "/", &[host]), None, "{host}");
        }
        assert_eq!(of(Version::HTTP_11, "/", &[]), Some("is missing"));
        assert_eq!(of(Version::HTTP_11, "http://a.example/", &[]), Some("is missing"));
        assert_eq!(of(Version::HTTP_10, "/", &[]), None);
        assert_eq!(of(Version::HTTP_10, "/", &["a", "a"]), Some("is repeated"));
        assert_eq!(of(Version::HTTP_11, "/", &["a", "b"]), Some("is repeated"));
        for host in ["", "a b", "a/b", "user@a", "a:b:c"] {
            assert_eq!(of(Version::HTTP_11, "/", &[host]), Some("is malformed"), "{host:?}");
        }
        assert_eq!(of(Version::HTTP_2, "http://a.example/", &[]), None);
        assert_eq!(of(Version::HTTP_2, "/", &[]), Some("is missing"));
        assert_eq!(of(Version::HTTP_2, "http://a.example/", &["A.example"]), None);
        assert!(of(Version::HTTP_2, "http://a.example/", &["b.example"]).is_some());
    }
}
