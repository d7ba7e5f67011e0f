//! Recoveries of pairs in which something was interrupted, and recoveries that are interrupted.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use thermocline::archive::{Consent, Family, Outcome, Selection};
use thermocline::resources;

use super::{accepted, after_backup, each, forget_lost};
use crate::audit::{audit, audit_family, dump};
use crate::fault_injection::{check, now, pair_with_history, stride};
use crate::faulty_engine::{Fault, Faulty, Fuse};
use crate::logical_table::Table;
use crate::{
    COLD, HOT, Pair, SIZES, copy_file, copy_pair, execute, mover, plan, run, run_batch, run_mover, scratch,
};

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
        forget_lost(&pair, &mut rows).await;
        for recovery in each(&pair, accepted).await {
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
            let (hot, cold) = Faulty::both(&pair, &fuse);
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

async fn fault_at((k, fault): (i64, Fault), family: &Family, past: &Path, rows: &Table) -> bool {
    let folder = scratch();
    copy_pair(past, folder.path());
    let pair = Pair::open_unpaired(folder.path(), now()).await;
    let fuse = Fuse::new(k, fault);
    let (hot, cold) = Faulty::both(&pair, &fuse);
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
