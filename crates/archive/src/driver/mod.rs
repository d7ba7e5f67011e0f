//! The drivers of moves and checks: runs, schedules, pauses, metrics and the continuous auditor.

pub mod auditor;
pub mod metrics;
mod options;
mod outcome;
mod pace;
mod purge;
mod report;
mod restore;
mod run;
pub mod schedule;
mod steering;

pub use options::ArchiveOptions;
pub use outcome::Outcome;
pub use report::RunReport;
