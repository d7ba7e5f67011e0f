//! Restoring, erasing and recovering over every hot and cold engine: the API shows the same bytes.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use thermocline::archive::{ArchiveOptions, BlockSizes, Consent, Mover, Outcome, Selection};
use thermocline::clock::Clock;
use thermocline::import::Record;
use thermocline::journal::pair;
use thermocline::load::Loader;
use thermocline::load::nouns;
use thermocline::resources;
use thermocline::tier::{Begin, Engine, Statement};

use super::archive::{ask, records};
use super::at;
use crate::support::hot_engines::HotEngine;
use crate::support::postgres;

/// Returns a statement that every engine understands.
fn everywhere(text: &str) -> Statement {
    let text: &'static str = format!("-- test\n{text}").leak();
    Statement::new(text).postgres(text).mssql(text)
}

async fn change(engine: &dyn Engine, text: &str) {
    let mut session = engine.session().await.expect("a session");
    session.begin(Begin::Write).await.expect("begins");
    session.execute(&everywhere(text), &[]).await.unwrap_or_else(|error| panic!("{text}: {error}"));
    session.commit().await.expect("commits");
}

async fn number(engine: &dyn Engine, text: &str) -> i64 {
    engine.fetch(&everywhere(text), &[]).await.expect("an answer")[0].int("n").expect("a number")
}

/// Removes the words that differ between the tiers.
fn same(bodies: Vec<String>) -> Vec<String> {
    bodies.into_iter().map(|body| body.replace("\"from_archive\":true", "\"from_archive\":false")).collect()
}

async fn archive(mover: &Mover<'_>) {
    for family in resources::families() {
        let plan = ArchiveOptions { batch: 90, ..ArchiveOptions::default() };
        let report = mover.run(family, &plan, &AtomicBool::new(false), &mut |_| ()).await;
        assert_eq!((report.outcome, report.error.as_deref()), (Outcome::Done, None), "{}", family.resource);
    }
}

async fn live(engine: &HotEngine, cold: &Arc<dyn Engine>, clock: &Clock) {
    let hot = &*engine.hot;
    pair::ensure(hot, &**cold, clock).await.expect("a pair");
    let mut loader = Loader::new(hot, Some(&**cold), clock);
    for (noun, records) in records() {
        loader.load(noun, records).await.expect("loads");
    }
    let sizes = BlockSizes { most: [40, 200], part: [20, 100] };
    let mover = Mover { hot, cold: &**cold, clock, name: "test".to_owned(), sizes };
    let before = ask(engine, cold, clock).await;
    let rows = number(hot, "SELECT count(*) AS n FROM messages").await;

    // Archived and restored, ids included.
    archive(&mover).await;
    assert!(number(hot, "SELECT count(*) AS n FROM messages").await < rows);
    for family in resources::families() {
        let report = mover.restore(family, Selection::All, 70, &AtomicBool::new(false), &mut |_| ()).await;
        assert_eq!((report.outcome, report.error.as_deref()), (Outcome::Done, None), "{}", family.resource);
        assert!(report.of_resource > 0);
        mover.resume(family).await.expect("resumed");
    }
    assert_eq!(ask(engine, cold, clock).await, before);
    assert_eq!(number(hot, "SELECT count(*) AS n FROM messages").await, rows);
    let empty =
        "SELECT count(*) AS n FROM archive_state WHERE cold_newest_at IS NULL AND cold_newest_id IS NULL";
    assert_eq!(number(hot, empty).await, 3);
    archive(&mover).await;
    assert_eq!(same(ask(engine, cold, clock).await), before);

    let [messages, posts, prices] = resources::families();
    // The platform deletes a user whose likes are all archived: those stay in cold until the user exists again.
    change(hot, "DELETE FROM users WHERE id = 9").await;
    let stay = mover.restore(posts, Selection::All, 70, &AtomicBool::new(false), &mut |_| ()).await;
    assert_eq!((stay.outcome, stay.error.as_deref()), (Outcome::Done, None));
    assert!(stay.left > 0 && stay.rows > 0, "{stay:?}");
    assert!(stay.lacking[0].ends_with(": user_id 9 is not in users"), "{:?}", stay.lacking);
    assert_eq!(same(ask(engine, cold, clock).await), before);
    let user = Record::new(&nouns::USERS).with("id", 9).with("username", "user9");
    loader.load(&nouns::USERS, vec![user]).await.expect("loads");
    let back = mover.restore(posts, Selection::All, 70, &AtomicBool::new(false), &mut |_| ()).await;
    assert_eq!((back.of_resource, back.left), (stay.left, 0), "{:?}", back.error);
    mover.resume(posts).await.expect("resumed");
    archive(&mover).await;
    assert_eq!(same(ask(engine, cold, clock).await), before);

    // Erased rows are gone from both tiers.
    assert_eq!(mover.erase(messages, "messages", &[3, 399]).await.expect("erased"), 2);
    assert!(mover.erase(posts, "posts", &[3, 49]).await.expect("erased") > 2);
    assert_eq!(mover.erase(prices, "prices", &[1]).await.expect("erased"), 1);
    assert!(mover.erase_user(posts, 3).await.expect("erased") > 0, "comments, likes and posts of user 3");
    assert_eq!(mover.erase_user(posts, 3).await.expect("erased"), 0);
    let bodies = same(ask(engine, cold, clock).await);
    assert_ne!(bodies, before);
    assert_eq!(
        number(&**cold, "SELECT count(*) AS n FROM messages_archive WHERE original_id IN (3, 399)").await,
        0
    );
    assert_eq!(
        number(&**cold, "SELECT count(*) AS n FROM archive_erasures WHERE pending IS NOT NULL").await,
        0
    );

    // Replaces hot as by a backup from before the last move, without any of its rows.
    let epoch = number(hot, "SELECT epoch AS n FROM archive_state WHERE resource = 'posts'").await;
    mover.restore(posts, Selection::All, 500, &AtomicBool::new(false), &mut |_| ()).await;
    mover.resume(posts).await.expect("resumed");
    let plan = ArchiveOptions { batch: 2_000, ..ArchiveOptions::default() };
    let moved = mover.run(posts, &plan, &AtomicBool::new(false), &mut |_| ()).await;
    assert!(moved.rows > 0 && moved.batches == 1, "{moved:?}");
    let token = number(
        &**cold,
        &format!("SELECT token AS n FROM archive_batches WHERE resource = 'posts' AND epoch = {epoch}"),
    )
    .await;
    change(
        hot,
        &format!("UPDATE archive_state SET epoch = {epoch}, token = {token} WHERE resource = 'posts'"),
    )
    .await;
    assert!(pair::ensure_consistent(hot, &**cold).await.is_err());
    let seen = mover.recover(posts, &Consent::DryRun).await.expect("an answer");
    let done = mover.recover(posts, &Consent::Lossless).await.expect("a recovery");
    assert_eq!((seen.brought_back, seen.closed), (done.brought_back, done.closed));
    assert_eq!(done.closed, moved.rows, "{done:?}");
    pair::ensure_consistent(hot, &**cold).await.expect("of one time");
    assert_eq!(same(ask(engine, cold, clock).await), bodies);
    let highest =
        number(&**cold, "SELECT max(id) AS n FROM archive_erasures WHERE resource = 'comments'").await;
    change(hot, "DELETE FROM comments WHERE body = 'fresh'").await;
    let post = number(hot, "SELECT max(id) AS n FROM posts").await;
    change(hot, &format!("INSERT INTO comments (post_id, author_id, body, created_at) SELECT {post}, 1, 'fresh', created_at FROM posts WHERE id = {post}")).await;
    let fresh = number(hot, "SELECT id AS n FROM comments WHERE body = 'fresh'").await;
    assert!(fresh > highest, "{fresh} was given out before");
    change(hot, "DELETE FROM comments WHERE body = 'fresh'").await;
    archive(&mover).await;

    // Replaces cold as by a backup from before the last move of prices.
    let epoch = number(hot, "SELECT epoch AS n FROM archive_state WHERE resource = 'prices'").await;
    for text in [
        "DELETE FROM archive_batches WHERE resource = 'prices' AND epoch =",
        "DELETE FROM stock_prices_history WHERE from_epoch =",
    ] {
        change(&**cold, &format!("{text} {epoch}")).await;
    }
    change(&**cold, &format!("UPDATE archive_head SET claimed = {epoch} - 1 WHERE resource = 'prices'"))
        .await;
    let refused = mover.recover(prices, &Consent::Lossless).await.expect("an answer");
    assert_eq!((refused.lost.map(|lost| lost.1), refused.epoch), (Some(epoch), None));
    let (first, last) = refused.lost.expect("a loss");
    let done = mover.recover(prices, &Consent::AcceptLoss(first..=last)).await.expect("a recovery");
    assert!(done.epoch.is_some_and(|now| now > epoch), "{done:?}");
    archive(&mover).await;
}

#[tokio::test]
async fn every_engine_restores_erases_and_recovers() {
    for engine in HotEngine::all().await {
        println!("on {}", engine.name);
        let clock = Clock::fixed(at("2026-11-20T10:00:00Z"));
        let cold: Arc<dyn Engine> = engine.cold().await;
        live(&engine, &cold, &clock).await;
        engine.drop().await;
    }
    let Some((cold, _database)) = postgres::cold().await else { return };
    // The last one is a server, where one is available.
    let mut engines = HotEngine::all().await;
    let engine = engines.pop().expect("an engine");
    println!("on {} and PostgreSQL", engine.name);
    let cold: Arc<dyn Engine> = Arc::new(cold);
    live(&engine, &cold, &Clock::fixed(at("2026-11-20T10:00:00Z"))).await;
    cold.close().await;
    engine.drop().await;
}
