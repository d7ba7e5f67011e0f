//! Ends a mover at each call it makes, in each way a call can fail.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use thermocline::archive::{Family, Mover, Outcome, RunReport, Selection};
use thermocline::clock::{DAY, Timestamp};
use thermocline::resources;
use thermocline::tier::Value;

use super::audit::audit_family;
use super::expected_lists::Reader;
use super::faulty_engine::{Fault, Faulty, Fuse};
use super::logical_table::{self, Table};
use super::{Pair, SIZES, copy_pair, mover, plan, run, run_mover, scratch};
use crate::support::bounds::bound;

pub fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().expect("a time")
}

/// Creates a pair with a past: rows were moved, blocks were split, late rows arrived and archived prices were
/// corrected.
pub async fn pair_with_history(folder: &Path) -> Table {
    let mut rows = Table::sample(now());
    let pair = Pair::open(folder, now()).await;
    logical_table::fill(&pair, &rows).await;
    for family in resources::families() {
        let report = run_mover(&pair.mover(SIZES), family, &plan(25, 12)).await;
        assert_eq!((report.outcome, report.error), (Outcome::Done, None));
        assert!(report.batches > 1, "{}: {} batches", family.resource, report.batches);
    }
    let late = now().plus(-35 * DAY);
    for id in 121..=126 {
        let message = logical_table::message(id, 1 + id % 2, late.plus(id % 3));
        pair.change(
            "INSERT INTO messages VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            &logical_table::message_row(&message),
        )
        .await;
        rows.messages.push(message);
    }
    let post = logical_table::post(25, 1, late);
    pair.change("INSERT INTO posts VALUES (?1, ?2, ?3, ?4, ?5)", &logical_table::post_row(&post)).await;
    rows.posts.push(post);
    let comment = logical_table::comment(900, 25, late);
    pair.change("INSERT INTO comments VALUES (?1, ?2, ?3, ?4, ?5)", &logical_table::comment_row(&comment))
        .await;
    rows.comments.push(comment);
    let days: Vec<_> = rows.prices.keys().copied().step_by(4).collect();
    for (stock, day) in days {
        let price = logical_table::price(day, 3);
        let mut row = logical_table::price_row(stock, &price);
        row[0] = Value::Null(thermocline::schema::ColumnType::Int);
        pair.change(
            "INSERT INTO stock_prices VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) \
             ON CONFLICT (stock_id, trade_date) DO UPDATE SET open_price = excluded.open_price, \
             high_price = excluded.high_price, low_price = excluded.low_price, \
             close_price = excluded.close_price, change_amount = excluded.change_amount, \
             volume = excluded.volume, turnover = excluded.turnover, \
             transaction_count = excluded.transaction_count",
            &row,
        )
        .await;
        rows.prices.insert((stock, day), price);
    }
    check_all(&pair, &rows).await;
    pair.close().await;
    rows
}

pub async fn check(pair: &Pair, rows: &Table, resource: &str, when: &str) {
    let reader = Reader::new(&*pair.hot, &*pair.cold);
    if let Err(error) = rows.check(resource, &reader).await {
        panic!("{resource}, {when}: {error}");
    }
}

pub async fn check_all(pair: &Pair, rows: &Table) {
    for family in resources::families() {
        check(pair, rows, family.resource, "all").await;
    }
}

/// A move as an operator requests it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Archive,
    Restore,
}

impl Direction {
    /// Moves one batch of a resource, or all that is left.
    async fn go(self, mover: &Mover<'_>, family: &Family, all: bool) -> RunReport {
        let stop = AtomicBool::new(false);
        let mut progress = |report: &RunReport| stop.store(!all && report.batches > 0, Ordering::Relaxed);
        match self {
            Self::Archive => mover.run(family, &plan(15, 9), &stop, &mut progress).await,
            Self::Restore => mover.restore(family, Selection::All, 30, &stop, &mut progress).await,
        }
    }
}

/// Moves one batch with the fault at call `k`, then the rest without one. Returns whether the fault was never reached.
async fn fault_at(
    direction: Direction,
    k: i64,
    fault: Fault,
    family: &Family,
    original: &Path,
    rows: &Table,
) -> bool {
    let folder = scratch();
    copy_pair(original, folder.path());
    let pair = Pair::open_unpaired(folder.path(), now()).await;
    let fuse = Fuse::new(k, fault);
    let (hot, cold) = Faulty::both(&pair, &fuse);
    let report = direction.go(&mover(&hot, &cold, &pair.clock, SIZES), family, false).await;
    let when = format!("{direction:?}, {fault:?} at call {k}: {:?}", report.error);
    if !fault.kills() {
        // The retry succeeds, unless the fault hit a call that is not retried.
        assert!(report.outcome == Outcome::Stopped || report.batches == 0, "{when}");
        assert!(report.seconds < 5.0, "{when}: waited for itself, {} s", report.seconds);
    }
    check(&pair, rows, family.resource, &when).await;
    let report = direction.go(&pair.mover(SIZES), family, true).await;
    assert_eq!((report.outcome, report.error), (Outcome::Done, None), "after {when}");
    check(&pair, rows, family.resource, &format!("after {when}")).await;
    audit_family(&pair, family, SIZES).await;
    pair.close().await;
    !fuse.burnt()
}

/// Returns the distance between the calls at which a fault is injected: 1 except in the fast lane.
pub fn stride(fault: Fault) -> i64 {
    let quick = if fault.hits_every_call() { 31 } else { 4 };
    bound("THERMOCLINE_TEST_STRIDE", 1, quick) as i64
}

async fn fault_at_every_call(direction: Direction, resource: &str) {
    let original = scratch();
    let rows = pair_with_history(original.path()).await;
    let families = resources::families();
    let family = families.iter().find(|family| family.resource == resource).expect("a family");
    for fault in Fault::ALL {
        let mut k = 1;
        while !fault_at(direction, k, fault, family, original.path(), &rows).await {
            k += stride(fault);
        }
        let least = if fault.hits_every_call() { 20 } else { 4 };
        assert!(k > least, "{direction:?}, {fault:?}: only {k} calls");
    }
}

#[test]
fn archiving_messages_survives_a_fault_at_any_call() {
    run(fault_at_every_call(Direction::Archive, "messages"));
}

#[test]
fn archiving_posts_survives_a_fault_at_any_call() {
    run(fault_at_every_call(Direction::Archive, "posts"));
}

#[test]
fn archiving_prices_survives_a_fault_at_any_call() {
    run(fault_at_every_call(Direction::Archive, "prices"));
}

#[test]
fn restoring_messages_survives_a_fault_at_any_call() {
    run(fault_at_every_call(Direction::Restore, "messages"));
}

#[test]
fn restoring_posts_survives_a_fault_at_any_call() {
    run(fault_at_every_call(Direction::Restore, "posts"));
}

#[test]
fn restoring_prices_survives_a_fault_at_any_call() {
    run(fault_at_every_call(Direction::Restore, "prices"));
}

/// Erases rows with the fault at call `k`: all or none of them are gone, and the next erasure succeeds. Returns whether
/// the fault was never reached.
async fn erasure_with_fault_at(
    (k, fault): (i64, Fault),
    (family, noun, ids): (&Family, &str, &[i64]),
    original: &Path,
    (before, after): (&Table, &Table),
) -> bool {
    let folder = scratch();
    copy_pair(original, folder.path());
    let pair = Pair::open_unpaired(folder.path(), now()).await;
    let fuse = Fuse::new(k, fault);
    let (hot, cold) = Faulty::both(&pair, &fuse);
    let done = mover(&hot, &cold, &pair.clock, SIZES).erase(family, noun, ids).await;
    let when = format!("erasing {noun}, {fault:?} at call {k}: {done:?}");
    let reader = Reader::new(&*pair.hot, &*pair.cold);
    if let Err(error) = before.check(family.resource, &reader).await {
        let after = after.check(family.resource, &reader).await;
        assert!(after.is_ok(), "{when}: neither {error} nor {after:?}");
    }
    // The next mover completes an erasure that was recorded; one that was not is requested again.
    let report = run_mover(&pair.mover(SIZES), family, &plan(15, 9)).await;
    assert_eq!((report.outcome, report.error), (Outcome::Done, None), "after {when}");
    pair.mover(SIZES).erase(family, noun, ids).await.unwrap_or_else(|error| panic!("{error} after {when}"));
    check(&pair, after, family.resource, &format!("after {when}")).await;
    audit_family(&pair, family, SIZES).await;
    pair.close().await;
    !fuse.burnt()
}

#[test]
fn an_erasure_survives_a_fault_at_any_call() {
    run(async {
        let original = scratch();
        let rows = pair_with_history(original.path()).await;
        let [messages, posts, _] = resources::families();
        // Rows of both tiers, and a late one.
        for (family, noun, ids) in
            [(messages, "messages", [5, 60, 120, 121]), (posts, "posts", [1, 12, 24, 25])]
        {
            let mut after = rows.clone();
            if noun == "messages" {
                after.messages.retain(|row| !ids.contains(&row.id));
            } else {
                for id in ids {
                    after.forget_post(id);
                }
            }
            for fault in Fault::ALL {
                let mut k = 1;
                let what = (family, noun, &ids[..]);
                while !erasure_with_fault_at((k, fault), what, original.path(), (&rows, &after)).await {
                    k += stride(fault);
                }
                let least = if fault.hits_every_call() { 30 } else { 4 };
                assert!(k > least, "{noun}, {fault:?}: only {k} calls");
            }
        }
    });
}
