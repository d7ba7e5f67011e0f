//! `Server-Timing`: which tiers a request asked, how often and for how long.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::HeaderValue;

use crate::telemetry;
use crate::tier::Tier;

/// The middleware. A tier that was not asked is not named, so an answer from hot alone shows itself.
/// What a streamed body asks later comes too late for a header.
pub async fn server_timing(request: Request, next: Next) -> Response {
    let (mut response, asked) = telemetry::tally(next.run(request)).await;
    let parts: Vec<String> = [Tier::Hot, Tier::Cold]
        .iter()
        .zip(asked)
        .filter(|(_, asked)| asked.statements > 0)
        .map(|(tier, asked)| {
            let millis = asked.waited.as_secs_f64() * 1000.0;
            format!("{tier};dur={millis:.3};desc=\"{} asked\"", asked.statements)
        })
        .collect();
    if let Ok(value) = HeaderValue::from_str(&parts.join(", "))
        && !parts.is_empty()
    {
        response.headers_mut().insert("server-timing", value);
    }
    response
}
