//! Conditional responses: a weak `ETag` over the body, and the rules for caches.

#[cfg(test)]
mod tests;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use headers::{ETag, HeaderMapExt as _, IfNoneMatch};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, VARY};
use http::{HeaderMap, StatusCode};

/// A browser may store the response for its own user and revalidates it with `If-None-Match`.
const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-cache");
/// The headers on which a response depends, besides its URL.
const VARIES: HeaderValue = HeaderValue::from_static("Authorization, Accept, Accept-Encoding");

/// Returns 200 with `body`, or 304 if the `If-None-Match` of the request matches its tag. Headers that the caller adds
/// belong to both.
pub fn answer(request: &HeaderMap, content_type: &'static str, body: Bytes) -> Response {
    let mut response = conditional(request, tag(&body), content_type, body);
    keep_private(response.headers_mut());
    response
}

/// Returns 200 with `body`, or 304 if the `If-None-Match` of the request matches `tag`.
pub fn conditional(
    request: &HeaderMap,
    tag: ETag,
    content_type: &'static str,
    body: impl IntoResponse,
) -> Response {
    let modified = request.typed_get::<IfNoneMatch>().is_none_or(|known| known.precondition_passes(&tag));
    let mut response = if modified {
        ([(CONTENT_TYPE, HeaderValue::from_static(content_type))], body).into_response()
    } else {
        StatusCode::NOT_MODIFIED.into_response()
    };
    response.headers_mut().typed_insert(tag);
    response
}

/// Middleware that sets `Cache-Control` and `Vary` on every response under `/api`, errors and streams included.
pub async fn private_api(request: Request, next: Next) -> Response {
    let is_api = is_api(request.uri().path());
    let mut response = next.run(request).await;
    if is_api {
        keep_private(response.headers_mut());
    }
    response
}

/// Adds `Cache-Control` and `Vary` to a response under `/api`.
pub fn keep_api_private(path: &str, headers: &mut HeaderMap) {
    if is_api(path) {
        keep_private(headers);
    }
}

fn is_api(path: &str) -> bool {
    path == "/api" || path.starts_with("/api/")
}

fn keep_private(headers: &mut HeaderMap) {
    headers.insert(CACHE_CONTROL, PRIVATE);
    headers.insert(VARY, VARIES);
}

fn tag(body: &[u8]) -> ETag {
    weak(blake3::hash(body).as_bytes())
}

/// Returns a tag of 128 bits of a hash. It is weak because compression changes the bytes.
pub fn weak(hash: &[u8; 32]) -> ETag {
    let digits = blake3::Hash::from(*hash).to_hex();
    format!("W/\"{}\"", &digits[..32]).parse().expect("hexadecimal digits in quotes are an entity tag")
}
