//! A life of a pair in which every command that changes or reads cold has its turn, with all its lists checked in between.

use std::sync::atomic::AtomicBool;

use thermocline::archive::Outcome;
use thermocline::clock::{DAY, Timestamp};
use thermocline::resources;

use super::fault_injection::now;
use super::fixture::Fixture;
use super::purge::forget_before;
use super::{SIZES, run};

const RESOURCES: [&str; 3] = ["messages", "posts", "prices"];

/// Checks every list and table.
pub fn check(fixture: &Fixture) {
    for resource in RESOURCES {
        run(fixture.check_whole(resource));
    }
}

/// Runs every command on a pair with the sample in hot.
pub fn run_all(fixture: &mut Fixture) {
    fixture.done("archive run --older-than 1d --batch 40");
    check(fixture);
    for (nth, resource) in (1..).zip(RESOURCES) {
        run(fixture.write_late(resource, nth));
    }
    fixture.done("archive run --older-than 1d");
    check(fixture);

    fixture.done("archive restore --all");
    check(fixture);
    fixture.done("archive resume");
    fixture.done("archive run --older-than 1d");
    fixture.done("archive vacuum --keep 0s");
    check(fixture);

    fixture.done("archive export copy");
    let checked = fixture.done("archive export --verify copy").out;
    assert_eq!(checked.lines().filter(|line| line.contains(": sound; ")).count(), 3, "{checked}");
    fixture.done("archive erase --user 1");
    fixture.rows.forget_user(1);
    check(fixture);
    let before = Timestamp::midnight(now().plus(-30 * DAY).date());
    run(purge(fixture, before));
    for resource in RESOURCES {
        forget_before(&mut fixture.rows, resource, before);
    }
    check(fixture);
    fixture.done("archive status");
    fixture.done("archive verify");
}

/// Purges in this process: the program has another clock than the sample.
async fn purge(fixture: &Fixture, before: Timestamp) {
    let pair = fixture.open().await;
    for family in resources::families() {
        let stop = AtomicBool::new(false);
        let report = pair.mover(SIZES).purge(family, (before, i64::MAX), 9, &stop, &mut |_| {}).await;
        assert_eq!((report.outcome, report.error), (Outcome::Done, None), "{}", family.resource);
        assert!(report.rows > 0, "{}", family.resource);
    }
    pair.close().await;
}

#[test]
fn every_command_works_on_postgres() {
    let Some(mut fixture) = Fixture::mixed() else { return };
    run_all(&mut fixture);
}
