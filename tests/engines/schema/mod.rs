//! The declaration of the tables: migrations create what it says, and databases are compared with it.

mod changes;
mod check;
mod databases;
mod declaration;
mod docs;
mod generate;
mod queries;

pub use databases::Database;
