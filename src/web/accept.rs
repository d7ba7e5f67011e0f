//! The `Accept` header (RFC 9110, section 12.5.1): which media type a client prefers, and whether it admits the answer.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use http::header::{ACCEPT, CONTENT_TYPE};

use crate::web::problem::Problem;

/// Every path can answer with a problem. A client that names this type alone, as generated clients do for paths without
/// JSON, has named something there is.
const PROBLEM: &str = "application/problem+json";

/// The media ranges of a request. Malformed elements are ignored; without any range everything is admitted.
#[derive(Clone, Debug, Default)]
pub struct Accept(Vec<MediaRange>);

impl Accept {
    /// Reads the `Accept` headers of a request.
    pub fn of(headers: &HeaderMap) -> Self {
        let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        Self(values.flat_map(|list| list.split(',')).filter_map(MediaRange::parse).collect())
    }

    /// Returns the quality in thousandths and the precision with which the client accepts a media type, which has no
    /// parameters; `None` when it does not accept it. The most precise range decides.
    fn liking(&self, media_type: &str) -> Option<(u16, u8)> {
        if self.0.is_empty() {
            return Some((1000, 0));
        }
        let (precision, quality) = self.0.iter().filter_map(|range| range.fits(media_type)).max()?;
        (quality > 0).then_some((quality, precision))
    }

    /// Returns whether the client accepts the media type or a problem.
    pub fn admits(&self, media_type: &str) -> bool {
        self.liking(media_type).or_else(|| self.liking(PROBLEM)).is_some()
    }

    /// Returns the choice whose media type the client likes best; the first one when it accepts none.
    ///
    /// Of two that it likes equally the one that it names more precisely wins: `text/csv, */*` is a wish for CSV.
    pub fn prefer<T: Copy>(&self, offered: &[(&str, T)]) -> Option<T> {
        let mut best = None;
        for (media_type, choice) in offered {
            let liking = self.liking(media_type);
            if best.is_none_or(|(_, earlier)| liking > earlier) {
                best = Some((*choice, liking));
            }
        }
        best.map(|(choice, _)| choice)
    }
}

/// The media types of a path with several, as a response extension. Without it a path has the type that it answers with.
#[derive(Clone, Copy, Debug)]
pub struct Offered(pub &'static [&'static str]);

/// Middleware that turns an answer into a 406 when `Accept` admits neither it nor another type of the same path.
///
/// The check comes after the handler: the handler knows its types, and errors of a request come before it.
pub async fn refuse_unacceptable(request: Request, next: Next) -> Response {
    let accept = Accept::of(request.headers());
    let response = next.run(request).await;
    if !response.status().is_success() {
        return response;
    }
    let sent = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let Some(sent) = sent.map(|sent| essence(sent).to_owned()) else { return response };
    let offered = response.extensions().get::<Offered>().map_or(&[][..], |offered| offered.0);
    if accept.admits(&sent) || offered.iter().any(|media_type| accept.admits(media_type)) {
        return response;
    }
    let offered = if offered.is_empty() { sent } else { offered.join(", ") };
    Problem::NotAcceptable { offered }.into_response()
}

/// Returns a media type without its parameters.
fn essence(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}

/// One element of an `Accept` header.
#[derive(Clone, Debug)]
struct MediaRange {
    kind: String,
    subtype: String,
    /// Thousandths.
    quality: u16,
}

impl MediaRange {
    /// Returns `None` for a malformed element.
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let (kind, subtype) = parts.next()?.split_once('/')?;
        let mut quality = 1000;
        for part in parts {
            if let Some((name, value)) = part.split_once('=')
                && name.trim().eq_ignore_ascii_case("q")
            {
                let value: f32 = value.trim().parse().ok()?;
                quality = (value.clamp(0.0, 1.0) * 1000.0).round() as u16;
            }
        }
        Some(Self { kind: kind.to_ascii_lowercase(), subtype: subtype.to_ascii_lowercase(), quality })
    }

    /// Returns the precision and the quality with which it accepts the type; `None` if it does not match.
    fn fits(&self, media_type: &str) -> Option<(u8, u16)> {
        let (kind, subtype) = media_type.split_once('/')?;
        let precision = match (self.kind.as_str(), self.subtype.as_str()) {
            ("*", "*") => 1,
            (range, "*") if range == kind => 2,
            (range, exact) if range == kind && exact == subtype => 3,
            _ => return None,
        };
        Some((precision, self.quality))
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::get;
    use http::StatusCode;

    use super::*;
    use crate::web::testing::{request, send};

    fn accept(values: &[&str]) -> Accept {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(ACCEPT, value.parse().expect("a header"));
        }
        Accept::of(&headers)
    }

    #[test]
    fn the_best_liked_type_is_preferred() {
        let offered = [("application/json", 'j'), ("text/csv", 'c'), ("application/x-ndjson", 'n')];
        for (header, expected) in [
            ("", 'j'),
            ("*/*", 'j'),
            ("text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8", 'j'),
            ("image/png", 'j'),
            ("text/csv", 'c'),
            ("Text/CSV; charset=utf-8", 'c'),
            ("text/*", 'c'),
            ("text/csv, */*", 'c'),
            ("text/csv, application/json", 'j'),
            ("text/csv;q=0.5, application/x-ndjson;q=0.6", 'n'),
            ("application/json;q=0, application/*", 'n'),
            ("text/csv;q=0", 'j'),
            ("text/csv;q=much, application/x-ndjson;q=0.001", 'n'),
        ] {
            assert_eq!(accept(&[header]).prefer(&offered), Some(expected), "{header}");
        }
        assert_eq!(accept(&["application/json;q=0.2", "text/csv"]).prefer(&offered), Some('c'));
    }

    #[test]
    fn a_type_is_admitted_by_name_by_wildcard_or_beside_problems() {
        for header in [
            "",
            "nonsense",
            "application/json",
            "APPLICATION/JSON;charset=utf-8",
            "application/*",
            "*/*;q=0.001",
            "image/png, */*",
            "application/problem+json",
            "text/html;q=0, application/json;q=0.1",
        ] {
            assert!(accept(&[header]).admits("application/json"), "{header}");
        }
        for header in [
            "image/png",
            "text/*, application/xml",
            "application/json;q=0",
            "application/json;q=0.000, image/png",
            "*/*;q=0",
            "application/vnd.api+json",
            "application/json;q=0, application/problem+json;q=0, */*;q=0.5, application/*;q=0",
        ] {
            assert!(!accept(&[header]).admits("application/json"), "{header}");
        }
        assert!(accept(&["image/png", "application/json;q=0.1"]).admits("application/json"));
    }

    #[tokio::test]
    async fn an_answer_that_is_not_admitted_is_406() {
        let several = || async {
            (
                [(CONTENT_TYPE, "text/csv; charset=utf-8")],
                axum::Extension(Offered(&["text/csv", "text/plain"])),
                "1",
            )
        };
        let router = Router::new()
            .route("/json", get(|| async { axum::Json(1) }))
            .route("/several", get(several))
            .route("/missing", get(|| async { StatusCode::NOT_FOUND }))
            .route("/empty", get(|| async { StatusCode::NO_CONTENT }))
            .layer(axum::middleware::from_fn(refuse_unacceptable));
        for (path, header, status) in [
            ("/json", "application/json", 200),
            ("/json", "text/csv", 406),
            ("/several", "text/csv", 200),
            ("/several", "text/plain", 200),
            ("/several", "application/json", 406),
            ("/missing", "text/csv", 404),
            ("/empty", "text/csv", 204),
        ] {
            let answer = send(&router, request("GET", path, &[("accept", header)])).await;
            assert_eq!(answer.status.as_u16(), status, "{path} {header}");
            if status == 406 {
                let detail = answer.problem("not-acceptable", 406)["detail"].to_string();
                assert!(detail.contains(if path == "/json" {
                    "application/json"
                } else {
                    "text/csv, text/plain"
                }));
            }
        }
    }
}
