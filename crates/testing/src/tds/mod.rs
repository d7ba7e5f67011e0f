//! A small TDS 7.4 server.
//!
//! The [`FakeServer`] knows the statements of the program by their exact texts, runs the SQLite variant of each, and
//! answers with the column types of SQL Server; a text it does not know is an error. It can be told to fail in many
//! ways. So the driver, the types, the pool, cancellation and the order of statements are tested on the wire, and **the
//! T-SQL is not**: only a server verifies that.

mod engine;
mod fake_server;
mod inserts;

mod packets;
mod reader;
mod request;
mod server;
mod session;
mod values;

pub mod faults;
pub mod login;
pub mod registry;
pub mod tokens;

pub use self::engine::TdsEngine;
pub use self::fake_server::FakeServer;

/// Name of the engine in test output.
pub const LABEL: &str = "TDS front (wire-tested; SQL not verified on a server)";
