//! The protocol as it is. Each test prints the number of states within its bounds.

use thermocline_protocol::rules::Rules;
use thermocline_protocol::state::Budget;

use super::{NOTHING, explored};

/// Three batches, and one of each event that can interrupt them.
const BREAKS: Budget =
    Budget { archives: 3, crashes: 1, lost_sessions: 1, lost_answers: 1, inserts: 1, edits: 1, ..NOTHING };

/// Explores everything that `left` allows; `least` keeps a bound from becoming empty unnoticed.
fn holds(name: &str, rules: &Rules, least: usize) {
    let explored = explored(name, rules);
    assert!(explored.violation.is_none(), "{explored}");
    assert!(explored.states >= least, "only {} states", explored.states);
    let Budget { deletes, hot_reverts, cold_reverts, cuts, .. } = rules.budget;
    let may_recover = deletes + hot_reverts + cold_reverts + cuts > 0;
    assert_eq!(explored.recovered > 0, may_recover, "a recovery was asked for without need, or never");
}

fn usual(budget: Budget) -> Rules {
    Rules { budget, max_batch: 2, ..Rules::default() }
}

#[test]
fn three_batches_with_two_movers_and_all_failures() {
    holds("three batches", &usual(BREAKS), 400_000);
}

/// A row that is deleted between a crash and the next claim looks like an old backup of hot: the mover stops for a
/// recovery, which is not needed and restores the row.
#[test]
fn two_movers_with_writers_and_damaged_copies() {
    let budget = Budget {
        archives: 2,
        crashes: 1,
        lost_sessions: 1,
        lost_answers: 1,
        damaged_copies: 1,
        inserts: 1,
        edits: 1,
        deletes: 1,
        ..NOTHING
    };
    holds("writers", &usual(budget), 200_000);
}

#[test]
fn archive_and_restore_with_vacuum_and_a_lagging_replica() {
    let budget = Budget { archives: 2, restores: 1, vacuums: 1, inserts: 1, crashes: 1, ..NOTHING };
    holds("there and back", &Rules { replica: true, ..usual(budget) }, 400_000);
}

/// A distributed cold answers a commit although one of its servers does not show its part yet.
#[test]
fn commits_of_a_distributed_cold_in_parts() {
    let budget = Budget {
        archives: 2,
        restores: 1,
        late_parts: 2,
        crashes: 1,
        lost_sessions: 1,
        lost_answers: 1,
        ..NOTHING
    };
    holds("parts", &usual(budget), 100_000);
}

#[test]
fn corrected_prices() {
    let late = Budget { archives: 2, edits: 2, inserts: 1, crashes: 1, lost_answers: 1, ..NOTHING };
    holds("corrections", &Rules { corrections: true, ..usual(late) }, 200_000);
    let back = Budget { archives: 2, restores: 1, edits: 2, crashes: 1, ..NOTHING };
    holds("corrections there and back", &Rules { corrections: true, ..usual(back) }, 100_000);
}

#[test]
fn hot_reverted_while_rows_move_and_are_edited() {
    let budget = Budget { archives: 2, edits: 1, crashes: 1, hot_reverts: 1, recoveries: 1, ..NOTHING };
    holds("old hot, edits", &usual(budget), 300_000);
}

#[test]
fn hot_reverted_after_a_restore() {
    let budget = Budget { archives: 2, restores: 1, vacuums: 1, hot_reverts: 1, recoveries: 1, ..NOTHING };
    holds("old hot, restores", &usual(budget), 300_000);
}

#[test]
fn hot_reverted_to_a_backup_that_lacks_a_row() {
    let budget = Budget { archives: 2, inserts: 1, crashes: 1, hot_reverts: 1, recoveries: 1, ..NOTHING };
    holds("old hot, inserts", &usual(budget), 200_000);
}

#[test]
fn cold_reverted() {
    let budget = Budget { archives: 2, restores: 1, crashes: 1, cold_reverts: 1, recoveries: 1, ..NOTHING };
    holds("old cold", &usual(budget), 500_000);
}

#[test]
fn both_reverted() {
    let budget = Budget { archives: 2, hot_reverts: 1, cold_reverts: 1, recoveries: 1, ..NOTHING };
    holds("both old", &usual(budget), 300_000);
}

/// The state of hot is dropped, or hot is built anew without a row. A recovery joins it to cold again.
#[test]
fn hot_without_its_state_or_its_rows() {
    let budget = Budget { archives: 2, restores: 1, crashes: 1, cuts: 1, recoveries: 1, ..NOTHING };
    holds("cut hot", &usual(budget), 100_000);
    let budget = Budget {
        archives: 1,
        edits: 1,
        deletes: 1,
        lost_answers: 1,
        vacuums: 1,
        restores: 1,
        cuts: 1,
        recoveries: 1,
        ..NOTHING
    };
    holds("cut hot, deletes", &usual(budget), 10_000);
}

#[test]
fn erasures_with_hot_without_its_state() {
    let budget = Budget {
        archives: 1,
        erasure_requests: 1,
        erasures: 1,
        crashes: 1,
        cuts: 1,
        recoveries: 1,
        ..NOTHING
    };
    holds("erasure, cut hot", &usual(budget), 10_000);
}

#[test]
fn erasures_with_hot_reverted() {
    let budget = Budget {
        archives: 1,
        erasure_requests: 1,
        erasures: 1,
        crashes: 1,
        hot_reverts: 1,
        recoveries: 1,
        ..NOTHING
    };
    holds("erasure, old hot", &usual(budget), 100_000);
}

#[test]
fn erasures_with_cold_reverted() {
    let budget = Budget {
        archives: 1,
        erasure_requests: 1,
        erasures: 1,
        crashes: 1,
        cold_reverts: 1,
        recoveries: 1,
        ..NOTHING
    };
    holds("erasure, old cold", &usual(budget), 200_000);
}

#[test]
fn erasures_with_moves_in_both_directions() {
    let budget = Budget {
        archives: 1,
        erasure_requests: 1,
        erasures: 2,
        restores: 1,
        vacuums: 1,
        crashes: 1,
        lost_answers: 1,
        ..NOTHING
    };
    holds("erasures", &usual(budget), 100_000);
}

/// A platform's own archive is adopted while the platform writes, and hot comes back from a backup of before it.
#[test]
fn adoption_with_crashes_and_hot_reverted() {
    let budget = Budget { adoptions: 3, archives: 1, inserts: 1, edits: 1, crashes: 2, ..NOTHING };
    holds("adoption", &Rules { originals: true, ..usual(budget) }, 1_000);
    let budget =
        Budget { adoptions: 3, archives: 1, edits: 1, crashes: 1, hot_reverts: 1, recoveries: 1, ..NOTHING };
    holds("adoption, old hot", &Rules { originals: true, ..usual(budget) }, 1_000);
    let budget = Budget { adoptions: 2, restores: 1, vacuums: 1, hot_reverts: 1, recoveries: 1, ..NOTHING };
    holds("adoption there and back, old hot", &Rules { originals: true, ..usual(budget) }, 1_000);
}

/// Takes minutes, and gigabytes of memory.
#[test]
#[ignore = "wide: run it after a change of the protocol"]
fn wide() {
    let everything = Budget { deletes: 1, recoveries: 1, ..BREAKS };
    holds("wide, three batches", &usual(everything), 12_000_000);
    let old_hot =
        Budget { archives: 2, restores: 1, inserts: 1, crashes: 1, hot_reverts: 1, recoveries: 1, ..NOTHING };
    holds("wide, old hot", &usual(old_hot), 4_000_000);
    let old_cold = Budget {
        archives: 1,
        erasure_requests: 1,
        erasures: 2,
        restores: 1,
        crashes: 1,
        cold_reverts: 1,
        recoveries: 1,
        ..NOTHING
    };
    holds("wide, old cold", &usual(old_cold), 1_500_000);
    let erasures = Budget {
        archives: 1,
        erasure_requests: 1,
        erasures: 2,
        crashes: 1,
        lost_sessions: 1,
        lost_answers: 1,
        hot_reverts: 1,
        recoveries: 1,
        ..NOTHING
    };
    holds("wide, erasures", &usual(erasures), 1_000_000);
    let both = Budget { archives: 2, restores: 1, hot_reverts: 1, cold_reverts: 1, recoveries: 1, ..NOTHING };
    holds("wide, both old", &usual(both), 6_000_000);
}
