//! A service behind a path prefix: `https://example.org/thermocline/api/…`.
//!
//! Requests are answered with and without the prefix, because some proxies remove it. Every link carries it.

use std::str::FromStr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use http::Uri;
use http::uri::PathAndQuery;

/// The prefix of all paths, without a slash at its end; empty by default. A request extension of every request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BasePath(Arc<str>);

impl Default for BasePath {
    fn default() -> Self {
        Self("".into())
    }
}

/// The first segments of the server's own paths. Under such a prefix a path would have two meanings.
const OWN: [&str; 11] = [
    "api",
    "console",
    "docs",
    "health",
    "livez",
    "mcp",
    "metrics",
    "openapi.json",
    "problems",
    "readyz",
    "udf",
];

impl FromStr for BasePath {
    type Err = String;

    /// Reads a prefix such as `/thermocline`. A slash at its end is ignored, and `/` is no prefix.
    fn from_str(text: &str) -> Result<Self, String> {
        let path = text.strip_suffix('/').unwrap_or(text);
        if path.is_empty() {
            return Ok(Self::default());
        }
        let Some(segments) = path.strip_prefix('/') else {
            return Err("expected a path that begins with a slash, such as /thermocline".to_owned());
        };
        let plain = |segment: &str| {
            !matches!(segment, "" | "." | "..")
                && segment.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
        };
        if !segments.split('/').all(plain) {
            return Err("expected segments of letters, digits, -, ., _ and ~".to_owned());
        }
        let first = segments.split('/').next().unwrap_or_default();
        if OWN.contains(&first) {
            return Err(format!("/{first} is a path of the server itself"));
        }
        Ok(Self(path.into()))
    }
}

impl BasePath {
    /// Returns the prefix.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the path under which a client finds `path`, which begins with a slash.
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    /// Returns a path without the prefix, or as it is if it does not have it.
    pub fn within<'a>(&self, path: &'a str) -> &'a str {
        match path.strip_prefix(&*self.0) {
            Some("") => "/",
            Some(rest) if rest.starts_with('/') => rest,
            _ => path,
        }
    }

    /// Returns the target without the prefix; `None` if it does not have it.
    fn strip(&self, uri: &Uri) -> Option<Uri> {
        let target = uri.path_and_query()?.as_str().strip_prefix(&*self.0)?;
        let target = match target.as_bytes().first() {
            Some(b'/') => target.to_owned(),
            None | Some(b'?') => format!("/{target}"),
            Some(_) => return None,
        };
        let mut parts = uri.clone().into_parts();
        parts.path_and_query = Some(PathAndQuery::try_from(target).ok()?);
        Uri::from_parts(parts).ok()
    }
}

/// Returns the router behind the prefix. The paths without it stay.
pub fn mount(base: BasePath, router: Router) -> Router {
    // A layer of the router itself would come after its choice of a route.
    Router::new().fallback_service(router).layer(from_fn_with_state(base, strip))
}

async fn strip(State(base): State<BasePath>, mut request: Request, next: Next) -> Response {
    if !base.0.is_empty() {
        if let Some(uri) = base.strip(request.uri()) {
            *request.uri_mut() = uri;
        }
        request.extensions_mut().insert(base);
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_a_plain_path_that_no_route_has() {
        for (text, expected) in [
            ("", ""),
            ("/", ""),
            ("/thermocline", "/thermocline"),
            ("/thermocline/", "/thermocline"),
            ("/a/b-1/c~d", "/a/b-1/c~d"),
            ("/apis", "/apis"),
        ] {
            assert_eq!(text.parse::<BasePath>().expect(text).as_str(), expected);
        }
        for text in [
            "thermocline",
            "//",
            "/a//b",
            "/a/../b",
            "/a b",
            "/ä",
            "/a?b",
            "/%41",
            "/api",
            "/docs/x",
            "http://a",
        ] {
            assert!(text.parse::<BasePath>().is_err(), "{text}");
        }
    }

    #[test]
    fn only_whole_segments_are_removed() {
        let base: BasePath = "/a/b".parse().expect("a prefix");
        let strip = |target: &str| base.strip(&target.parse().expect("a target")).map(|uri| uri.to_string());
        assert_eq!(strip("/a/b/api/posts?page=2").as_deref(), Some("/api/posts?page=2"));
        assert_eq!(strip("/a/b").as_deref(), Some("/"));
        assert_eq!(strip("/a/b?x=1").as_deref(), Some("/?x=1"));
        assert_eq!(strip("/a/bc"), None);
        for (path, expected) in [
            ("/a/b/api/posts", "/api/posts"),
            ("/a/b", "/"),
            ("/a/b/", "/"),
            ("/a/bc", "/a/bc"),
            ("/api/posts", "/api/posts"),
        ] {
            assert_eq!(base.within(path), expected);
            assert_eq!(BasePath::default().within(path), path);
        }
        assert_eq!(strip("/api/posts"), None);
    }
}
