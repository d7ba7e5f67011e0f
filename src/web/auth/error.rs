//! The errors of authentication.

use crate::web::problem::{BearerError, Problem};

/// Why the settings cannot be used to verify tokens.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum VerifierError {
    /// The secret is so short that it can be guessed from a single token.
    #[error("the JWT secret has {bytes} bytes, and must have at least {least}")]
    SecretTooShort {
        /// The bytes it has.
        bytes: usize,
        /// The bytes it must have.
        least: usize,
    },
    /// The file does not hold a usable public key.
    #[error("{reason}")]
    PublicKey {
        /// Why, as a sentence that begins with the file.
        reason: &'static str,
    },
    /// The HTTP client for the published keys could not be built.
    #[error("{0}")]
    Client(String),
}

/// Why a token could not be issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// The server would refuse the token itself.
    #[error("a user id is a positive number, not {0}")]
    BadUser(String),
    /// A public key verifies tokens and cannot sign them.
    #[error("tokens can be signed with JWT_SECRET only, and another key is set: ask its owner for a token")]
    NoSecret,
    /// The library failed.
    #[error("the token could not be signed")]
    Signing(#[from] jsonwebtoken::errors::Error),
}

/// Why a request is not authenticated. `Display` goes to the client: printable ASCII without quotes and without secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No `Authorization` header, or one of another scheme.
    #[error("A bearer token is needed")]
    Missing,
    /// More than one `Authorization` header.
    #[error("The Authorization header is repeated")]
    Repeated,
    /// The scheme is `Bearer`, but what follows is not one token.
    #[error("The Authorization header is not: Bearer, a space, a token")]
    MalformedHeader,
    /// The token is not three parts of base64url with a JSON header that names a known algorithm.
    #[error("The token is not a signed JWT")]
    MalformedToken,
    /// The token's header names another algorithm than the settings, or demands an extension.
    #[error("The algorithm of the token is not accepted")]
    Algorithm,
    /// The token names a key that is not among the published ones.
    #[error("The key of the token is not known")]
    Key,
    /// The signature does not match the key.
    #[error("The signature of the token is wrong")]
    Signature,
    /// The payload is not a JSON object, or repeats a claim.
    #[error("The claims of the token are malformed")]
    MalformedClaims,
    /// `exp` is missing.
    #[error("The token has no exp")]
    NoExpiry,
    /// `exp` or `nbf` is not a number.
    #[error("The exp or nbf of the token is not a number")]
    MalformedTime,
    /// `exp` has passed.
    #[error("The token has expired")]
    Expired,
    /// `nbf` lies in the future.
    #[error("The token is not valid yet")]
    NotYetValid,
    /// `iss` is missing or names another issuer.
    #[error("The token is from another issuer")]
    Issuer,
    /// `aud` is missing or names another audience.
    #[error("The token is for another audience")]
    Audience,
    /// No claim names a user in the form that the settings ask for.
    #[error("The token names no user")]
    User,
    /// The issuer has not verified the address by which the user would be found.
    #[error("The email address of the token is not verified")]
    UnverifiedEmail,
    /// The ticket is malformed, forged, expired or spent.
    #[error("The ticket is not valid: it opens one stream once, within a minute")]
    Ticket,
    /// A parameter holds a JWT.
    #[error("A token in a URL is not accepted: send it in the Authorization header, or get a ticket with it")]
    InUrl,
    /// No user, or more than one, has the name or the address of the token.
    #[error("The user of the token is not known")]
    UnknownUser,
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self::Unauthorized {
            error: match refusal {
                Refusal::Missing => BearerError::Missing,
                Refusal::Repeated | Refusal::MalformedHeader | Refusal::InUrl => BearerError::InvalidRequest,
                _ => BearerError::InvalidToken,
            },
            description: refusal.to_string(),
        }
    }
}
