//! The protocol as it is. Each test prints how many states its bound has.

use thermocline_protocol::rules::Rules;
use thermocline_protocol::state::Left;

use super::{NOTHING, explored};

/// Three batches, and one each of what can break them.
const BREAKS: Left =
    Left { archives: 3, crashes: 1, zombies: 1, answers: 1, inserts: 1, edits: 1, ..NOTHING };

/// Explores all of `left`; `least` keeps a bound from becoming empty unnoticed.
fn holds(name: &str, rules: &Rules, least: usize) {
    let explored = explored(name, rules);
    assert!(explored.violation.is_none(), "{explored}");
    assert!(explored.states >= least, "only {} states", explored.states);
    let may_recover = rules.left.deletes + rules.left.old_hots + rules.left.old_colds > 0;
    assert_eq!(explored.recovered > 0, may_recover, "a recovery was asked for without need, or never");
}

fn usual(left: Left) -> Rules {
    Rules { left, most: 2, ..Rules::default() }
}

#[test]
fn two_movers_three_batches_and_everything_that_breaks() {
    holds("three batches", &usual(BREAKS), 400_000);
}

/// A row that is deleted between a crash and the next claim looks like an old backup of hot: the mover stops for a
/// recovery, which is not needed and brings the row back.
#[test]
fn two_movers_beside_writers_and_a_cold_that_damages() {
    let left = Left {
        archives: 2,
        crashes: 1,
        zombies: 1,
        answers: 1,
        damages: 1,
        inserts: 1,
        edits: 1,
        deletes: 1,
        ..NOTHING
    };
    holds("writers", &usual(left), 200_000);
}

#[test]
fn there_and_back_beside_a_vacuum_and_a_replica_that_lags() {
    let left = Left { archives: 2, restores: 1, vacuums: 1, inserts: 1, crashes: 1, ..NOTHING };
    holds("there and back", &Rules { replica: true, ..usual(left) }, 400_000);
}

#[test]
fn corrected_prices() {
    let late = Left { archives: 2, edits: 2, inserts: 1, crashes: 1, answers: 1, ..NOTHING };
    holds("corrections", &Rules { corrections: true, ..usual(late) }, 200_000);
    let back = Left { archives: 2, restores: 1, edits: 2, crashes: 1, ..NOTHING };
    holds("corrections there and back", &Rules { corrections: true, ..usual(back) }, 100_000);
}

#[test]
fn hot_from_a_backup_while_rows_move_and_are_edited() {
    let left = Left { archives: 2, edits: 1, crashes: 1, old_hots: 1, recoveries: 1, ..NOTHING };
    holds("old hot, edits", &usual(left), 300_000);
}

#[test]
fn hot_from_a_backup_after_rows_came_back() {
    let left = Left { archives: 2, restores: 1, vacuums: 1, old_hots: 1, recoveries: 1, ..NOTHING };
    holds("old hot, restores", &usual(left), 300_000);
}

#[test]
fn hot_from_a_backup_that_lacks_a_row() {
    let left = Left { archives: 2, inserts: 1, crashes: 1, old_hots: 1, recoveries: 1, ..NOTHING };
    holds("old hot, inserts", &usual(left), 200_000);
}

#[test]
fn cold_from_a_backup() {
    let left = Left { archives: 2, restores: 1, crashes: 1, old_colds: 1, recoveries: 1, ..NOTHING };
    holds("old cold", &usual(left), 500_000);
}

#[test]
fn both_from_backups() {
    let left = Left { archives: 2, old_hots: 1, old_colds: 1, recoveries: 1, ..NOTHING };
    holds("both old", &usual(left), 300_000);
}

#[test]
fn erased_rows_stay_away_from_an_old_hot() {
    let left = Left { archives: 1, notes: 1, erasures: 1, crashes: 1, old_hots: 1, recoveries: 1, ..NOTHING };
    holds("erasure, old hot", &usual(left), 100_000);
}

#[test]
fn erased_rows_stay_away_from_an_old_cold() {
    let left =
        Left { archives: 1, notes: 1, erasures: 1, crashes: 1, old_colds: 1, recoveries: 1, ..NOTHING };
    holds("erasure, old cold", &usual(left), 200_000);
}

#[test]
fn erasures_among_moves_both_ways() {
    let left = Left {
        archives: 1,
        notes: 1,
        erasures: 2,
        restores: 1,
        vacuums: 1,
        crashes: 1,
        answers: 1,
        ..NOTHING
    };
    holds("erasures", &usual(left), 100_000);
}

/// Takes minutes, and gigabytes.
#[test]
#[ignore = "wide: run it after a change of the protocol"]
fn wide() {
    let everything = Left { deletes: 1, recoveries: 1, ..BREAKS };
    holds("wide, three batches", &usual(everything), 12_000_000);
    let old_hot =
        Left { archives: 2, restores: 1, inserts: 1, crashes: 1, old_hots: 1, recoveries: 1, ..NOTHING };
    holds("wide, old hot", &usual(old_hot), 4_000_000);
    let old_cold = Left {
        archives: 1,
        notes: 1,
        erasures: 2,
        restores: 1,
        crashes: 1,
        old_colds: 1,
        recoveries: 1,
        ..NOTHING
    };
    holds("wide, old cold", &usual(old_cold), 1_500_000);
    let erasures = Left {
        archives: 1,
        notes: 1,
        erasures: 2,
        crashes: 1,
        zombies: 1,
        answers: 1,
        old_hots: 1,
        recoveries: 1,
        ..NOTHING
    };
    holds("wide, erasures", &usual(erasures), 1_000_000);
    let both = Left { archives: 2, restores: 1, old_hots: 1, old_colds: 1, recoveries: 1, ..NOTHING };
    holds("wide, both old", &usual(both), 6_000_000);
}
