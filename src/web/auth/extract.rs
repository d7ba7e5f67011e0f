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
use crate::clock::Timestamp;
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
        signed_in(parts, state).await.map(|(caller, _)| caller)
    }
}

/// Returns the caller by the `Authorization` header, and when a stream of theirs ends.
pub(super) async fn signed_in<S>(parts: &Parts, state: &S) -> Result<(Caller, Timestamp), Problem>
where
    Arc<Verifier>: FromRef<S>,
    Users: FromRef<S>,
{
    let verifier = Arc::<Verifier>::from_ref(state);
    let visit = parts.extensions.get::<Visit>();
    let refused =
        |refusal: Refusal| visit.map_or_else(|| refusal.into(), |visit| visit.sign_in_failed(refusal));
    let authenticated = match bearer_token(&parts.headers) {
        Ok(token) => verifier.authenticate(token).await,
        Err(refusal) => Err(refusal),
    };
    let (identity, end) = authenticated.map_err(refused)?;
    let user_id = match identity.user {
        TokenUser::Id(id) => id,
        TokenUser::Named(column, value) => {
            let found = Users::from_ref(state).find(column, value).await?;
            found.ok_or_else(|| refused(Refusal::UnknownUser))?
        }
    };
    let caller = Caller { user_id, admin: identity.admin, restriction: identity.restriction };
    if let Some(visit) = visit {
        visit.enter(&caller).await?;
    }
    Ok((caller, end))
}

/// Returns the token of the only `Authorization` header.
fn bearer_token(headers: &HeaderMap) -> Result<&str, Refusal> {
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
