//! A cold that comes back from an older backup while a server runs: what it says until somebody recovers, and that it
//! needs no restart then.

use thermocline::archive::{Consent, Mover, Plan};
use thermocline::clock::DAY;
use thermocline::import::Noun;
use thermocline::ops::watch;
use thermocline::resources;
use thermocline::tier::{Begin, Engine as _, Statement, Value};

use super::PATIENCE;
use crate::support::engines::Engines;
use crate::support::{Mode, Service, at, conversation, cutoff, message};

/// Hot has these whole.
const NEWEST: [&str; 3] = [
    "/api/conversations/1/messages?page=1&per_page=5&count=none",
    "/api/conversations/1/messages?limit=5",
    "/api/conversations/1/messages/1039",
];
/// For these cold is asked.
const OLDER: [&str; 3] = [
    "/api/conversations/1/messages?page=3&per_page=10",
    "/api/conversations/1/messages?at=2026-01-01",
    "/api/conversations/1/messages/1001",
];

async fn answers(service: &Service, paths: &[&str], status: u16, kind: Option<&str>) {
    for path in paths {
        let answer = service.get(&service.token(1), path).await;
        match kind {
            Some(kind) => drop(answer.problem(path, status, kind)),
            None => assert_eq!(answer.status, status, "{path}: {}", answer.text()),
        }
    }
}

async fn in_cold(service: &Service, text: &str) {
    let whole = |sign: &str| -> &'static str { format!("-- test\n{}", text.replace('?', sign)).leak() };
    let mut cold = service.cold.session().await.expect("a session");
    cold.begin(Begin::Write).await.expect("a transaction");
    let changed =
        cold.execute(&Statement::new(whole("?")).postgres(whole("$")), &[Value::from("messages")]).await;
    assert_eq!(changed.expect("a statement"), 1, "{text}");
    cold.commit().await.expect("a commit");
}

/// The journal of another time: it has another move in the place of hot's last one.
const ANOTHER_TIME: &str = "UPDATE archive_batches SET token = token - 1 WHERE resource = ?1 AND epoch = \
    (SELECT max(epoch) FROM archive_batches WHERE resource = ?1)";
const THE_SAME_TIME: &str = "UPDATE archive_batches SET token = token + 1 WHERE resource = ?1 AND epoch = \
    (SELECT max(epoch) FROM archive_batches WHERE resource = ?1)";

async fn an_older_cold(engines: Engines) {
    let service = Service::over(engines.hot.clone(), engines.cold.clone(), PATIENCE).await;
    service.load(Noun::Conversations, vec![conversation(1, 1, Some(2), at("2025-01-01T00:00:00Z"))]).await;
    let said = |n: i64| message(1_000 + n, 1, 1, &format!("number {n}"), cutoff((n - 20) * DAY / 2));
    service.load(Noun::Messages, (0..40).map(said).collect()).await;
    assert_eq!(service.archive("messages", &Plan::default()).await, 20);
    let names = resources::families().map(|family| family.resource);
    let well = async || {
        answers(&service, &NEWEST, 200, None).await;
        answers(&service, &OLDER, 200, None).await;
    };
    let recover_due = async || {
        answers(&service, &NEWEST, 503, Some("recover-due")).await;
        answers(&service, &OLDER, 503, Some("recover-due")).await;
    };
    well().await;

    // Found by a request that cold is asked for.
    in_cold(&service, ANOTHER_TIME).await;
    answers(&service, &NEWEST, 200, None).await;
    answers(&service, &OLDER[..1], 503, Some("recover-due")).await;
    recover_due().await;
    service.cold.set(Mode::Away);
    answers(&service, &NEWEST, 503, Some("recover-due")).await;
    service.cold.set(Mode::Up);
    recover_due().await;
    in_cold(&service, THE_SAME_TIME).await;
    well().await;

    // Found beside the requests, when nobody asks cold; a cold that is merely away is no older one.
    service.cold.set(Mode::Away);
    watch::look(&service.app, &names).await.expect_err("cold is away");
    answers(&service, &NEWEST, 200, None).await;
    service.cold.set(Mode::Up);
    watch::look(&service.app, &names).await.expect("a look");
    answers(&service, &NEWEST, 200, None).await;
    in_cold(&service, ANOTHER_TIME).await;
    watch::look(&service.app, &names).await.expect("a look");
    recover_due().await;
    answers(&service, &["/api/posts?limit=5"], 200, None).await;

    // A recovery is enough.
    let mover = Mover {
        hot: &*engines.hot,
        cold: &*engines.cold,
        clock: &service.clock,
        name: "a test".to_owned(),
        sizes: thermocline::archive::BlockSizes::default(),
    };
    let [messages, ..] = resources::families();
    let lost = mover.recover(messages, &Consent::Look).await.expect("a look").lost.expect("a loss");
    recover_due().await;
    let done = mover.recover(messages, &Consent::Loss(lost.0..=lost.1)).await.expect("a recovery");
    assert!(done.epoch.is_some(), "{done:?}");
    well().await;
    watch::look(&service.app, &names).await.expect("a look");
    well().await;
    drop(service);
    engines.drop().await;
}

#[tokio::test]
async fn an_older_cold_stops_pages_of_hot_too_on_embedded_files() {
    an_older_cold(Engines::embedded().await).await;
}

#[tokio::test]
async fn an_older_cold_stops_pages_of_hot_too_on_postgres() {
    if let Some(engines) = Engines::mixed().await {
        an_older_cold(engines).await;
    }
}

#[tokio::test]
async fn an_older_cold_stops_pages_of_hot_too_on_servers() {
    if let Some(engines) = Engines::real().await {
        an_older_cold(engines).await;
    }
}
