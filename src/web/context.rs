//! The parts of a request that handlers of lists and rows need.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Uri};
use serde::Serialize;

use crate::web::base_path::BasePath;
use crate::web::etag;
use crate::web::ids::{self, IdStyle};
use crate::web::params::Params;
use crate::web::problem::Problem;

/// The target and the headers of a request.
#[derive(Clone, Debug)]
pub struct RequestContext {
    /// The request target, without the prefix of the service.
    pub uri: Uri,
    /// The headers.
    pub headers: HeaderMap,
    /// The prefix of the service, which links carry.
    pub base: BasePath,
}

impl<S: Sync> FromRequestParts<S> for RequestContext {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let base = parts.extensions.get::<BasePath>().cloned().unwrap_or_default();
        Ok(Self { uri: parts.uri.clone(), headers: parts.headers.clone(), base })
    }
}

impl RequestContext {
    /// Parses the query. Parameters that are neither in `allowed` nor known to every route are a 400.
    pub fn params(&self, allowed: &[&str]) -> Result<Params, Problem> {
        let params = Params::parse(self.uri.query(), &[allowed, &[ids::PARAMETER]].concat())?;
        params.one_of(ids::PARAMETER, &ids::STYLES)?;
        Ok(params)
    }

    /// Returns the path of the request as the client sent it.
    pub fn path(&self) -> String {
        self.base.join(self.uri.path())
    }

    /// Returns `body` as JSON with its `ETag`, or 304 if the client has it already.
    pub fn json(&self, body: &impl Serialize) -> Response {
        match serde_json::to_vec(body) {
            Ok(body) => {
                let body = IdStyle::of_query(self.uri.query()).writer().write(body);
                etag::answer(&self.headers, "application/json", Bytes::from(body))
            }
            Err(error) => Problem::internal(error).into_response(),
        }
    }
}
