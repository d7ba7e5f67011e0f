//! Users who are found by name or address, tokens that may read only some rows, and refusals that tell nothing.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value as Json, json};
use thermocline::archive::ArchiveOptions;
use thermocline::clock::DAY;
use thermocline::import::Record;
use thermocline::load::nouns;
use thermocline::tier::{Engine, Session, Sqlite, Statement, Tier, TierError, Value, migrate};
use thermocline::web::auth::{ClaimSettings, UserLookup};

use crate::http_errors::tokens::{LATER, signed};
use crate::support::{Answer, Service, at, conversation, cutoff, message, post, price, stock};

const MESSAGES: &str = "/api/conversations/1/messages";

/// Fills a service with two conversations of user 1, one of which has archived messages, a post and a price.
async fn fill(service: &Service) {
    let begun = at("2025-12-01T00:00:00Z");
    let user = |id: i64, name: &str, email: Option<&str>| {
        Record::new(&nouns::USERS).with("id", id).with("username", name).with_optional("email", email)
    };
    let users = vec![
        user(1, "mei", Some("mei@example.org")),
        user(2, "Mei", Some("twin@example.org")),
        user(3, "old", Some("twin@example.org")),
    ];
    service.load(&nouns::USERS, users).await;
    let talks = vec![conversation(1, 1, Some(2), begun), conversation(2, 1, Some(3), begun)];
    service.load(&nouns::CONVERSATIONS, talks).await;
    let said = (0..10).map(|n| message(1_000 + n, 1, 1, "a number", cutoff((n - 5) * DAY)));
    service.load(&nouns::MESSAGES, said.collect()).await;
    service.load(&nouns::MESSAGES, vec![message(2_000, 2, 1, "another", cutoff(DAY))]).await;
    service.load(&nouns::POSTS, vec![post(100, 1, "post", cutoff(DAY))]).await;
    service.load(&nouns::STOCKS, vec![stock(5, "0050", "ETF")]).await;
    service
        .load(&nouns::PRICES, vec![price(None, 5, at("2026-02-27").date(), [Some(100); 5], [Some(1); 3])])
        .await;
    assert_eq!(service.archive("messages", &ArchiveOptions::default()).await, 5);
}

async fn small() -> Service {
    let service = Service::start().await;
    fill(&service).await;
    service
}

fn by(lookup: UserLookup, claim: &str) -> ClaimSettings {
    ClaimSettings { user: Some(claim.to_owned()), lookup, ..ClaimSettings::default() }
}

#[tokio::test]
async fn a_user_is_found_by_name_or_address() {
    let tiers = small().await;
    let status = async |service: &Service, claims: Json| {
        let mut claims = claims;
        claims["exp"] = json!(LATER);
        service.get(&signed(&claims), MESSAGES).await
    };
    let by_name = tiers.reading(by(UserLookup::Username, "preferred_username")).await;
    let sub = "9b2c7d1e-8f3a-4c5d-9e6f-5f6a7b8c9d0e";
    for name in ["mei", "Mei"] {
        let answer = status(&by_name, json!({"sub": sub, "preferred_username": name})).await;
        assert_eq!(answer.status, 200, "{name}: {}", answer.text());
    }
    assert_eq!(status(&by_name, json!({"preferred_username": "old"})).await.status, 404, "not part of it");
    for unknown in ["MEI", "mei ", "nobody", "1"] {
        let answer = status(&by_name, json!({"sub": "1", "preferred_username": unknown})).await;
        let body = answer.problem(MESSAGES, 401, "unauthorized");
        assert_eq!(body["detail"], "The user of the token is not known", "{unknown}");
        assert!(answer.header("www-authenticate").contains("error=\"invalid_token\""));
    }
    let by_address = tiers.reading(by(UserLookup::Email, "email")).await;
    assert_eq!(status(&by_address, json!({"email": "mei@example.org"})).await.status, 200);
    let twin = status(&by_address, json!({"email": "twin@example.org"})).await;
    assert_eq!(twin.status, 401, "two users have it: {}", twin.text());
    let unverified = status(&by_address, json!({"email": "mei@example.org", "email_verified": false})).await;
    assert_eq!(unverified.status, 401);
    // A new user can sign in at once.
    let late = json!({"preferred_username": "late"});
    assert_eq!(status(&by_name, late.clone()).await.status, 401);
    let user = Record::new(&nouns::USERS).with("id", 9).with("username", "late");
    tiers.load(&nouns::USERS, vec![user]).await;
    assert_eq!(status(&by_name, late).await.status, 404, "known, and not part of the conversation");
}

#[tokio::test]
async fn a_restricted_token_reads_nothing_else() {
    let service = small().await;
    let of_messages = [
        "/api/conversations",
        MESSAGES,
        "/api/conversations/1/messages/1000",
        "/api/conversations/77/messages",
    ];
    let of_posts = ["/api/posts", "/api/posts/100", "/api/posts/100/comments", "/api/posts/7777"];
    let of_prices = [
        "/api/stocks",
        "/api/stocks/symbols/0050/prices",
        "/api/stocks/prices?symbols=0050",
        "/api/stocks/symbols/none/prices",
    ];
    let groups = [(&of_messages, "messages:read"), (&of_posts, "posts:read"), (&of_prices, "prices:read")];
    for (_, scope) in groups {
        for claims in [json!({"scope": format!("openid {scope}")}), json!({"scope": [scope, "admin"]})] {
            let mut claims = claims;
            (claims["sub"], claims["exp"]) = (json!("1"), json!(LATER));
            let token = signed(&claims);
            for (paths, needed) in groups {
                for path in paths {
                    let answer = service.get(&token, path).await;
                    if needed == scope {
                        assert!([200, 404].contains(&answer.status), "{path}: {}", answer.text());
                    } else {
                        let body = answer.problem(path, 403, "forbidden");
                        assert!(
                            body["detail"].as_str().is_some_and(|detail| detail.contains(needed)),
                            "{body}"
                        );
                        assert!(answer.headers.get("server-timing").is_none(), "{path}");
                    }
                }
            }
            // It counts messages and posts alike.
            assert_eq!(service.get(&token, "/api/users/1/behavior").await.status, 403);
        }
    }
    let both = signed(&json!({"sub": "1", "exp": LATER, "scope": "messages:read posts:read"}));
    assert_eq!(service.get(&both, "/api/users/1/behavior").await.status, 200);
    // Bad parameters come first, since they say nothing about any row.
    let answer = service
        .get(&signed(&json!({"sub": "1", "exp": LATER, "scope": "prices:read"})), "/api/posts?page=0")
        .await;
    assert_eq!(answer.status, 400);
}

/// A tier that notes which statements it was sent.
#[derive(Debug)]
struct Noted {
    inner: Sqlite,
    statements: Arc<Mutex<Vec<&'static str>>>,
}

#[async_trait]
impl Engine for Noted {
    fn tier(&self) -> Tier {
        self.inner.tier()
    }

    async fn fetch(
        &self,
        statement: &Statement,
        params: &[Value],
    ) -> Result<Vec<thermocline::tier::Record>, TierError> {
        self.statements.lock().expect("not poisoned").push(statement.name);
        self.inner.fetch(statement, params).await
    }

    async fn session(&self) -> Result<Box<dyn Session>, TierError> {
        self.inner.session().await
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

/// Everything a client can see of an answer except the id of the request and the time.
fn visible(answer: &Answer, path: &str) -> (u16, Vec<String>, String) {
    let mut headers: Vec<String> = answer
        .headers
        .iter()
        .filter(|(name, _)| !["x-request-id", "date"].contains(&name.as_str()))
        .map(|(name, value)| format!("{name}: {value:?}"))
        // The path in the body has ids of several lengths.
        .filter(|header| !header.starts_with("content-length"))
        .collect();
    headers.sort();
    let mut body = answer.json();
    assert_eq!(body["instance"], path.split('?').next().unwrap_or_default());
    for member in ["instance", "request_id"] {
        body.as_object_mut().expect("a problem").remove(member);
    }
    (answer.status, headers, body.to_string())
}

#[tokio::test]
async fn a_refusal_takes_the_same_steps_whether_the_conversation_exists_or_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let statements = Arc::new(Mutex::new(Vec::new()));
    let open = async |tier: Tier| {
        let path = folder.path().join(tier.name());
        let inner = Sqlite::open(thermocline::schema::of(tier), &path).await.expect("a database");
        migrate::upgrade(&inner).await.expect("a schema");
        Arc::new(Noted { inner, statements: Arc::clone(&statements) })
    };
    let service = Service::over(open(Tier::Hot).await, open(Tier::Cold).await, Duration::from_secs(30)).await;
    fill(&service).await;
    let stranger = service.token(77);
    let paths = |id: i64| {
        let messages = format!("/api/conversations/{id}/messages");
        [
            messages.clone(),
            format!("{messages}?page=2"),
            format!("{messages}?around=1003"),
            format!("{messages}/search?q=number"),
            format!("{messages}/1003"),
        ]
    };
    for number in 0..paths(1).len() {
        let mut seen = Vec::new();
        // 1 is being read by its user, 2 exists and nobody reads it, 999 does not exist.
        for id in [1, 2, 999, 1, 2, 999] {
            if id == 1 {
                assert_eq!(service.get(&service.token(1), MESSAGES).await.status, 200);
            }
            let path = &paths(id)[number];
            statements.lock().expect("not poisoned").clear();
            let answer = service.get(&stranger, path).await;
            let sent = std::mem::take(&mut *statements.lock().expect("not poisoned"));
            assert!(answer.headers.get("server-timing").is_none(), "{path}");
            seen.push((visible(&answer, path), sent));
        }
        assert_eq!(seen[0].0.0, 404, "{:?}", seen[0]);
        for other in &seen[1..] {
            assert_eq!(*other, seen[0], "{}", paths(1)[number]);
        }
    }
    // The same for the row of another user: it is refused before anything is looked up.
    let mut seen = Vec::new();
    for id in [1, 999] {
        let path = format!("/api/users/{id}/behavior");
        statements.lock().expect("not poisoned").clear();
        let answer = service.get(&stranger, &path).await;
        seen.push((visible(&answer, &path), statements.lock().expect("not poisoned").clone()));
    }
    assert_eq!((seen[0].0.0, seen[0].1.len()), (403, 0));
    assert_eq!(seen[0], seen[1]);
}
