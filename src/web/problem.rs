//! The only error of the API: problem details (RFC 9457) in an `application/problem+json` body.
//!
//! A [`Problem`] does not know its request. It renders without `instance` and `request_id` and also travels as a response
//! extension, so that [`super::finish`] can render it again with both.

mod examples;
mod kinds;
#[cfg(test)]
pub(super) mod tests;

use std::error::Error;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::path::ErrorKind;
use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

pub use examples::examples;
pub use kinds::{KINDS, Kind, page};

use super::base_path::BasePath;
use super::schema::TierName;

/// The media type of every error body.
pub const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// Seconds until a retry makes sense while the databases wait for recovery by an operator.
const RECOVER_RETRY_AFTER: u64 = 60;

/// Why a request failed. `Display` is the text for the client and never says more than it may know.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Problem {
    /// 400: an unusable parameter, path segment or body.
    #[error("{detail}")]
    InvalidParameter {
        /// The parameter, as the client wrote it.
        name: String,
        /// The fault; names the parameter again.
        detail: String,
    },
    /// 400: a cursor that was not issued for this list.
    #[error("`{name}` is not a cursor that this list gave out. Start again without it.")]
    InvalidCursor {
        /// The parameter with the cursor.
        name: String,
    },
    /// 401: no token, or an invalid one.
    #[error("{description}")]
    Unauthorized {
        /// The error code of RFC 6750.
        error: BearerError,
        /// Printable ASCII without `"` and `\`, the only characters RFC 6750 allows here.
        description: String,
    },
    /// 403: the user of the token may not do this.
    #[error("This needs the scope `{scope}`, or to be about yourself.")]
    Forbidden {
        /// The scope that would allow it.
        scope: &'static str,
    },
    /// 403: a page of an origin that the settings do not allow.
    #[error(
        "Pages of this origin are not allowed to use this path. The operator allows origins in the settings."
    )]
    ForeignOrigin,
    /// 403: the token is restricted to other rows.
    #[error("The token may not read this: its scope does not include `{scope}`.")]
    ScopeMissing {
        /// The scope that would allow it.
        scope: &'static str,
    },
    /// 404: absent, or hidden from this caller; the two look the same.
    #[error("There is no such {what}.")]
    NotFound {
        /// The noun, such as `conversation`.
        what: &'static str,
    },
    /// 404: none of the symbols that a request names has a stock.
    #[error("There is no stock with the symbol {}.", symbols.join(", "))]
    UnknownSymbols {
        /// The symbols.
        symbols: Vec<String>,
    },
    /// 404: the change feed is off.
    #[error("The change feed is off. The operator turns it on with the setting THERMOCLINE_LIVE.")]
    LiveOff,
    /// 405: the path does not support the method. The router adds `Allow`.
    #[error("This path does not support that method. The Allow header names those it does.")]
    MethodNotAllowed,
    /// 406: `Accept` admits no media type of this path.
    #[error("The Accept header admits nothing this path answers with: {offered}.")]
    NotAcceptable {
        /// The media types, separated by commas.
        offered: String,
    },
    /// 410: the changes since a token cannot be told any more.
    #[error(
        "The changes since this token cannot be told any more. Read the list anew, and go on from its `changes`."
    )]
    ChangesExpired,
    /// 413: the body exceeds the limit of the server.
    #[error("The request is larger than this server reads.")]
    PayloadTooLarge,
    /// 429: too many requests.
    #[error("Too many requests. Ask again in {retry_after} s.")]
    RateLimited {
        /// Seconds.
        retry_after: u64,
    },
    /// 503: more requests than the server can answer in time.
    #[error("The server has more requests than it can answer. Ask again in {retry_after} s.")]
    Overloaded {
        /// Seconds.
        retry_after: u64,
    },
    /// 500: a fault of the server. The source goes to the log and never to a client.
    #[error("The server failed to answer. Its log has the details under this request id.")]
    Internal {
        /// The cause, if it is known.
        source: Option<Arc<dyn Error + Send + Sync>>,
    },
    /// 503: a database with part of the answer cannot be reached.
    #[error("The {tier} database cannot be reached. Ask again in {retry_after} s.")]
    TierUnavailable {
        /// `hot` or `cold`.
        tier: &'static str,
        /// Seconds.
        retry_after: u64,
    },
    /// 503: one database is older than the other until `thermocline archive recover` has run.
    #[error("A database came back from a backup and has to be recovered first.")]
    RecoveryDue,
    /// 504: the request took too long.
    #[error("The answer took too long. Ask again, or for less.")]
    Timeout,
}

/// The `error` of a `WWW-Authenticate: Bearer` challenge (RFC 6750, section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BearerError {
    /// The request has no token, so the challenge carries no error code.
    Missing,
    /// The `Authorization` header is malformed or repeated.
    InvalidRequest,
    /// The token is malformed, forged, expired, or meant for another server.
    InvalidToken,
}

impl Problem {
    /// Returns a 500. [`super::finish`] logs `source` once, with the request id.
    pub fn internal(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Internal { source: Some(Arc::from(source.into())) }
    }

    /// Returns a 400 for the parameter `name`; `fault` completes the sentence that begins with the name.
    pub fn parameter(name: &str, fault: &str) -> Self {
        // The name is the client's own text, so its length is limited.
        let name: String = name.chars().take(64).collect();
        Self::InvalidParameter { detail: format!("`{name}` {fault}"), name }
    }

    /// Returns the problem type: name, status, title and documentation.
    pub fn kind(&self) -> &'static Kind {
        match self {
            Self::InvalidParameter { .. } => &kinds::INVALID_PARAMETER,
            Self::InvalidCursor { .. } => &kinds::INVALID_CURSOR,
            Self::Unauthorized { .. } => &kinds::UNAUTHORIZED,
            Self::Forbidden { .. } | Self::ScopeMissing { .. } | Self::ForeignOrigin => &kinds::FORBIDDEN,
            Self::NotFound { .. } | Self::UnknownSymbols { .. } | Self::LiveOff => &kinds::NOT_FOUND,
            Self::MethodNotAllowed => &kinds::METHOD_NOT_ALLOWED,
            Self::NotAcceptable { .. } => &kinds::NOT_ACCEPTABLE,
            Self::ChangesExpired => &kinds::CHANGES_EXPIRED,
            Self::PayloadTooLarge => &kinds::PAYLOAD_TOO_LARGE,
            Self::RateLimited { .. } => &kinds::RATE_LIMITED,
            Self::Overloaded { .. } => &kinds::OVERLOADED,
            Self::Internal { .. } => &kinds::INTERNAL,
            Self::TierUnavailable { .. } => &kinds::TIER_UNAVAILABLE,
            Self::RecoveryDue => &kinds::RECOVER_DUE,
            Self::Timeout => &kinds::TIMEOUT,
        }
    }

    /// Returns the URI of the problem type.
    pub fn type_uri(&self, base: &BasePath) -> String {
        base.join(&format!("/problems/{}", self.kind().name))
    }

    /// Returns the body. `status` is that of the response, which may differ from that of the type. `instance` is a path with
    /// the prefix.
    pub fn body(
        &self,
        base: &BasePath,
        status: StatusCode,
        instance: Option<&str>,
        request_id: Option<&str>,
    ) -> String {
        let kind = self.kind();
        let detail = self.to_string();
        let details = Details {
            type_: self.type_uri(base),
            title: kind.title,
            status: status.as_u16(),
            detail: &detail,
            instance,
            request_id,
            success: false,
            message: &detail,
            parameter: match self {
                Self::InvalidParameter { name, .. } | Self::InvalidCursor { name } => Some(name),
                _ => None,
            },
            tier: match self {
                Self::TierUnavailable { tier, .. } => Some(tier),
                _ => None,
            },
        };
        serde_json::to_string(&details).expect("strings and numbers serialise")
    }

    /// Returns the header that the problem type requires besides the content type.
    pub(crate) fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        match self {
            Self::Unauthorized { error, description } => {
                Some((WWW_AUTHENTICATE, challenge(*error, description)))
            }
            Self::RateLimited { retry_after }
            | Self::Overloaded { retry_after }
            | Self::TierUnavailable { retry_after, .. } => Some((RETRY_AFTER, (*retry_after).into())),
            Self::RecoveryDue => Some((RETRY_AFTER, RECOVER_RETRY_AFTER.into())),
            _ => None,
        }
    }
}

fn challenge(error: BearerError, description: &str) -> HeaderValue {
    const BARE: &str = "Bearer realm=\"thermocline\"";
    let error = match error {
        BearerError::Missing => return HeaderValue::from_static(BARE),
        BearerError::InvalidRequest => "invalid_request",
        BearerError::InvalidToken => "invalid_token",
    };
    let text = format!("{BARE}, error=\"{error}\", error_description=\"{description}\"");
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(BARE))
}

/// Why a request failed: problem details (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct Details<'a> {
    /// The problem type, a path that leads to its documentation.
    #[serde(rename = "type")]
    #[schema(format = "uri-reference", example = "/problems/invalid-parameter")]
    type_: String,
    /// The problem type in words.
    #[schema(example = "Invalid parameter")]
    title: &'a str,
    /// The status of the response.
    #[schema(minimum = 400, maximum = 599, example = 400)]
    status: u16,
    /// The fault of this request.
    #[schema(example = "`limit` must be a whole number from 1 to 100")]
    detail: &'a str,
    /// The path of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = "uri-reference", example = "/api/posts")]
    instance: Option<&'a str>,
    /// The id under which the log of the server has the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "0853bc2d397742-3")]
    request_id: Option<&'a str>,
    /// Always false; for existing front ends.
    #[schema(example = false)]
    success: bool,
    /// The same as `detail`; for existing front ends.
    #[schema(example = "`limit` must be a whole number from 1 to 100")]
    message: &'a str,
    /// The parameter at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "limit")]
    parameter: Option<&'a str>,
    /// The database that cannot be reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<TierName>)]
    tier: Option<&'a str>,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.kind().status;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, PROBLEM_JSON);
        headers.extend(self.header());
        let mut response = (status, headers, Body::from(self.body(&BasePath::default(), status, None, None)))
            .into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            return Self::PayloadTooLarge;
        }
        // The message of serde locates the fault in the client's own body.
        Self::parameter("body", &format!("cannot be read: {}", rejection.body_text()))
    }
}

impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Self {
        match rejection {
            PathRejection::FailedToDeserializePathParams(failed) => match failed.kind() {
                ErrorKind::InvalidUtf8InPathParam { key } => {
                    Self::parameter(key, "is not UTF-8 after percent-decoding")
                }
                ErrorKind::ParseErrorAtKey { key, .. } => Self::parameter(key, "is malformed"),
                _ => Self::parameter("path", "is malformed"),
            },
            other => Self::internal(other),
        }
    }
}
