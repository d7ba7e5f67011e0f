//! Published keys: how they are fetched, and how they change.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::RwLock;

use super::public::{published, token, verifier};
use super::{NOW, SECRET, signed, user};
use crate::clock::Timestamp;
use crate::web::auth::published::Pace;
use crate::web::auth::{FetchError, Identity, KeySource, Refusal, Verifier};

fn identity((identity, _): (Identity, Timestamp)) -> Identity {
    identity
}

/// An issuer: the answer it gives, and how often it was asked.
struct Issuer {
    url: String,
    answer: Arc<RwLock<(StatusCode, String)>>,
    asked: Arc<AtomicUsize>,
}

impl Issuer {
    async fn start(keys: &[Value]) -> Self {
        let asked = Arc::new(AtomicUsize::new(0));
        let answer = Arc::new(RwLock::new((StatusCode::OK, String::new())));
        let (counter, shown) = (Arc::clone(&asked), Arc::clone(&answer));
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
        let issuer = Self { url, answer, asked };
        issuer.publish(keys).await;
        issuer
    }

    async fn publish(&self, keys: &[Value]) {
        self.say(StatusCode::OK, &json!({ "keys": keys }).to_string()).await;
    }

    async fn say(&self, status: StatusCode, body: &str) {
        *self.answer.write().await = (status, body.to_owned());
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn verifier(&self, pace: Pace) -> Verifier {
        verifier(KeySource::Published(self.url.clone()), pace).expect("a client")
    }
}

/// Fetched on demand only.
fn on_demand(pause: Duration) -> Pace {
    let hour = Duration::from_hours(1);
    Pace { age: hour, retry: hour, pause, kept: hour }
}

fn eager() -> Pace {
    on_demand(Duration::ZERO)
}

fn of(algorithm: Algorithm, name: &str) -> String {
    token(algorithm, Some(name))
}

#[tokio::test]
async fn a_new_key_is_accepted_with_its_first_token() {
    let issuer = Issuer::start(&[published(Algorithm::RS256, "one")]).await;
    let verifier = issuer.verifier(eager());
    let (old, new) = (of(Algorithm::RS256, "one"), of(Algorithm::EdDSA, "two"));
    assert_eq!(verifier.verify(&old), Err(Refusal::Key), "nothing was fetched yet");
    verifier.fetch_keys().await.expect("keys");
    assert_eq!(verifier.authenticate(&old).await.map(identity), Ok(user(7)));
    assert_eq!(verifier.authenticate(&token(Algorithm::RS256, None)).await.map(identity), Ok(user(7)));
    assert_eq!(issuer.asked(), 1, "a known key is not asked for");

    issuer.publish(&[published(Algorithm::RS256, "one"), published(Algorithm::EdDSA, "two")]).await;
    assert_eq!(verifier.authenticate(&new).await.map(identity), Ok(user(7)));
    assert_eq!(verifier.authenticate(&old).await.map(identity), Ok(user(7)));
    // The name of one, the signature of the other.
    assert_eq!(
        verifier.authenticate(&of(Algorithm::RS256, "two")).await.map(identity),
        Err(Refusal::Algorithm)
    );

    issuer.publish(&[published(Algorithm::EdDSA, "two")]).await;
    verifier.fetch_keys().await.expect("keys");
    assert_eq!(verifier.authenticate(&old).await.map(identity), Err(Refusal::Key), "withdrawn");
    assert_eq!(verifier.authenticate(&new).await.map(identity), Ok(user(7)));
}

#[tokio::test]
async fn a_new_key_may_have_the_name_of_an_old_one() {
    let issuer = Issuer::start(&[published(Algorithm::RS256, "main")]).await;
    let verifier = issuer.verifier(eager());
    verifier.fetch_keys().await.expect("keys");
    issuer.publish(&[published(Algorithm::ES256, "main")]).await;
    assert_eq!(verifier.authenticate(&of(Algorithm::ES256, "main")).await.map(identity), Ok(user(7)));
    assert_eq!(
        verifier.authenticate(&of(Algorithm::RS256, "main")).await.map(identity),
        Err(Refusal::Algorithm)
    );
}

#[tokio::test]
async fn keys_may_share_a_name_or_have_none() {
    let all = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];
    let issuer = Issuer::start(&all.map(|algorithm| published(algorithm, "same"))).await;
    let verifier = issuer.verifier(eager());
    verifier.fetch_keys().await.expect("keys");
    for algorithm in all {
        assert_eq!(verifier.verify(&of(algorithm, "same")), Ok(user(7)), "{algorithm:?}");
        assert_eq!(verifier.verify(&token(algorithm, None)), Ok(user(7)), "{algorithm:?} without a name");
    }
    let mut unnamed = published(Algorithm::ES256, "");
    unnamed.as_object_mut().expect("an object").remove("kid");
    issuer.publish(&[published(Algorithm::RS256, "one"), unnamed]).await;
    verifier.fetch_keys().await.expect("keys");
    assert_eq!(
        verifier.verify(&of(Algorithm::ES256, "anything")),
        Ok(user(7)),
        "it may be the one without a name"
    );
    assert_eq!(verifier.verify(&of(Algorithm::ES256, "one")), Err(Refusal::Algorithm), "that name is taken");
    let payload = json!({"sub": "7", "exp": NOW + 60}).to_string();
    let forged = signed(r#"{"alg":"HS256"}"#, &payload, SECRET);
    assert_eq!(verifier.verify(&forged), Err(Refusal::Algorithm));
}

#[tokio::test]
async fn a_withdrawn_key_ends_without_a_request() {
    let issuer = Issuer::start(&[published(Algorithm::ES256, "one")]).await;
    let verifier = issuer.verifier(Pace { age: Duration::from_millis(20), ..eager() });
    verifier.fetch_keys().await.expect("keys");
    let old = of(Algorithm::ES256, "one");
    assert_eq!(verifier.verify(&old), Ok(user(7)));
    issuer.publish(&[published(Algorithm::EdDSA, "two")]).await;
    // Two fetches that begin after the change; no token is verified meanwhile.
    let asked = issuer.asked();
    while issuer.asked() < asked + 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(verifier.verify(&old), Err(Refusal::Key));
    assert_eq!(verifier.verify(&of(Algorithm::EdDSA, "two")), Ok(user(7)));
}

#[tokio::test]
async fn unknown_names_cause_few_fetches_and_starve_no_new_key() {
    let issuer = Issuer::start(&[published(Algorithm::ES256, "one")]).await;
    let pause = Duration::from_millis(300);
    let verifier = Arc::new(issuer.verifier(on_demand(pause)));
    verifier.fetch_keys().await.expect("keys");
    let begun = Instant::now();
    let strangers = |batch: usize| {
        let verifier = Arc::clone(&verifier);
        (0..50).map(move |number| {
            let (verifier, token) =
                (Arc::clone(&verifier), of(Algorithm::ES256, &format!("x{batch}.{number}")));
            tokio::spawn(async move { verifier.authenticate(&token).await })
        })
    };
    let silent = issuer.answer.write().await;
    let first: Vec<_> = strangers(0).collect();
    while issuer.asked() == 1 {
        tokio::task::yield_now().await;
    }
    // A token with a known key does not wait for their fetch, which gets no answer yet.
    assert_eq!(verifier.authenticate(&of(Algorithm::ES256, "one")).await.map(identity), Ok(user(7)));
    assert!(first.iter().all(|stranger| !stranger.is_finished()), "the fetch has no answer");
    drop(silent);
    issuer.publish(&[published(Algorithm::ES256, "one"), published(Algorithm::EdDSA, "two")]).await;
    let second: Vec<_> = strangers(1).collect();
    assert_eq!(
        verifier.authenticate(&of(Algorithm::EdDSA, "two")).await.map(identity),
        Ok(user(7)),
        "the new key"
    );
    for refused in futures::future::join_all(first.into_iter().chain(second)).await {
        assert_eq!(refused.expect("no panic"), Err(Refusal::Key));
    }
    let most = begun.elapsed().as_millis() / pause.as_millis() + 2;
    assert!(issuer.asked() as u128 <= most, "{} fetches, at most {most}", issuer.asked());
}

#[tokio::test]
async fn an_issuer_that_fails_takes_no_key_away_for_a_while() {
    let issuer = Issuer::start(&[published(Algorithm::EdDSA, "two")]).await;
    let kept = Duration::from_millis(400);
    let verifier = issuer.verifier(Pace { kept, ..eager() });
    verifier.fetch_keys().await.expect("keys");
    let fetched = Instant::now();
    let good = of(Algorithm::EdDSA, "two");
    for (status, body) in [
        (StatusCode::OK, ""),
        (StatusCode::OK, "{}"),
        (StatusCode::OK, "{\"keys\":[]}"),
        (StatusCode::INTERNAL_SERVER_ERROR, "{\"keys\":[]}"),
    ] {
        issuer.say(status, body).await;
        assert!(verifier.fetch_keys().await.is_err(), "{status} {body}");
        if fetched.elapsed() < kept {
            assert_eq!(verifier.verify(&good), Ok(user(7)), "{status} {body}");
        }
    }
    tokio::time::sleep(kept.saturating_sub(fetched.elapsed()) + Duration::from_millis(5)).await;
    assert_eq!(verifier.verify(&good), Err(Refusal::Key), "not for ever");
    issuer.publish(&[published(Algorithm::EdDSA, "two")]).await;
    assert_eq!(verifier.authenticate(&good).await.map(identity), Ok(user(7)));
}

#[tokio::test]
async fn keys_for_other_purposes_are_ignored() {
    let with = |algorithm, name: &str, member: &str, value: Value| {
        let mut key = published(algorithm, name);
        key[member] = value;
        key
    };
    let mut encrypts = with(Algorithm::RS256, "encrypts", "use", json!("enc"));
    encrypts.as_object_mut().expect("an object").remove("alg");
    let useless = [
        encrypts,
        with(Algorithm::RS256, "other", "alg", json!("PS256")),
        with(Algorithm::RS256, "odd", "use", json!("banner")),
        with(Algorithm::RS256, "wraps", "key_ops", json!(["wrapKey", "encrypt"])),
        with(Algorithm::RS256, "short", "n", json!("q".repeat(171))),
        json!({"kty": "oct", "kid": "shared", "k": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"}),
        json!({"kty": "PQ", "kid": "strange"}),
        json!(7),
    ];
    let issuer = Issuer::start(&useless).await;
    let verifier = issuer.verifier(eager());
    assert!(matches!(verifier.fetch_keys().await, Err(FetchError::NoKeys)));

    let verifies = with(Algorithm::ES256, "one", "key_ops", json!(["sign", "verify"]));
    issuer.publish(&[&useless[..], &[verifies]].concat()).await;
    verifier.fetch_keys().await.expect("a key");
    assert_eq!(verifier.verify(&of(Algorithm::ES256, "one")), Ok(user(7)));
    for name in ["encrypts", "other", "odd", "wraps", "short"] {
        assert_eq!(verifier.verify(&of(Algorithm::RS256, name)), Err(Refusal::Key), "{name}");
    }
    let payload = json!({"sub": "7", "exp": NOW + 60}).to_string();
    let forged = signed(r#"{"alg":"HS256","kid":"shared"}"#, &payload, SECRET);
    assert_eq!(verifier.verify(&forged), Err(Refusal::Key), "a secret that everybody can read");
}
