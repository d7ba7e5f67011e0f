//! `POST /api/archive/control`: operators steer every mover through the API.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use thermocline::archive::{ArchiveOptions, BlockSizes, Mover, Outcome, RunReport};
use thermocline::clock::DAY;
use thermocline::journal::{Control, control};
use thermocline::load::nouns;
use thermocline::resources;
use thermocline::server::Options;

use crate::shield::raw::Raw;
use crate::support::hot_engines::HotEngine;
use crate::support::waiting::until;
use crate::support::{Answer, Mode, Service, cutoff, post};

const PATH: &str = "/api/archive/control";
const STATUS: &str = "/api/archive/status";

/// Sends a body as JSON.
async fn send(service: &Service, token: &str, path: &str, body: impl Into<String>) -> Answer {
    let request = service.request(Method::POST, path).bearer_auth(token);
    service.send(request.header("content-type", "application/json").body(body.into())).await
}

/// Asks something of the movers, as an admin. Returns the resources of the answer.
async fn steer(service: &Service, body: Value) -> Value {
    let answer = send(service, &service.admin(1), PATH, body.to_string()).await;
    assert_eq!(answer.status, 200, "{body}: {}", answer.text());
    assert_eq!(answer.json()["success"], true);
    answer.json()["resources"].clone()
}

async fn asked(service: &Service, resource: &str) -> Control {
    control::read(&*service.hot, resource).await.expect("a row").1
}

#[tokio::test]
async fn movers_are_paused_paced_and_let_go_in_every_hot_engine() {
    for engine in HotEngine::all().await {
        let cold = engine.cold().await;
        let service = Service::over(Arc::clone(&engine.hot), cold, Duration::from_secs(30)).await;
        let names = |resources: &Value| -> Vec<Value> {
            resources.as_array().expect("resources").iter().map(|one| one["resource"].clone()).collect()
        };
        let all = steer(&service, json!({"paused": true})).await;
        assert_eq!(names(&all), ["messages", "posts", "prices"], "{}", engine.name);
        let expected = json!({"resource": "messages", "changed": true, "paused": true, "rows_per_second": null,
            "max_hot_latency_ms": null});
        assert_eq!(all[0], expected, "{}", engine.name);
        let again = steer(&service, json!({"paused": true, "resources": ["posts"]})).await;
        assert_eq!((names(&again), &again[0]["changed"]), (vec!["posts".into()], &false.into()));

        // A limit that is not named stays as it is.
        let pace = json!({"resources": ["posts", "messages", "posts"], "rows_per_second": 500, "max_hot_latency_ms": 20});
        assert_eq!(names(&steer(&service, pace).await), ["messages", "posts"]);
        let slower =
            steer(&service, json!({"resources": ["posts"], "rows_per_second": 4_294_967_295_i64})).await;
        assert_eq!(
            (&slower[0]["rows_per_second"], &slower[0]["max_hot_latency_ms"]),
            (&4_294_967_295_i64.into(), &20.into())
        );
        let freed =
            steer(&service, json!({"resources": ["posts"], "max_hot_latency_ms": null, "paused": false}))
                .await;
        assert_eq!((&freed[0]["max_hot_latency_ms"], &freed[0]["changed"]), (&Value::Null, &true.into()));

        // Movers and the status see the same, at once.
        let slow = Control { rows_per_second: Some(4_294_967_295), ..Control::default() };
        assert_eq!(asked(&service, "posts").await, slow, "{}", engine.name);
        let paused = Control { paused: true, ..Control::default() };
        assert_eq!(asked(&service, "prices").await, paused, "{}", engine.name);
        let limited = Control {
            rows_per_second: Some(500),
            max_hot_latency: Some(Duration::from_millis(20)),
            ..paused
        };
        assert_eq!(asked(&service, "messages").await, limited, "{}", engine.name);
        let status = service.get(&service.admin(1), STATUS).await.json();
        let of = |member: &str| -> Vec<Value> {
            status["resources"].as_array().expect("resources").iter().map(|one| one[member].clone()).collect()
        };
        assert_eq!(of("paused"), [true, false, true], "{}", engine.name);
        assert_eq!(of("rows_per_second"), [json!(500), json!(4_294_967_295_i64), Value::Null]);
        assert_eq!(of("max_hot_latency_ms"), [json!(20), Value::Null, Value::Null]);
        drop(service);
        engine.drop().await;
    }
}

/// The status of the last two seconds is not given after a change.
#[tokio::test]
async fn a_change_is_seen_at_once() {
    let service = Service::start().await;
    for paused in [true, false, true] {
        steer(&service, json!({"paused": paused, "resources": ["prices"]})).await;
        let status = service.get(&service.admin(1), STATUS).await.json();
        assert_eq!(status["resources"][2]["paused"], paused, "{status}");
    }
}

#[tokio::test]
async fn a_running_archive_is_paused_between_batches_and_goes_on() {
    let service = Service::start().await;
    let posts = (1..=60).map(|n| post(n, 1, "post", cutoff(-n * DAY)));
    service.load(&nouns::POSTS, posts.collect()).await;
    let family = resources::families().into_iter().find(|family| family.resource == "posts").expect("posts");
    let sizes = BlockSizes { most: [8, 40], part: [4, 20] };
    let mover = Mover {
        hot: &*service.hot,
        cold: &*service.cold,
        clock: &service.clock,
        name: "a mover".to_owned(),
        sizes,
    };
    let (batches, is_paused, stop) = (AtomicUsize::new(0), AtomicBool::new(false), AtomicBool::new(false));
    let mut progress = |report: &RunReport| {
        batches.store(report.batches as usize, Ordering::Relaxed);
        is_paused.store(report.paused, Ordering::Relaxed);
    };
    let options = ArchiveOptions { batch: 2, ..ArchiveOptions::default() };
    // Each batch of two takes a second, so that the pause comes between two of them.
    steer(&service, json!({"rows_per_second": 2})).await;
    let moving = mover.run(family, &options, &stop, &mut progress);
    let operator = async {
        until("a batch moved", async || batches.load(Ordering::Relaxed) > 0).await;
        steer(&service, json!({"paused": true, "rows_per_second": null})).await;
        until("the mover is paused", async || is_paused.load(Ordering::Relaxed)).await;
        let posts = service.get(&service.admin(1), STATUS).await.json()["resources"][1].clone();
        let moved = batches.load(Ordering::Relaxed) as i64 * 2;
        assert_eq!((&posts["due"], &posts["cold"]["rows"]), (&(60 - moved).into(), &moved.into()), "{posts}");
        assert!(moved < 60, "it stands: {posts}");
        assert_eq!(posts["waits"][0], "paused: run `thermocline archive continue`");
        let list = service.json(1, "/api/posts?per_page=1").await;
        assert_eq!(list["total"], 60, "readers see every row");
        steer(&service, json!({"paused": false})).await;
    };
    let (report, ()) = futures::future::join(moving, operator).await;
    assert_eq!((report.outcome, report.error, report.of_resource), (Outcome::Done, None, 60));
}

#[tokio::test]
async fn only_admins_steer() {
    let service = Service::start().await;
    let pause = json!({"paused": true}).to_string();
    let request = || service.request(Method::POST, PATH).header("content-type", "application/json");
    service.send(request().body(pause.clone())).await.problem(PATH, 401, "unauthorized");
    // No browser adds a token by itself.
    let cookie = format!("token={}", service.admin(1));
    let answer = service.send(request().header("cookie", cookie).body(pause.clone())).await;
    answer.problem(PATH, 401, "unauthorized");
    let in_address = format!("{PATH}?token={}", service.admin(1));
    service.send(request().body(pause.clone())).await.problem(PATH, 401, "unauthorized");
    send(&service, &service.admin(1), &in_address, pause.clone()).await.problem(
        &in_address,
        400,
        "invalid-parameter",
    );
    send(&service, "x.y.z", PATH, pause.clone()).await.problem(PATH, 401, "unauthorized");
    let refused = send(&service, &service.token(1), PATH, pause.clone()).await;
    refused.problem(PATH, 403, "forbidden");
    assert!(refused.tiers().is_empty(), "nothing is asked for a refusal");
    send(&service, &service.token(1), PATH, "{}").await.problem(PATH, 400, "invalid-parameter");
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let answer = service.send(service.request(method.clone(), PATH).bearer_auth(service.admin(1))).await;
        answer.problem(PATH, 405, "method-not-allowed");
        assert_eq!(answer.header("allow"), "POST", "{method}");
    }
    assert_eq!(asked(&service, "messages").await, Control::default());
}

#[tokio::test]
async fn a_request_that_is_not_understood_changes_nothing() {
    let service = Service::start().await;
    for (body, parameter) in [
        ("", "body"),
        ("{", "body"),
        ("[]", "body"),
        ("null", "body"),
        ("{}", "body"),
        (r#"{"resources": ["messages"]}"#, "body"),
        (r#"{"paused": "yes"}"#, "body"),
        (r#"{"paused": null}"#, "body"),
        (r#"{"paused": true, "paused": false}"#, "body"),
        (r#"{"paused": true, "pace": 1}"#, "body"),
        (r#"{"paused": true, "resources": null}"#, "body"),
        (r#"{"paused": true, "resources": "messages"}"#, "body"),
        (r#"{"paused": true, "resources": []}"#, "resources"),
        (r#"{"paused": true, "resources": ["messages", "users"]}"#, "resources"),
        (r#"{"paused": true, "rows_per_second": 0}"#, "rows_per_second"),
        (r#"{"paused": true, "rows_per_second": -1}"#, "rows_per_second"),
        (r#"{"paused": true, "rows_per_second": 4294967296}"#, "rows_per_second"),
        (r#"{"paused": true, "rows_per_second": 99999999999999999999}"#, "body"),
        (r#"{"paused": true, "rows_per_second": 1.5}"#, "body"),
        (r#"{"paused": true, "rows_per_second": "500"}"#, "body"),
        (r#"{"paused": true, "max_hot_latency_ms": 0}"#, "max_hot_latency_ms"),
        (r#"{"paused": true} {"paused": true}"#, "body"),
    ] {
        let problem =
            send(&service, &service.admin(1), PATH, body).await.problem(PATH, 400, "invalid-parameter");
        assert_eq!(problem["parameter"], parameter, "{body}: {problem}");
    }
    // A form of another page is no JSON.
    let form = service.request(Method::POST, PATH).bearer_auth(service.admin(1));
    let form = form.header("content-type", "application/x-www-form-urlencoded").body("paused=true");
    service.send(form).await.problem(PATH, 400, "invalid-parameter");
    let large = format!(r#"{{"paused": true{}}}"#, " ".repeat(64 * 1024));
    send(&service, &service.admin(1), PATH, large.clone()).await.problem(PATH, 413, "payload-too-large");
    // Also when its length is not said before.
    let mut raw = Raw::connect(service.url.trim_start_matches("http://")).await;
    let token = service.admin(1);
    raw.send(&format!(
        "POST {PATH} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
         transfer-encoding: chunked\r\n\r\n{:x}\r\n{large}\r\n0\r\n\r\n",
        large.len()
    ))
    .await;
    let answer = raw.response().await;
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("/problems/payload-too-large"), "{answer}");
    for resource in ["messages", "posts", "prices"] {
        assert_eq!(asked(&service, resource).await, Control::default());
    }
}

#[tokio::test]
async fn pages_of_allowed_origins_steer_behind_a_prefix() {
    const OURS: &str = "https://ops.example";
    let options = Options {
        origins: OURS.parse().expect("origins"),
        base: "/data".parse().expect("a prefix"),
        ..Options::from(Duration::from_secs(30))
    };
    let service = Service::start_with(options).await;
    let path = format!("/data{PATH}");
    let preflight = service
        .request(Method::OPTIONS, &path)
        .header("origin", OURS)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type");
    let preflight = service.send(preflight).await;
    assert_eq!((preflight.status, preflight.header("access-control-allow-origin")), (200, OURS));
    assert!(preflight.header("access-control-allow-methods").contains("POST"));
    let headers = preflight.header("access-control-allow-headers").to_lowercase();
    assert!(headers.contains("authorization") && headers.contains("content-type"), "{headers}");
    for (origin, allowed) in [(OURS, OURS), ("https://evil.example", "")] {
        let request =
            service.request(Method::POST, &path).bearer_auth(service.admin(1)).header("origin", origin);
        let request = request.header("content-type", "application/json").body(r#"{"paused": true}"#);
        let answer = service.send(request).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, allowed));
        assert_eq!(answer.header("cache-control"), "private, no-cache");
        assert_eq!(answer.header("etag"), "", "a change is no thing to cache");
    }
}

#[tokio::test]
async fn movers_are_steered_while_cold_is_away_and_not_while_hot_is() {
    let service = Service::start().await;
    service.cold.set(Mode::Unreachable);
    assert_eq!(steer(&service, json!({"paused": true})).await[0]["paused"], true);
    service.hot.set(Mode::Unreachable);
    let answer = send(&service, &service.admin(1), PATH, r#"{"paused": false}"#).await;
    assert_eq!(answer.problem(PATH, 503, "tier-unavailable")["tier"], "hot");
    service.hot.set(Mode::Up);
    assert!(asked(&service, "messages").await.paused);
}
