//! The rate of a caller counts in all servers.

use std::time::{Duration, Instant};

use thermocline::web::shared::Shared;

use super::{RedisServer, asked, connected, filled};
use crate::support::waiting::until;

const HOUR: Duration = Duration::from_hours(1);

#[tokio::test]
async fn requests_count_in_all_servers_of_a_pair() {
    let Some(redis) = RedisServer::start() else { return };
    let mut rates = Vec::new();
    for pair in [1, 1, 2] {
        let shared = Shared::open(&redis.patient(), pair).expect("a URL");
        until("a connection", async || shared.redis().is_up()).await;
        rates.push(shared.rate(1).expect("a rate").with(3, HOUR));
    }
    let [first, second, of_another_pair] = &rates[..] else { unreachable!("three of them") };
    for rate in [first, second, first] {
        assert_eq!(rate.wait(1).await, None);
    }
    for rate in [first, second] {
        let wait = rate.wait(1).await.expect("a refusal");
        assert!(wait <= HOUR && wait > HOUR / 2, "{wait:?}");
        assert_eq!(rate.wait(2).await, None, "another caller is not concerned");
    }
    assert_eq!(of_another_pair.wait(1).await, None, "nor is another installation");
    let keys = redis.keys(":rate:");
    assert_eq!(keys.len(), 3, "{keys:?}");
    for key in keys {
        let left: i64 = redis.command(&[b"PTTL", key.as_bytes()]);
        assert!(left > 0, "an idle caller is forgotten: {key}");
    }
}

#[tokio::test]
async fn what_no_server_wrote_locks_nobody_out() {
    let Some(redis) = RedisServer::start() else { return };
    let shared = Shared::open(&redis.patient(), 1).expect("a URL");
    until("a connection", async || shared.redis().is_up()).await;
    let rate = shared.rate(1).expect("a rate").with(1, HOUR);
    assert_eq!(rate.wait(1).await, None);
    assert!(rate.wait(1).await.is_some());
    let keys = redis.keys(":rate:");
    let key = keys[0].as_bytes();
    for value in ["", "x", "-1", "1e300", "nan", "inf", "99999999999999999"] {
        redis.command::<()>(&[b"SET", key, value.as_bytes()]);
        assert_eq!(rate.wait(1).await, None, "{value:?}");
        assert!(rate.wait(1).await.is_some(), "{value:?}");
    }
    redis.command::<()>(&[b"DEL", key]);
    redis.command::<()>(&[b"LPUSH", key, b"x"]);
    assert_eq!(rate.wait(1).await, None, "a list");
    assert!(rate.wait(1).await.is_some(), "a list");
}

#[tokio::test]
async fn two_servers_allow_no_more_than_one_and_each_its_own_without_redis() {
    const RATE: u32 = 20;
    let Some(mut redis) = RedisServer::start() else { return };
    let plain = filled().await;
    let servers = [plain.sharing(&redis.patient(), RATE).await, plain.sharing(&redis.patient(), RATE).await];
    for server in &servers {
        connected(server).await;
    }
    // Returns the number of answers, and how many the time would have allowed.
    let flood = async |user: i64| {
        let (begun, mut allowed) = (Instant::now(), 0);
        for _ in 0..RATE + 5 {
            for server in &servers {
                let answer = server.get(&server.token(user), "/api/posts?limit=1").await;
                if answer.status == 200 {
                    allowed += 1;
                } else {
                    assert!(
                        answer.status == 429 && answer.text().contains("rate-limited"),
                        "{}",
                        answer.text()
                    );
                    assert_eq!(answer.header("retry-after"), "1");
                }
            }
        }
        (allowed, f64::from(RATE) * begun.elapsed().as_secs_f64())
    };
    let (allowed, later) = flood(1).await;
    assert!(allowed >= RATE && f64::from(allowed) <= f64::from(RATE) + later + 1.0, "{allowed}, {later}");
    redis.kill();
    for server in &servers {
        until("the end of the connection", async || {
            asked(server, "/health").await;
            !server.app.shared().expect("it shares").redis().is_up()
        })
        .await;
    }
    let (allowed, later) = flood(2).await;
    let most = 2.0 * (f64::from(RATE) + later + 1.0);
    assert!(allowed >= 2 * RATE && f64::from(allowed) <= most, "{allowed}, {later}");
}
