//! Extracts the caller of a request that may open a stream: from the `Authorization` header, or from a ticket in the URL.

use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use http::header::AUTHORIZATION;
use http::request::Parts;

use super::caller::Caller;
use super::error::Refusal;
use super::extract::signed_in;
use super::ticket::{Ticket, Tickets};
use super::users::Users;
use super::verifier::Verifier;
use crate::clock::Timestamp;
use crate::web::admission::Visit;
use crate::web::problem::Problem;

/// The parameter with the ticket.
pub const TICKET: &str = "ticket";

/// The caller of a stream.
#[derive(Clone, Debug)]
pub struct StreamCaller {
    /// The user for whom the request acts.
    pub caller: Caller,
    /// When their token expires, and a stream ends.
    pub until: Timestamp,
    /// The ticket that stands for the token. It is not spent yet.
    pub ticket: Option<Ticket>,
    /// The request, for the limits of callers.
    pub visit: Option<Visit>,
}

impl<S> FromRequestParts<S> for StreamCaller
where
    Arc<Verifier>: FromRef<S>,
    Arc<Tickets>: FromRef<S>,
    Users: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let visit = parts.extensions.get::<Visit>().cloned();
        let refused = |refusal: Refusal| {
            visit.as_ref().map_or_else(|| refusal.into(), |visit| visit.sign_in_failed(refusal))
        };
        let query = parts.uri.query().unwrap_or_default();
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        // A token in a URL ends up in logs, in histories and wherever the link is passed on.
        let token = pairs.clone().find(|(_, value)| is_jwt(value)).map(|(name, _)| name.into_owned());
        if parts.headers.contains_key(AUTHORIZATION) {
            let (caller, until) = signed_in(parts, state).await?;
            if let Some(name) = token {
                return Err(Problem::parameter(&name, "holds a token, which a URL must not"));
            }
            return Ok(Self { caller, until, ticket: None, visit });
        }
        if token.is_some() {
            return Err(refused(Refusal::InUrl));
        }
        let ticket = pairs.find(|(name, _)| name == TICKET).ok_or(Refusal::Missing);
        let ticket = ticket.and_then(|(_, text)| Arc::<Tickets>::from_ref(state).read(&text));
        let ticket = ticket.map_err(refused)?;
        if let Some(visit) = &visit {
            visit.enter(&ticket.caller).await?;
        }
        Ok(Self { caller: ticket.caller, until: ticket.until, ticket: Some(ticket), visit })
    }
}

/// Returns whether a text has the shape of a JWT: three parts of base64url, the first of which is an object.
fn is_jwt(text: &str) -> bool {
    let mut parts = text.split('.');
    let is_part = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    let first = parts.next().unwrap_or_default();
    first.starts_with("ey") && is_part(first) && parts.clone().count() == 2 && parts.all(is_part)
}

#[cfg(test)]
mod tests {
    use super::is_jwt;

    #[test]
    fn tokens_are_known_by_their_shape() {
        assert!(is_jwt("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.c2lnbmF0dXJl"));
        assert!(is_jwt("eyJhbGciOiJub25lIn0.eyJzdWIiOiI0MiJ9."));
        for text in ["", "ey", "ey.a", "ey.a.b.c", "hello.world.again", "ey€.a.b", "2026.11.29"] {
            assert!(!is_jwt(text), "{text}");
        }
    }
}
