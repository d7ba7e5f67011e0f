//! Connections when requests are cancelled, the server is silent, or a connection breaks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use serde_json::Value as Json;
use thermocline::config::Mssql as Address;
use thermocline::tier::{Begin, Engine as _, Mssql, Tier, TierError};
use tower::ServiceExt as _;

use crate::mssql::statement;
use crate::support::pair::Pair;
use crate::support::tds::faults::{At, Fault};
use crate::support::tds::{FakeServer, LABEL, TdsEngine};

const TEST: At = At::Statement("test");
const ALWAYS: usize = usize::MAX;

/// Waits until at most this many connections are open: connections are closed in the background.
async fn open_at_most(fake: &FakeServer, n: usize) {
    let begun = Instant::now();
    while fake.open() > n {
        assert!(begun.elapsed() < Duration::from_secs(5), "{} connections are left", fake.open());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn echo(hot: &TdsEngine, n: i64) {
    let rows = hot.fetch(&statement("SELECT ?1 AS n"), &[n.into()]).await.expect("answers");
    assert_eq!(rows[0].int("n").expect("a number"), n, "another request's answer");
}

#[tokio::test]
async fn cancelled_requests_leave_no_trace() {
    println!("{LABEL}");
    let fake = FakeServer::start().await;
    let hot = Arc::new(TdsEngine::open(&fake).await.expect("opens"));
    echo(&hot, 7).await;
    let before = hot.inner.readers();
    assert_eq!(before, (1, 1));
    for fault in [Fault::Stall, Fault::StallInRow] {
        fake.fail(TEST, fault, ALWAYS);
        for _ in 0..4 {
            let requests: Vec<_> = (0..50)
                .map(|n| {
                    let hot = Arc::clone(&hot);
                    tokio::spawn(async move { echo(&hot, n).await })
                })
                .collect();
            fake.stalled(50).await;
            for request in requests {
                request.abort();
                assert!(request.await.expect_err("no client waits for the answer").is_cancelled());
            }
            assert_eq!(hot.inner.readers(), (0, 0), "one that was given up serves again");
        }
        fake.heal();
        for n in 0..200 {
            echo(&hot, n).await;
        }
        assert_eq!(hot.inner.readers(), before);
        open_at_most(&fake, 1).await;
    }
    // The server received an attention each time, and one login per connection.
    assert_eq!((fake.attentions(), fake.logins()), (400, 401));
}

#[tokio::test]
async fn broken_connections_are_not_reused() {
    let fake = FakeServer::start().await;
    let hot = TdsEngine::open(&fake).await.expect("opens");
    let mut logins = 1;
    for fault in [Fault::ResetInRow, Fault::HangUp, Fault::LoseAnswer, Fault::Refuse(596)] {
        echo(&hot, 4).await;
        // A broken pooled connection is replaced; a new one that breaks is an error.
        fake.fail(TEST, fault, 1);
        echo(&hot, 5).await;
        fake.fail(TEST, fault, 2);
        let error = hot.fetch(&statement("SELECT ?1 AS n"), &[1.into()]).await.expect_err("it broke");
        assert!(matches!(error, TierError::Unavailable { tier: Tier::Hot, .. }), "{fault:?}: {error:?}");
        echo(&hot, 6).await;
        logins += 3;
        assert_eq!((hot.inner.readers(), fake.logins()), ((1, 1), logins), "{fault:?}");
    }
}

/// Returns a page of messages from a service with this time limit.
async fn page(router: &Router, token: &str) -> (StatusCode, Option<String>, Json) {
    let request = Request::builder()
        .uri("/api/conversations/1/messages")
        .header("authorization", format!("Bearer {token}"))
        .body(Body::empty());
    let answer = router.clone().oneshot(request.expect("sound")).await.expect("answers");
    let (status, wait) = (answer.status(), answer.headers().get("retry-after").cloned());
    let body = to_bytes(answer.into_body(), 1 << 20).await.expect("a body");
    let wait = wait.map(|wait| wait.to_str().expect("a number").to_owned());
    (status, wait, serde_json::from_slice(&body).expect("JSON"))
}

#[tokio::test]
async fn a_silent_server_fails_its_requests_only() {
    let (pair, hot, fake) = Pair::over_tds().await;
    let (app, token) = pair.service();
    let router = thermocline::server::router(app.clone(), Duration::from_secs(20));
    let hasty = thermocline::server::router(app, Duration::from_secs(2));
    assert_eq!(page(&router, &token).await.0, StatusCode::OK);
    let before = hot.inner.readers();
    fake.fail(At::Statement("messages.hot_numbered"), Fault::Stall, ALWAYS);
    let requests = (0..8).map(|_| page(&hasty, &token));
    for (status, _, problem) in futures::future::join_all(requests).await {
        assert_eq!(
            (status, &problem["type"]),
            (StatusCode::GATEWAY_TIMEOUT, &Json::from("/problems/timeout"))
        );
    }
    fake.heal();
    assert_eq!(page(&router, &token).await.0, StatusCode::OK);
    let after = hot.inner.readers();
    // One may have been opened for a read that waited for others.
    assert!(after.0 <= before.0 + 1 && after.0 == after.1, "{before:?} {after:?}");
    // And the connection of a writer.
    open_at_most(&fake, after.0 + 1).await;
    assert_eq!(fake.unknown(), Vec::<String>::new());
}

/// The same where the server accepts connections and sends nothing.
#[tokio::test]
async fn a_hung_login_fails_its_requests_only() {
    let (pair, hot, fake) = Pair::over_tds().await;
    let (app, token) = pair.service();
    let router = thermocline::server::router(app.clone(), Duration::from_secs(20));
    let hasty = thermocline::server::router(app, Duration::from_millis(300));
    // The only connection breaks, and so does the one that replaces it.
    fake.fail(At::Statement("messages.hot_numbered"), Fault::HangUp, 2);
    assert_eq!(page(&router, &token).await.0, StatusCode::SERVICE_UNAVAILABLE);
    fake.fail(At::Login, Fault::Stall, ALWAYS);
    // More than the pool has room for.
    let requests = (0..60).map(|_| page(&hasty, &token));
    for (status, _, _) in futures::future::join_all(requests).await {
        assert_eq!(status, StatusCode::GATEWAY_TIMEOUT);
    }
    fake.heal();
    assert_eq!(page(&router, &token).await.0, StatusCode::OK);
    // The connections are established in the end, for later requests.
    open_at_most(&fake, 51).await;
    let logins = fake.logins();
    for _ in 0..60 {
        assert_eq!(page(&router, &token).await.0, StatusCode::OK);
    }
    assert_eq!(fake.logins(), logins);
    let (connections, idle) = hot.inner.readers();
    assert!(connections <= 50 && connections == idle, "{connections} {idle}");
}

#[tokio::test]
async fn a_dropped_session_rolls_back() {
    let (pair, _, fake) = Pair::over_tds().await;
    let hot = &pair.hot;
    let touch = statement("UPDATE archive_state SET held = 1 - held WHERE resource = 'posts'");
    let held = async || {
        let rows =
            hot.fetch(&statement("SELECT held FROM archive_state WHERE resource = 'posts'"), &[]).await;
        rows.expect("answers")[0].bool("held").expect("a bit")
    };
    fake.asked();
    for (commits, expected) in [(false, false), (true, true), (false, true)] {
        let mut session = hot.session().await.expect("a session");
        session.begin(Begin::Write).await.expect("begins");
        assert_eq!(session.execute(&touch, &[]).await.expect("touches"), 1);
        if commits {
            session.commit().await.expect("commits");
        }
        drop(session);
        assert_eq!(held().await, expected);
    }
    let begun = fake.asked().into_iter().filter(|(_, name)| name == "BEGIN TRANSACTION");
    let connections: Vec<usize> = begun.map(|(connection, _)| connection).collect();
    // The second one did not get the first one's connection; the third one got the second one's.
    assert!(connections[0] != connections[1] && connections[1] == connections[2], "{connections:?}");
    assert_eq!(fake.unknown(), Vec::<String>::new());
}

#[tokio::test]
async fn slow_logins_time_out() {
    let fake = FakeServer::start().await;
    fake.fail(At::Login, Fault::Slow(Duration::from_secs(30)), 1);
    fake.fail(At::Login, Fault::Stall, 1);
    let hasty = Address { connect_timeout: Duration::from_millis(200), ..fake.at.clone() };
    for _ in 0..2 {
        let begun = Instant::now();
        let error = Mssql::open(thermocline::schema::of(Tier::Hot), &hasty).await.expect_err("too slow");
        assert!(matches!(error, TierError::Unavailable { tier: Tier::Hot, .. }), "{error:?}");
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
    assert_eq!(fake.logins(), 2);
    // Slower than usual is still fast enough.
    fake.fail(At::Login, Fault::Slow(Duration::from_millis(50)), 1);
    let hot = Mssql::open(thermocline::schema::of(Tier::Hot), &fake.at).await.expect("opens");
    assert_eq!(hot.readers(), (1, 1));
}

/// The response of the service to each fault.
#[tokio::test]
async fn problems_name_the_tier_and_the_retry_delay() {
    let (pair, hot, fake) = Pair::over_tds().await;
    let (app, token) = pair.service();
    let router = thermocline::server::router(app, Duration::from_secs(10));
    let slice = At::Statement("messages.hot_numbered");
    assert_eq!(page(&router, &token).await.0, StatusCode::OK);
    for fault in
        [1205, 1222, 3960, 3961, 40_613, 596].map(Fault::Refuse).into_iter().chain([Fault::ResetInRow])
    {
        fake.fail(slice, fault, ALWAYS);
        let (status, wait, problem) = page(&router, &token).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{fault:?}: {problem}");
        assert_eq!(
            (&problem["type"], &problem["tier"]),
            (&"/problems/tier-unavailable".into(), &"hot".into())
        );
        assert!(wait.is_some_and(|seconds| seconds.parse::<u64>().is_ok()), "{fault:?}");
        let shown = problem.to_string();
        assert!(!shown.contains("lock") && !shown.contains("session"), "{shown}");
        fake.heal();
        assert_eq!(page(&router, &token).await.0, StatusCode::OK, "after {fault:?}");
    }
    // Not even a login.
    fake.fail(slice, Fault::HangUp, 1);
    fake.fail(At::Login, Fault::Refuse(18_456), ALWAYS);
    for _ in 0..2 {
        let (status, wait, problem) = page(&router, &token).await;
        assert_eq!((status, &problem["tier"]), (StatusCode::SERVICE_UNAVAILABLE, &"hot".into()));
        assert!(wait.is_some());
    }
    fake.heal();
    assert_eq!(page(&router, &token).await.0, StatusCode::OK);
    // A single write conflict is not visible.
    for number in [3960, 3961] {
        fake.fail(slice, Fault::Refuse(number), 1);
        assert_eq!(page(&router, &token).await.0, StatusCode::OK);
    }
    // An error that a retry cannot fix is a 500.
    fake.fail(slice, Fault::Refuse(3952), 1);
    assert_eq!(page(&router, &token).await.0, StatusCode::INTERNAL_SERVER_ERROR);
    let (connections, idle) = hot.inner.readers();
    assert_eq!(connections, idle);
    assert_eq!(fake.unknown(), Vec::<String>::new());
}

/// The meaning of each error number for the program.
#[tokio::test]
async fn every_error_number_is_classified() {
    let fake = FakeServer::start().await;
    let hot = TdsEngine::open(&fake).await.expect("opens");
    for number in [1205, 1222, 3960, 3961, 40_613, 515, 547, 2627, 3952] {
        fake.fail(TEST, Fault::Refuse(number), ALWAYS);
        let error = hot.fetch(&statement("SELECT ?1 AS n"), &[1.into()]).await.expect_err("refused");
        let right = match number {
            1205 | 1222 | 3960 | 3961 => matches!(error, TierError::Conflict { statement: "test", .. }),
            40_613 => matches!(error, TierError::Unavailable { .. }),
            _ => matches!(error, TierError::Statement { statement: "test", .. }),
        };
        assert!(right && error.tier() == Tier::Hot, "{number}: {error:?}");
        if let TierError::Statement { source, .. } = &error
            && number == 3952
        {
            assert!(source.to_string().contains("ALTER DATABASE [platform] SET ALLOW_SNAPSHOT_ISOLATION ON"));
        }
        fake.heal();
        echo(&hot, i64::from(number)).await;
    }
    // The server completed each answer: one connection did it all.
    assert_eq!((fake.logins(), hot.inner.readers()), (1, (1, 1)));
}
