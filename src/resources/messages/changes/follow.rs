//! Opens a stream of events.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::source::MessageSource;
use crate::feed::Token;
use crate::web::auth::StreamCaller;
use crate::web::ids::IdStyle;
use crate::web::live::stream::Opening;
use crate::web::live::{Interest, Of, Reader};
use crate::web::problem::Problem;
use crate::web::state::App;

/// The media type of streams.
pub const EVENT_STREAM: &str = "text/event-stream";
/// The last token that a client received. A browser sends it when it connects again to the same URL, so that it is newer than
/// the one in the URL.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Tells proxies not to hold parts back.
const UNBUFFERED: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));

/// The number of the next stream.
static NUMBER: AtomicU64 = AtomicU64::new(0);

/// Returns the token of `Last-Event-ID`, if the client sent one.
pub fn last_event_id(headers: &HeaderMap) -> Result<Option<Token>, Problem> {
    let invalid = || Problem::InvalidCursor { name: "Last-Event-ID".to_owned() };
    let Some(sent) = headers.get(LAST_EVENT_ID).filter(|sent| !sent.is_empty()) else { return Ok(None) };
    sent.to_str().ok().and_then(|text| text.parse().ok()).map(Some).ok_or_else(invalid)
}

/// Returns the response that streams the changes since `since`, or from now on.
pub async fn follow(
    app: &App,
    caller: &StreamCaller,
    of: Of,
    since: Option<Token>,
    ids: IdStyle,
) -> Result<Response, Problem> {
    let reader = Reader::from(&caller.caller);
    let opening = Opening {
        hub: Arc::clone(app.streams()),
        source: Arc::new(MessageSource(app.clone())),
        interest: Interest { of, reader, ids, until: caller.until },
        place: app.streams().places.take(reader.user)?,
    };
    let first = opening.begin(since).await?;
    // Last, so that no other refusal costs the ticket.
    if let Some(ticket) = &caller.ticket {
        app.tickets().spend(ticket)?;
    }
    // A stream has a place of its own, and does not count as a request in progress for hours.
    if let Some(visit) = &caller.visit {
        visit.leave();
    }
    let body = opening.body(first, NUMBER.fetch_add(1, Ordering::Relaxed));
    Ok(([(CONTENT_TYPE, HeaderValue::from_static(EVENT_STREAM)), UNBUFFERED], body).into_response())
}
