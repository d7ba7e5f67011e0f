//! A hot that has lost its state, or that was built anew, beside a cold with a history.

use thermocline::archive::{Consent, Recovery};
use thermocline::clock::Timestamp;
use thermocline::journal::pair::{self, PairError, Standing};
use thermocline::resources;

use super::audit::{audit, dump};
use super::fault_injection::{check_all, now};
use super::fixture::Fixture;
use super::recovery::{after_backup, move_on};
use super::{Pair, SIZES, execute, run};

/// Makes the tables of hot's state anew, as a downgrade and an upgrade do.
async fn drop_state(pair: &Pair) {
    pair.change("DELETE FROM archive_rejects", &[]).await;
    pair.change("DELETE FROM archive_erasures", &[]).await;
    pair.change("DELETE FROM archive_state", &[]).await;
    pair.change("INSERT INTO archive_state (resource) VALUES ('messages'), ('posts'), ('prices')", &[]).await;
}

/// Removes every row that can move, as in a hot that was built anew with its users, conversations and stocks.
async fn empty(pair: &Pair) {
    for table in ["likes", "comments", "posts", "messages", "stock_prices"] {
        execute(&*pair.hot, &format!("DELETE FROM {table}"), &[]).await;
    }
    pair.change("DELETE FROM sqlite_sequence", &[]).await;
}

/// Returns the ids of all rows that were ever in a table of cold.
async fn moved(pair: &Pair, table: &str) -> Vec<i64> {
    let ids = dump(&*pair.cold, &format!("SELECT DISTINCT '' || original_id AS row FROM {table}")).await;
    ids.iter().map(|id| id.parse().expect("an id")).collect()
}

async fn join(pair: &Pair) -> Vec<Recovery> {
    let standing = pair::standing(&*pair.hot, &*pair.cold).await.expect("an answer");
    assert!(matches!(standing, Standing::HotUnpaired(_)), "{standing:?}");
    let refused = pair::ensure(&*pair.hot, &*pair.cold, &pair.clock).await;
    assert!(
        matches!(&refused, Err(PairError::NotAPair(text)) if text.contains("archive recover")),
        "{refused:?}"
    );
    let mut done = Vec::new();
    for family in resources::families() {
        let mover = pair.mover(SIZES);
        let seen = mover.recover(family, &Consent::DryRun).await.expect("an answer");
        assert_eq!(
            seen,
            mover.recover(family, &Consent::DryRun).await.expect("an answer"),
            "looking changes nothing"
        );
        assert!(seen.joins && seen.epoch.is_none(), "{seen:?}");
        done.push(mover.recover(family, &Consent::Lossless).await.expect("a recovery"));
    }
    pair::join(&*pair.hot, &*pair.cold, standing).await.expect("joined");
    pair::ensure(&*pair.hot, &*pair.cold, &pair.clock).await.expect("a pair");
    done
}

#[test]
fn a_hot_without_its_state_is_joined_again() {
    run(async {
        let (folder, _, rows) = after_backup(&[]).await;
        let pair = Pair::open_unpaired(folder.path(), now()).await;
        drop_state(&pair).await;
        let done = join(&pair).await;
        for recovery in &done {
            assert!(recovery.epoch.is_some() && recovery.missing_parents.is_empty(), "{recovery:?}");
            // Hot has every row that a restore gave it.
            assert_eq!((recovery.brought_back, recovery.closed, recovery.erased), (0, 0, 0), "{recovery:?}");
        }
        move_on(&pair, &rows).await;
        pair.close().await;
    });
}

/// Everything was in cold once; some of it was restored since, and that is only in cold's closed versions now.
#[test]
fn a_hot_that_was_built_anew_gets_what_only_cold_still_has() {
    run(async {
        let (folder, _, mut rows) = after_backup(&[]).await;
        let pair = Pair::open_unpaired(folder.path(), now()).await;
        let [messages, posts] = [moved(&pair, "messages_archive").await, moved(&pair, "posts_archive").await];
        let days = dump(
            &*pair.cold,
            "SELECT DISTINCT stock_id || ' ' || trade_date AS row FROM stock_prices_history",
        )
        .await;
        empty(&pair).await;
        drop_state(&pair).await;
        // A row cannot come back before the row that it refers to, and the report names both.
        pair.change("DELETE FROM conversations WHERE id = 3", &[]).await;
        let [family, ..] = resources::families();
        let blocked = pair.mover(SIZES).recover(family, &Consent::Lossless).await.expect("an answer");
        assert!(blocked.epoch.is_none() && !blocked.orphans.is_empty(), "{blocked:?}");
        let missing = &blocked.missing_parents;
        assert_eq!((missing.len(), missing[0].table, &*missing[0].first), (1, "conversations", &[3][..]));
        pair.change("INSERT INTO conversations VALUES (3, 1, 2, 0, 0)", &[]).await;
        let done = join(&pair).await;
        assert!(
            done.iter().all(|recovery| recovery.epoch.is_some() && recovery.missing_parents.is_empty()),
            "{done:?}"
        );
        assert!(done.iter().all(|recovery| recovery.brought_back > 0 && recovery.closed == 0), "{done:?}");
        // Rows that never moved were in hot alone. All others are shown again, once.
        let all = rows.messages.len();
        rows.messages.retain(|row| messages.contains(&row.id));
        assert!(rows.messages.len() < all, "something was in hot alone");
        let lost = rows.posts.iter().map(|post| post.id).filter(|post| !posts.contains(post));
        for post in lost.collect::<Vec<_>>() {
            rows.forget_post(post);
        }
        rows.prices.retain(|(stock, day), _| {
            days.contains(&format!("{stock} {}", Timestamp::midnight(*day).micros()))
        });
        check_all(&pair, &rows).await;
        audit(&pair).await;
        // No id that cold knows is given out again, nor one of a user who wrote something.
        pair.change(
            "INSERT INTO messages (conversation_id, sender_id, content, created_at) VALUES (1, 1, 'new', 0)",
            &[],
        )
        .await;
        let newest = dump(&*pair.hot, "SELECT '' || max(id) AS row FROM messages").await;
        assert!(
            newest[0].parse::<i64>().expect("an id") > messages.into_iter().max().expect("rows"),
            "{newest:?}"
        );
        pair.close().await;
    });
}

/// A downgrade does not cut the pair, and a pair that was cut by other means is joined by the program.
fn cut_and_join(fixture: Fixture) {
    let name = fixture.name;
    let fails = |args: &[&str], status: i32| {
        let ended = fixture.program.run(args);
        assert_eq!(ended.status, Some(status), "{name}: {args:?}: {ended:?}");
        format!("{}{}", ended.out, ended.err)
    };
    fixture.done("archive run");
    let refusal = fails(&["db", "downgrade", "1", "--tier", "hot", "--yes"], 1);
    assert!(
        refusal.contains("messages, posts, prices") && refusal.contains("archive restore --all"),
        "{refusal}"
    );
    let refusal = fails(&["db", "downgrade", "base", "--tier", "cold", "--yes"], 1);
    assert!(refusal.contains("archived rows") && refusal.contains("archive restore --all"), "{refusal}");
    fixture.done("archive restore --all --resource posts");
    fixture.done("archive resume --resource posts");

    // The tables are dropped without the program.
    run(async {
        let pair = fixture.open().await;
        for table in ["archive_control", "archive_erasures", "archive_rejects", "archive_state"] {
            execute(&*pair.hot, &format!("DROP TABLE {table}"), &[]).await;
        }
        pair.close().await;
    });
    fixture.done("db stamp 1 --tier hot --yes");
    fixture.done("db upgrade --tier hot");
    let refusal = fails(&["archive", "run"], 2);
    assert!(refusal.contains("not a pair") && refusal.contains("archive recover"), "{refusal}");
    let dry = fixture.done("archive recover --dry-run").out;
    assert!(
        dry.contains("it will be joined to the cold of pair") && dry.contains("the rows decide"),
        "{dry}"
    );
    fails(&["archive", "recover"], 2);
    assert!(fails(&["archive", "recover", "--resource", "posts", "--yes"], 2).contains("as a whole"));
    fixture.done("archive recover --yes");
    fixture.done("archive verify");
    for resource in ["messages", "posts", "prices"] {
        run(fixture.check_whole(resource));
    }
    fixture.done("archive run");
    for resource in ["messages", "posts", "prices"] {
        run(fixture.check_whole(resource));
    }

    // With every row in hot nothing is cut, and what was taken back can be applied and joined again.
    fixture.done("archive restore --all");
    let done = fixture.done("db downgrade 1 --tier hot --yes").out;
    assert!(done.contains("reverted 0003_archive_control, 0002_archive_state"), "{done}");
    fixture.done("db upgrade --tier hot");
    fixture.done("archive recover --yes");
    for resource in ["messages", "posts", "prices"] {
        run(fixture.check_whole(resource));
    }
    fixture.end();
}

#[test]
fn the_program_joins_a_pair_of_files() {
    cut_and_join(Fixture::embedded());
}

#[test]
fn the_program_joins_a_pair_with_postgres() {
    if let Some(fixture) = Fixture::mixed() {
        cut_and_join(fixture);
    }
}

#[test]
fn the_program_joins_a_pair_on_postgres() {
    if let Some(fixture) = Fixture::on_postgres() {
        cut_and_join(fixture);
    }
}

#[test]
fn the_program_joins_a_pair_of_servers() {
    if let Some(fixture) = Fixture::real() {
        cut_and_join(fixture);
    }
}

/// A cold that was built anew has lost the rows of every move, which the operator has to accept.
#[test]
fn an_emptied_cold_is_joined_when_its_loss_is_accepted() {
    let fixture = Fixture::embedded();
    fixture.done("archive run --resource messages");
    fixture.done("archive restore --all --resource messages");
    fixture.done("archive resume --resource messages");
    std::fs::remove_file(fixture.program.path().join(super::COLD)).expect("cold is a file");
    let refused = fixture.program.run(&["archive", "run"]);
    assert!(refused.status == Some(1) && refused.err.contains("there is no file"), "{refused:?}");
    fixture.done("db upgrade --tier cold");
    let refused = fixture.program.run(&["archive", "run"]);
    assert!(refused.status == Some(2) && refused.err.contains("cold is empty"), "{refused:?}");
    let seen = fixture.program.report(&["archive", "recover", "--dry-run"]);
    let [first, last] = [0, 1].map(|end| seen[0]["lost"][end].as_i64().expect("a move"));
    let lost = format!("messages:{first}-{last}");
    fixture.done(&format!("archive recover --accept-loss {lost} --yes"));
    fixture.done("archive run");
    for resource in ["messages", "posts", "prices"] {
        run(fixture.check_whole(resource));
    }
    fixture.end();
}
