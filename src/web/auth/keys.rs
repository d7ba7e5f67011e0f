//! The keys that verify tokens, each with its only algorithm.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Validation};
use moka::sync::Cache;

use super::claims::Claims;
use super::error::VerifierError;

/// The least bytes of a key for HS256: the size of the hash (RFC 7518, section 3.2).
const SECRET_BYTES: usize = 32;
/// The least bytes of an RSA key of 2048 bits in DER, the smallest that RFC 7518, section 3.3, allows.
const RSA_BYTES: usize = 266;
/// The bytes of its modulus.
const MODULUS_BYTES: usize = 256;
/// The bytes of an uncompressed point of P-256; those of other curves are longer.
const P256_BYTES: usize = 65;

/// Verified tokens that a key remembers, and for how long without use.
const VERIFIED: u64 = 4_096;
const REMEMBERED: Duration = Duration::from_mins(10);

/// A key and its algorithm.
pub(super) struct Key {
    pub algorithm: Algorithm,
    decoding: DecodingKey,
    validation: Validation,
    /// The claims of tokens that it has verified, by the hash of the whole token. A signature stays valid as long as there is the
    /// key; times and everything else in the claims are checked at each use.
    verified: Cache<[u8; blake3::OUT_LEN], Arc<Claims>>,
}

impl Key {
    fn new(decoding: DecodingKey, algorithm: Algorithm) -> Self {
        let verified = Cache::builder().max_capacity(VERIFIED).time_to_idle(REMEMBERED).build();
        Self { algorithm, decoding, validation: signature_only(algorithm), verified }
    }

    /// Returns the claims of a token if this key verifies its signature.
    pub fn claims(&self, token: &str) -> jsonwebtoken::errors::Result<Arc<Claims>> {
        let hash = blake3::hash(token.as_bytes()).into();
        if let Some(claims) = self.verified.get(&hash) {
            return Ok(claims);
        }
        let claims = Arc::new(jsonwebtoken::decode(token, &self.decoding, &self.validation)?.claims);
        self.verified.insert(hash, Arc::clone(&claims));
        Ok(claims)
    }

    /// Returns the keys of a shared secret for HS256: one verifies, the other signs.
    pub fn secret(secret: &[u8]) -> Result<(Self, EncodingKey), VerifierError> {
        let too_short = VerifierError::SecretTooShort { bytes: secret.len(), least: SECRET_BYTES };
        if secret.len() < SECRET_BYTES {
            return Err(too_short);
        }
        // The library refuses an empty secret, which is shorter still.
        match (DecodingKey::from_secret(secret), EncodingKey::from_secret(secret)) {
            (Ok(decoding), Ok(encoding)) => Ok((Self::new(decoding, Algorithm::HS256), encoding)),
            _ => Err(too_short),
        }
    }

    /// Reads a public key in PEM, for RS256, ES256 or `EdDSA` by its type.
    pub fn pem(text: &[u8]) -> Result<Self, VerifierError> {
        let unusable = |reason: &'static str| VerifierError::PublicKey { reason };
        if text.windows(11).any(|window| window == b"PRIVATE KEY") {
            return Err(unusable("is a private key; the public one is needed"));
        }
        let size = |key: &DecodingKey| key.try_get_as_bytes().map_or(0, <[u8]>::len);
        if let Ok(key) = DecodingKey::from_rsa_pem(text) {
            if size(&key) < RSA_BYTES {
                return Err(unusable("is an RSA key of less than 2048 bits"));
            }
            return Ok(Self::new(key, Algorithm::RS256));
        }
        if let Ok(key) = DecodingKey::from_ec_pem(text) {
            if size(&key) != P256_BYTES {
                return Err(unusable("is of a curve other than P-256"));
            }
            return Ok(Self::new(key, Algorithm::ES256));
        }
        if let Ok(key) = DecodingKey::from_ed_pem(text) {
            return Ok(Self::new(key, Algorithm::EdDSA));
        }
        Err(unusable("is no public key in PEM: RSA, EC (P-256) or Ed25519"))
    }

    /// Reads a published key. Returns `None` for a key of another purpose (encryption, another algorithm, a shared secret) and
    /// for an RSA key of less than 2048 bits.
    pub fn jwk(jwk: &Jwk) -> Option<Self> {
        if !matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature)) {
            return None;
        }
        if jwk.common.key_operations.as_ref().is_some_and(|uses| !uses.contains(&KeyOperations::Verify)) {
            return None;
        }
        let (algorithm, named) = match &jwk.algorithm {
            AlgorithmParameters::RSA(key) if modulus_bytes(&key.n) >= MODULUS_BYTES => {
                (Algorithm::RS256, KeyAlgorithm::RS256)
            }
            AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
                (Algorithm::ES256, KeyAlgorithm::ES256)
            }
            AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
                (Algorithm::EdDSA, KeyAlgorithm::EdDSA)
            }
            _ => return None,
        };
        if jwk.common.key_algorithm.is_some_and(|algorithm| algorithm != named) {
            return None;
        }
        Some(Self::new(DecodingKey::from_jwk(jwk).ok()?, algorithm))
    }
}

/// Returns the bytes of a modulus in base64url, without leading zeros.
fn modulus_bytes(modulus: &str) -> usize {
    let bytes = URL_SAFE_NO_PAD.decode(modulus).unwrap_or_default();
    bytes.iter().skip_while(|byte| **byte == 0).count()
}

/// Returns a validation of the signature and nothing else. The library would read the time from the machine, and would
/// accept a token without the required `iss`.
fn signature_only(algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation
}
