//! Tokens: attacks and claims.

mod http;
mod issuers;
mod public;
mod rotation;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::*;
use crate::clock::{Clock, Timestamp};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
/// The smallest header.
const HS256: &str = r#"{"alg":"HS256"}"#;
/// 2030-01-01, far from the time of the machine, which must not be used.
const NOW: i64 = 1_893_456_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000).expect("in range")
}

fn settings(secret: &str) -> AuthSettings {
    AuthSettings { key: KeySource::Secret(secret.into()), issuer: None, audience: None }
}

fn verifier() -> Verifier {
    Verifier::new(settings(SECRET), Clock::fixed(at(NOW))).expect("a good secret")
}

/// Returns a token with this header and payload, signed with HMAC-SHA256.
fn signed(header: &str, payload: &str, secret: &str) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let key = EncodingKey::from_secret(secret.as_bytes()).expect("not empty");
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256);
    format!("{message}.{}", signature.expect("a signature"))
}

fn hs256(claims: &Value) -> String {
    signed(r#"{"alg":"HS256","typ":"JWT"}"#, &claims.to_string(), SECRET)
}

/// Verifies a genuine token with these claims.
fn verify(claims: &Value) -> Result<Identity, Refusal> {
    verifier().verify(&hs256(claims))
}

fn user(user_id: i64) -> Identity {
    Identity { user: TokenUser::Id(user_id), admin: false, restriction: caller::Restriction::default() }
}

#[test]
fn a_token_that_was_verified_before_is_checked_again() {
    let clock = Clock::fixed(at(NOW));
    let verifier = Verifier::new(settings(SECRET), clock.clone()).expect("a good secret");
    let token = hs256(&json!({"sub": "1", "exp": NOW + 60}));
    for _ in 0..2 {
        assert_eq!(verifier.verify(&token), Ok(user(1)));
    }
    // Another character at any place makes another token.
    for place in 0..token.len() {
        let mut changed = token.clone().into_bytes();
        changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).expect("is ASCII");
        assert!(verifier.verify(&changed).is_err(), "{changed}");
    }
    clock.set(at(NOW + 600));
    assert_eq!(verifier.verify(&token), Err(Refusal::Expired));
    let other =
        Verifier::new(settings(&SECRET.replace('0', "1")), Clock::fixed(at(NOW))).expect("a good secret");
    assert_eq!(other.verify(&token), Err(Refusal::Signature));
}

#[test]
fn a_short_secret_is_refused_at_construction() {
    for bytes in [0, 1, 31] {
        let short = Verifier::new(settings(&"x".repeat(bytes)), Clock::system());
        assert_eq!(short.err(), Some(VerifierError::SecretTooShort { bytes, least: 32 }));
    }
    assert!(Verifier::new(settings(&"é".repeat(16)), Clock::system()).is_ok(), "bytes count, not characters");
}

#[test]
fn the_algorithm_comes_from_the_settings() {
    let payload = json!({"sub": "1", "exp": NOW + 60}).to_string();
    assert_eq!(verifier().verify(&signed(HS256, &payload, SECRET)), Ok(user(1)));

    for name in ["none", "None", "NONE", "HS1", "hs256", ""] {
        let header = format!(r#"{{"alg":"{name}"}}"#);
        let unsigned = format!("{}.{}.", URL_SAFE_NO_PAD.encode(&header), URL_SAFE_NO_PAD.encode(&payload));
        assert_eq!(verifier().verify(&unsigned), Err(Refusal::MalformedToken), "{name}");
        assert_eq!(
            verifier().verify(&signed(&header, &payload, SECRET)),
            Err(Refusal::MalformedToken),
            "{name}"
        );
    }
    // The classic: the verifier's secret (or public key) used as an HMAC key under another name.
    for name in ["HS384", "HS512", "RS256", "PS256", "ES256", "EdDSA"] {
        let header = format!(r#"{{"alg":"{name}"}}"#);
        assert_eq!(verifier().verify(&signed(&header, &payload, SECRET)), Err(Refusal::Algorithm), "{name}");
    }
    // A token that is genuine in every way but for an algorithm nobody chose.
    let key = EncodingKey::from_secret(SECRET.as_bytes()).expect("not empty");
    let claims = json!({"sub": "1", "exp": NOW + 60});
    let hs384 = jsonwebtoken::encode(&Header::new(Algorithm::HS384), &claims, &key).expect("a token");
    assert_eq!(verifier().verify(&hs384), Err(Refusal::Algorithm));
}

#[test]
fn a_forged_or_broken_token_is_refused() {
    let payload = json!({"sub": "1", "exp": NOW + 60}).to_string();
    let good = hs256(&json!({"sub": "1", "exp": NOW + 60}));
    let parts: Vec<_> = good.split('.').collect();
    let admin = URL_SAFE_NO_PAD.encode(json!({"sub": "1", "exp": NOW + 60, "scope": "admin"}).to_string());
    let own_key = format!(
        r#"{{"alg":"HS256","jwk":{{"kty":"oct","k":"{}"}}}}"#,
        URL_SAFE_NO_PAD.encode("x".repeat(32))
    );
    for (token, refusal) in [
        (signed(HS256, &payload, &"x".repeat(32)), Refusal::Signature),
        (signed(&own_key, &payload, &"x".repeat(32)), Refusal::Signature),
        (format!("{}.{admin}.{}", parts[0], parts[2]), Refusal::Signature),
        (format!("{}.{}.", parts[0], parts[1]), Refusal::Signature),
        (format!("{}.{}.{}", parts[0], parts[1], &parts[2][..42]), Refusal::MalformedToken),
        (format!("{good}="), Refusal::MalformedToken),
        (format!("{}.{}", parts[0], parts[1]), Refusal::MalformedToken),
        (format!("{good}.{}", parts[2]), Refusal::MalformedToken),
        ("abc".to_owned(), Refusal::MalformedToken),
        ("..".to_owned(), Refusal::MalformedToken),
        (signed(r#"{"alg":"HS256","crit":["b64"],"b64":false}"#, &payload, SECRET), Refusal::Algorithm),
        (signed(r#"{"typ":"JWT"}"#, &payload, SECRET), Refusal::MalformedToken),
        (
            // serde would fill a struct from a list in the order of its fields.
            signed(HS256, r#"[9999999999,null,null,null,"1",null,null]"#, SECRET),
            Refusal::MalformedClaims,
        ),
        (signed(HS256, "not json", SECRET), Refusal::MalformedClaims),
        (signed(HS256, "\"text\"", SECRET), Refusal::MalformedClaims),
        (signed(HS256, r#"{"sub":"1","exp":1,"exp":9999999999}"#, SECRET), Refusal::MalformedClaims),
        (signed(HS256, r#"{"sub":"1","sub":"2","exp":9999999999}"#, SECRET), Refusal::MalformedClaims),
    ] {
        assert_eq!(verifier().verify(&token), Err(refusal), "{token}");
    }
    assert_eq!(verifier().verify(&good), Ok(user(1)));
}

#[test]
fn the_signature_is_checked_before_the_claims() {
    let expired = signed(HS256, r#"{"sub":"1","exp":1}"#, &"x".repeat(32));
    assert_eq!(verifier().verify(&expired), Err(Refusal::Signature));
}

#[test]
fn a_token_expires_by_the_clock_after_the_leeway() {
    let exp = |exp: Value| verify(&json!({"sub": 1, "exp": exp}));
    for good in [
        json!(NOW),
        json!(NOW - 29),
        json!(NOW as f64 - 29.5),
        json!(i64::MAX),
        json!(u64::MAX),
        json!(1e300),
    ] {
        assert_eq!(exp(good.clone()), Ok(user(1)), "{good}");
    }
    for late in [
        json!(NOW - 30),
        json!(NOW as f64 - 30.5),
        json!(0),
        json!(-1),
        json!(-1.5),
        json!(i64::MIN),
        json!(-1e300),
    ] {
        assert_eq!(exp(late.clone()), Err(Refusal::Expired), "{late}");
    }
    for wrong in [json!("1999999999"), json!(true), json!("")] {
        assert_eq!(exp(wrong.clone()), Err(Refusal::MalformedTime), "{wrong}");
    }
    assert_eq!(exp(json!(null)), Err(Refusal::NoExpiry));
    assert_eq!(verify(&json!({"sub": 1})), Err(Refusal::NoExpiry));
    for wrong in [json!({"a": 1}), json!([NOW + 60])] {
        assert_eq!(exp(wrong.clone()), Err(Refusal::MalformedClaims), "{wrong}");
    }
    let infinite = signed(HS256, r#"{"sub":1,"exp":1e999}"#, SECRET);
    assert!(verifier().verify(&infinite).is_err());
}

#[test]
fn a_token_is_not_valid_before_its_time() {
    let nbf = |nbf: Value| verify(&json!({"sub": 1, "exp": NOW + 60, "nbf": nbf}));
    for good in [json!(null), json!(NOW), json!(NOW + 30), json!(NOW as f64 + 29.5), json!(-1)] {
        assert_eq!(nbf(good.clone()), Ok(user(1)), "{good}");
    }
    for early in [json!(NOW + 31), json!(NOW as f64 + 30.5), json!(u64::MAX)] {
        assert_eq!(nbf(early.clone()), Err(Refusal::NotYetValid), "{early}");
    }
    assert_eq!(nbf(json!("1")), Err(Refusal::MalformedTime));
}

#[test]
fn issuer_and_audience_are_required_when_set() {
    let strict = Verifier::new(
        AuthSettings { issuer: Some("us".into()), audience: Some("here".into()), ..settings(SECRET) },
        Clock::fixed(at(NOW)),
    )
    .expect("a good secret");
    let verify = |iss: Value, aud: Value| {
        strict.verify(&hs256(&json!({"sub": 1, "exp": NOW + 60, "iss": iss, "aud": aud})))
    };
    assert_eq!(verify(json!("us"), json!("here")), Ok(user(1)));
    assert_eq!(verify(json!("us"), json!(["there", "here"])), Ok(user(1)));
    for iss in [json!("them"), json!(null), json!(["us"]), json!("US"), json!(1)] {
        assert_eq!(verify(iss.clone(), json!("here")), Err(Refusal::Issuer), "{iss}");
    }
    for aud in [json!("there"), json!(null), json!([]), json!(["there"]), json!({"here": 1})] {
        assert_eq!(verify(json!("us"), aud.clone()), Err(Refusal::Audience), "{aud}");
    }
    let own = strict.issue(1, None, 60).expect("a token");
    assert_eq!(strict.verify(&own), Ok(user(1)), "its own tokens pass");
    let unset = self::verify(&json!({"sub": 1, "exp": NOW + 60, "iss": "x", "aud": ["y"]}));
    assert_eq!(unset, Ok(user(1)), "nothing is demanded");
}

#[test]
fn the_user_is_sub_and_without_it_user_id() {
    let claims = |claims: &str| {
        let payload = format!(r#"{{"exp":{},{claims}}}"#, NOW + 60);
        verifier().verify(&signed(HS256, &payload, SECRET))
    };
    for (good, id) in [
        (r#""sub":"42""#, 42),
        (r#""sub":42"#, 42),
        (r#""user_id":42"#, 42),
        (r#""user_id":"42""#, 42),
        (r#""sub":null,"user_id":42"#, 42),
        (r#""sub":"7","user_id":42"#, 7),
        (r#""sub":"auth0|64f1","user_id":42"#, 42),
        (r#""sub":"9b2c7d1e-0000-4000-8000-5f6a7b8c9d0e","user_id":"42""#, 42),
        (r#""sub":"9223372036854775807""#, i64::MAX),
        (r#""sub":9223372036854775807"#, i64::MAX),
    ] {
        assert_eq!(claims(good), Ok(user(id)), "{good}");
    }
    for bad in [
        r#""name":"x""#,
        r#""sub":"""#,
        r#""sub":"auth0|64f1""#,
        r#""sub":"alice","user_id":"bob""#,
        r#""sub":0"#,
        r#""sub":-1"#,
        r#""sub":"-1""#,
        r#""sub":"+1""#,
        r#""sub":" 1""#,
        r#""sub":1.0"#,
        r#""sub":"1.0""#,
        r#""sub":1e3"#,
        r#""sub":9223372036854775808"#,
        r#""sub":"9223372036854775808""#,
        r#""sub":true"#,
        r#""sub":"١""#,
    ] {
        assert_eq!(claims(bad), Err(Refusal::User), "{bad}");
    }
}

#[test]
fn admin_is_a_word_of_the_scope() {
    let admin =
        |scope: Value| verify(&json!({"sub": 1, "exp": NOW + 60, "scope": scope})).expect("a caller").admin;
    for scope in [json!("admin"), json!("read admin write"), json!(["read", "admin"])] {
        assert!(admin(scope.clone()), "{scope}");
    }
    for scope in [
        json!(""),
        json!("administrator"),
        json!("Admin"),
        json!("not-admin"),
        json!("admin,read"),
        json!(["read admin"]),
        json!([["admin"]]),
        json!({"admin": true}),
        json!(true),
        json!(null),
        json!([]),
    ] {
        assert!(!admin(scope.clone()), "{scope}");
    }
}

#[test]
fn an_issued_token_is_valid_until_its_ttl() {
    let clock = Clock::fixed(at(NOW));
    let verifier = Verifier::new(settings(SECRET), clock.clone()).expect("a good secret");
    let token = verifier.issue(42, Some("read admin"), 3600).expect("a token");
    let caller = Identity { admin: true, ..user(42) };
    assert_eq!(verifier.verify(&token), Ok(caller.clone()));
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).expect("three parts")).expect("base64url");
    let claims: Value = serde_json::from_slice(&payload).expect("JSON");
    assert_eq!(claims, json!({"sub": "42", "iat": NOW, "exp": NOW + 3600, "scope": "read admin"}));
    clock.set(at(NOW + 3629));
    assert_eq!(verifier.verify(&token), Ok(caller.clone()));
    clock.set(at(NOW + 3630));
    assert_eq!(verifier.verify(&token), Err(Refusal::Expired));
    for user in [0, -1, i64::MIN] {
        assert!(matches!(verifier.issue(user, None, 60), Err(IssueError::BadUser(_))));
    }
}
