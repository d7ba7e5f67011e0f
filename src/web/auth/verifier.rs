//! Verifies tokens, and issues them when the key can sign.

use std::sync::Arc;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::{ExposeSecret, SecretString};

use super::claims::{ClaimSettings, Claims, Identity, OwnClaims, UserLookup};
use super::error::{IssueError, Refusal, VerifierError};
use super::keys::Key;
use super::published::{FetchError, Pace, Published};
use super::ticket::Tickets;
use crate::clock::{Clock, Timestamp};
use crate::telemetry::explain;

/// Seconds by which the clocks of issuer and server may differ.
const LEEWAY: i64 = 30;

/// The source of the verifying key, which also determines the algorithm.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// HS256 with a shared secret of at least 32 bytes.
    Secret(SecretString),
    /// RS256, ES256 or `EdDSA`, by the type of this public key in PEM.
    PublicKey(Vec<u8>),
    /// The same, for each key that is published at this URL as a JWK Set.
    Published(String),
}

/// Requirements on tokens.
#[derive(Clone, Debug)]
pub struct AuthSettings {
    /// The key and its algorithm.
    pub key: KeySource,
    /// The required `iss`, if any.
    pub issuer: Option<String>,
    /// The required `aud`, if any; the claim may be a list with it.
    pub audience: Option<String>,
}

/// The keys in use.
enum Keys {
    One(Arc<Key>),
    Published(Box<Published>),
}

/// Verifies tokens, and issues them when the key can sign.
pub struct Verifier {
    keys: Keys,
    signer: Option<EncodingKey>,
    issuer: Option<String>,
    audience: Option<String>,
    claims: ClaimSettings,
    ticket_key: [u8; 32],
    clock: Clock,
}

impl Verifier {
    /// Returns a verifier for the settings. Published keys are not fetched before [`Verifier::fetch_keys`].
    pub fn new(settings: AuthSettings, clock: Clock) -> Result<Self, VerifierError> {
        Self::paced(settings, clock, Pace::default())
    }

    pub(super) fn paced(settings: AuthSettings, clock: Clock, pace: Pace) -> Result<Self, VerifierError> {
        let ticket_key = ticket_key(&settings.key, &clock);
        let (keys, signer) = match settings.key {
            KeySource::Secret(secret) => {
                let (key, signer) = Key::secret(secret.expose_secret().as_bytes())?;
                (Keys::One(Arc::new(key)), Some(signer))
            }
            KeySource::PublicKey(pem) => (Keys::One(Arc::new(Key::pem(&pem)?)), None),
            KeySource::Published(url) => {
                let published =
                    Published::new(&url, pace).map_err(|error| VerifierError::Client(explain(&error)))?;
                (Keys::Published(Box::new(published)), None)
            }
        };
        let (issuer, audience, claims) = (settings.issuer, settings.audience, ClaimSettings::default());
        Ok(Self { keys, signer, issuer, audience, claims, ticket_key, clock })
    }

    /// Reads user and rights of a token from these claims instead of the default ones.
    #[must_use]
    pub fn reading(self, claims: ClaimSettings) -> Self {
        Self { claims, ..self }
    }

    /// Fetches the published keys, if the settings name a URL of keys, and from then on keeps them fresh.
    pub async fn fetch_keys(&self) -> Result<(), FetchError> {
        match &self.keys {
            Keys::One(_) => Ok(()),
            Keys::Published(published) => published.fetch().await,
        }
    }

    /// Returns the identity of a token, verified with the keys that are known now.
    pub fn verify(&self, token: &str) -> Result<Identity, Refusal> {
        self.verify_with_end(token).map(|(identity, _)| identity)
    }

    /// Returns the identity of a token, and when a stream of its caller ends: when the token expires or, if it has done so
    /// already, with the leeway that let it in.
    fn verify_with_end(&self, token: &str) -> Result<(Identity, Timestamp), Refusal> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| Refusal::MalformedToken)?;
        let claims = self.genuine_claims(token, &header)?;
        let now = self.clock.now();
        claims.check_times(now, LEEWAY)?;
        claims.check_origin(self.issuer.as_deref(), self.audience.as_deref())?;
        let expiry = claims.expiry()?;
        let end = if now < expiry { expiry } else { expiry.plus(LEEWAY * 1_000_000) };
        Ok((claims.identity(&self.claims)?, end))
    }

    /// Returns the tickets of this server. Servers with the same secret accept each other's.
    pub fn tickets(&self) -> Tickets {
        Tickets::new(self.ticket_key, self.clock.clone())
    }

    /// Returns the identity of a token, and when a stream of its caller ends. If no key verifies the token, waits for the
    /// published keys to be fetched again: the issuer may have a new key, which can have the name of an old one.
    pub(super) async fn authenticate(&self, token: &str) -> Result<(Identity, Timestamp), Refusal> {
        let first = self.verify_with_end(token);
        if let (Keys::Published(published), Err(Refusal::Key | Refusal::Algorithm | Refusal::Signature)) =
            (&self.keys, &first)
            && published.renewed().await
        {
            return self.verify_with_end(token);
        }
        first
    }

    /// Issues a token for `user_id` with the issuer and audience of this verifier. It expires in `ttl_seconds`.
    pub fn issue(&self, user_id: i64, scope: Option<&str>, ttl_seconds: i64) -> Result<String, IssueError> {
        self.issue_for(&user_id.to_string(), scope, ttl_seconds)
    }

    /// Issues a token for a user like [`Verifier::issue`]. `user` is the value that the claim of the user holds by the
    /// settings: an id, a name or an email address.
    pub fn issue_for(&self, user: &str, scope: Option<&str>, ttl_seconds: i64) -> Result<String, IssueError> {
        let is_id =
            user.bytes().all(|byte| byte.is_ascii_digit()) && user.parse().is_ok_and(|id: i64| id > 0);
        if user.is_empty() || (self.claims.lookup == UserLookup::Id && !is_id) {
            return Err(IssueError::BadUser(user.to_owned()));
        }
        let issued_at = self.clock.now().micros().div_euclid(1_000_000);
        let issued = OwnClaims {
            user,
            issued_at,
            expires_at: issued_at.saturating_add(ttl_seconds),
            scope,
            issuer: self.issuer.as_deref(),
            audience: self.audience.as_deref(),
        };
        let signer = self.signer.as_ref().ok_or(IssueError::NoSecret)?;
        Ok(jsonwebtoken::encode(&Header::new(Algorithm::HS256), &issued.claims(&self.claims), signer)?)
    }

    /// Returns the claims of a token whose signature one of the keys verifies. The settings choose the keys, and each key its
    /// only algorithm; of published keys the `kid` of the token chooses those that are tried.
    fn genuine_claims(&self, token: &str, header: &Header) -> Result<Arc<Claims>, Refusal> {
        // RFC 7515, section 4.1.11: an unknown extension that is marked critical makes the token invalid.
        if header.crit.is_some() {
            return Err(Refusal::Algorithm);
        }
        let keys = match &self.keys {
            Keys::One(key) => vec![Arc::clone(key)],
            Keys::Published(published) => published.keys(header.kid.as_deref()),
        };
        let mut refusal = if keys.is_empty() { Refusal::Key } else { Refusal::Algorithm };
        for key in keys.iter().filter(|key| key.algorithm == header.alg) {
            match key.claims(token) {
                Ok(claims) => return Ok(claims),
                Err(error) => refusal = refused(&error),
            }
            // Another key cannot change anything else.
            if refusal != Refusal::Signature {
                break;
            }
        }
        Err(refusal)
    }
}

/// Returns the key of tickets. A public key is known to others too, so that a server without a secret draws its own.
fn ticket_key(key: &KeySource, clock: &Clock) -> [u8; 32] {
    const CONTEXT: &str = "thermocline 2026-11-29 tickets of streams";
    match key {
        KeySource::Secret(secret) => blake3::derive_key(CONTEXT, secret.expose_secret().as_bytes()),
        KeySource::PublicKey(_) | KeySource::Published(_) => {
            let drawn: Vec<u8> = (0..5).flat_map(|_| clock.draw().to_be_bytes()).collect();
            blake3::derive_key(CONTEXT, &drawn)
        }
    }
}

/// Returns why a key does not accept a token.
fn refused(error: &jsonwebtoken::errors::Error) -> Refusal {
    match error.kind() {
        ErrorKind::Json(_) | ErrorKind::Utf8(_) => Refusal::MalformedClaims,
        ErrorKind::Base64(_) | ErrorKind::InvalidToken => Refusal::MalformedToken,
        ErrorKind::InvalidAlgorithm => Refusal::Algorithm,
        _ => Refusal::Signature,
    }
}
