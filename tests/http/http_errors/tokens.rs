//! Invalid and valid tokens of every kind.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::Method;
use serde_json::{Value, json};

use super::small;
use crate::support::{NOW, SECRET, at};

/// An hour after the service's time, in seconds since 1970.
pub const LATER: i64 = 1_772_326_800;

fn with(algorithm: Algorithm, secret: &str, claims: &Value) -> String {
    let key = EncodingKey::from_secret(secret.as_bytes()).expect("not empty");
    jsonwebtoken::encode(&Header::new(algorithm), claims, &key).expect("a token")
}

/// Returns a token with these claims, signed with the service's key.
pub fn signed(claims: &Value) -> String {
    with(Algorithm::HS256, SECRET, claims)
}

/// Returns a token put together by hand.
fn by_hand(header: &Value, claims: &Value, signature: &str) -> String {
    let part = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    format!("{}.{}.{signature}", part(header), part(claims))
}

const PATH: &str = "/api/conversations/1/messages";

#[tokio::test]
async fn invalid_tokens_are_rejected() {
    let service = small().await;
    let now = at(NOW).micros() / 1_000_000;
    assert_eq!(LATER, now + 3600);
    let good = json!({"sub": "1", "exp": LATER});
    let sound = signed(&good);
    assert_eq!(service.get(&sound, PATH).await.status, 200, "otherwise the rest proves nothing");
    let (head, rest) = sound.split_once('.').expect("three parts");
    let (claims, signature) = rest.split_once('.').expect("three parts");
    let other = URL_SAFE_NO_PAD.encode(json!({"sub": "2", "exp": LATER}).to_string());
    let none = json!({"alg": "none", "typ": "JWT"});
    let mut no_exp = good.clone();
    no_exp.as_object_mut().expect("claims").remove("exp");
    let user = |sub: Value| signed(&json!({"sub": sub, "exp": LATER}));
    let bad = [
        ("expired", signed(&json!({"sub": "1", "exp": now - 30}))),
        ("expired long ago", signed(&json!({"sub": "1", "exp": 0}))),
        ("no exp", signed(&no_exp)),
        ("exp is null", signed(&json!({"sub": "1", "exp": null}))),
        ("exp is a text", signed(&json!({"sub": "1", "exp": LATER.to_string()}))),
        ("not valid yet", signed(&json!({"sub": "1", "exp": LATER, "nbf": now + 31}))),
        ("nbf is a text", signed(&json!({"sub": "1", "exp": LATER, "nbf": "0"}))),
        ("another key", with(Algorithm::HS256, "another secret of at least 32 bytes", &good)),
        ("HS384", with(Algorithm::HS384, SECRET, &good)),
        ("HS512", with(Algorithm::HS512, SECRET, &good)),
        ("none", by_hand(&none, &good, "")),
        ("none, with a signature", by_hand(&none, &good, signature)),
        ("None", by_hand(&json!({"alg": "None"}), &good, signature)),
        ("RS256", by_hand(&json!({"alg": "RS256"}), &good, signature)),
        ("no algorithm", by_hand(&json!({"typ": "JWT"}), &good, signature)),
        (
            "critical extension",
            by_hand(&json!({"alg": "HS256", "crit": ["b64"], "b64": false}), &good, signature),
        ),
        ("no signature", format!("{head}.{claims}.")),
        ("two parts", format!("{head}.{claims}")),
        ("four parts", format!("{sound}.{signature}")),
        ("other claims", format!("{head}.{other}.{signature}")),
        ("another header", format!("{}.{claims}.{signature}", URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256"}"#))),
        ("not base64", format!("{head}.{claims}.{signature}=")),
        ("not JSON", format!("{}.{claims}.{signature}", URL_SAFE_NO_PAD.encode("hello"))),
        ("claims are a list", signed(&json!([1, 2]))),
        ("a word", "letmein".to_owned()),
        ("dots", "..".to_owned()),
        ("sub is a name", user(json!("alice"))),
        ("sub is 0", user(json!(0))),
        ("sub is negative", user(json!(-1))),
        ("sub is a fraction", user(json!(1.5))),
        ("sub is empty", user(json!(""))),
        ("sub has a sign", user(json!("+1"))),
        ("sub has a space", user(json!(" 1"))),
        ("sub is too large", user(json!("9223372036854775808"))),
        ("sub is a list", user(json!([1]))),
        ("sub is true", user(json!(true))),
        ("no user", signed(&json!({"exp": LATER}))),
        ("user_id is a name", signed(&json!({"exp": LATER, "user_id": "alice"}))),
        ("user_id is no id beside a bad sub", signed(&json!({"sub": "alice", "exp": LATER, "user_id": 0}))),
    ];
    for (what, token) in bad {
        let answer = service.get(&token, PATH).await;
        assert_eq!(answer.status, 401, "{what}: {}", answer.text());
        let body = answer.problem(PATH, 401, "unauthorized");
        let challenge = answer.header("www-authenticate");
        assert!(
            challenge.starts_with("Bearer ") && challenge.contains("error=\"invalid_token\""),
            "{what}: {challenge}"
        );
        assert!(challenge.contains(body["detail"].as_str().unwrap_or("?")), "{what}: {challenge}");
        assert!(!answer.text().contains(SECRET) && !answer.text().contains(&*token), "{what}: it leaks");
    }
}

#[tokio::test]
async fn malformed_authorization_headers_are_rejected() {
    let service = small().await;
    let sound = service.token(1);
    let basic = "Basic dXNlcjpwYXNzd29yZA==".to_owned();
    for (what, headers, error) in [
        ("absent", vec![], None),
        ("another scheme", vec![basic.clone()], None),
        ("the token alone", vec![sound.clone()], None),
        ("empty", vec![String::new()], None),
        ("no token", vec!["Bearer".to_owned()], Some("invalid_request")),
        ("a space", vec!["Bearer ".to_owned()], Some("invalid_request")),
        ("two tokens", vec![format!("Bearer {sound} {sound}")], Some("invalid_request")),
        ("a list", vec![format!("Bearer {sound}, Bearer {sound}")], Some("invalid_request")),
        ("repeated", vec![format!("Bearer {sound}"), format!("Bearer {sound}")], Some("invalid_request")),
        ("with another one", vec![basic, format!("Bearer {sound}")], Some("invalid_request")),
        ("quoted", vec![format!("Bearer \"{sound}\"")], Some("invalid_token")),
        ("not ASCII", vec!["Bearer 好".to_owned()], Some("invalid_request")),
    ] {
        let request = service.request(Method::GET, PATH);
        let request =
            headers.iter().fold(request, |request, value| request.header("authorization", value.as_bytes()));
        let answer = service.send(request).await;
        answer.problem(PATH, 401, "unauthorized");
        let challenge = answer.header("www-authenticate");
        assert!(challenge.starts_with("Bearer "), "{what}: {challenge}");
        // RFC 6750: who has sent no token is told of no error.
        let found = challenge.split("error=\"").nth(1).and_then(|rest| rest.split('"').next());
        assert_eq!(found, error, "{what}: {challenge}");
    }
    // Neither a cookie nor a parameter is a token.
    let path = format!("{PATH}?access_token={sound}");
    service.send(service.request(Method::GET, &path)).await.problem(&path, 401, "unauthorized");
}

#[tokio::test]
async fn valid_tokens_of_every_kind_are_accepted() {
    let service = small().await;
    let now = LATER - 3600;
    for (what, claims) in [
        ("sub as a text", json!({"sub": "1", "exp": LATER})),
        ("sub as a number", json!({"sub": 1, "exp": LATER})),
        ("user_id", json!({"user_id": 1, "exp": LATER})),
        ("user_id as a text", json!({"user_id": "1", "exp": LATER})),
        ("user_id beside a sub of the issuer", json!({"sub": "auth0|64f1c2", "user_id": 1, "exp": LATER})),
        ("sub before user_id", json!({"sub": "1", "user_id": 8, "exp": LATER})),
        ("within the leeway", json!({"sub": "1", "exp": now - 29})),
        ("valid in a moment", json!({"sub": "1", "exp": LATER, "nbf": now + 30})),
        ("a fraction of a second", json!({"sub": "1", "exp": LATER as f64 + 0.5})),
        ("unknown claims", json!({"sub": "1", "exp": LATER, "iss": "x", "aud": ["y"], "name": {"a": [1]}})),
        ("admin among others", json!({"sub": "8", "exp": LATER, "scope": "chat admin"})),
        ("admin in a list", json!({"sub": "8", "exp": LATER, "scope": ["chat", "admin"]})),
    ] {
        let answer = service.get(&signed(&claims), PATH).await;
        assert_eq!(answer.status, 200, "{what}: {}", answer.text());
    }
    let claims = json!({"sub": "1", "exp": LATER});
    for scheme in ["bearer", "BEARER", "Bearer ", "Bearer  "] {
        let header = format!("{scheme} {}", signed(&claims));
        let request = service.request(Method::GET, PATH).header("authorization", header);
        assert_eq!(service.send(request).await.status, 200, "{scheme:?}");
    }
    // The time is the service's own: the same token, an hour later.
    let token = signed(&claims);
    service.clock.set(at(NOW).plus(3_630_000_000));
    service.get(&token, PATH).await.problem(PATH, 401, "unauthorized");
}
