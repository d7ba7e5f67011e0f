//! Who may read prices: the holder of a valid token or, where the settings make prices public, anyone.

use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::web::auth::Caller;
use crate::web::problem::Problem;
use crate::web::state::App;

/// Permission to read prices.
#[derive(Clone, Copy, Debug)]
pub struct PriceReader;

impl FromRequestParts<App> for PriceReader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        if !app.prices_public() {
            Caller::from_request_parts(parts, app).await?;
        }
        Ok(Self)
    }
}
