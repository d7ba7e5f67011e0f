//! The extractor, through a router.

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::extract::FromRef;
use axum::routing::get;
use serde_json::json;

use super::{HS256, NOW, hs256, signed, verifier};
use crate::tier::{Engine, Record, Session, Statement, Tier, TierError, Value};
use crate::web::auth::{Caller, Users, Verifier};
use crate::web::testing::{Answer, request, send};

/// A hot tier that nobody may ask.
#[derive(Debug)]
struct Unasked;

#[async_trait]
impl Engine for Unasked {
    fn tier(&self) -> Tier {
        Tier::Hot
    }

    async fn fetch(&self, statement: &Statement, _: &[Value]) -> Result<Vec<Record>, TierError> {
        panic!("{} was asked", statement.name)
    }

    async fn session(&self) -> Result<Box<dyn Session>, TierError> {
        panic!("a session was asked for")
    }

    async fn close(&self) {}
}

#[derive(Clone)]
struct Service {
    verifier: Arc<Verifier>,
    users: Users,
}

impl FromRef<Service> for Arc<Verifier> {
    fn from_ref(service: &Service) -> Self {
        Arc::clone(&service.verifier)
    }
}

impl FromRef<Service> for Users {
    fn from_ref(service: &Service) -> Self {
        service.users.clone()
    }
}

async fn ask(headers: &[(&str, &str)]) -> Answer {
    let service = Service { verifier: Arc::new(verifier()), users: Users::new(Arc::new(Unasked)) };
    let router = Router::new()
        .route("/", get(|caller: Caller| async move { format!("{} {}", caller.user_id, caller.admin) }))
        .with_state(service);
    send(&router, request("GET", "/", headers)).await
}

#[tokio::test]
async fn the_extractor_takes_any_case_of_the_scheme() {
    let token = verifier().issue(42, None, 60).expect("a token");
    for header in [format!("Bearer {token}"), format!("bearer {token}"), format!("BEARER   {token}")] {
        let answer = ask(&[("authorization", &header)]).await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, "42 false"), "{header}");
    }
}

#[tokio::test]
async fn without_a_token_the_challenge_has_no_error() {
    for headers in [
        &[][..],
        &[("authorization", "Basic dTpw")],
        &[("authorization", "")],
        &[("authorization", "Bearers x")],
    ] {
        let answer = ask(headers).await;
        answer.problem("unauthorized", 401);
        assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"thermocline\"", "{headers:?}");
    }
}

#[tokio::test]
async fn a_malformed_or_repeated_header_is_an_invalid_request() {
    let token = verifier().issue(42, None, 60).expect("a token");
    let good = format!("Bearer {token}");
    let twice = format!("{good} {token}");
    let joined = format!("{good}, {good}");
    for headers in [
        &[("authorization", "Bearer")][..],
        &[("authorization", "Bearer ")],
        &[("authorization", &twice)],
        &[("authorization", &joined)],
        &[("authorization", "Bearer é")],
        &[("authorization", &good), ("authorization", &good)],
        &[("authorization", &good), ("authorization", "Basic dTpw")],
    ] {
        let answer = ask(headers).await;
        answer.problem("unauthorized", 401);
        let challenge = answer.header("www-authenticate");
        assert!(challenge.contains("error=\"invalid_request\""), "{headers:?} {challenge}");
    }
}

#[tokio::test]
async fn a_bad_token_gets_its_reason_and_nothing_else() {
    let claims = |exp: i64| hs256(&json!({"sub": "31337", "exp": exp}));
    let forged = signed(HS256, r#"{"sub":"31337","exp":9999999999}"#, &"x".repeat(32));
    let mut details = Vec::new();
    for (token, description) in [
        (claims(NOW - 30), "The token has expired"),
        (hs256(&json!({"sub": "31337"})), "The token has no exp"),
        (forged, "The signature of the token is wrong"),
        ("x.y.z".to_owned(), "The token is not a signed JWT"),
        (hs256(&json!({"sub": "x31337", "exp": NOW})), "The token names no user"),
    ] {
        let answer = ask(&[("authorization", &format!("Bearer {token}"))]).await;
        let body = answer.problem("unauthorized", 401);
        assert_eq!(body["detail"], description);
        assert_eq!(
            answer.header("www-authenticate"),
            format!(
                "Bearer realm=\"thermocline\", error=\"invalid_token\", error_description=\"{description}\""
            )
        );
        assert!(!answer.body.contains("31337") && !answer.body.contains(&token));
        details.push(description);
    }
    details.dedup();
    assert_eq!(details.len(), 5);
}
