//! The declaration of the tables: the migrations make what it says, and databases are compared with it.

mod databases;
mod declared;

pub use databases::{Database, migration};
