//! Verifies tokens, and issues them when the key can sign.

use std::sync::Arc;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::{ExposeSecret, SecretString};

use super::claims::{Caller, Claims, Issued};
use super::error::{IssueError, Refusal, VerifierError};
use super::keys::Key;
use super::published::{FetchError, Pace, Published};
use crate::clock::Clock;
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
    /// Returns a verifier for the settings. Published keys are not fetched before [`Verifier::fetch_keys`].
    pub fn new(settings: AuthSettings, clock: Clock) -> Result<Self, VerifierError> {
        Self::paced(settings, clock, Pace::default())
    }

    pub(super) fn paced(settings: AuthSettings, clock: Clock, pace: Pace) -> Result<Self, VerifierError> {
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

    /// Fetches the published keys, if the settings name a URL of keys.
    pub async fn fetch_keys(&self) -> Result<(), FetchError> {
        match &self.keys {
            Keys::One(_) => Ok(()),
            Keys::Published(published) => published.fetch().await,
        }
    }

    /// Returns the caller of a token, verified with the keys that are known now.
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

    /// Verifies a token, and fetches the published keys first if it names an unknown one.
    pub(super) async fn verify_or_fetch(&self, token: &str) -> Result<Caller, Refusal> {
        let Keys::Published(published) = &self.keys else { return self.verify(token) };
        let first = self.verify(token);
        if first == Err(Refusal::Key) {
            published.refresh_or_log().await;
            return self.verify(token);
        }
        if published.are_old() {
            // The request does not wait: the old keys are still good.
            let published = Arc::clone(published);
            tokio::spawn(async move { published.refresh_or_log().await });
        }
        first
    }

    /// Issues a token for `user_id` with the issuer and audience of this verifier. It expires in `ttl_seconds`.
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

    /// Returns the key for a token with the only algorithm that its header may name. The settings choose both; of
    /// published keys the `kid` of the token chooses one.
    fn key_for(&self, header: &Header) -> Result<Arc<Key>, Refusal> {
        // RFC 7515, section 4.1.11: an unknown extension that is marked critical makes the token invalid.
        if header.crit.is_some() {
            return Err(Refusal::Algorithm);
        }
        match &self.keys {
            Keys::One(key) => Ok(Arc::clone(key)),
            Keys::Published(published) => published.key(header.kid.as_deref()).ok_or(Refusal::Key),
        }
    }
}
