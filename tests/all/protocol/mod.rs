//! The protocol, explored: every interleaving within a bound, and the mistakes that it must notice.
//!
//! The state machine is in `crates/protocol`. [`holds`] is about the protocol as it is: each scenario has its bound, and no
//! state in it breaks a promise. [`flaws`] leaves one thing out at a time, and the explorer has to find out. [`lockstep`]
//! goes random ways through the same model with real movers on real databases: [`driven`] maps its steps to calls, which
//! [`gate`] holds, [`real`] does the rest of what happens, [`compare`] says when both are equal, and [`saved`] takes backups.

mod compare;
mod driven;
mod flaws;
mod gate;
mod holds;
mod lockstep;
mod real;
mod saved;

use thermocline_protocol::explore::{Explored, explore};
use thermocline_protocol::rules::Rules;
use thermocline_protocol::state::Left;

/// Nothing happens but what is added to this.
const NOTHING: Left = Left {
    archives: 0,
    restores: 0,
    notes: 0,
    erasures: 0,
    recoveries: 0,
    crashes: 0,
    zombies: 0,
    answers: 0,
    damages: 0,
    inserts: 0,
    edits: 0,
    deletes: 0,
    old_hots: 0,
    old_colds: 0,
    vacuums: 0,
};

fn explored(name: &str, rules: &Rules) -> Explored {
    let begun = std::time::Instant::now();
    let explored = explore(rules);
    println!("{name}: {explored} ({:.1} s)", begun.elapsed().as_secs_f64());
    explored
}
