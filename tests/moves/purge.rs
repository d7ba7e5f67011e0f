//! Archived rows that are old enough are removed for good.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use thermocline::archive::{Family, Outcome, RunReport};
use thermocline::clock::{DAY, Timestamp};
use thermocline::resources;
use thermocline::tier::Engine;

use super::audit::{audit, audit_family};
use super::expected_lists::Reader;
use super::fault_injection::{check, check_all, now, pair_with_history, stride};
use super::faulty_engine::{Fault, Faulty, Fuse};
use super::logical_table::Table;
use super::{Pair, SIZES, copy_pair, mover, plan, run, run_mover, scratch, sql};

/// The age of rows that go.
const DAYS: i64 = 30;

fn before() -> Timestamp {
    Timestamp::midnight(now().plus(-DAYS * DAY).date())
}

/// Removes what is older than `before` from the expected rows of a resource.
pub fn forget_before(table: &mut Table, resource: &str, before: Timestamp) {
    match resource {
        "messages" => table.messages.retain(|row| row.created_at >= before),
        "posts" => {
            let old = table.posts.iter().filter(|post| post.created_at < before);
            for post in old.map(|post| post.id).collect::<Vec<_>>() {
                table.forget_post(post);
            }
        }
        _ => table.prices.retain(|(_, day), _| *day >= before.date()),
    }
}

async fn purge(pair: &Pair, family: &Family) -> RunReport {
    let stop = AtomicBool::new(false);
    pair.mover(SIZES).purge(family, (before(), i64::MAX), 9, &stop, &mut |_| {}).await
}

async fn number(engine: &dyn Engine, text: &str) -> i64 {
    engine.fetch(&sql(text), &[]).await.expect("a number")[0].int("n").expect("a number")
}

#[test]
fn what_is_old_enough_goes_and_nothing_else() {
    run(async {
        let folder = scratch();
        let mut rows = pair_with_history(folder.path()).await;
        let pair = Pair::open(folder.path(), now()).await;
        for family in resources::families() {
            let resource = family.resource;
            // Late rows and corrections lie beside archived ones of the same age.
            let report = run_mover(&pair.mover(SIZES), family, &plan(15, 9)).await;
            assert_eq!(report.outcome, Outcome::Done);
            let report = purge(&pair, family).await;
            assert_eq!((report.outcome, report.error.as_deref()), (Outcome::Done, None), "{resource}");
            assert!(report.batches > 1 && report.due == Some(report.of_resource), "{resource}: {report:?}");
            forget_before(&mut rows, resource, before());
            check(&pair, &rows, resource, "after the purge").await;
            let again = purge(&pair, family).await;
            assert_eq!((again.outcome, again.batches), (Outcome::Done, 0), "{resource}");
        }
        check_all(&pair, &rows).await;
        audit(&pair).await;
        for (table, column, cutoff) in [
            ("messages_archive", "created_at", before().micros()),
            ("posts_archive", "created_at", before().micros()),
        ] {
            let open =
                format!("SELECT count(*) AS n FROM {table} WHERE {column} < {cutoff} AND to_epoch IS NULL");
            assert_eq!(number(&*pair.cold, &open).await, 0, "{table}");
        }
        for tier in [&pair.hot, &pair.cold] {
            let notes = "SELECT count(*) AS n FROM archive_erasures";
            assert_eq!(number(&**tier, notes).await, 0, "nothing of the rows is kept in mind");
        }
        // A row that comes again was not erased: it is as old, and goes with the next purge.
        let message = super::logical_table::message(1, 1, now().plus(-39 * DAY));
        pair.put(&thermocline::schema::MESSAGES, super::logical_table::message_row(&message)).await;
        let messages = resources::families()[0];
        assert_eq!(run_mover(&pair.mover(SIZES), messages, &plan(15, 9)).await.rows, 1);
        assert_eq!(purge(&pair, messages).await.rows, 1);
        check_all(&pair, &rows).await;
        audit(&pair).await;
    });
}

#[test]
fn a_held_resource_is_not_purged() {
    run(async {
        let folder = scratch();
        let rows = pair_with_history(folder.path()).await;
        let pair = Pair::open(folder.path(), now()).await;
        let posts = resources::families()[1];
        pair.mover(SIZES).hold(posts).await.expect("held");
        let report = purge(&pair, posts).await;
        assert_eq!((report.outcome, report.rows), (Outcome::Held, 0));
        check_all(&pair, &rows).await;
    });
}

/// Only what an export has read may go.
#[test]
fn rows_of_later_moves_stay() {
    run(async {
        let folder = scratch();
        let mut rows = pair_with_history(folder.path()).await;
        let pair = Pair::open(folder.path(), now()).await;
        let messages = resources::families()[0];
        let exported =
            number(&*pair.hot, "SELECT epoch AS n FROM archive_state WHERE resource = 'messages'").await;
        // The late rows of the history are archived after the export.
        let late: Vec<_> = rows.messages.iter().filter(|row| row.id > 120).cloned().collect();
        run_mover(&pair.mover(SIZES), messages, &plan(15, 9)).await;
        let stop = AtomicBool::new(false);
        let report = pair.mover(SIZES).purge(messages, (before(), exported), 9, &stop, &mut |_| {}).await;
        assert_eq!((report.outcome, report.error), (Outcome::Done, None));
        forget_before(&mut rows, "messages", before());
        rows.messages.extend(late);
        check_all(&pair, &rows).await;
        audit(&pair).await;
    });
}

/// Purges with the fault at call `k`: the next purge completes it. Returns whether the fault was never reached.
async fn purge_with_fault_at(
    (k, fault): (i64, Fault),
    family: &Family,
    original: &Path,
    after: &Table,
) -> bool {
    let folder = scratch();
    copy_pair(original, folder.path());
    let pair = Pair::open_unpaired(folder.path(), now()).await;
    let fuse = Fuse::new(k, fault);
    let (hot, cold) = Faulty::both(&pair, &fuse);
    let (mover, stop) = (mover(&hot, &cold, &pair.clock, SIZES), AtomicBool::new(false));
    let done = mover.purge(family, (before(), i64::MAX), 9, &stop, &mut |_| {}).await;
    let when = format!("{fault:?} at call {k}: {done:?}");
    // An archive run settles what the purge left.
    let report = run_mover(&pair.mover(SIZES), family, &plan(1_000, 9)).await;
    assert_eq!((report.outcome, report.error), (Outcome::Done, None), "after {when}");
    audit_family(&pair, family, SIZES).await;
    let report = purge(&pair, family).await;
    assert_eq!((report.outcome, report.error), (Outcome::Done, None), "after {when}");
    let reader = Reader::new(&*pair.hot, &*pair.cold);
    let checked = after.check(family.resource, &reader).await;
    assert!(checked.is_ok(), "{when}: {checked:?}");
    audit_family(&pair, family, SIZES).await;
    let notes = number(&*pair.cold, "SELECT count(*) AS n FROM archive_erasures").await;
    assert_eq!(notes, 0, "after {when}");
    pair.close().await;
    !fuse.burnt()
}

#[test]
fn a_purge_survives_a_fault_at_any_call() {
    run(async {
        let original = scratch();
        let rows = pair_with_history(original.path()).await;
        let posts = resources::families()[1];
        {
            let pair = Pair::open(original.path(), now()).await;
            run_mover(&pair.mover(SIZES), posts, &plan(15, 9)).await;
            pair.close().await;
        }
        let mut after = rows.clone();
        forget_before(&mut after, "posts", before());
        for fault in Fault::ALL {
            let mut k = 1;
            while !purge_with_fault_at((k, fault), posts, original.path(), &after).await {
                k += 9 * stride(fault);
            }
            let least = if fault.hits_every_call() { 30 } else { 4 };
            assert!(k > least, "{fault:?}: only {k} calls");
        }
    });
}
