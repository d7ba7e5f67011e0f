//! Public keys, from a file and published. The private keys beside this file sign tokens of these tests only.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::RwLock;

use super::{NOW, SECRET, at, signed, user};
use crate::clock::Clock;
use crate::web::auth::published::Pace;
use crate::web::auth::{AuthSettings, FetchError, IssueError, KeySource, Refusal, Verifier, VerifierError};

const RSA: (&str, &str) = (include_str!("keys/rsa.pem"), include_str!("keys/rsa.pub.pem"));
const P256: (&str, &str) = (include_str!("keys/p256.pem"), include_str!("keys/p256.pub.pem"));
const ED25519: (&str, &str) = (include_str!("keys/ed25519.pem"), include_str!("keys/ed25519.pub.pem"));

fn verifier(key: KeySource, pace: Pace) -> Result<Verifier, VerifierError> {
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

fn token(algorithm: Algorithm, name: Option<&str>) -> String {
    let header = Header { kid: name.map(str::to_owned), ..Header::new(algorithm) };
    let claims = json!({"sub": "7", "exp": NOW + 60});
    jsonwebtoken::encode(&header, &claims, &signer(algorithm)).expect("a token")
}

/// The key as it is published.
fn published(algorithm: Algorithm, name: &str) -> Value {
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

/// An issuer: what it publishes, and how often it was asked.
struct Issuer {
    url: String,
    keys: Arc<RwLock<String>>,
    asked: Arc<AtomicUsize>,
}

impl Issuer {
    async fn start(keys: &[Value]) -> Self {
        let (asked, body) = (Arc::new(AtomicUsize::new(0)), Arc::new(RwLock::new(String::new())));
        let (counter, shown) = (Arc::clone(&asked), Arc::clone(&body));
        let router = Router::new().route(
            "/keys",
            get(async move || {
                counter.fetch_add(1, Ordering::SeqCst);
                shown.read().await.clone()
            }),
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/keys", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let issuer = Self { url, keys: body, asked };
        issuer.publish(keys).await;
        issuer
    }

    async fn publish(&self, keys: &[Value]) {
        *self.keys.write().await = json!({ "keys": keys }).to_string();
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn verifier(&self, pace: Pace) -> Verifier {
        verifier(KeySource::Published(self.url.clone()), pace).expect("a client")
    }
}

const NEVER_OLD: Pace = Pace { age: Duration::from_hours(1), pause: Duration::ZERO };

#[tokio::test]
async fn published_keys_are_refreshed() {
    let issuer = Issuer::start(&[published(Algorithm::RS256, "one")]).await;
    let verifier = issuer.verifier(NEVER_OLD);
    let (old, new) = (token(Algorithm::RS256, Some("one")), token(Algorithm::EdDSA, Some("two")));
    assert_eq!(verifier.verify(&old), Err(Refusal::Key), "nothing was fetched yet");
    verifier.fetch_keys().await.expect("keys");
    assert_eq!(verifier.verify_or_fetch(&old).await, Ok(user(7)));
    assert_eq!(verifier.verify_or_fetch(&token(Algorithm::RS256, None)).await, Ok(user(7)), "the only key");
    assert_eq!(issuer.asked(), 1, "what is known is not asked for");

    // Both, as long as tokens of the old one are about.
    issuer.publish(&[published(Algorithm::RS256, "one"), published(Algorithm::EdDSA, "two")]).await;
    assert_eq!(verifier.verify_or_fetch(&new).await, Ok(user(7)));
    assert_eq!(verifier.verify_or_fetch(&old).await, Ok(user(7)));
    assert_eq!(
        verifier.verify_or_fetch(&token(Algorithm::RS256, None)).await,
        Err(Refusal::Key),
        "which one?"
    );
    // The name of one, the signature of the other.
    let mixed = token(Algorithm::RS256, Some("two"));
    assert_eq!(verifier.verify_or_fetch(&mixed).await, Err(Refusal::Algorithm));

    issuer.publish(&[published(Algorithm::EdDSA, "two")]).await;
    verifier.fetch_keys().await.expect("keys");
    assert_eq!(verifier.verify_or_fetch(&old).await, Err(Refusal::Key), "withdrawn");
    assert_eq!(verifier.verify_or_fetch(&new).await, Ok(user(7)));
}

#[tokio::test]
async fn bad_tokens_do_not_cause_a_fetch_each() {
    let issuer = Issuer::start(&[published(Algorithm::ES256, "one")]).await;
    let pace = Pace { age: Duration::from_hours(1), pause: Duration::from_hours(1) };
    let verifier = Arc::new(issuer.verifier(pace));
    let strangers = (0..50).map(|name| {
        let (verifier, token) = (Arc::clone(&verifier), token(Algorithm::ES256, Some(&format!("x{name}"))));
        async move { verifier.verify_or_fetch(&token).await }
    });
    for refused in futures::future::join_all(strangers).await {
        assert_eq!(refused, Err(Refusal::Key));
    }
    assert_eq!(issuer.asked(), 1);
    assert_eq!(verifier.verify_or_fetch(&token(Algorithm::ES256, Some("one"))).await, Ok(user(7)));
}

#[tokio::test]
async fn old_keys_are_used_until_new_ones_arrive() {
    let issuer = Issuer::start(&[published(Algorithm::ES256, "one")]).await;
    let verifier = issuer.verifier(Pace { age: Duration::ZERO, pause: Duration::ZERO });
    verifier.fetch_keys().await.expect("keys");
    issuer.publish(&[published(Algorithm::EdDSA, "two")]).await;
    let token = token(Algorithm::ES256, Some("one"));
    assert_eq!(verifier.verify_or_fetch(&token).await, Ok(user(7)), "nobody waits for the issuer");
    // The set is on its way; the withdrawn key ends with it.
    while verifier.verify(&token).is_ok() {
        tokio::task::yield_now().await;
    }
    assert_eq!(verifier.verify(&token), Err(Refusal::Key));

    // An issuer that is away, or says something else, takes no key away.
    let good = super::public::token(Algorithm::EdDSA, Some("two"));
    for nonsense in ["", "{}", "{\"keys\":[]}"] {
        *issuer.keys.write().await = nonsense.to_owned();
        assert!(verifier.fetch_keys().await.is_err(), "{nonsense}");
        assert_eq!(verifier.verify(&good), Ok(user(7)), "{nonsense}");
    }
}

#[tokio::test]
async fn keys_for_other_purposes_are_ignored() {
    let mut encrypts = published(Algorithm::RS256, "encrypts");
    encrypts["use"] = json!("enc");
    encrypts.as_object_mut().expect("an object").remove("alg");
    let mut other = published(Algorithm::RS256, "other");
    other["alg"] = json!("PS256");
    let shared = json!({"kty": "oct", "kid": "shared", "k": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"});
    let strange = json!({"kty": "PQ", "kid": "strange"});
    let useless = [encrypts, other, shared, strange, json!(7)];
    let issuer = Issuer::start(&useless).await;
    let verifier = issuer.verifier(NEVER_OLD);
    assert!(matches!(verifier.fetch_keys().await, Err(FetchError::NoKeys)));

    issuer.publish(&[&useless[..], &[published(Algorithm::ES256, "one")]].concat()).await;
    verifier.fetch_keys().await.expect("a key");
    assert_eq!(verifier.verify(&token(Algorithm::ES256, Some("one"))), Ok(user(7)));
    for name in ["encrypts", "other"] {
        assert_eq!(verifier.verify(&token(Algorithm::RS256, Some(name))), Err(Refusal::Key), "{name}");
    }
    let payload = json!({"sub": "7", "exp": NOW + 60}).to_string();
    let forged = signed(r#"{"alg":"HS256","kid":"shared"}"#, &payload, SECRET);
    assert_eq!(verifier.verify(&forged), Err(Refusal::Key), "a secret that everybody can read");
}
