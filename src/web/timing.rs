//! `Server-Timing`: the statements that a request sent to each tier, and the time they took. A refusal has none, since it
//! could tell whether the thing that the caller may not see exists.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderValue, StatusCode};

use crate::tier::{Tier, usage};

/// The tiers that an answer asked, as an extension of the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TiersAsked {
    /// Whether hot was asked.
    pub hot: bool,
    /// Whether cold was asked.
    pub cold: bool,
}

impl TiersAsked {
    /// Returns its name in the metrics; `None` for an answer without any statement.
    pub const fn name(self) -> Option<&'static str> {
        match (self.hot, self.cold) {
            (true, true) => Some("both"),
            (true, false) => Some("hot"),
            (false, true) => Some("cold"),
            (false, false) => None,
        }
    }
}

/// Middleware that adds the header. Only tiers with statements are named; those of a streamed body come too late.
pub async fn server_timing(request: Request, next: Next) -> Response {
    let (mut response, used) = usage::tally(next.run(request)).await;
    let [hot, cold] = used.map(|used| used.statements > 0);
    response.extensions_mut().insert(TiersAsked { hot, cold });
    if matches!(response.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND) {
        return response;
    }
    let parts: Vec<String> = [Tier::Hot, Tier::Cold]
        .iter()
        .zip(used)
        .filter(|(_, used)| used.statements > 0)
        .map(|(tier, used)| {
            let millis = used.waited.as_secs_f64() * 1000.0;
            format!("{tier};dur={millis:.3};desc=\"{} asked\"", used.statements)
        })
        .collect();
    if let Ok(value) = HeaderValue::from_str(&parts.join(", "))
        && !parts.is_empty()
    {
        response.headers_mut().insert("server-timing", value);
    }
    response
}
