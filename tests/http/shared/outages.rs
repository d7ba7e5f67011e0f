//! A Redis that dies or hangs costs speed only.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{join, join_all};
use thermocline::web::shared::Shared;

use super::{MESSAGES, PATHS, RedisServer, asked, asks_cold, connected, content, filled, keep};
use crate::support::waiting::until;

const SOON: Duration = Duration::from_millis(20);

#[tokio::test]
async fn a_hanging_server_is_waited_for_once() {
    let Some(mut redis) = RedisServer::start() else { return };
    let shared = Shared::open(&redis.settings(SOON), 1).expect("a URL");
    let rate = shared.rate(1_000_000).expect("a rate");
    let up = async || shared.redis().is_up();
    until("a connection", up).await;
    redis.hang();
    until("the late answer", async || {
        assert_eq!(rate.wait(1).await, None);
        !shared.redis().is_up()
    })
    .await;
    // It may only be told from a dead server by waiting, which nobody does any more.
    for _ in 0..100 {
        assert_eq!(rate.wait(1).now_or_never(), Some(None));
    }
    redis.go_on();
    until("another connection", up).await;
    redis.kill();
    until("the end of the connection", async || {
        assert_eq!(rate.wait(1).await, None);
        !shared.redis().is_up()
    })
    .await;
    assert_eq!(rate.wait(1).now_or_never(), Some(None));
    redis.restart();
    until("a connection to the next one", up).await;
    assert!(shared.redis().probe().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_go_on_while_it_is_killed_and_hangs() {
    let Some(mut redis) = RedisServer::start() else { return };
    let plain = filled().await;
    let sharing = plain.sharing(&redis.settings(SOON), 0).await;
    let mut expected = Vec::new();
    for path in PATHS {
        expected.push((path, content(&asked(&plain, path).await)));
    }
    let (stop, reads) = (AtomicBool::new(false), AtomicUsize::new(0));
    let reader = async || {
        while !stop.load(Ordering::Relaxed) {
            for (path, expected) in &expected {
                assert_eq!(content(&asked(&sharing, path).await), *expected, "{path}");
                reads.fetch_add(1, Ordering::Relaxed);
            }
        }
    };
    let more = async || {
        let before = reads.load(Ordering::Relaxed);
        until("more reads", async || reads.load(Ordering::Relaxed) > before + 40).await;
    };
    let outages = async {
        connected(&sharing).await;
        more().await;
        redis.kill();
        more().await;
        redis.restart();
        connected(&sharing).await;
        more().await;
        redis.hang();
        more().await;
        redis.go_on();
        stop.store(true, Ordering::Relaxed);
    };
    join(join_all((0..6).map(|_| reader())), outages).await;
    // It was of use in between, and is again.
    keep(&sharing, MESSAGES).await;
}

#[tokio::test]
async fn a_server_starts_without_it_and_uses_it_when_it_comes() {
    let Some(mut redis) = RedisServer::start() else { return };
    redis.kill();
    let plain = filled().await;
    let sharing = plain.sharing(&redis.settings(SOON), 0).await;
    let answer = asked(&sharing, MESSAGES).await;
    assert!(answer.status == 200 && asks_cold(&answer), "{}", answer.text());
    let health = asked(&sharing, "/health").await;
    let report = health.json();
    assert_eq!((health.status, &report["status"]), (200, &"healthy".into()), "{report}");
    assert_eq!(report["services"]["redis"]["status"], "unhealthy", "{report}");
    assert_eq!(asked(&sharing, "/readyz").await.status, 200);
    redis.restart();
    until("a Redis that is well", async || {
        asked(&sharing, "/health").await.json()["services"]["redis"]["status"] == "healthy"
    })
    .await;
    keep(&sharing, MESSAGES).await;
    assert!(asked(&plain, "/health").await.json()["services"].get("redis").is_none());
    let metrics = asked(&sharing, "/metrics").await.text().to_owned();
    for series in [
        "thermocline_redis_up 1",
        "thermocline_redis_request_seconds_count{operation=\"read\",outcome=\"answered\"}",
        "thermocline_cache_requests_total{cache=\"shared\",outcome=\"hit\"}",
    ] {
        assert!(metrics.contains(series), "{series} in {metrics}");
    }
}

#[tokio::test]
async fn a_server_of_a_cluster_changes_no_answer() {
    let Some(cluster) = RedisServer::cluster() else { return };
    let plain = filled().await;
    // It sends two keys of three elsewhere, which is not followed.
    let servers =
        [plain.sharing(&cluster[0].patient(), 0).await, plain.sharing(&cluster[0].patient(), 0).await];
    for _ in 0..3 {
        for path in PATHS {
            let expected = content(&asked(&plain, path).await);
            assert_eq!(expected.0, 200, "{path}: {}", expected.1);
            for server in &servers {
                assert_eq!(content(&asked(server, path).await), expected, "{path}");
            }
        }
    }
    for server in &servers {
        assert_eq!(asked(server, "/readyz").await.status, 200);
        assert_eq!(asked(server, "/health").await.json()["status"], "healthy");
    }
}
