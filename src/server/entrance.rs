//! Refusals before the router: requests that it would refuse because the server is overloaded.
//!
//! Under overload most requests are refused, and each refusal takes processor time from those that are answered. Without
//! the router it costs little more than reading the request and writing the problem.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::response::Response;
use http::Request;
use http::header::ORIGIN;

use super::Options;
use crate::ops::{self, access_log, metrics};
use crate::web::admission::Gate;
use crate::web::base_path::BasePath;
use crate::web::finish::{RequestIds, refused};
use crate::web::{etag, security_headers};

/// Decides about requests before the router.
#[derive(Debug)]
pub struct Entrance {
    gate: Arc<Gate>,
    base: BasePath,
    ids: RequestIds,
    log: Option<access_log::Refusals>,
}

impl Entrance {
    /// Returns the entrance to a router with these options.
    pub fn new(options: &Options, ids: RequestIds) -> Self {
        let log = options.access_log.then(access_log::Refusals::default);
        Self { gate: Arc::clone(&options.gate), base: options.base.clone(), ids, log }
    }

    /// Returns the refusal of a request, with the headers and the body of the router's; `None` if it may enter.
    pub fn refusal<B>(&self, request: &Request<B>, peer: SocketAddr) -> Option<Response> {
        let (method, headers) = (request.method(), request.headers());
        let path = self.base.within(request.uri().path());
        // The router adds the headers with which pages of other origins may read the refusal.
        if ops::PATHS.contains(&path) || headers.contains_key(ORIGIN) {
            return None;
        }
        let overload = self.gate.overload(headers, Some(peer.ip()))?;
        let begun = Instant::now();
        let problem = overload.problem();
        let id = self.ids.of(headers);
        let mut response = refused(&problem, &id, (&self.base, path), method);
        security_headers::protect(response.headers_mut());
        etag::keep_api_private(path, response.headers_mut());
        metrics::count(method, metrics::NO_ROUTE, response.status());
        if let Some(log) = &self.log {
            log.log(method, response.status(), begun.elapsed(), peer.ip(), &id);
        }
        Some(response)
    }
}
