//! Conditional answers: a weak `ETag` over the body, and who may keep a copy.

#[cfg(test)]
mod tests;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH, VARY};
use http::{HeaderMap, StatusCode};

/// A browser may keep its own user's copy, and asks with `If-None-Match` before it shows it again.
const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-cache");
/// What an answer depends on besides its URL.
const VARIES: HeaderValue = HeaderValue::from_static("Authorization, Accept, Accept-Encoding");

/// 200 with `body`, or 304 without it when the request's `If-None-Match` holds its tag.
/// Headers the caller adds afterwards belong to both.
pub fn answer(request: &HeaderMap, content_type: &'static str, body: Bytes) -> Response {
    let tag = tag(&body);
    let mut response = if matches(request, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(CONTENT_TYPE, HeaderValue::from_static(content_type))], body).into_response()
    };
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(ETAG, tag);
    }
    keep_private(response.headers_mut());
    response
}

/// Middleware: `Cache-Control` and `Vary` on every answer under `/api`, errors and streams among them.
pub async fn private_api(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let is_api = path == "/api" || path.starts_with("/api/");
    let mut response = next.run(request).await;
    if is_api {
        keep_private(response.headers_mut());
    }
    response
}

fn keep_private(headers: &mut HeaderMap) {
    headers.insert(CACHE_CONTROL, PRIVATE);
    headers.insert(VARY, VARIES);
}

/// 128 bits of the body's hash. Weak, because compression changes the bytes and not what they say.
fn tag(body: &[u8]) -> String {
    format!("W/\"{}\"", &blake3::hash(body).to_hex()[..32])
}

/// Whether `If-None-Match` holds `tag` by weak comparison (RFC 9110, section 13.1.2). What is malformed matches nothing.
fn matches(request: &HeaderMap, tag: &str) -> bool {
    let opaque = tag.trim_start_matches("W/");
    request
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|list| list.trim() == "*" || tags(list).any(|candidate| candidate == opaque))
}

/// The quoted parts of a list of entity tags; a comma may stand inside the quotes.
fn tags(list: &str) -> impl Iterator<Item = &str> {
    let mut rest = list;
    std::iter::from_fn(move || {
        let text = rest.trim_start_matches([' ', '\t', ',']);
        let text = text.strip_prefix("W/").unwrap_or(text);
        let end = text.strip_prefix('"')?.find('"')? + 2;
        let (tag, after) = text.split_at(end);
        rest = after;
        Some(tag)
    })
}
