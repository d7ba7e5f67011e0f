//! `GET /api/archive/status`: the figures of both tiers, for admins.

use std::sync::Arc;
use std::time::Duration;

use thermocline::archive::ArchiveOptions;
use thermocline::clock::DAY;
use thermocline::load::nouns;

use crate::support::{Mode, Service, Switchable, cutoff, post};

const PATH: &str = "/api/archive/status";

async fn with_posts() -> Service {
    let service = Service::start().await;
    let posts = (1..=9).map(|n| post(n, 1, "post", cutoff(if n <= 4 { -n * DAY } else { n * DAY })));
    service.load(&nouns::POSTS, posts.collect()).await;
    service
}

/// Returns the status of posts.
async fn posts(service: &Service) -> serde_json::Value {
    let answer = service.get(&service.admin(1), PATH).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let status = answer.json();
    let resources = status["resources"].as_array().expect("resources").clone();
    resources.into_iter().find(|resource| resource["resource"] == "posts").expect("posts")
}

#[tokio::test]
async fn admins_see_how_far_rows_have_moved() {
    let service = with_posts().await;
    let before = posts(&service).await;
    assert_eq!((&before["epoch"], &before["rows_in_hot"], &before["due"]), (&0.into(), &9.into(), &4.into()));
    assert!(before["lag_days"].as_f64().is_some_and(|days| days >= 4.0), "{before}");
    assert_eq!(before["cold"]["rows"], 0);
}

#[tokio::test]
async fn a_move_is_seen() {
    let service = with_posts().await;
    service.archive("posts", &ArchiveOptions::default()).await;
    let after = posts(&service).await;
    assert_eq!((&after["rows_in_hot"], &after["due"]), (&5.into(), &0.into()), "{after}");
    assert_eq!((&after["cold"]["rows"], &after["cold"]["rows_exact"]), (&4.into(), &true.into()), "{after}");
    assert_eq!(after["cold"]["last"]["kind"], "archive", "{after}");
    assert_eq!(after["cold"]["last"]["epoch"], after["epoch"], "{after}");
}

/// Reads of clients are measured by the tiers they asked; probes and the routes of the archive are not.
#[tokio::test]
async fn the_latency_of_the_last_hour_is_that_of_clients() {
    let service = with_posts().await;
    service.archive("posts", &ArchiveOptions::default()).await;
    let latency = async || {
        let status = service.get(&service.admin(1), PATH).await.json();
        let groups = status["latency"].as_array().expect("groups").clone();
        let names: Vec<_> = groups.iter().map(|group| group["tiers"].clone()).collect();
        assert_eq!(names, ["hot", "cold", "both"]);
        groups
    };
    for group in latency().await {
        assert_eq!((&group["answers"], &group["p95_ms"]), (&0.into(), &serde_json::Value::Null), "{group}");
    }
    for path in
        ["/api/posts?limit=2", "/api/posts?limit=2", "/api/posts?limit=9", "/health", "/problems/timeout"]
    {
        assert_eq!(service.get(&service.token(1), path).await.status, 200, "{path}");
    }
    // The status of the last seconds is given again, its latency is new.
    let groups = latency().await;
    let answers: Vec<_> = groups.iter().map(|group| group["answers"].clone()).collect();
    assert_eq!(answers, [2, 0, 1]);
    for group in [&groups[0], &groups[2]] {
        let of = |name: &str| group[name].as_f64().expect(name);
        assert!(0.0 < of("p50_ms") && of("p50_ms") <= of("p95_ms"), "{group}");
        let minutes = group["p95_by_minute_ms"].as_array().expect("minutes");
        assert_eq!(minutes.len(), 60);
        assert!(minutes[..58].iter().all(serde_json::Value::is_null), "{group}");
    }
}

#[tokio::test]
async fn only_admins_see_it() {
    let service = Service::start().await;
    service.get("", PATH).await.problem(PATH, 401, "unauthorized");
    let refused = service.get(&service.token(1), PATH).await;
    refused.problem(PATH, 403, "forbidden");
    assert!(refused.tiers().is_empty(), "nothing is counted for a refusal");
    let wrong = format!("{PATH}?resource=posts");
    service.get(&service.admin(1), &wrong).await.problem(&wrong, 400, "invalid-parameter");
}

#[tokio::test]
async fn without_cold_what_hot_knows_is_told() {
    let whole = with_posts().await;
    let cold = Arc::new(Switchable::new(Arc::clone(&whole.cold) as _));
    let service =
        Service::over(Arc::clone(&whole.hot) as _, Arc::clone(&cold) as _, Duration::from_secs(30)).await;
    cold.set(Mode::Unreachable);
    let status = posts(&service).await;
    assert_eq!((&status["rows_in_hot"], &status["due"]), (&9.into(), &4.into()), "{status}");
    assert!(status["cold"].is_null(), "{status}");
    assert!(status["waits"][0].as_str().is_some_and(|reason| reason.contains("unavailable")), "{status}");
}
