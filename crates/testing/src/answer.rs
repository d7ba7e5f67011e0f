//! A response that was read completely.

use reqwest::header::HeaderMap;
use serde_json::Value;

/// Status, headers and body.
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub(super) async fn read(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await.expect("a whole body").to_vec();
        Self { status, headers, body }
    }

    /// Returns the value of a header, which must occur once at most; "" without one.
    pub fn header(&self, name: &str) -> &str {
        let values: Vec<_> = self.headers.get_all(name).iter().collect();
        assert!(values.len() < 2, "{name} is repeated: {values:?}");
        values.first().map_or("", |value| value.to_str().expect("printable"))
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("UTF-8")
    }

    /// Returns the body as text, for bodies that may be images.
    pub fn text_lossy(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// Returns the body as a problem of this name, after checking every member and header of the contract. `path` is
    /// the requested path.
    pub fn problem(&self, path: &str, status: u16, name: &str) -> Value {
        assert_eq!(self.status, status, "{path}: {}", self.text());
        assert_eq!(self.header("content-type"), "application/problem+json", "{path}");
        let body = self.json();
        assert_eq!(body["type"], format!("/problems/{name}"), "{path}: {body}");
        assert_eq!(body["status"], status, "{path}");
        assert_eq!(body["success"], false, "{path}");
        for member in ["title", "detail"] {
            assert!(body[member].as_str().is_some_and(|text| !text.is_empty()), "{path}: {member} in {body}");
        }
        assert_eq!(body["message"], body["detail"], "{path}");
        assert_eq!(body["instance"], path.split('?').next().unwrap_or_default(), "{path}");
        let id = self.header("x-request-id");
        assert!(!id.is_empty() && body["request_id"] == id, "{path}: {id:?} in {body}");
        if path.starts_with("/api/") {
            assert_eq!(self.header("cache-control"), "private, no-cache", "{path}");
        }
        let retry = self.header("retry-after").parse::<u64>();
        assert_eq!(retry.is_ok_and(|seconds| seconds > 0), status == 503, "{path}: Retry-After");
        assert_eq!(self.header("www-authenticate").is_empty(), status != 401, "{path}: WWW-Authenticate");
        assert_eq!(self.header("etag"), "", "{path}: an error is not cached");
        body
    }

    /// Returns the tiers in `Server-Timing`, in order.
    pub fn tiers(&self) -> Vec<String> {
        let timing = self.header("server-timing");
        let names = timing.split(", ").filter_map(|part| part.split_once(';'));
        names.map(|(tier, _)| tier.to_owned()).collect()
    }

    /// Returns the target of a link by its relation.
    pub fn link(&self, rel: &str) -> Option<String> {
        let wanted = format!("rel=\"{rel}\"");
        self.header("link").split(", ").find_map(|link| {
            let (target, relation) = link.split_once("; ")?;
            let target = target.strip_prefix('<')?.strip_suffix('>')?;
            (relation == wanted).then(|| target.to_owned())
        })
    }
}
