//! The change feed in the model: within the bounds no reader misses anything, and each mistake is found.

use thermocline_protocol::feed::{Budget, Mistake, explore};

/// Everything once, so that a row can be written twice.
const BUDGET: Budget = Budget { writes: 2, moves: 1, restores: 1, erasures: 1, prunes: 1, reads: 5 };

#[test]
fn no_reader_misses_anything() {
    misses_nothing(BUDGET, 20_000);
}

/// Takes minutes in a debug build.
#[test]
#[ignore = "wide: run it after a change of the feed"]
fn wide() {
    misses_nothing(Budget { writes: 3, moves: 2, reads: 6, ..BUDGET }, 600_000);
}

/// Explores everything that a budget allows; `least` keeps a bound from becoming empty unnoticed.
fn misses_nothing(budget: Budget, least: usize) {
    let explored = explore(budget, None);
    println!("change feed: {explored}");
    assert!(explored.missed.is_none(), "{explored}");
    assert!(explored.states >= least, "only {} states", explored.states);
}

#[test]
fn mistakes_of_the_feed() {
    for mistake in [
        Mistake::BoundAfterRows,
        Mistake::BoundOfNewest,
        Mistake::TokenAfterPage,
        Mistake::MoveUnnoted,
        Mistake::FloorElsewhere,
        Mistake::FloorIgnored,
        Mistake::ErasureUntold,
    ] {
        let explored = explore(BUDGET, Some(mistake));
        println!("{mistake:?}: {explored}");
        assert!(explored.missed.is_some(), "{mistake:?} was not found");
    }
}
