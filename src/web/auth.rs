//! Who is calling: a JWT in `Authorization: Bearer`, verified against the settings alone.
//!
//! The algorithm comes from the settings, the time from the clock. The signature is checked before any claim
//! is looked at, so that only the holder of a genuine token learns what is wrong with its claims.

mod claims;
mod keys;
mod published;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::{ExposeSecret, SecretString};

use crate::clock::Clock;
use crate::telemetry::explain;
use crate::web::problem::{BearerError, Problem};
use claims::{Claims, Issued};
use keys::Key;
pub use published::FetchError;
use published::{Pace, Published};

/// Seconds by which the issuer's clock and ours may differ.
const LEEWAY: i64 = 30;

/// Where the verifying key comes from; with it comes the algorithm.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// HS256 with a shared secret of at least 32 bytes.
    Secret(SecretString),
    /// RS256, ES256 or `EdDSA`, by the type of this public key in PEM.
    PublicKey(Vec<u8>),
    /// The same, by the type of each key that is published at this URL as a JWK Set.
    Published(String),
}

/// What tokens have to be like.
#[derive(Clone, Debug)]
pub struct AuthSettings {
    /// The key and its algorithm.
    pub key: KeySource,
    /// When set, `iss` must be this.
    pub issuer: Option<String>,
    /// When set, `aud` must be this or a list with it.
    pub audience: Option<String>,
}

/// The settings cannot be used to verify tokens.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum VerifierError {
    /// A secret this short can be guessed from a single token.
    #[error("the JWT secret has {bytes} bytes, and must have at least {least}")]
    SecretTooShort {
        /// The bytes it has.
        bytes: usize,
        /// The bytes it must have.
        least: usize,
    },
    /// The file holds something else.
    #[error("{reason}")]
    PublicKey {
        /// What it is.
        reason: &'static str,
    },
    /// No HTTP client could be made for the published keys.
    #[error("{0}")]
    Client(String),
}

/// A token could not be made.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// This server would refuse the token itself.
    #[error("a user id is a positive number, not {0}")]
    BadUser(i64),
    /// With a public key tokens can be verified only.
    #[error("tokens are signed with JWT_SECRET, and another key is set: ask whoever holds it")]
    NoSecret,
    /// The library refused.
    #[error("the token could not be signed")]
    Signing(#[from] jsonwebtoken::errors::Error),
}

/// Why a request is not authenticated. `Display` goes to the client: printable ASCII without quotes, no secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No `Authorization` header, or one of another scheme.
    #[error("A bearer token is needed")]
    Missing,
    /// More than one `Authorization` header.
    #[error("The Authorization header is repeated")]
    Repeated,
    /// The scheme is `Bearer`, but no single token follows.
    #[error("The Authorization header is not: Bearer, a space, a token")]
    MalformedHeader,
    /// Not three parts of base64url with a JSON header that names an algorithm we know of.
    #[error("The token is not a signed JWT")]
    MalformedToken,
    /// The token's header names another algorithm than the settings, or demands an extension.
    #[error("The algorithm of the token is not accepted")]
    Algorithm,
    /// The token names a key that is not among the published ones.
    #[error("The key of the token is not known")]
    Key,
    /// The signature is not the key's.
    #[error("The signature of the token is wrong")]
    Signature,
    /// The payload is no JSON object, or has a claim twice.
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
    /// `nbf` is yet to come.
    #[error("The token is not valid yet")]
    NotYetValid,
    /// `iss` is missing or another.
    #[error("The token is from another issuer")]
    Issuer,
    /// `aud` is missing or another.
    #[error("The token is for another audience")]
    Audience,
    /// Neither `sub` nor `user_id` is a positive number.
    #[error("The token names no user")]
    User,
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self::Unauthorized {
            error: match refusal {
                Refusal::Missing => BearerError::Missing,
                Refusal::Repeated | Refusal::MalformedHeader => BearerError::InvalidRequest,
                _ => BearerError::InvalidToken,
            },
            description: refusal.to_string(),
        }
    }
}

/// The user a request acts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// A positive id; that there is such a user is not checked.
    pub user_id: i64,
    /// Whether the token's scope holds `admin`.
    pub admin: bool,
}

/// The keys in use.
enum Keys {
    One(Arc<Key>),
    Published(Arc<Published>),
}

/// Verifies tokens, and issues them when the key can sign.
pub struct Verifier {
    keys: Keys,
    signer: Option<EncodingKey>,
    issuer: Option<String>,
    audience: Option<String>,
    clock: Clock,
}

impl Verifier {
    /// Checks the settings. Published keys are not fetched yet: [`Verifier::fetch_keys`].
    pub fn new(settings: AuthSettings, clock: Clock) -> Result<Self, VerifierError> {
        Self::paced(settings, clock, Pace::default())
    }

    fn paced(settings: AuthSettings, clock: Clock, pace: Pace) -> Result<Self, VerifierError> {
        let (keys, signer) = match settings.key {
            KeySource::Secret(secret) => {
                let (key, signer) = Key::secret(secret.expose_secret().as_bytes())?;
                (Keys::One(Arc::new(key)), Some(signer))
            }
            KeySource::PublicKey(pem) => (Keys::One(Arc::new(Key::pem(&pem)?)), None),
            KeySource::Published(url) => {
                let published =
                    Published::new(&url, pace).map_err(|error| VerifierError::Client(explain(&error)))?;
                (Keys::Published(Arc::new(published)), None)
            }
        };
        Ok(Self { keys, signer, issuer: settings.issuer, audience: settings.audience, clock })
    }

    /// Fetches the published keys, if those are what tokens are verified with.
    pub async fn fetch_keys(&self) -> Result<(), FetchError> {
        match &self.keys {
            Keys::One(_) => Ok(()),
            Keys::Published(published) => published.fetch().await,
        }
    }

    /// The caller a token speaks for, by the keys at hand.
    pub fn verify(&self, token: &str) -> Result<Caller, Refusal> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| Refusal::MalformedToken)?;
        let key = self.key_for(&header)?;
        let claims = jsonwebtoken::decode::<Claims>(token, &key.decoding, &key.validation)
            .map_err(|error| match error.kind() {
                ErrorKind::Json(_) | ErrorKind::Utf8(_) => Refusal::MalformedClaims,
                ErrorKind::Base64(_) | ErrorKind::InvalidToken => Refusal::MalformedToken,
                ErrorKind::InvalidAlgorithm => Refusal::Algorithm,
                _ => Refusal::Signature,
            })?
            .claims;
        claims.check_times(self.clock.now(), LEEWAY)?;
        claims.check_origin(self.issuer.as_deref(), self.audience.as_deref())?;
        claims.caller()
    }

    /// The same; a key that is not known may have been published since.
    async fn verify_or_ask(&self, token: &str) -> Result<Caller, Refusal> {
        let Keys::Published(published) = &self.keys else { return self.verify(token) };
        let first = self.verify(token);
        if first == Err(Refusal::Key) {
            if let Err(error) = published.refresh().await {
                tracing::error!(error = explain(&error), "published keys");
            }
            return self.verify(token);
        }
        if published.are_old() {
            // Nobody has to wait for it.
            let published = Arc::clone(published);
            tokio::spawn(async move {
                if let Err(error) = published.refresh().await {
                    tracing::error!(error = explain(&error), "published keys");
                }
            });
        }
        first
    }

    /// A token for `user_id` that expires `ttl_seconds` from now, with this verifier's issuer and audience in it.
    pub fn issue(&self, user_id: i64, scope: Option<&str>, ttl_seconds: i64) -> Result<String, IssueError> {
        if user_id <= 0 {
            return Err(IssueError::BadUser(user_id));
        }
        let issued_at = self.clock.now().micros().div_euclid(1_000_000);
        let claims = Issued {
            sub: user_id.to_string(),
            iat: issued_at,
            exp: issued_at.saturating_add(ttl_seconds),
            scope,
            iss: self.issuer.as_deref(),
            aud: self.audience.as_deref(),
        };
        let signer = self.signer.as_ref().ok_or(IssueError::NoSecret)?;
        Ok(jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, signer)?)
    }

    /// The key for a token, with the one algorithm the library may then find in its header. The settings choose both,
    /// of published keys the token's `kid` chooses one.
    fn key_for(&self, header: &Header) -> Result<Arc<Key>, Refusal> {
        // RFC 7515, section 4.1.11: an extension marked critical that one does not know makes the token invalid.
        if header.crit.is_some() {
            return Err(Refusal::Algorithm);
        }
        match &self.keys {
            Keys::One(key) => Ok(Arc::clone(key)),
            Keys::Published(published) => published.key(header.kid.as_deref()).ok_or(Refusal::Key),
        }
    }

    /// The caller of a request with these headers.
    async fn authenticate(&self, headers: &HeaderMap) -> Result<Caller, Refusal> {
        let mut sent = headers.get_all(AUTHORIZATION).iter();
        let header = sent.next().ok_or(Refusal::Missing)?;
        if sent.next().is_some() {
            return Err(Refusal::Repeated);
        }
        let text = header.to_str().map_err(|_| Refusal::MalformedHeader)?;
        let (scheme, token) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
        if !scheme.eq_ignore_ascii_case("Bearer") {
            return Err(Refusal::Missing);
        }
        let token = token.trim_start_matches(' ');
        if token.is_empty() || token.contains([' ', '\t', ',']) {
            return Err(Refusal::MalformedHeader);
        }
        self.verify_or_ask(token).await
    }
}

impl<S> FromRequestParts<S> for Caller
where
    Arc<Verifier>: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let verifier = Arc::<Verifier>::from_ref(state);
        Ok(verifier.authenticate(&parts.headers).await?)
    }
}
