//! Imports and moves over every hot engine and a cold tier in SQLite: the API shows the same bytes.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use axum::body::{Body, to_bytes};
use axum::http::Request;
use secrecy::SecretString;
use thermocline::archive::{ArchiveOptions, BlockSizes, Mover, Outcome};
use thermocline::clock::Clock;
use thermocline::import::{Noun, Record};
use thermocline::journal::pair;
use thermocline::load::nouns;
use thermocline::load::{Loader, Verdict};
use thermocline::resources;
use thermocline::tier::Engine;
use thermocline::web::auth::{AuthSettings, KeySource, Verifier};
use thermocline::web::state::App;
use tower::ServiceExt as _;

use super::at;
use crate::support::hot_engines::HotEngine;

pub(super) fn records() -> Vec<(&'static Noun, Vec<Record>)> {
    let day = |n: i64| at("2026-08-01").plus(n * 13 * 3_600_000_000);
    let message = |id: i64| {
        Record::new(&nouns::MESSAGES)
            .with_optional("id", (id % 5 != 0).then_some(id))
            .with("conversation_id", 1 + id % 3)
            .with("sender_id", 1 + id % 2)
            .with("content", format!("message {id} 你好 😀 50%").as_str())
            .with("created_at", day(id / 2))
            .with("is_read", id % 2 == 0)
    };
    let post = |id: i64| {
        Record::new(&nouns::POSTS)
            .with("id", id)
            .with("author_id", 1 + id % 4)
            .with("title", format!("post {id}").as_str())
            .with("body", "x".repeat(id as usize).as_str())
            .with("created_at", day(id * 4))
    };
    let comment = |id: i64| {
        Record::new(&nouns::COMMENTS)
            .with("id", id)
            .with("post_id", 1 + id % 50)
            .with("author_id", 3)
            .with("body", format!("c{id}").as_str())
            .with("created_at", day(160 + id))
    };
    let stock = Record::new(&nouns::STOCKS).with("id", 1).with("symbol", "2330").with("name", "台積電");
    let price = |n: i64| {
        let amount = |cents| rust_decimal::Decimal::new(cents, 2);
        Record::new(&nouns::PRICES)
            .with("stock_id", 1)
            .with("trade_date", day(n * 2).date())
            .with_optional("open_price", (n % 7 != 0).then(|| amount(10_000 + n)))
            .with_optional("high_price", None::<rust_decimal::Decimal>)
            .with("low_price", rust_decimal::Decimal::ZERO)
            .with("close_price", amount(9_650))
            .with("change_amount", amount(-n))
            .with("volume", n * 1_000_000_007)
            .with("turnover", 0)
            .with_optional("transaction_count", None::<i64>)
            .with("created_at", day(n))
    };
    let like = |n: i64| Record::new(&nouns::LIKES).with("user_id", 1 + n % 9).with("post_id", 1 + n / 9);
    vec![
        (&nouns::MESSAGES, (1..=400).map(message).collect()),
        (&nouns::POSTS, (1..=50).map(post).collect()),
        (&nouns::COMMENTS, (1..=60).map(comment).collect()),
        (&nouns::LIKES, (0..200).map(like).collect()),
        (&nouns::STOCKS, vec![stock]),
        (&nouns::PRICES, (1..=100).map(price).collect()),
    ]
}

const ASKED: [&str; 18] = [
    "/api/conversations",
    "/api/conversations?order=begun&limit=1",
    "/api/conversations/1/messages?limit=100",
    "/api/conversations/1/messages?page=2&per_page=30",
    "/api/conversations/2/messages?page=4&per_page=30",
    "/api/conversations/2/messages?at=2026-10-21T00:00:00Z&limit=20",
    "/api/conversations/2/messages/search?q=MESSAGE%2012",
    "/api/conversations/2/messages/search?q=50%25&limit=3",
    "/api/conversations/2/messages/1",
    "/api/posts?limit=100",
    "/api/posts?author_id=2&per_page=5&page=2",
    "/api/posts/3",
    "/api/posts/49",
    "/api/posts/49/comments",
    "/api/posts/3/comments",
    "/api/stocks",
    "/api/stocks/1/prices?limit=100",
    "/api/stocks/symbols/2330/prices?interval=month",
];

#[tokio::test]
async fn every_engine_gives_the_same_bytes() {
    let mut shown: Vec<(&str, Vec<String>)> = Vec::new();
    for engine in HotEngine::all().await {
        let cold: Arc<dyn Engine> = engine.cold().await;
        let clock = Clock::fixed(at("2026-11-20T10:00:00Z"));
        pair::ensure(&*engine.hot, &*cold, &clock).await.expect("a pair");
        for again in [false, true] {
            let mut loader = Loader::new(&*engine.hot, Some(&*cold), &clock);
            for (noun, records) in records() {
                let n = records.len();
                let verdicts = loader.load(noun, records).await.expect("loads");
                let expected = if again { Verdict::Known } else { Verdict::Inserted };
                let same = verdicts.iter().filter(|verdict| **verdict == expected).count();
                assert_eq!(same, n, "{noun} on {}, again: {again}: {verdicts:?}", engine.name);
            }
        }
        let before = ask(&engine, &cold, &clock).await;
        let mover = Mover {
            hot: &*engine.hot,
            cold: &*cold,
            clock: &clock,
            name: "test".to_owned(),
            sizes: BlockSizes { most: [40, 200], part: [20, 100] },
        };
        for family in resources::families() {
            let plan = ArchiveOptions { batch: 90, ..ArchiveOptions::default() };
            let report = mover.run(family, &plan, &AtomicBool::new(false), &mut |_| ()).await;
            assert_eq!((report.outcome, report.error.as_deref()), (Outcome::Done, None), "{}", engine.name);
            assert!(report.rows > 0);
        }
        let after = ask(&engine, &cold, &clock).await;
        for (uri, (before, after)) in ASKED.iter().zip(before.iter().zip(&after)) {
            let after = after.replace("\"from_archive\":true", "\"from_archive\":false");
            assert_eq!(before, &after, "{uri} on {}", engine.name);
        }
        // Archived rows are recognized in cold.
        let mut loader = Loader::new(&*engine.hot, Some(&*cold), &clock);
        let (noun, messages) = records().swap_remove(0);
        let verdicts = loader.load(noun, messages).await.expect("loads");
        assert!(verdicts.iter().all(|verdict| *verdict == Verdict::Known), "{}", engine.name);
        shown.push((engine.name, after));
        if let Some(fake) = &engine.fake {
            fake.assert_asked();
        }
        engine.drop().await;
    }
    let (_, embedded) = &shown[0];
    for (name, bodies) in &shown[1..] {
        for (uri, (expected, got)) in ASKED.iter().zip(embedded.iter().zip(bodies)) {
            assert_eq!(expected, got, "{uri} on {name}");
        }
    }
}

pub(super) async fn ask(engine: &HotEngine, cold: &Arc<dyn Engine>, clock: &Clock) -> Vec<String> {
    let key = KeySource::Secret(SecretString::from("0123456789abcdef0123456789abcdef"));
    let verifier = Verifier::new(AuthSettings { key, issuer: None, audience: None }, clock.clone())
        .expect("long enough");
    let token = verifier.issue(1, None, 3600).expect("a token");
    let app = App::new(engine.hot.clone(), Some(cold.clone()), Arc::new(verifier), clock.clone());
    let (router, _) = resources::routes().split_for_parts();
    let router = router.with_state(app);
    let mut bodies = Vec::new();
    for uri in ASKED {
        let request = Request::builder().uri(uri).header("authorization", format!("Bearer {token}"));
        let response = router.clone().oneshot(request.body(Body::empty()).expect("a request")).await;
        let response = response.expect("infallible");
        let status = response.status();
        let body = to_bytes(response.into_body(), usize::MAX).await.expect("a whole body");
        let body = String::from_utf8(body.to_vec()).expect("UTF-8");
        assert!(status.is_success() || status.as_u16() == 404, "{uri} on {}: {status} {body}", engine.name);
        bodies.push(format!("{status} {body}"));
    }
    bodies
}
