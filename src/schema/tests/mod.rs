//! The declared tables, as the database crate reads and compares them.

mod dialect;
mod diff;
mod findings;
mod migrations;
mod tolerance;
mod version_detection;
