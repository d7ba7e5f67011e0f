//! `archive recover` on a pair of which one or both files were restored from a backup.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use thermocline::archive::{Consent, Outcome, Recovery, Selection};
use thermocline::clock::DAY;
use thermocline::federation::ReadError;
use thermocline::journal::pair::{self, PairError};
use thermocline::page::{Order, Span};
use thermocline::resources;
use thermocline::tier::Schema;

use super::audit::{audit, audit_family, dump};
use super::expected_lists::Reader;
use super::fault_injection::{check, check_all, now, pair_with_history, stride};
use super::faulty_engine::{Fault, Faulty, Fuse};
use super::logical_table::Table;
use super::program::Program;
use super::{
    COLD, HOT, Pair, SIZES, copy_file, copy_pair, execute, mover, plan, run, run_batch, run_mover, scratch,
};

/// Changes a pair after its backup: a row is edited, everything is archived, some rows are restored and some erased.
async fn change_after_backup(pair: &Pair, rows: &mut Table) {
    let edited = rows.messages.iter_mut().find(|row| row.id == 98).expect("a row of hot");
    "later".clone_into(&mut edited.content);
    assert_eq!(pair.change("UPDATE messages SET content = 'later' WHERE id = 98", &[]).await, 1);
    let stop = AtomicBool::new(false);
    let [messages, posts, prices] = resources::families();
    for family in [messages, posts, prices] {
        let report = run_mover(&pair.mover(SIZES), family, &plan(5, 20)).await;
        assert_eq!((report.outcome, report.error), (Outcome::Done, None));
        assert!(report.rows > 0, "{}", family.resource);
    }
    for (family, from) in [(messages, 40), (posts, 30), (prices, 38)] {
        let span = Selection::Span(now().plus(-from * DAY), now().plus((4 - from) * DAY));
        let report = pair.mover(SIZES).restore(family, span, 10, &stop, &mut |_| {}).await;
        assert_eq!((report.outcome, report.error), (Outcome::Done, None));
        assert!(report.rows > 0, "{}", family.resource);
        pair.mover(SIZES).resume(family).await.expect("resumed");
    }
    // Rows of both tiers, as the backup has them.
    pair.mover(SIZES).erase(messages, "messages", &[4, 100]).await.expect("erased");
    pair.mover(SIZES).erase(posts, "posts", &[2, 20]).await.expect("erased");
    rows.messages.retain(|row| ![4, 100].contains(&row.id));
    rows.forget_post(2);
    rows.forget_post(20);
}

/// Returns a pair that has changed after a backup, with the named files restored from it.
pub async fn after_backup(old: &[&str]) -> (tempfile::TempDir, Table, Table) {
    let (past, folder) = (scratch(), scratch());
    let then = pair_with_history(past.path()).await;
    let mut rows = then.clone();
    copy_pair(past.path(), folder.path());
    let pair = Pair::open(folder.path(), now()).await;
    change_after_backup(&pair, &mut rows).await;
    check_all(&pair, &rows).await;
    audit(&pair).await;
    pair.close().await;
    for name in old {
        copy_file(past.path(), folder.path(), name);
    }
    (folder, then, rows)
}

async fn each(pair: &Pair, consent: impl Fn(&Recovery) -> Consent) -> Vec<Recovery> {
    let mut all = Vec::new();
    for family in resources::families() {
        let mover = pair.mover(SIZES);
        let seen = mover.recover(family, &Consent::DryRun).await.expect("an answer");
        let again = mover.recover(family, &Consent::DryRun).await.expect("an answer");
        assert_eq!(seen, again, "looking changes nothing");
        all.push(mover.recover(family, &consent(&seen)).await.expect("a recovery"));
    }
    all
}

/// A trigger would treat restored rows as new ones.
#[test]
fn triggers_prevent_a_recovery() {
    run(async {
        let (folder, _, rows) = after_backup(&[HOT]).await;
        let pair = Pair::open_unpaired(folder.path(), now()).await;
        let trigger =
            "CREATE TRIGGER greet AFTER INSERT ON messages BEGIN DELETE FROM messages WHERE id = 0; END";
        pair.change(trigger, &[]).await;
        let [messages, ..] = resources::families();
        for consent in [Consent::DryRun, Consent::Lossless] {
            let refused = pair.mover(SIZES).recover(messages, &consent).await.expect_err("a trigger");
            assert!(refused.to_string().contains("greet"), "{refused}");
        }
        pair.change("DROP TRIGGER greet", &[]).await;
        each(&pair, |_| Consent::Lossless).await;
        move_on(&pair, &rows).await;
        pair.close().await;
    });
}

pub async fn move_on(pair: &Pair, rows: &Table) {
    pair::ensure_consistent(&*pair.hot, &*pair.cold).await.expect("of one time");
    check_all(pair, rows).await;
    audit(pair).await;
    for family in resources::families() {
        let report = run_mover(&pair.mover(SIZES), family, &plan(8, 20)).await;
        assert_eq!((report.outcome, report.error), (Outcome::Done, None));
    }
    check_all(pair, rows).await;
    audit(pair).await;
}

#[test]
fn an_outdated_hot_gets_every_row_back() {
    run(async {
        let (folder, _, rows) = after_backup(&[HOT]).await;
        let pair = Pair::open_unpaired(folder.path(), now()).await;
        let due = pair::ensure_consistent(&*pair.hot, &*pair.cold).await;
        assert!(matches!(due, Err(PairError::Consistency(_))), "{due:?}");
        let done = each(&pair, |_| Consent::Lossless).await;
        for recovery in &done {
            assert!(recovery.is_due() && recovery.epoch.is_some() && recovery.lost.is_none(), "{recovery:?}");
            assert!(recovery.brought_back > 0 && recovery.closed > 0, "{recovery:?}");
        }
        assert_eq!((done[0].replaced, done[0].erased), (1, 1), "{:?}", done[0]);
        move_on(&pair, &rows).await;
        let again = each(&pair, |_| Consent::Lossless).await;
        assert!(again.iter().all(|recovery| !recovery.is_due()), "{again:?}");
        pair.close().await;
    });
}

/// Rows that the lost moves took to cold are gone; no other row is, and none is doubled.
#[test]
fn an_outdated_cold_loses_the_named_moves_only() {
    run(async {
        let (folder, _, mut rows) = after_backup(&[COLD]).await;
        let pair = Pair::open_unpaired(folder.path(), now()).await;
        let due = pair::ensure_consistent(&*pair.hot, &*pair.cold).await;
        assert!(matches!(due, Err(PairError::Consistency(_))), "{due:?}");
        for consent in [Consent::Lossless, Consent::AcceptLoss(1..=2)] {
            for recovery in each(&pair, |_| consent.clone()).await {
                assert!(recovery.lost.is_some() && recovery.epoch.is_none(), "{recovery:?}");
            }
        }
        // Rows that are in neither file.
        let ids = async |table: &str, column: &str| {
            let mut ids = Vec::new();
            let texts =
                [(&*pair.hot, table.to_owned(), "id"), (&*pair.cold, format!("{table}_archive"), column)];
            for (engine, table, column) in texts {
                let text = format!("SELECT '' || {column} AS row FROM {table}");
                ids.extend(dump(engine, &text).await.iter().map(|id| id.parse::<i64>().expect("an id")));
            }
            ids
        };
        let (messages, posts) = (ids("messages", "original_id").await, ids("posts", "original_id").await);
        let before = rows.messages.len();
        rows.messages.retain(|row| messages.contains(&row.id));
        assert!(rows.messages.len() < before, "something is lost");
        let lost: Vec<i64> =
            rows.posts.iter().map(|post| post.id).filter(|post| !posts.contains(post)).collect();
        for post in lost {
            rows.forget_post(post);
        }
        let taken = |recovery: &Recovery| {
            let (first, last) = recovery.lost.expect("a loss");
            Consent::AcceptLoss(first..=last)
        };
        for recovery in each(&pair, taken).await {
            assert!(recovery.epoch.is_some_and(|epoch| epoch > recovery.hot_epoch), "{recovery:?}");
        }
        for family in ["messages", "posts"] {
            check(&pair, &rows, family, "after the loss").await;
        }
        // A correction of a price may be lost; then the corrected price is visible again.
        let list = rows.prices(1);
        let reader = Reader::new(&*pair.hot, &*pair.cold);
        let left = reader.walk(&list.0, Span::ALL, Order::Desc, 9).await.expect("prices");
        assert!(
            left.len() <= list.1.len() && left.windows(2).all(|pair| pair[0].trade_date > pair[1].trade_date)
        );
        audit(&pair).await;
        for family in resources::families() {
            let report = run_mover(&pair.mover(SIZES), family, &plan(8, 20)).await;
            assert_eq!((report.outcome, report.error), (Outcome::Done, None));
        }
        audit(&pair).await;
        pair.close().await;
    });
}

/// Two backups of one time are consistent; only a server that has been running knows more.
#[test]
fn two_backups_of_one_time_are_consistent() {
    run(async {
        let (folder, then, _) = after_backup(&[HOT, COLD]).await;
        let pair = Pair::open_unpaired(folder.path(), now()).await;
        pair::ensure_consistent(&*pair.hot, &*pair.cold).await.expect("of one time");
        assert!(each(&pair, |_| Consent::Lossless).await.iter().all(|recovery| !recovery.is_due()));
        move_on(&pair, &then).await;
        pair.close().await;
    });
}

/// A server keeps running while hot is replaced by a backup.
#[test]
fn readers_detect_an_outdated_hot() {
    run(async {
        let (old, folder) = (scratch(), scratch());
        let rows = pair_with_history(old.path()).await;
        copy_pair(old.path(), folder.path());
        let (before, after) =
            (Pair::open_unpaired(old.path(), now()).await, Pair::open_unpaired(folder.path(), now()).await);
        change_after_backup(&after, &mut rows.clone()).await;
        let seen = Reader::new(&*after.hot, &*after.cold);
        let list = rows.messages(1).0;
        seen.walk(&list, Span::ALL, Order::Desc, 50).await.expect("a walk");
        // The newest rows alone would be a page of hot.
        let gone_back = seen.with_hot(&*before.hot);
        let page = gone_back.tiers().seek(&list, Span::ALL, Order::Desc, 1).await;
        assert!(matches!(page, Err(ReadError::Consistency(_))), "{page:?}");
        let found = gone_back.tiers().find(&list, rows.messages(1).1[0].id).await;
        assert!(matches!(found, Err(ReadError::Consistency(_))), "{found:?}");

        // A new reader learns from cold that hot is outdated, and then rejects requests that hot could answer alone.
        let fresh = Reader::new(&*before.hot, &*after.cold);
        fresh.tiers().seek(&list, Span::ALL, Order::Desc, 1).await.expect("a page of hot");
        let walk = fresh.walk(&list, Span::ALL, Order::Desc, 50).await;
        assert!(matches!(walk, Err(ReadError::Consistency(_))), "{walk:?}");
        let page = fresh.tiers().seek(&list, Span::ALL, Order::Desc, 1).await;
        assert!(matches!(page, Err(ReadError::Consistency(_))), "{page:?}");
        before.close().await;
        after.close().await;
    });
}

/// Replaces one file of a pair.
async fn exchange(pair: Pair, folder: &Path, from: &Path, name: &str) -> Pair {
    pair.close().await;
    copy_file(from, folder, name);
    Pair::open_unpaired(folder, now()).await
}

/// Makes the last move unconfirmed.
async fn unconfirm(pair: &Pair, resource: &str) {
    let text = format!(
        "UPDATE archive_batches SET confirmed = 0 WHERE resource = '{resource}' \
         AND epoch = (SELECT max(epoch) FROM archive_batches WHERE resource = '{resource}')"
    );
    assert_eq!(execute(&*pair.cold, &text, &[]).await, 1);
}

/// A batch that is not confirmed may never have been committed in hot, so rows of hot may have been written to since.
/// The recovery confirms it, but another recovery must still not overwrite those rows.
#[test]
fn unconfirmed_batches_overwrite_nothing() {
    run(async {
        let (past, later, folder) = (scratch(), scratch(), scratch());
        let mut rows = pair_with_history(past.path()).await;
        copy_pair(past.path(), folder.path());
        let [messages, ..] = resources::families();
        let pair = Pair::open(folder.path(), now()).await;
        run_batch(&pair.mover(SIZES), messages, &plan(5, 20)).await;
        unconfirm(&pair, "messages").await;
        let pair = exchange(pair, folder.path(), past.path(), HOT).await;
        let copied = dump(
            &*pair.cold,
            "SELECT '' || original_id AS row FROM messages_archive WHERE from_epoch = (SELECT max(epoch) \
             FROM archive_batches WHERE resource = 'messages') ORDER BY original_id",
        )
        .await;
        let ids: Vec<i64> = copied.iter().map(|id| id.parse().expect("an id")).collect();
        // One row is deleted, so that the batch does not look interrupted; it is restored.
        assert_eq!(pair.change("DELETE FROM messages WHERE id = ?1", &[ids[0].into()]).await, 1);
        let edit = "UPDATE messages SET content = 'since' WHERE id = ?1";
        assert_eq!(pair.change(edit, &[ids[1].into()]).await, 1);
        let edited = rows.messages.iter_mut().find(|row| row.id == ids[1]).expect("a message");
        "since".clone_into(&mut edited.content);
        pair.close().await;
        copy_pair(folder.path(), later.path());
        let mut pair = Pair::open_unpaired(folder.path(), now()).await;
        for _ in 0..2 {
            let done = pair.mover(SIZES).recover(messages, &Consent::Lossless).await.expect("a recovery");
            assert_eq!((done.brought_back, done.replaced), (1, 0), "{done:?}");
            assert!(done.epoch.is_some(), "{done:?}");
            check(&pair, &rows, "messages", "after the recovery").await;
            audit_family(&pair, messages, SIZES).await;
            pair = exchange(pair, folder.path(), later.path(), HOT).await;
        }
        pair.close().await;
    });
}

/// Cold was backed up during a restore that never was committed, whose number hot has passed since.
#[test]
fn an_uncommitted_restore_loses_no_rows() {
    run(async {
        let (past, during, folder) = (scratch(), scratch(), scratch());
        let mut rows = pair_with_history(past.path()).await;
        copy_pair(past.path(), folder.path());
        for family in resources::families() {
            let resource = family.resource;
            let pair = Pair::open(folder.path(), now()).await;
            let stop = AtomicBool::new(false);
            let report = pair.mover(SIZES).restore(family, Selection::All, 100_000, &stop, &mut |_| {}).await;
            assert_eq!((report.outcome, report.batches), (Outcome::Done, 1));
            unconfirm(&pair, resource).await;
            pair.close().await;
        }
        copy_pair(folder.path(), during.path());
        copy_file(past.path(), folder.path(), HOT);
        let pair = Pair::open(folder.path(), now()).await;
        for family in resources::families() {
            let report = run_mover(&pair.mover(SIZES), family, &plan(15, 20)).await;
            assert_eq!((report.outcome, report.error), (Outcome::Done, None));
            assert!(report.rows > 0);
        }
        // Nothing that these moves took to cold is lost: the restored cold has it as hot does.
        let pair = exchange(pair, folder.path(), during.path(), COLD).await;
        let mut lost = Vec::new();
        for text in [
            "SELECT '' || original_id AS row FROM messages_archive",
            "SELECT '' || original_id AS row FROM posts_archive",
        ] {
            lost.push(dump(&*pair.cold, text).await);
        }
        let hot = [
            dump(&*pair.hot, "SELECT '' || id AS row FROM messages").await,
            dump(&*pair.hot, "SELECT '' || id AS row FROM posts").await,
        ];
        let known = |kind: usize, id: i64| {
            let id = id.to_string();
            lost[kind].contains(&id) || hot[kind].contains(&id)
        };
        rows.messages.retain(|row| known(0, row.id));
        let gone: Vec<i64> = rows.posts.iter().map(|post| post.id).filter(|post| !known(1, *post)).collect();
        for post in gone {
            rows.forget_post(post);
        }
        let taken = |recovery: &Recovery| {
            let (first, last) = recovery.lost.expect("a loss");
            Consent::AcceptLoss(first..=last)
        };
        for recovery in each(&pair, taken).await {
            assert!(recovery.epoch.is_some() && recovery.brought_back > 0, "{recovery:?}");
        }
        for family in ["messages", "posts"] {
            check(&pair, &rows, family, "after the loss").await;
        }
        audit(&pair).await;
        pair.close().await;
    });
}

/// An erasure is interrupted at any call, then hot is restored from an older backup: the erasure is completed in both
/// databases, or it never was requested.
#[test]
fn a_recovery_completes_an_interrupted_erasure() {
    run(async {
        let (past, moved) = (scratch(), scratch());
        let rows = pair_with_history(past.path()).await;
        copy_pair(past.path(), moved.path());
        let [messages, ..] = resources::families();
        let pair = Pair::open(moved.path(), now()).await;
        run_batch(&pair.mover(SIZES), messages, &plan(5, 20)).await;
        pair.close().await;
        let ids = [5, 60, 120, 121];
        let mut without = rows.clone();
        without.messages.retain(|row| !ids.contains(&row.id));
        let (mut noted_only, mut interrupted) = (0, 0);
        for k in 1.. {
            let folder = scratch();
            copy_pair(moved.path(), folder.path());
            let pair = Pair::open_unpaired(folder.path(), now()).await;
            let fuse = Fuse::new(k, Fault::DeathAfter);
            let faulty = |inner: Arc<dyn Schema>| Faulty { inner, fuse: Arc::clone(&fuse) };
            let (hot, cold) = (faulty(Arc::clone(&pair.hot)), faulty(Arc::clone(&pair.cold)));
            let _ = mover(&hot, &cold, &pair.clock, SIZES).erase(messages, "messages", &ids).await;
            let before = scratch();
            copy_pair(past.path(), before.path());
            let Pair { hot, cold: other, .. } = Pair::open_unpaired(before.path(), now()).await;
            other.close().await;
            pair.hot.close().await;
            let pair = Pair { hot, ..pair };
            let noted =
                dump(&*pair.cold, "SELECT '' || coalesce(pending, -1) AS row FROM archive_erasures").await;
            noted_only += i64::from(noted.iter().any(|pending| pending == "0"));
            let open =
                "SELECT '' || epoch AS row FROM archive_batches WHERE kind = 'erase' AND NOT confirmed";
            interrupted += dump(&*pair.cold, open).await.len();
            let done = pair.mover(SIZES).recover(messages, &Consent::Lossless).await.expect("a recovery");
            assert!(done.epoch.is_some(), "{done:?}");
            let left = if noted.is_empty() { &rows } else { &without };
            check(&pair, left, "messages", &format!("dead after call {k}")).await;
            audit_family(&pair, messages, SIZES).await;
            pair.close().await;
            if !fuse.burnt() {
                break;
            }
        }
        assert!(noted_only > 0 && interrupted > 0, "{noted_only} noted, {interrupted} interrupted");
    });
}

#[test]
fn a_reused_id_stops_the_recovery() {
    run(async {
        let (folder, _, _) = after_backup(&[HOT]).await;
        let pair = Pair::open_unpaired(folder.path(), now()).await;
        pair.change("UPDATE messages SET created_at = created_at + 1 WHERE id = 98", &[]).await;
        let [messages, ..] = resources::families();
        let refused = pair.mover(SIZES).recover(messages, &Consent::Lossless).await.expect("an answer");
        assert_eq!((refused.conflicts, refused.epoch), (vec!["messages 98".to_owned()], None));
        let count =
            dump(&*pair.hot, "SELECT '' || count(*) AS row FROM messages WHERE content = 'later'").await;
        assert_eq!(count, ["0"], "nothing was changed");
        pair.change("UPDATE messages SET created_at = created_at - 1 WHERE id = 98", &[]).await;
        let done = pair.mover(SIZES).recover(messages, &Consent::Lossless).await.expect("a recovery");
        assert!(done.epoch.is_some(), "{done:?}");
        pair.close().await;
    });
}

async fn fault_at(
    (k, fault): (i64, Fault),
    family: &thermocline::archive::Family,
    past: &Path,
    rows: &Table,
) -> bool {
    let folder = scratch();
    copy_pair(past, folder.path());
    let pair = Pair::open_unpaired(folder.path(), now()).await;
    let fuse = Fuse::new(k, fault);
    let faulty = |inner: Arc<dyn Schema>| Faulty { inner, fuse: Arc::clone(&fuse) };
    let (hot, cold) = (faulty(Arc::clone(&pair.hot)), faulty(Arc::clone(&pair.cold)));
    let done = mover(&hot, &cold, &pair.clock, SIZES).recover(family, &Consent::Lossless).await;
    let when = format!("{fault:?} at call {k}: {done:?}");
    pair.mover(SIZES)
        .recover(family, &Consent::Lossless)
        .await
        .unwrap_or_else(|e| panic!("{e}, after {when}"));
    let report = run_mover(&pair.mover(SIZES), family, &plan(60, 20)).await;
    assert_eq!((report.outcome, report.error), (Outcome::Done, None), "after {when}");
    check(&pair, rows, family.resource, &format!("after {when}")).await;
    audit_family(&pair, family, SIZES).await;
    pair.close().await;
    !fuse.burnt()
}

#[test]
fn a_recovery_survives_a_fault_at_any_call() {
    run(async {
        let (past, _, rows) = after_backup(&[HOT]).await;
        for family in resources::families() {
            let mut k = 1;
            while !fault_at((k, Fault::DeathAfter), family, past.path(), &rows).await {
                k += stride(Fault::DeathAfter);
            }
            assert!(k > 3, "{}: only {k} calls", family.resource);
        }
    });
}

#[test]
fn the_command_shows_asks_and_recovers() {
    let program = Program::new();
    let folder = program.path();
    let backup = |name: &str| {
        std::fs::copy(folder.join(name), folder.join(format!("{name}.backup"))).expect("a copy");
    };
    let put_back = |name: &str| {
        for suffix in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(folder.join(format!("{name}{suffix}")));
        }
        std::fs::copy(folder.join(format!("{name}.backup")), folder.join(name)).expect("a copy");
    };
    let messages = |from: i64| {
        let rows = (from..from + 5).map(|id| format!("{id},1,1,text,2020-01-0{}\n", 1 + id % 5));
        format!("id,conversation_id,sender_id,content,created_at\n{}", rows.collect::<String>())
    };
    program.write("a.csv", messages(1));
    program.write("b.csv", messages(11));
    program.report(&["import", "messages", "a.csv"]);
    program.report(&["archive", "run"]);
    program.report(&["import", "messages", "b.csv"]);
    let fits = program.run(&["archive", "recover"]);
    assert!(fits.status == Some(0) && fits.out.contains("messages: consistent, at move 1"), "{fits:?}");
    backup(HOT);
    backup(COLD);
    program.report(&["archive", "run"]);
    put_back(HOT);
    for refused in [&["archive", "run"][..], &["archive", "vacuum"], &["import", "messages", "a.csv"]] {
        let ended = program.run(refused);
        assert!(ended.status == Some(1) && ended.err.contains("archive recover"), "{refused:?}: {ended:?}");
    }
    let seen = program.report(&["archive", "recover", "--dry-run"]);
    assert_eq!((&seen[0]["closed"], &seen[0]["epoch"]), (&5.into(), &serde_json::Value::Null), "{seen}");
    assert_eq!(program.run(&["archive", "recover"]).status, Some(2), "there is nobody to ask");
    let ended = program.run(&["archive", "recover", "--yes"]);
    assert!(ended.status == Some(0) && ended.out.contains("messages: recovered"), "{ended:?}");
    assert_eq!(program.report(&["archive", "run"])[0]["rows"], 5);

    put_back(COLD);
    let ended = program.run(&["archive", "recover", "--yes"]);
    assert!(ended.status == Some(1) && ended.err.contains("--accept-loss messages:2-"), "{ended:?}");
    let seen = program.report(&["archive", "recover", "--dry-run"]);
    let loss = format!("messages:{}-{}", seen[0]["lost"][0], seen[0]["lost"][1]);
    let ended = program.run(&["archive", "recover", "--accept-loss", &loss, "--yes"]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let moves = loss.trim_start_matches("messages:");
    assert!(ended.err.contains(&format!("\"lost\":\"{moves}\"")), "{}", ended.err);
    let backwards = program.run(&["archive", "recover", "--accept-loss", "messages:3-1", "--yes"]);
    assert_eq!(backwards.status, Some(2), "{backwards:?}");
    let again = program.report(&["import", "messages", "b.csv"]);
    assert_eq!(
        super::program::counts(&again),
        [5, 5, 0, 0, 0],
        "what is lost can be imported again: {again}"
    );
    let again = program.report(&["import", "messages", "a.csv"]);
    assert_eq!(super::program::counts(&again), [5, 0, 5, 0, 0], "the rest is known: {again}");
}
