//! The declaration of the tables: the migrations make what it says, and databases are compared with it.

mod check;
mod databases;
mod declared;
mod docs;
mod generate;
mod kinds;
mod readers;

pub use databases::Database;
