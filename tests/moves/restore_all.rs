//! Restoring everything into hot, and archiving it again.

use std::sync::atomic::AtomicBool;

use thermocline::archive::{Outcome, Selection};
use thermocline::clock::DAY;
use thermocline::federation::sql::{SqlHot, SqlList};
use thermocline::federation::{ReadCache, Tiers};
use thermocline::journal::pair;
use thermocline::load::nouns;
use thermocline::load::{LoadError, Loader};
use thermocline::page::{Order, Span};
use thermocline::resources;
use thermocline::tier::Engine;

use super::audit::{audit, dump};
use super::fault_injection::{check_all, now, pair_with_history};
use super::logical_table::{self, Table};
use super::program::Program;
use super::{Pair, SIZES, plan, run, run_mover, scratch};

/// Returns every row of hot that a move may touch, as text.
async fn everything(pair: &Pair) -> Vec<String> {
    let mut rows = Vec::new();
    for family in resources::families() {
        for moved in &family.tables {
            let names = moved.table.names();
            let text =
                format!("SELECT json_array({names}) AS row FROM {} ORDER BY {names}", moved.table.name);
            rows.extend(
                dump(&*pair.hot, &text).await.into_iter().map(|row| format!("{} {row}", moved.table.name)),
            );
        }
    }
    rows
}

async fn restore_all(pair: &Pair) {
    for family in resources::families() {
        let stop = AtomicBool::new(false);
        let report = pair.mover(SIZES).restore(family, Selection::All, 40, &stop, &mut |_| {}).await;
        assert_eq!((report.outcome, report.error), (Outcome::Done, None));
        assert!(report.of_resource > 0 && Some(report.of_resource) == report.due, "{}", family.resource);
    }
}

async fn resume_all(pair: &Pair) {
    for family in resources::families() {
        pair.mover(SIZES).resume(family).await.expect("resumed");
    }
}

/// A trigger would treat restored rows as new ones. Obstacles to archiving do not matter here.
#[test]
fn triggers_prevent_a_restore() {
    run(async {
        let folder = scratch();
        pair_with_history(folder.path()).await;
        let pair = Pair::open_unpaired(folder.path(), now()).await;
        let [messages, ..] = resources::families();
        let restore = async || {
            let stop = AtomicBool::new(false);
            pair.mover(SIZES).restore(messages, Selection::All, 1_000, &stop, &mut |_| {}).await
        };
        pair.change("CREATE TABLE mentions (message_id INTEGER REFERENCES messages (id))", &[]).await;
        pair.change("ALTER TABLE messages ADD COLUMN sticker INTEGER", &[]).await;
        let trigger =
            "CREATE TRIGGER greet AFTER INSERT ON messages BEGIN DELETE FROM messages WHERE id = 0; END";
        pair.change(trigger, &[]).await;
        let before = everything(&pair).await;
        let refused = restore().await;
        assert_eq!((refused.outcome, refused.rows), (Outcome::Failed, 0));
        let error = refused.error.expect("an error");
        assert!(
            error.contains("greet") && !error.contains("sticker") && !error.contains("mentions"),
            "{error}"
        );
        assert_eq!(everything(&pair).await, before);
        pair.change("DROP TRIGGER greet", &[]).await;
        let done = restore().await;
        assert_eq!((done.outcome, done.error), (Outcome::Done, None));
        assert!(done.rows > 0);
        let moved = run_mover(&pair.mover(SIZES), messages, &plan(5, 12)).await;
        assert_eq!((moved.outcome, moved.rows), (Outcome::Failed, 0), "it is held, and in the way");
        pair.close().await;
    });
}

#[test]
fn a_restore_returns_every_row_unchanged() {
    run(async {
        let folder = scratch();
        let pair = Pair::open(folder.path(), now()).await;
        logical_table::fill(&pair, &Table::sample(now())).await;
        let before = everything(&pair).await;
        for family in resources::families() {
            run_mover(&pair.mover(SIZES), family, &plan(5, 12)).await;
        }
        assert!(everything(&pair).await.len() < before.len() / 2, "most of it is archived");
        restore_all(&pair).await;
        assert_eq!(everything(&pair).await, before);
        audit(&pair).await;

        // An id is never given out twice.
        pair.change(
            "INSERT INTO messages (conversation_id, sender_id, content, created_at) VALUES (1, 1, '', 0)",
            &[],
        )
        .await;
        let newest = dump(&*pair.hot, "SELECT '' || max(id) AS row FROM messages").await;
        assert_eq!(newest, [format!("{}", Table::sample(now()).messages.len() + 1)]);
        pair.close().await;
    });
}

async fn alone<L: SqlList>(hot: &dyn Engine, list: L) -> Vec<L::Row> {
    let memory = ReadCache::default();
    let tiers = Tiers { hot: &SqlHot(hot), cold: None, cache: &memory, partial: false };
    let page = tiers.seek(&list, Span::ALL, Order::Desc, 1_000).await.expect("a walk");
    page.rows.into_iter().map(|placed| placed.row).collect()
}

#[test]
fn after_a_full_restore_hot_serves_alone_and_can_archive_again() {
    run(async {
        let folder = scratch();
        let rows = pair_with_history(folder.path()).await;
        let pair = Pair::open_unpaired(folder.path(), now()).await;
        assert!(pair::ensure_alone(&*pair.hot).await.is_err(), "most of it is archived");
        let mut loader = Loader::new(&*pair.hot, None, &pair.clock);
        let refused = loader.load(&nouns::MESSAGES, Vec::new()).await;
        assert!(matches!(refused, Err(LoadError::Consistency(_))), "{refused:?}");

        restore_all(&pair).await;
        check_all(&pair, &rows).await;
        audit(&pair).await;
        pair::ensure_alone(&*pair.hot).await.expect("hot has everything");
        let list = rows.messages(1);
        assert_eq!(alone(&*pair.hot, list.0).await, list.1);
        let list = rows.posts(None);
        assert_eq!(alone(&*pair.hot, list.0).await, list.1);
        let list = rows.prices(1);
        assert_eq!(alone(&*pair.hot, list.0).await, list.1);
        assert_eq!(alone(&*pair.hot, rows.comments(9_999).0).await, [], "of a post that is nowhere");
        let mut loader = Loader::new(&*pair.hot, None, &pair.clock);
        loader.load(&nouns::MESSAGES, Vec::new()).await.expect("hot has everything");

        // While it is held, nothing moves.
        for family in resources::families() {
            let report = run_mover(&pair.mover(SIZES), family, &plan(5, 20)).await;
            assert_eq!((report.outcome, report.rows), (Outcome::Held, 0));
        }
        resume_all(&pair).await;
        pair::ensure(&*pair.hot, &*pair.cold, &pair.clock).await.expect("still a pair");
        for family in resources::families() {
            let report = run_mover(&pair.mover(SIZES), family, &plan(5, 20)).await;
            assert_eq!((report.outcome, report.error), (Outcome::Done, None));
            assert!(report.rows > 0);
        }
        check_all(&pair, &rows).await;
        audit(&pair).await;
        pair.close().await;
    });
}

/// A post is restored with its children and can be commented on; a corrected price stays corrected.
#[test]
fn only_selected_rows_are_restored() {
    run(async {
        let folder = scratch();
        let mut rows = pair_with_history(folder.path()).await;
        let pair = Pair::open_unpaired(folder.path(), now()).await;
        let count = async |table: &str| {
            let text = format!("SELECT '' || count(*) AS row FROM {table}");
            dump(&*pair.hot, &text).await[0].parse::<i64>().expect("a number")
        };
        let [_, posts, prices] = resources::families();
        let stop = AtomicBool::new(false);
        let before = (count("posts").await, count("messages").await);
        let report = pair.mover(SIZES).restore(posts, Selection::Row(3), 1, &stop, &mut |_| {}).await;
        assert_eq!((report.outcome, report.of_resource), (Outcome::Done, 1));
        assert_eq!((count("posts").await, count("messages").await), (before.0 + 1, before.1));
        let comment = logical_table::comment(901, 3, now());
        pair.change(
            "INSERT INTO comments VALUES (?1, ?2, ?3, ?4, ?5)",
            &logical_table::comment_row(&comment),
        )
        .await;
        rows.comments.push(comment);
        for missing in [3, 9_999] {
            let report =
                pair.mover(SIZES).restore(posts, Selection::Row(missing), 1, &stop, &mut |_| {}).await;
            assert_eq!((report.outcome, report.rows), (Outcome::Done, 0));
        }
        let from = now().plus(-40 * DAY);
        let report =
            pair.mover(SIZES).restore(prices, Selection::Span(from, now()), 7, &stop, &mut |_| {}).await;
        assert_eq!((report.outcome, report.error), (Outcome::Done, None));
        check_all(&pair, &rows).await;
        audit(&pair).await;
        pair.close().await;
    });
}

/// Every step of a run that moved rows took some of its time, and no time is counted twice.
fn assert_step_times(report: &serde_json::Value) {
    let steps = ["claim", "settle", "hot", "cold", "proof", "commit"]
        .map(|step| report["steps"][step].as_f64().expect("seconds"));
    assert!(steps.iter().all(|seconds| *seconds > 0.0), "{report}");
    assert!(steps.iter().sum::<f64>() <= report["seconds"].as_f64().expect("seconds"), "{report}");
}

#[test]
fn restore_commands_report_their_work() {
    let program = Program::new();
    program
        .write("posts.csv", "id,author_id,title,body,created_at\n1,1,a,b,2020-01-01\n2,1,c,d,2020-01-02\n");
    program.report(&["import", "posts", "posts.csv"]);
    assert_step_times(&program.report(&["archive", "run"])[1]);
    let due = program.report(&["archive", "restore", "--all", "--dry-run"]);
    assert_eq!(due[1]["rows"], 2, "{due}");
    let done = program.report(&["archive", "restore", "--post", "2"]);
    assert_eq!((&done[0]["of_resource"], &done[0]["outcome"]), (&1.into(), &"done".into()), "{done}");
    assert_step_times(&done[0]);
    let ended = program.run(&["archive", "run"]);
    assert!(ended.status == Some(0) && ended.out.contains("posts: 0 rows"), "{ended:?}");
    assert!(ended.out.contains("held until"), "{ended:?}");
    let ended = program.run(&["archive", "resume", "--resource", "posts"]);
    assert_eq!((ended.status, &*ended.out), (Some(0), "posts: resumed\n"));
    let done = program.report(&["archive", "run"]);
    assert_eq!(done[1]["of_resource"], 1, "{done}");
    let ended = program.run(&["archive", "restore", "--from", "2020-01-02", "--to", "2020-01-02"]);
    assert!(ended.status == Some(0) && ended.out.contains("posts: 1 rows in 1 batches"), "{ended:?}");
    for wrong in [
        &["archive", "restore"][..],
        &["archive", "restore", "--batch", "1"],
        &["archive", "restore", "--from", "2020-01-02"],
        &["archive", "restore", "--from", "2020-01-02", "--to", "2020-01-01"],
        &["archive", "restore", "--all", "--post", "1"],
        &["archive", "restore", "--post", "x"],
    ] {
        let ended = program.run(wrong);
        assert_eq!(ended.status, Some(2), "{wrong:?}: {ended:?}");
    }
}
