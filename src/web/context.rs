//! The parts of a request that handlers of lists and rows need.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Uri};
use serde::Serialize;

use crate::web::etag;
use crate::web::params::Params;
use crate::web::problem::Problem;

/// The target and the headers of a request.
#[derive(Clone, Debug)]
pub struct RequestContext {
    /// The request target.
    pub uri: Uri,
    /// The headers.
    pub headers: HeaderMap,
}

impl<S: Sync> FromRequestParts<S> for RequestContext {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self { uri: parts.uri.clone(), headers: parts.headers.clone() })
    }
}

impl RequestContext {
    /// Parses the query. Parameters that are not in `allowed` are a 400.
    pub fn params(&self, allowed: &[&str]) -> Result<Params, Problem> {
        Params::parse(self.uri.query(), allowed)
    }

    /// Returns `body` as JSON with its `ETag`, or 304 if the client has it already.
    pub fn json(&self, body: &impl Serialize) -> Response {
        match serde_json::to_vec(body) {
            Ok(body) => etag::answer(&self.headers, "application/json", Bytes::from(body)),
            Err(error) => Problem::internal(error).into_response(),
        }
    }
}
