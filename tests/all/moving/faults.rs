//! The mover ended at every call it makes, in every way a call can end.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use thermocline::archive::{Family, Mover, Outcome, RunReport, Selection};
use thermocline::clock::{DAY, Timestamp};
use thermocline::resources;
use thermocline::tier::{Schema, Value};

use super::audit::audit_family;
use super::faulty::{Fault, Faulty, Fuse};
use super::lists::Reader;
use super::table::{self, Table};
use super::{Pair, SIZES, copy_pair, mover, plan, run, run_mover, scratch};

pub fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().expect("a time")
}

/// A pair in the middle of its life: moves have happened and blocks were split, rows came late among the archived
/// ones, and archived prices were corrected.
pub async fn lived_in(folder: &Path) -> Table {
    let mut rows = Table::sample(now());
    let pair = Pair::open(folder, now()).await;
    table::fill(&pair, &rows).await;
    for family in resources::families() {
        let report = run_mover(&pair.mover(SIZES), family, &plan(25, 12)).await;
        assert_eq!((report.outcome, report.error), (Outcome::Done, None));
        assert!(report.batches > 1, "{}: {} batches", family.resource, report.batches);
    }
    let late = now().plus(-35 * DAY);
    for id in 121..=126 {
        let message = table::message(id, 1 + id % 2, late.plus(id % 3));
        pair.change("INSERT INTO messages VALUES (?1, ?2, ?3, ?4, ?5, ?6)", &table::message_row(&message))
            .await;
        rows.messages.push(message);
    }
    let post = table::post(25, 1, late);
    pair.change("INSERT INTO posts VALUES (?1, ?2, ?3, ?4, ?5)", &table::post_row(&post)).await;
    rows.posts.push(post);
    let comment = table::comment(900, 25, late);
    pair.change("INSERT INTO comments VALUES (?1, ?2, ?3, ?4, ?5)", &table::comment_row(&comment)).await;
    rows.comments.push(comment);
    let days: Vec<_> = rows.prices.keys().copied().step_by(4).collect();
    for (stock, day) in days {
        let price = table::price(day, 3);
        let mut row = table::price_row(stock, &price);
        row[0] = Value::Null(thermocline::schema::Kind::Int);
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

/// A kind of move, as an operator asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Archive,
    Restore,
}

impl Way {
    /// Of a resource: one batch, or all that is left.
    async fn go(self, mover: &Mover<'_>, family: &Family, all: bool) -> RunReport {
        let stop = AtomicBool::new(false);
        let mut progress = |report: &RunReport| stop.store(!all && report.batches > 0, Ordering::Relaxed);
        match self {
            Self::Archive => mover.run(family, &plan(15, 9), &stop, &mut progress).await,
            Self::Restore => mover.restore(family, Selection::All, 30, &stop, &mut progress).await,
        }
    }
}

/// One batch with the fault at call `k`, then a mover that is whole; true when the fault never came.
async fn broken_at(way: Way, k: i64, fault: Fault, family: &Family, past: &Path, rows: &Table) -> bool {
    let folder = scratch();
    copy_pair(past, folder.path());
    let pair = Pair::open_unpaired(folder.path(), now()).await;
    let fuse = Fuse::new(k, fault);
    let faulty = |inner: &Arc<dyn Schema>| Faulty { inner: Arc::clone(inner) as _, fuse: Arc::clone(&fuse) };
    let (hot, cold) = (faulty(&pair.hot), faulty(&pair.cold));
    let report = way.go(&mover(&hot, &cold, &pair.clock, SIZES), family, false).await;
    let when = format!("{way:?}, {fault:?} at call {k}: {:?}", report.error);
    if !fault.kills() {
        // The next attempt goes through, unless the fault came where nothing is tried again.
        assert!(report.outcome == Outcome::Stopped || report.batches == 0, "{when}");
        assert!(report.seconds < 5.0, "{when}: waited for itself, {} s", report.seconds);
    }
    check(&pair, rows, family.resource, &when).await;
    let report = way.go(&pair.mover(SIZES), family, true).await;
    assert_eq!((report.outcome, report.error), (Outcome::Done, None), "after {when}");
    check(&pair, rows, family.resource, &format!("after {when}")).await;
    audit_family(&pair, family, SIZES).await;
    pair.close().await;
    !fuse.burnt()
}

async fn broken_everywhere(way: Way, resource: &str) {
    let past = scratch();
    let rows = lived_in(past.path()).await;
    let families = resources::families();
    let family = families.iter().find(|family| family.resource == resource).expect("a family");
    for fault in Fault::ALL {
        let mut k = 1;
        while !broken_at(way, k, fault, family, past.path(), &rows).await {
            k += 1;
        }
        assert!(k > 20, "{way:?}, {fault:?}: only {k} calls");
    }
}

#[test]
fn messages_survive_a_fault_at_any_call() {
    run(broken_everywhere(Way::Archive, "messages"));
}

#[test]
fn posts_survive_a_fault_at_any_call() {
    run(broken_everywhere(Way::Archive, "posts"));
}

#[test]
fn prices_survive_a_fault_at_any_call() {
    run(broken_everywhere(Way::Archive, "prices"));
}

#[test]
fn messages_come_back_through_a_fault_at_any_call() {
    run(broken_everywhere(Way::Restore, "messages"));
}

#[test]
fn posts_come_back_through_a_fault_at_any_call() {
    run(broken_everywhere(Way::Restore, "posts"));
}

#[test]
fn prices_come_back_through_a_fault_at_any_call() {
    run(broken_everywhere(Way::Restore, "prices"));
}

/// An erasure with the fault at call `k`: everything is there or nothing of it, and the next one goes through; true when
/// the fault never came.
async fn erase_broken_at(
    (k, fault): (i64, Fault),
    (family, noun, ids): (&Family, &str, &[i64]),
    past: &Path,
    (before, after): (&Table, &Table),
) -> bool {
    let folder = scratch();
    copy_pair(past, folder.path());
    let pair = Pair::open_unpaired(folder.path(), now()).await;
    let fuse = Fuse::new(k, fault);
    let faulty = |inner: Arc<dyn Schema>| Faulty { inner, fuse: Arc::clone(&fuse) };
    let (hot, cold) = (faulty(Arc::clone(&pair.hot)), faulty(Arc::clone(&pair.cold)));
    let done = mover(&hot, &cold, &pair.clock, SIZES).erase(family, noun, ids).await;
    let when = format!("erasing {noun}, {fault:?} at call {k}: {done:?}");
    let reader = Reader::new(&*pair.hot, &*pair.cold);
    if let Err(error) = before.check(family.resource, &reader).await {
        let after = after.check(family.resource, &reader).await;
        assert!(after.is_ok(), "{when}: neither {error} nor {after:?}");
    }
    // Whoever moves next goes on with what was noted; what was not is asked for again.
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
        let past = scratch();
        let rows = lived_in(past.path()).await;
        let [messages, posts, _] = resources::families();
        // Of both tiers, and a late one.
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
            // Dying before a call is dying after the one before it.
            for fault in [Fault::DeathAfter, Fault::Hiccup, Fault::LostAnswer] {
                let mut k = 1;
                let what = (family, noun, &ids[..]);
                while !erase_broken_at((k, fault), what, past.path(), (&rows, &after)).await {
                    k += 1;
                }
                assert!(k > 30, "{noun}, {fault:?}: only {k} calls");
            }
        }
    });
}
