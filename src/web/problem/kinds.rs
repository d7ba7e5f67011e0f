//! The problem types, and the page behind the `type` member of each.

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::response::Html;
use http::StatusCode;

use super::Problem;

/// A problem type.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// The last segment of the `type` URI.
    pub name: &'static str,
    /// The HTTP status.
    pub status: StatusCode,
    /// The `title` member.
    pub title: &'static str,
    /// Advice for clients.
    pub help: &'static str,
}

pub(super) static INVALID_PARAMETER: Kind = Kind {
    name: "invalid-parameter",
    status: StatusCode::BAD_REQUEST,
    title: "Invalid parameter",
    help: "A parameter is unknown, repeated, malformed, out of range, or incompatible with another one. \
           The member `parameter` names it and `detail` says what is accepted. The same request fails again.",
};
pub(super) static INVALID_CURSOR: Kind = Kind {
    name: "invalid-cursor",
    status: StatusCode::BAD_REQUEST,
    title: "Invalid cursor",
    help: "A cursor is valid only for the list that returned it, and its contents are private to the server. \
           Start again without it.",
};
pub(super) static UNAUTHORIZED: Kind = Kind {
    name: "unauthorized",
    status: StatusCode::UNAUTHORIZED,
    title: "Unauthorized",
    help: "Send `Authorization: Bearer` with a JWT that is signed for this server and has not expired. \
           The header WWW-Authenticate says what is wrong with the token.",
};
pub(super) static FORBIDDEN: Kind = Kind {
    name: "forbidden",
    status: StatusCode::FORBIDDEN,
    title: "Forbidden",
    help: "The token is valid, but its user may not do this. Another token is needed.",
};
pub(super) static NOT_FOUND: Kind = Kind {
    name: "not-found",
    status: StatusCode::NOT_FOUND,
    title: "Not found",
    help: "There is nothing at this path, or nothing that the user of the token may see: the two look the same.",
};
pub(super) static METHOD_NOT_ALLOWED: Kind = Kind {
    name: "method-not-allowed",
    status: StatusCode::METHOD_NOT_ALLOWED,
    title: "Method not allowed",
    help: "The header Allow lists the methods of this path.",
};
pub(super) static NOT_ACCEPTABLE: Kind = Kind {
    name: "not-acceptable",
    status: StatusCode::NOT_ACCEPTABLE,
    title: "Not acceptable",
    help: "The header Accept names no media type that this path answers with; `detail` lists them. Leave the header out, \
           or add `*/*` to it.",
};
pub(super) static CHANGES_EXPIRED: Kind = Kind {
    name: "changes-expired",
    status: StatusCode::GONE,
    title: "Changes expired",
    help: "The token of the change feed is too old, or of another database, so that changes behind it may be missing. Read the \
           list anew: its newest page has a new token in `changes`.",
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
pub(super) static OVERLOADED: Kind = Kind {
    name: "overloaded",
    status: StatusCode::SERVICE_UNAVAILABLE,
    title: "Overloaded",
    help: "The server has more requests than it can answer in time, and refuses the rest at once. Wait for the seconds in \
           the header Retry-After, then ask again.",
};
pub(super) static INTERNAL: Kind = Kind {
    name: "internal",
    status: StatusCode::INTERNAL_SERVER_ERROR,
    title: "Internal server error",
    help: "The server failed. Its operator finds the cause in the log under the `request_id`.",
};
pub(super) static TIER_UNAVAILABLE: Kind = Kind {
    name: "tier-unavailable",
    status: StatusCode::SERVICE_UNAVAILABLE,
    title: "Database unavailable",
    help: "Part of the answer is in a database that cannot be reached; the member `tier` names it. Try again after \
           the seconds in the header Retry-After, or use `partial=allow` to get the rows that are available.",
};
pub(super) static RECOVER_DUE: Kind = Kind {
    name: "recover-due",
    status: StatusCode::SERVICE_UNAVAILABLE,
    title: "Recovery due",
    help: "A database was restored from a backup and no longer agrees with the other one. Lists could have gaps, so none \
           is served until the operator has run `thermocline archive recover`.",
};
pub(super) static TIMEOUT: Kind = Kind {
    name: "timeout",
    status: StatusCode::GATEWAY_TIMEOUT,
    title: "Timeout",
    help: "The request exceeded the time limit. Try again, or ask for a smaller page or a shorter range.",
};

/// Every problem type.
pub static KINDS: [&Kind; 15] = [
    &INVALID_PARAMETER,
    &INVALID_CURSOR,
    &UNAUTHORIZED,
    &FORBIDDEN,
    &NOT_FOUND,
    &METHOD_NOT_ALLOWED,
    &NOT_ACCEPTABLE,
    &CHANGES_EXPIRED,
    &PAYLOAD_TOO_LARGE,
    &RATE_LIMITED,
    &OVERLOADED,
    &INTERNAL,
    &TIER_UNAVAILABLE,
    &RECOVER_DUE,
    &TIMEOUT,
];

/// Serves `GET /problems/{name}`: a page about a problem type for people; 404 for any other name.
pub async fn page(name: Result<Path<String>, PathRejection>) -> Result<Html<String>, Problem> {
    let Path(name) = name?;
    let kind =
        KINDS.iter().find(|kind| kind.name == name).ok_or(Problem::NotFound { what: "problem type" })?;
    // Only constants of this file are inserted, and none of them needs escaping.
    Ok(Html(format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{title}</title>\n\
         <h1>{title}</h1>\n<p><code>/problems/{name}</code>, status {status}</p>\n<p>{help}</p>\n</html>\n",
        title = kind.title,
        status = kind.status.as_u16(),
        help = kind.help,
    )))
}
