//! A cold tier that is restored from an older backup while a server runs: its answers until an operator recovers,
//! without a restart.

use thermocline::archive::{ArchiveOptions, Consent, Mover};
use thermocline::clock::DAY;
use thermocline::journal::pair::{self, PairError};
use thermocline::load::nouns;
use thermocline::ops::watch;
use thermocline::resources;
use thermocline::tier::{Begin, Engine, Statement, Value};

use super::PATIENCE;
use crate::support::engines::Engines;
use crate::support::{Mode, Service, at, conversation, cutoff, message};

/// Requests that hot can answer alone.
const NEWEST: [&str; 3] = [
    "/api/conversations/1/messages?page=1&per_page=5&count=none",
    "/api/conversations/1/messages?limit=5",
    "/api/conversations/1/messages/1039",
];
/// Requests that need cold.
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

async fn changed(engine: &dyn Engine, text: &str) -> u64 {
    let whole = |sign: &str| -> &'static str { format!("-- test\n{}", text.replace('?', sign)).leak() };
    let mut session = engine.session().await.expect("a session");
    session.begin(Begin::Write).await.expect("a transaction");
    let changed =
        session.execute(&Statement::new(whole("?")).postgres(whole("$")), &[Value::from("messages")]).await;
    session.commit().await.expect("a commit");
    changed.expect("a statement")
}

async fn in_cold(service: &Service, text: &str) {
    assert_eq!(changed(&*service.cold, text).await, 1, "{text}");
}

/// A journal of another history: it has another move in the place of hot's last one.
const ANOTHER_TIME: &str = "UPDATE archive_batches SET token = token - 1 WHERE resource = ?1 AND epoch = \
    (SELECT max(epoch) FROM archive_batches WHERE resource = ?1)";
const THE_SAME_TIME: &str = "UPDATE archive_batches SET token = token + 1 WHERE resource = ?1 AND epoch = \
    (SELECT max(epoch) FROM archive_batches WHERE resource = ?1)";

/// Creates a conversation of forty messages, the older half of them in cold.
async fn half_archived(engines: &Engines) -> Service {
    let service = Service::over(engines.hot.clone(), engines.cold.clone(), PATIENCE).await;
    service.load(&nouns::CONVERSATIONS, vec![conversation(1, 1, Some(2), at("2025-01-01T00:00:00Z"))]).await;
    let said = |n: i64| message(1_000 + n, 1, 1, &format!("number {n}"), cutoff((n - 20) * DAY / 2));
    service.load(&nouns::MESSAGES, (0..40).map(said).collect()).await;
    assert_eq!(service.archive("messages", &ArchiveOptions::default()).await, 20);
    service
}

async fn an_older_cold(engines: Engines) {
    let service = half_archived(&engines).await;
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

    // Found by a request that needs cold.
    in_cold(&service, ANOTHER_TIME).await;
    answers(&service, &NEWEST, 200, None).await;
    answers(&service, &OLDER[..1], 503, Some("recover-due")).await;
    recover_due().await;
    service.cold.set(Mode::Unreachable);
    answers(&service, &NEWEST, 503, Some("recover-due")).await;
    service.cold.set(Mode::Up);
    recover_due().await;
    in_cold(&service, THE_SAME_TIME).await;
    well().await;

    // Found in the background when no request needs cold; a cold tier that is merely unreachable is not outdated.
    service.cold.set(Mode::Unreachable);
    watch::check(&service.app, &names).await.expect_err("cold is away");
    answers(&service, &NEWEST, 200, None).await;
    service.cold.set(Mode::Up);
    assert!(watch::check(&service.app, &names).await.expect("an answer").is_empty());
    answers(&service, &NEWEST, 200, None).await;
    in_cold(&service, ANOTHER_TIME).await;
    assert_eq!(watch::check(&service.app, &names).await.expect("an answer"), ["messages"]);
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
    let lost = mover.recover(messages, &Consent::DryRun).await.expect("an answer").lost.expect("a loss");
    recover_due().await;
    let done = mover.recover(messages, &Consent::AcceptLoss(lost.0..=lost.1)).await.expect("a recovery");
    assert!(done.epoch.is_some(), "{done:?}");
    well().await;
    watch::check(&service.app, &names).await.expect("an answer");
    well().await;
    drop(service);
    engines.drop().await;
}

/// Outdated backups of both tiers that are consistent can only be found by a server that has seen more.
#[tokio::test]
async fn a_running_server_detects_two_consistent_outdated_databases() {
    let engines = Engines::embedded().await;
    let service = half_archived(&engines).await;
    let names = resources::families().map(|family| family.resource);
    answers(&service, &NEWEST, 200, None).await;
    assert!(watch::check(&service.app, &names).await.expect("an answer").is_empty());
    for (engine, text) in [
        (&*engines.hot, "UPDATE archive_state SET epoch = 0, token = NULL WHERE resource = ?1"),
        (&*engines.cold, "UPDATE archive_head SET claimed = 0 WHERE resource = ?1"),
        (&*engines.cold, "DELETE FROM archive_batches WHERE resource = ?1"),
    ] {
        assert!(changed(engine, text).await > 0, "{text}");
    }
    assert!(pair::inconsistencies(&*engines.hot, &*engines.cold).await.expect("an answer").is_empty());
    answers(&service, &NEWEST, 503, Some("recover-due")).await;
    assert_eq!(watch::check(&service.app, &names).await.expect("an answer"), ["messages"]);
    drop(service);
    engines.drop().await;
}

/// A list without a state row in hot is not an empty list.
#[tokio::test]
async fn a_missing_state_row_is_an_error() {
    let engines = Engines::embedded().await;
    let service = half_archived(&engines).await;
    answers(&service, &NEWEST, 200, None).await;
    assert_eq!(changed(&*engines.hot, "DELETE FROM archive_state WHERE resource = ?1").await, 1);
    answers(&service, &NEWEST, 500, Some("internal")).await;
    let refused = pair::ensure(&*engines.hot, &*engines.cold, &service.clock).await;
    assert!(matches!(refused, Err(PairError::NotAPair(_))), "{refused:?}");
    drop(service);
    engines.drop().await;
}

#[tokio::test]
async fn an_outdated_cold_stops_hot_pages_on_files() {
    an_older_cold(Engines::embedded().await).await;
}

#[tokio::test]
async fn an_outdated_cold_stops_hot_pages_on_postgres() {
    if let Some(engines) = Engines::mixed().await {
        an_older_cold(engines).await;
    }
}

#[tokio::test]
async fn an_outdated_cold_stops_hot_pages_on_servers() {
    if let Some(engines) = Engines::real().await {
        an_older_cold(engines).await;
    }
}
