//! Helpers to send a request through a router in tests.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use serde_json::Value;
use tower::ServiceExt;

/// A response with its whole body.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    /// Returns the value of a header that must not be repeated; "" without one.
    pub fn header(&self, name: &str) -> &str {
        let values: Vec<_> = self.headers.get_all(name).iter().collect();
        assert!(values.len() < 2, "{name} is repeated: {values:?}");
        values.first().map_or("", |value| value.to_str().expect("printable header"))
    }

    /// Returns the body as a problem of the type `name`, and checks that it has all members of the contract.
    pub fn problem(&self, name: &str, status: u16) -> Value {
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        let body: Value = serde_json::from_str(&self.body).expect("a JSON body");
        assert_eq!(body["type"], format!("/problems/{name}"));
        assert_eq!(body["status"], status);
        assert_eq!(body["success"], false);
        for member in ["title", "detail"] {
            assert!(!body[member].as_str().expect(member).is_empty(), "{member} is empty");
        }
        assert_eq!(body["message"], body["detail"]);
        assert_eq!(self.header("content-length"), self.body.len().to_string());
        body
    }
}

/// Sends `request` through `router`.
pub async fn send(router: &Router, request: Request<Body>) -> Answer {
    let response = router.clone().oneshot(request).await.expect("infallible");
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.expect("a body");
    Answer {
        status: parts.status,
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).expect("UTF-8"),
    }
}

/// Returns a request without a body.
pub fn request(method: &str, uri: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::empty()).expect("a valid request")
}
