//! Moving rows from hot to cold and back, one numbered batch at a time.
//!
//! The copy in cold is committed first and is invisible; it is read back and proven; then one hot transaction removes the
//! rows and raises the epoch. **That commit is the move.** Everything before it is invisible and nothing after it is
//! required, so a mover may be killed at any time.
//!
//! | module | holds | uses |
//! |---|---|---|
//! | `model` | the declaration of what moves; data only | |
//! | `counts` | counted blocks, user activity, due rows | model |
//! | `moves` | the steps of a move: to cold, back, and erasures | counts, [`thermocline_journal`] |
//! | `recover` | making the databases agree after one was restored from a backup | moves |
//! | `maintenance` | verify, vacuum, status | counts, journal |
//! | `export` | reading what is archived at one epoch | moves, journal |
//! | `adopt` | a platform's own archive becomes this one | recover, moves |
//! | `driver` | runs, restores, schedules, the continuous auditor, metrics | all of these |
//!
//! Each resource that moves declares a [`Family`]. This crate names no resource.

pub mod adopt;
mod counts;
mod driver;
pub mod export;
mod maintenance;
mod model;
mod moves;
mod recover;

use thermocline_database::{Statement, fail_point};

pub use counts::BlockSizes;
pub use driver::{ArchiveOptions, Outcome, RunReport, auditor, metrics, schedule};
pub use maintenance::{status, vacuum, verify};
pub use model::{Blocks, Due, Family, Moved, Rule, Selection, Signatures, Supersede};
pub use moves::erasures::erased;
pub use moves::present;
pub use moves::rejects::retry as retry_rejects;
pub use moves::timing::Steps;
pub use moves::{MoveError, Mover};
pub use recover::{Choices, Consent, InDoubtMove, MissingParents, Recovery};

/// Returns every statement of the archive as it is sent for these families.
pub fn statements(families: &[&Family]) -> Vec<Statement> {
    [
        model::statements,
        counts::statements,
        moves::statements,
        recover::statements,
        maintenance::statements,
        export::statements,
        adopt::statements,
    ]
    .into_iter()
    .flat_map(|module| module(families))
    .collect()
}
