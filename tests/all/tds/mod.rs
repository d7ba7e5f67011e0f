//! The program's path to SQL Server over a real socket, where no SQL Server is at hand.
//!
//! The [`Front`] is a small TDS 7.4 server. It knows the statements of the program by their exact texts, runs each one's
//! SQLite twin, and answers with the column types that SQL Server would; a text it does not know is an error. It can be
//! told to fail in many ways. So the driver, the types, the pool, cancellation and the order of statements are tested
//! on the wire, and **the T-SQL is not**: only a server verifies that.

mod basics;
mod faults;
mod front;
mod inserts;
mod login;
mod mover;
mod packets;
mod pool;
mod reader;
mod registry;
mod request;
mod server;
mod session;
mod statements;
mod tokens;
mod values;
mod wired;

pub use self::front::Front;
pub use self::wired::Wired;

/// What an engine over the front is called where results are shown.
pub const LABEL: &str = "TDS front (wire-tested; SQL not verified on a server)";
