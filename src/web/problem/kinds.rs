//! The problem types, and the page that each `type` member leads to.

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::response::Html;
use http::StatusCode;

use super::Problem;

/// A problem type: what all its occurrences have in common.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// The last segment of the `type` URI.
    pub name: &'static str,
    /// The status it is sent with.
    pub status: StatusCode,
    /// The `title` member.
    pub title: &'static str,
    /// What a client should do about it.
    pub help: &'static str,
}

pub(super) static INVALID_PARAMETER: Kind = Kind {
    name: "invalid-parameter",
    status: StatusCode::BAD_REQUEST,
    title: "Invalid parameter",
    help: "A parameter is unknown, repeated, malformed, out of range, or does not go together with another one. \
           The member `parameter` names it, `detail` says what would be accepted. Asking again unchanged fails again.",
};
pub(super) static INVALID_CURSOR: Kind = Kind {
    name: "invalid-cursor",
    status: StatusCode::BAD_REQUEST,
    title: "Invalid cursor",
    help: "A cursor is good for the list that gave it out, and is not to be taken apart or put together. \
           Start again without it.",
};
pub(super) static UNAUTHORIZED: Kind = Kind {
    name: "unauthorized",
    status: StatusCode::UNAUTHORIZED,
    title: "Unauthorized",
    help: "Send `Authorization: Bearer` with a JWT that is signed for this server and has not expired. \
           The header WWW-Authenticate says what is wrong with the one that was sent.",
};
pub(super) static FORBIDDEN: Kind = Kind {
    name: "forbidden",
    status: StatusCode::FORBIDDEN,
    title: "Forbidden",
    help: "The token is good, but its user may not do this. Another token is needed.",
};
pub(super) static NOT_FOUND: Kind = Kind {
    name: "not-found",
    status: StatusCode::NOT_FOUND,
    title: "Not found",
    help: "There is nothing under this path, or nothing that the token's user may know of: the two look the same.",
};
pub(super) static METHOD_NOT_ALLOWED: Kind = Kind {
    name: "method-not-allowed",
    status: StatusCode::METHOD_NOT_ALLOWED,
    title: "Method not allowed",
    help: "The header Allow names the methods of this path.",
};
pub(super) static PAYLOAD_TOO_LARGE: Kind = Kind {
    name: "payload-too-large",
    status: StatusCode::PAYLOAD_TOO_LARGE,
    title: "Payload too large",
    help: "The request is larger than this server reads. Send less.",
};
pub(super) static RATE_LIMITED: Kind = Kind {
    name: "rate-limited",
    status: StatusCode::TOO_MANY_REQUESTS,
    title: "Too many requests",
    help: "Wait for the seconds in the header Retry-After, then ask again.",
};
pub(super) static INTERNAL: Kind = Kind {
    name: "internal",
    status: StatusCode::INTERNAL_SERVER_ERROR,
    title: "Internal server error",
    help: "The server failed. Its operator finds the reason in the log under the `request_id`.",
};
pub(super) static TIER_UNAVAILABLE: Kind = Kind {
    name: "tier-unavailable",
    status: StatusCode::SERVICE_UNAVAILABLE,
    title: "Database unavailable",
    help: "Part of the answer lives in a database that cannot be reached; the member `tier` names it. Ask again after \
           the seconds in the header Retry-After, or with `partial=allow` for what there is.",
};
pub(super) static RECOVER_DUE: Kind = Kind {
    name: "recover-due",
    status: StatusCode::SERVICE_UNAVAILABLE,
    title: "Recovery due",
    help: "A database came back from a backup and no longer fits the other one. Lists would have silent gaps, so none is \
           answered until the operator has run `thermocline archive recover`.",
};
pub(super) static TIMEOUT: Kind = Kind {
    name: "timeout",
    status: StatusCode::GATEWAY_TIMEOUT,
    title: "Timeout",
    help: "The answer took longer than a request may. Ask again, or for a smaller page or a shorter range.",
};

/// Every problem type there is.
pub static KINDS: [&Kind; 12] = [
    &INVALID_PARAMETER,
    &INVALID_CURSOR,
    &UNAUTHORIZED,
    &FORBIDDEN,
    &NOT_FOUND,
    &METHOD_NOT_ALLOWED,
    &PAYLOAD_TOO_LARGE,
    &RATE_LIMITED,
    &INTERNAL,
    &TIER_UNAVAILABLE,
    &RECOVER_DUE,
    &TIMEOUT,
];

/// `GET /problems/{name}`: a page for people about one problem type; 404 for any other name.
pub async fn page(name: Result<Path<String>, PathRejection>) -> Result<Html<String>, Problem> {
    let Path(name) = name?;
    let kind =
        KINDS.iter().find(|kind| kind.name == name).ok_or(Problem::NotFound { what: "problem type" })?;
    // Only our own constants go in, none of which holds a character that HTML would read.
    Ok(Html(format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{title}</title>\n\
         <h1>{title}</h1>\n<p><code>/problems/{name}</code>, status {status}</p>\n<p>{help}</p>\n</html>\n",
        title = kind.title,
        status = kind.status.as_u16(),
        help = kind.help,
    )))
}
