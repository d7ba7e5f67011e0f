//! Thermocline: one HTTP API over a hot and a cold database, in which nobody can tell where a row lives or that it is
//! moving.
//!
//! A reader takes an **epoch** and its hot rows in one statement, and reads cold at exactly that epoch; the mover raises
//! the epoch in the transaction that removes rows from hot, after their copy is committed in cold. [`federation`] and
//! [`archive`] are those two sentences; the rest serves them.
//!
//! Rooms, from the outside in; imports point only inwards, and a test reads them:
//!
//! - [`cli`], [`server`]: commands; routes and middleware
//! - [`resources`]: a folder a noun; [`ops`]: health and metrics; [`load`]: records of [`import`] and [`demo`] into hot
//! - [`web`]: what routes share
//! - [`archive`]: moving; [`federation`]: one list out of two tiers
//! - [`tier`]: what a database is
//! - [`page`]: keys, slices, cursors
//! - leaves: [`config`], [`clock`], [`schema`], [`telemetry`]
//!
//! **To add a resource**: its tables in [`schema`], and the migrations that `db generate` writes; a folder in
//! [`resources`] with its row, its list ([`federation::List`] and [`federation::sql::SqlList`]), its SQL for each engine,
//! its routes and, if it moves, its [`archive::Family`]; a line for each in `resources/mod.rs`; the new
//! `openapi/openapi.json`; a test file.
//! `docs/architecture.md` says more.

pub mod archive;
// `println!` panics when nobody reads any more.
#[warn(clippy::print_stdout, clippy::print_stderr)]
pub mod cli;
pub mod config;
pub mod demo;
pub mod federation;
pub mod import;
pub mod journal;
pub mod load;
pub mod ops;
pub mod resources;
pub mod schema;
pub mod server;
pub mod telemetry;
pub mod web;

pub use thermocline_core::{clock, keyset as page};
pub use thermocline_database::{self as tier, queries};
