//! Extracts the caller from the `Authorization` header of a request.

use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;

use super::caller::Caller;
use super::claims::TokenUser;
use super::error::Refusal;
use super::users::Users;
use super::verifier::Verifier;
use crate::web::admission::Visit;
use crate::web::problem::Problem;

impl<S> FromRequestParts<S> for Caller
where
    Arc<Verifier>: FromRef<S>,
    Users: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let verifier = Arc::<Verifier>::from_ref(state);
        let visit = parts.extensions.get::<Visit>();
        let refused =
            |refusal: Refusal| visit.map_or_else(|| refusal.into(), |visit| visit.sign_in_failed(refusal));
        let identity = match bearer_token(&parts.headers) {
            Ok(token) => verifier.authenticate(token).await,
            Err(refusal) => Err(refusal),
        };
        let identity = identity.map_err(refused)?;
        let user_id = match identity.user {
            TokenUser::Id(id) => id,
            TokenUser::Named(column, value) => {
                let found = Users::from_ref(state).find(column, value).await?;
                found.ok_or_else(|| refused(Refusal::UnknownUser))?
            }
        };
        let caller = Self { user_id, admin: identity.admin, restriction: identity.restriction };
        if let Some(visit) = visit {
            visit.enter(&caller)?;
        }
        Ok(caller)
    }
}

/// Returns the token of the only `Authorization` header.
pub(super) fn bearer_token(headers: &HeaderMap) -> Result<&str, Refusal> {
    let mut sent = headers.get_all(AUTHORIZATION).iter();
    let header = sent.next().ok_or(Refusal::Missing)?;
    if sent.next().is_some() {
        return Err(Refusal::Repeated);
    }
    let text = header.to_str().map_err(|_| Refusal::MalformedHeader)?.trim();
    let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
    if !scheme.eq_ignore_ascii_case("Bearer") {
        return Err(Refusal::Missing);
    }
    let token = token.trim_start_matches(' ');
    if token.is_empty() || token.contains([' ', '\t', ',']) {
        return Err(Refusal::MalformedHeader);
    }
    Ok(token)
}
