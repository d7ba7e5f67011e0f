//! Servers that share a Redis: each of their answers is that of a server without one, whatever happens to the Redis.

mod answers;
mod outages;
mod rates;
mod trust;

use thermocline::archive::ArchiveOptions;
use thermocline::clock::DAY;
use thermocline::load::nouns;

use crate::support::redis_server::RedisServer;
use crate::support::waiting::until;
use crate::support::{Answer, Service, comment, conversation, cutoff, like, message, post, price, stock};

pub(super) const MESSAGES: &str = "/api/conversations/1/messages?page=3&per_page=7";

/// Lists of every resource, most of which reach into cold. The first eight have messages.
pub(super) const PATHS: [&str; 13] = [
    "/api/conversations",
    "/api/conversations/1/messages?limit=5",
    MESSAGES,
    "/api/conversations/1/messages?offset=30&limit=9",
    "/api/conversations/1/messages?around=12&limit=9&count=exact",
    "/api/conversations/1/messages?from=2025-01-01&to=2026-02-01&limit=50",
    "/api/conversations/1/messages/search?q=hello",
    "/api/conversations/1/messages/3",
    "/api/posts?page=2&per_page=5",
    "/api/posts/2",
    "/api/posts/2/comments",
    "/api/stocks/1/prices?start_date=2025-06-01&end_date=2026-02-20",
    "/api/stocks/prices/latest?symbols=2330",
];

/// Fills a service with rows of which most are archived.
async fn fill(service: &Service) {
    let when = |n: i64| cutoff((n - 50) * DAY);
    let talks = vec![conversation(1, 1, Some(2), when(0)), conversation(2, 1, Some(3), when(0))];
    service.load(&nouns::CONVERSATIONS, talks).await;
    let text = |n: i64| format!("hello {n} 😀 \u{1}");
    let messages = (1..=60).map(|n| message(n, 1 + n % 5 / 4, 1 + n % 2, &text(n), when(n))).collect();
    service.load(&nouns::MESSAGES, messages).await;
    service.load(&nouns::POSTS, (1..=20).map(|n| post(n, 1, "a post", when(n))).collect()).await;
    service.load(&nouns::COMMENTS, (1..=9).map(|n| comment(n, 2, 1, "yes", when(n + 3))).collect()).await;
    service.load(&nouns::LIKES, (1..=3).map(|user| like(user, 2)).collect()).await;
    service.load(&nouns::STOCKS, vec![stock(1, "2330", "TSMC")]).await;
    let cents = |n| [Some(1_250), Some(1_300 + n), None, Some(1_275), None];
    let prices = |n| price(None, 1, when(n).date(), cents(n), [Some(100 + n), None, Some(7)]);
    service.load(&nouns::PRICES, (1..=60).map(prices).collect()).await;
    for resource in ["messages", "posts", "prices"] {
        assert!(service.archive(resource, &ArchiveOptions::default()).await > 0, "{resource}");
    }
}

pub(super) async fn filled() -> Service {
    let service = Service::start().await;
    fill(&service).await;
    service
}

/// Returns the answer to user 1.
pub(super) async fn asked(service: &Service, path: &str) -> Answer {
    service.get(&service.token(1), path).await
}

pub(super) fn asks_cold(answer: &Answer) -> bool {
    answer.header("server-timing").contains("cold;")
}

/// Returns status and body, without the position in the change feed.
pub(super) fn content(answer: &Answer) -> (u16, serde_json::Value) {
    let mut body = answer.json();
    if let Some(body) = body.as_object_mut() {
        body.remove("changes");
        body.remove("request_id");
    }
    (answer.status, body)
}

async fn connected(service: &Service) {
    let shared = service.app.shared().expect("it shares");
    until("a connection to Redis", async || shared.redis().is_up()).await;
}

/// Asks for a page until its answer is kept.
async fn keep(service: &Service, path: &str) {
    connected(service).await;
    until("a kept answer", async || !asks_cold(&asked(service, path).await)).await;
}
