//! Thermocline: one HTTP API over a hot and a cold database. A client cannot tell where a row lives or that it is
//! moving.
//!
//! A reader takes an **epoch** and its hot rows in one statement, and reads cold at exactly that epoch. The mover raises
//! the epoch in the transaction that removes rows from hot, after their copy is committed in cold. [`federation`] and
//! [`archive`] implement these two sentences.
//!
//! The program stands here, from the outside in:
//!
//! - [`cli`], [`server`]: commands; routes and middleware
//! - [`mcp`]: the same lists for language models; [`console`]: the page for browsers
//! - [`resources`]: a directory for each resource, and the registry that lists them
//! - [`openapi`]: the description of the API
//! - [`ops`]: health and metrics; [`load`]: records of [`import`] and [`demo`] into hot; [`export`]: archived rows into files
//! - [`web`]: parameters, pages, errors and authentication, shared by all routes
//! - [`schema`]: the declared tables and their migrations; [`config`]: settings; [`telemetry`]: logging
//!
//! Everything below is a crate under `crates/`, so that the compiler checks who may use what: [`clock`] and [`page`] (core),
//! [`tier`] (database), [`journal`], [`federation`], [`archive`]. `docs/architecture.md` describes them, and
//! `docs/adding-a-resource.md` shows how to add a resource.

pub mod adopt;
pub mod cli;
pub mod config;
pub mod console;
pub mod demo;
pub mod export;
pub mod load;
pub mod mcp;
pub mod openapi;
pub mod ops;
pub mod resources;
pub mod schema;
pub mod server;
pub mod telemetry;
pub mod web;

pub use thermocline_archive as archive;
pub use thermocline_core::{clock, feed, keyset as page};
pub use thermocline_database::{self as tier, queries};
pub use thermocline_federation as federation;
pub use thermocline_import as import;
pub use thermocline_journal as journal;
