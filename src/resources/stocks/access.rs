//! Access to prices: the holder of a valid token or, where the settings make prices public, anyone.

use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::web::auth::{Caller, Scope};
use crate::web::problem::Problem;
use crate::web::state::App;

/// Permission to read prices.
#[derive(Clone, Copy, Debug)]
pub struct PriceReader;

impl PriceReader {
    /// Checks that a caller may read prices.
    pub fn of(app: &App, caller: &Caller) -> Result<Self, Problem> {
        if !app.prices_public() {
            caller.require(Scope::Prices)?;
        }
        Ok(Self)
    }
}

impl FromRequestParts<App> for PriceReader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        if !app.prices_public() {
            Caller::from_request_parts(parts, app).await?.require(Scope::Prices)?;
        }
        Ok(Self)
    }
}
