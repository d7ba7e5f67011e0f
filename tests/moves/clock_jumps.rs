//! A clock that jumps while rows move decides which rows are due, and nothing else.

use std::sync::atomic::AtomicBool;

use thermocline::archive::vacuum::Vacuum;
use thermocline::archive::{Outcome, RunReport, Selection};
use thermocline::clock::{DAY, Timestamp};
use thermocline::resources;

use super::audit::{audit, audit_family};
use super::fault_injection::{check, check_all, now, pair_with_history};
use super::{Pair, SIZES, plan, run, run_mover, scratch};

/// Returns the time after the nth batch: years back, a moment back, decades forward.
fn jumped(nth: i64) -> Timestamp {
    match nth % 5 {
        0 => now(),
        1 => now().plus(-3_650 * DAY),
        2 => now().plus(36_500 * DAY),
        3 => now().plus(-1),
        _ => Timestamp::MAX,
    }
}

#[test]
fn clock_jumps_between_batches_are_harmless() {
    run(async {
        let folder = scratch();
        let rows = pair_with_history(folder.path()).await;
        let pair = Pair::open_unpaired(folder.path(), now()).await;
        let stop = AtomicBool::new(false);
        let mut jump = |report: &RunReport| pair.clock.set(jumped(report.batches));
        let done = |report: RunReport| {
            assert_eq!((report.outcome, report.error), (Outcome::Done, None), "{}", report.resource);
            assert!(report.batches > 2, "{}: {} batches", report.resource, report.batches);
        };
        for family in resources::families() {
            pair.clock.set(now());
            done(pair.mover(SIZES).run(family, &plan(15, 6), &stop, &mut jump).await);
            check(&pair, &rows, family.resource, "archived").await;
            audit_family(&pair, family, SIZES).await;
            // Only the time at which the run before it started decided which rows were due.
            pair.clock.set(now());
            assert_eq!(pair.mover(SIZES).due(family, 15 * DAY).await.expect("a number"), 0);
            done(pair.mover(SIZES).restore(family, Selection::All, 20, &stop, &mut jump).await);
            pair.mover(SIZES).resume(family).await.expect("resumed");
            check(&pair, &rows, family.resource, "restored").await;
            audit_family(&pair, family, SIZES).await;
        }
        pair.close().await;
    });
}

/// Vacuum of an archive whose moves are recorded as finished in the past and in the future, in any order.
#[test]
fn vacuum_with_a_wrong_clock_keeps_visible_rows() {
    run(async {
        let folder = scratch();
        let rows = pair_with_history(folder.path()).await;
        let pair = Pair::open_unpaired(folder.path(), now()).await;
        let stop = AtomicBool::new(false);
        for nth in 0..5 {
            for family in resources::families() {
                let mut jump = |report: &RunReport| pair.clock.set(jumped(nth + report.batches));
                let chosen = Selection::Span(now().plus((nth - 40) * DAY), now().plus((nth - 38) * DAY));
                let mover = pair.mover(SIZES);
                let report = mover.restore(family, chosen, 2, &stop, &mut jump).await;
                assert_eq!((report.outcome, report.error), (Outcome::Done, None), "{}", family.resource);
                mover.resume(family).await.expect("resumed");
                pair.clock.set(jumped(nth));
                let vacuum = Vacuum { cold: &*pair.cold, clock: &pair.clock, family, keep: 30 * DAY };
                vacuum.run(&stop).await.expect("swept");
                check(&pair, &rows, family.resource, "swept").await;
                pair.clock.set(now());
                let report = run_mover(&mover, family, &plan(15, 9)).await;
                assert_eq!((report.outcome, report.error), (Outcome::Done, None), "{}", family.resource);
            }
            audit(&pair).await;
        }
        check_all(&pair, &rows).await;
        pair.close().await;
    });
}
