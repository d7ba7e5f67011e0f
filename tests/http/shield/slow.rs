//! Slow work beside short requests: it waits in a queue of its own, and a newest page finds a slot beside it.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, Response};
use chrono::{Days, NaiveDate};
use thermocline::load::nouns;
use thermocline::server::{self, Options};
use thermocline::web::admission::{Capacity, Gate, Load};
use tokio::task::JoinHandle;
use tower::ServiceExt as _;

use crate::support::waiting::until;
use crate::support::{Mode, Service, conversation, cutoff, message, post, price, stock};

/// Pieces of slow work at the same time.
const GREEDY: usize = 64;
const NEWEST: &str = "/api/conversations/1/messages?limit=5";

/// A service with a slot for slow work and two for short requests, and its routes without a socket.
struct Limited {
    service: Service,
    gate: Arc<Gate>,
    router: Router,
}

impl Limited {
    async fn start() -> Self {
        let service = Service::start().await;
        let begun = cutoff(0);
        service.load(&nouns::CONVERSATIONS, vec![conversation(1, 1, Some(2), begun)]).await;
        service.load(&nouns::MESSAGES, vec![message(1, 1, 1, "hello", begun)]).await;
        service.load(&nouns::POSTS, vec![post(1, 1, "hello", begun)]).await;
        let capacity =
            Capacity { requests: 200, slots: 2, slow_slots: 1, large_list: 1, ..Capacity::default() };
        let gate = Gate::new(capacity);
        let options = Options { gate: Arc::clone(&gate), ..Options::from(Duration::from_hours(1)) };
        let router = server::router(service.app.clone(), options);
        Self { service, gate, router }
    }

    async fn ask(&self, user: i64, path: &str) -> Response<Body> {
        let token = format!("Bearer {}", self.service.token(user));
        let request = Request::get(path).header("authorization", token).body(Body::empty()).expect("sound");
        self.router.clone().oneshot(request).await.expect("answers")
    }

    /// Asks a path many times at once, as one user whose requests the database does not answer.
    fn flood(self: &Arc<Self>, path: &'static str) -> Vec<JoinHandle<u16>> {
        self.service.hot.set(Mode::Hung);
        let ask = |_| {
            let limited = Arc::clone(self);
            tokio::spawn(async move { limited.ask(1, path).await.status().as_u16() })
        };
        (0..GREEDY).map(ask).collect()
    }

    /// Waits until one of the pieces of work hangs and the others wait for it, and then lets the database answer again.
    async fn settle<T>(&self, work: &[JoinHandle<T>]) {
        until("the end of the rush", async || {
            let Load { running, waiting, slow_running, slow_waiting } = self.gate.load();
            let refused = work.iter().filter(|work| work.is_finished()).count();
            (running, waiting, slow_running) == (0, 0, 1) && refused + 1 + slow_waiting == work.len()
        })
        .await;
        assert_eq!(self.service.hot.hanging(), 1, "the database has one piece of slow work");
        self.service.hot.set(Mode::Up);
    }

    /// Checks that another user reads the newest page while the slow work goes on.
    async fn assert_short_requests_pass(&self) {
        for _ in 0..20 {
            assert_eq!(self.ask(2, NEWEST).await.status(), 200);
        }
        assert_eq!(self.gate.load().slow_running, 1, "the slow work goes on beside them");
    }
}

#[tokio::test]
async fn searches_leave_room_for_others() {
    let limited = Arc::new(Limited::start().await);
    // The participants are known from here on, so that a search hangs where it reads texts.
    assert_eq!(limited.ask(1, NEWEST).await.status(), 200);
    let searches = limited.flood("/api/conversations/1/messages/search?q=nothing");
    limited.settle(&searches).await;
    limited.assert_short_requests_pass().await;
    searches.iter().for_each(JoinHandle::abort);
}

#[tokio::test]
async fn counts_of_a_large_list_leave_room_for_others() {
    let limited = Arc::new(Limited::start().await);
    // The first count finds that the list is large.
    assert_eq!(limited.ask(1, "/api/posts?page=1").await.status(), 200);
    for path in [
        "/api/posts?page=1",
        "/api/posts?from=2020-01-01&offset=0",
        "/api/posts?limit=1&count=exact",
        "/api/posts?at=2026-01-01&count=exact",
    ] {
        let counts = limited.flood(path);
        limited.settle(&counts).await;
        limited.assert_short_requests_pass().await;
        counts.iter().for_each(JoinHandle::abort);
        until("the end of the counts", async || limited.gate.load() == Load::default()).await;
    }
}

#[tokio::test]
async fn a_small_list_is_counted_at_once() {
    let limited = Arc::new(Limited::start().await);
    assert_eq!(limited.ask(1, "/api/posts?page=1").await.status(), 200);
    let counts = limited.flood("/api/posts?page=1");
    limited.settle(&counts).await;
    // This author has no post, which is below the size of a large list.
    for _ in 0..5 {
        assert_eq!(limited.ask(2, "/api/posts?author_id=2&page=1").await.status(), 200);
    }
    counts.iter().for_each(JoinHandle::abort);
}

#[tokio::test]
async fn wide_ranges_of_prices_leave_room_for_others() {
    const DAYS: u64 = 3_000;
    let limited = Arc::new(Limited::start().await);
    let first = NaiveDate::from_ymd_opt(2015, 1, 1).expect("a day");
    limited.service.load(&nouns::STOCKS, vec![stock(1, "2330", "A")]).await;
    let days = (0..DAYS).map(|day| price(None, 1, first + Days::new(day), [Some(100); 5], [Some(1); 3]));
    limited.service.load(&nouns::PRICES, days.collect()).await;
    let path = "/api/stocks/1/prices/csv?start_date=2015-01-01&end_date=2025-01-01";
    let mut heads = Vec::new();
    for _ in 0..GREEDY {
        heads.push(limited.ask(1, path).await);
    }
    assert_eq!(limited.gate.load(), Load::default(), "a body that nobody reads holds nothing");
    limited.service.hot.set(Mode::Hung);
    let exports: Vec<_> =
        heads.into_iter().map(|head| tokio::spawn(to_bytes(head.into_body(), usize::MAX))).collect();
    limited.settle(&exports).await;
    limited.assert_short_requests_pass().await;

    // Without the one that hangs, all others are whole.
    assert!(exports.iter().all(|export| !export.is_finished()), "no export is refused once it has begun");
    exports[0].abort();
    let mut whole = 0;
    for export in exports {
        let Ok(body) = export.await else { continue };
        let body = body.expect("a whole body");
        let lines = String::from_utf8_lossy(&body).lines().count();
        assert_eq!(lines as u64, DAYS + 1);
        whole += 1;
    }
    assert_eq!(whole, GREEDY - 1);
}
