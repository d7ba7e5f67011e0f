//! Public keys. The private keys beside this file sign tokens of these tests only.

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::{NOW, SECRET, at, signed, user};
use crate::clock::Clock;
use crate::web::auth::published::Pace;
use crate::web::auth::{AuthSettings, IssueError, KeySource, Refusal, Verifier, VerifierError};

const RSA: (&str, &str) = (include_str!("keys/rsa.pem"), include_str!("keys/rsa.pub.pem"));
const P256: (&str, &str) = (include_str!("keys/p256.pem"), include_str!("keys/p256.pub.pem"));
const ED25519: (&str, &str) = (include_str!("keys/ed25519.pem"), include_str!("keys/ed25519.pub.pem"));

pub(super) fn verifier(key: KeySource, pace: Pace) -> Result<Verifier, VerifierError> {
    let settings = AuthSettings { key, issuer: None, audience: None };
    Verifier::paced(settings, Clock::fixed(at(NOW)), pace)
}

fn of_file(pem: &str) -> Result<Verifier, VerifierError> {
    verifier(KeySource::PublicKey(pem.into()), Pace::default())
}

/// The private key, and its algorithm.
fn signer(algorithm: Algorithm) -> EncodingKey {
    let key = match algorithm {
        Algorithm::RS256 | Algorithm::PS256 | Algorithm::RS512 => EncodingKey::from_rsa_pem(RSA.0.as_bytes()),
        Algorithm::ES256 => EncodingKey::from_ec_pem(P256.0.as_bytes()),
        Algorithm::EdDSA => EncodingKey::from_ed_pem(ED25519.0.as_bytes()),
        other => panic!("no key for {other:?}"),
    };
    key.expect("a private key")
}

pub(super) fn token(algorithm: Algorithm, name: Option<&str>) -> String {
    let header = Header { kid: name.map(str::to_owned), ..Header::new(algorithm) };
    let claims = json!({"sub": "7", "exp": NOW + 60});
    jsonwebtoken::encode(&header, &claims, &signer(algorithm)).expect("a token")
}

/// The key as it is published.
pub(super) fn published(algorithm: Algorithm, name: &str) -> Value {
    let mut jwk = Jwk::from_encoding_key(&signer(algorithm), algorithm).expect("a public key");
    jwk.common.key_id = Some(name.to_owned());
    serde_json::to_value(jwk).expect("JSON")
}

#[test]
fn a_public_key_verifies_its_own_algorithm_only() {
    let pairs = [(Algorithm::RS256, RSA.1), (Algorithm::ES256, P256.1), (Algorithm::EdDSA, ED25519.1)];
    for (algorithm, public) in pairs {
        let verifier = of_file(public).expect("a public key");
        assert_eq!(verifier.verify(&token(algorithm, None)), Ok(user(7)), "{algorithm:?}");
        assert_eq!(verifier.verify(&token(algorithm, Some("whatever"))), Ok(user(7)), "one key has no name");
        for (other, _) in pairs.iter().filter(|(other, _)| *other != algorithm) {
            assert_eq!(verifier.verify(&token(*other, None)), Err(Refusal::Algorithm), "{other:?}");
        }
        // The public key used as a shared secret.
        let payload = json!({"sub": "7", "exp": NOW + 60}).to_string();
        let forged = signed(r#"{"alg":"HS256"}"#, &payload, public);
        assert_eq!(verifier.verify(&forged), Err(Refusal::Algorithm), "{algorithm:?}");
        // Somebody else's signature of the same kind.
        let (head, _) = token(algorithm, None)
            .rsplit_once('.')
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .expect("three parts");
        let other = format!("{head}.{}", "A".repeat(86));
        assert_eq!(verifier.verify(&other), Err(Refusal::Signature), "{algorithm:?}");
        assert!(matches!(verifier.issue(7, None, 60), Err(IssueError::NoSecret)), "it cannot sign");
    }
    let rsa = of_file(RSA.1).expect("a public key");
    for other in [Algorithm::PS256, Algorithm::RS512] {
        assert_eq!(rsa.verify(&token(other, None)), Err(Refusal::Algorithm), "the same key, {other:?}");
    }
}

#[test]
fn a_file_that_holds_no_usable_public_key_is_refused() {
    for (pem, reason) in [
        (RSA.0, "private key"),
        (P256.0, "private key"),
        (include_str!("keys/rsa_1024.pub.pem"), "2048"),
        (include_str!("keys/p384.pub.pem"), "P-256"),
        (SECRET, "no public key"),
        ("", "no public key"),
    ] {
        let error = of_file(pem).err().expect("refused");
        assert!(error.to_string().contains(reason), "{error}");
    }
}
