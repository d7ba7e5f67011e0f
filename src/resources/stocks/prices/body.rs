//! Sending a body chunk by chunk, so that thirty years of days never lie in memory.

use async_trait::async_trait;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::Stream;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue};
use tracing::{Instrument, Span};

use super::ask::Ask;
use super::format::Format;
use super::read::CHUNK;
use crate::web::accept::Offered;
use crate::web::context::RequestContext;
use crate::web::etag;
use crate::web::ids::{IdStyle, IdWriter};
use crate::web::problem::Problem;
use crate::web::state::App;

const START_DATE: HeaderName = HeaderName::from_static("x-start-date");
const END_DATE: HeaderName = HeaderName::from_static("x-end-date");
/// The tiers that are missing from the body, where this is known before it begins.
const MISSING: HeaderName = HeaderName::from_static("x-missing");

/// Part of a body.
#[derive(Debug, Default)]
pub struct Chunk {
    /// The bytes to send.
    pub bytes: Vec<u8>,
    /// The number of days read for it.
    pub days: usize,
    /// Whether the body is whole with it.
    pub last: bool,
    /// Whether the archive was missing from it.
    pub partial: bool,
}

/// A body in the making.
#[async_trait]
pub trait Source: Send {
    /// The next part. Not to be asked after the last one or an error.
    async fn next(&mut self, app: &App) -> Result<Chunk, Problem>;

    /// The status and headers are on their way; `partial` when they say that the archive is missing.
    fn head_sent(&mut self, partial: bool) {
        let _ = partial;
    }
}

/// The answer: with its `ETag` when the body is short, a stream otherwise.
///
/// The first days are read before the answer begins, so that an early failure becomes a problem. A later failure breaks the
/// connection, so that half a body is not taken for a whole one.
pub async fn respond(
    app: App,
    mut source: Box<dyn Source>,
    ask: &Ask,
    context: &RequestContext,
) -> Result<Response, Problem> {
    let ids = if ask.format.is_json() { IdStyle::of_query(context.uri.query()) } else { IdStyle::Number };
    let mut writer = ids.writer();
    let mut head = Chunk::default();
    while !head.last && head.days < CHUNK {
        let chunk = source.next(&app).await?;
        head.bytes.extend_from_slice(&writer.write(chunk.bytes));
        head.days += chunk.days;
        head.last = chunk.last;
        head.partial |= chunk.partial;
    }
    let content_type = ask.format.content_type();
    let bytes = Bytes::from(head.bytes);
    let mut response = if head.last {
        etag::answer(&context.headers, content_type, bytes)
    } else {
        source.head_sent(head.partial);
        let body = Body::from_stream(stream(app, source, bytes, writer));
        ([(CONTENT_TYPE, HeaderValue::from_static(content_type))], body).into_response()
    };
    for (name, day) in [(START_DATE, ask.start), (END_DATE, ask.end)] {
        if let Ok(value) = HeaderValue::from_str(&day.to_string()) {
            response.headers_mut().insert(name, value);
        }
    }
    if Format::of_path(context.uri.path()).is_none() {
        response.extensions_mut().insert(Offered(Format::MEDIA_TYPES));
    }
    if head.partial {
        response.headers_mut().insert(MISSING, HeaderValue::from_static("cold"));
    }
    Ok(response)
}

/// Returns a body at once.
pub async fn whole(app: &App, source: &mut dyn Source) -> Result<Vec<u8>, Problem> {
    let mut body = Vec::new();
    loop {
        let chunk = source.next(app).await?;
        body.extend_from_slice(&chunk.bytes);
        if chunk.last {
            return Ok(body);
        }
    }
}

/// `head`, then the rest of `source`.
fn stream(
    app: App,
    mut source: Box<dyn Source>,
    head: Bytes,
    mut writer: IdWriter,
) -> impl Stream<Item = Result<Bytes, Problem>> + Send {
    // The body is polled outside the request's span; its log lines belong there all the same.
    let span = Span::current();
    async_stream::stream! {
        yield Ok(head);
        loop {
            match source.next(&app).instrument(span.clone()).await {
                Ok(chunk) => {
                    yield Ok(Bytes::from(writer.write(chunk.bytes)));
                    if chunk.last {
                        break;
                    }
                }
                Err(problem) => {
                    span.in_scope(|| tracing::error!(?problem, "the body broke off"));
                    yield Err(problem);
                    break;
                }
            }
        }
    }
}
