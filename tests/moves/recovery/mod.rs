//! `archive recover` on a pair of which one or both files were restored from a backup.

mod command;
mod interrupted;

use std::sync::atomic::AtomicBool;

use thermocline::archive::{Consent, Outcome, Recovery, Selection};
use thermocline::clock::DAY;
use thermocline::federation::ReadError;
use thermocline::journal::pair::{self, PairError};
use thermocline::page::{Order, Span};
use thermocline::resources;

use super::audit::{audit, dump};
use super::expected_lists::Reader;
use super::fault_injection::{check, check_all, now, pair_with_history};
use super::logical_table::Table;
use super::{COLD, HOT, Pair, SIZES, copy_file, copy_pair, plan, run, run_mover, scratch};

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

/// Accepts the loss that a recovery named.
fn accepted(recovery: &Recovery) -> Consent {
    let (first, last) = recovery.lost.expect("a loss");
    Consent::AcceptLoss(first..=last)
}

/// Forgets the messages and posts that are in neither tier.
async fn forget_lost(pair: &Pair, rows: &mut Table) {
    let ids = async |table: &str| {
        let mut ids = dump(&*pair.hot, &format!("SELECT '' || id AS row FROM {table}")).await;
        ids.extend(dump(&*pair.cold, &format!("SELECT '' || original_id AS row FROM {table}_archive")).await);
        ids
    };
    let (messages, posts) = (ids("messages").await, ids("posts").await);
    rows.messages.retain(|row| messages.contains(&row.id.to_string()));
    let lost: Vec<i64> =
        rows.posts.iter().map(|post| post.id).filter(|post| !posts.contains(&post.to_string())).collect();
    for post in lost {
        rows.forget_post(post);
    }
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
        let before = rows.messages.len();
        forget_lost(&pair, &mut rows).await;
        assert!(rows.messages.len() < before, "something is lost");
        for recovery in each(&pair, accepted).await {
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
