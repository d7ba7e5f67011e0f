//! The protocol model: every interleaving within a bound, the planted mistakes that it must find, and the real code
//! beside it.
//!
//! The state machine is in `crates/protocol`. [`scenarios`] explores the protocol as it is: no state within the bounds
//! breaks an invariant. [`planted_mistakes`] leaves one rule out at a time, and the explorer must find a violation.
//! [`lockstep`] performs random runs of the model with real movers on real databases: [`steps`] maps steps of the model
//! to calls, which [`gate`] holds back, [`databases`] does everything else, [`compare`] compares both, and [`backups`]
//! takes backups.

mod backups;
mod compare;
mod databases;
mod feed;
mod gate;
mod lockstep;
mod planted_mistakes;
mod scenarios;
mod steps;

use thermocline_protocol::explore::{Explored, explore};
use thermocline_protocol::rules::Rules;
use thermocline_protocol::state::Budget;

/// No event may happen.
const NOTHING: Budget = Budget {
    archives: 0,
    adoptions: 0,
    restores: 0,
    erasure_requests: 0,
    erasures: 0,
    recoveries: 0,
    crashes: 0,
    lost_sessions: 0,
    lost_answers: 0,
    damaged_copies: 0,
    late_parts: 0,
    inserts: 0,
    edits: 0,
    deletes: 0,
    hot_reverts: 0,
    cold_reverts: 0,
    cuts: 0,
    vacuums: 0,
};

fn explored(name: &str, rules: &Rules) -> Explored {
    let begun = std::time::Instant::now();
    let explored = explore(rules);
    println!("{name}: {explored} ({:.1} s)", begun.elapsed().as_secs_f64());
    explored
}
