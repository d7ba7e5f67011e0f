//! The program's path to SQL Server over a real socket, without SQL Server: against [`crate::support::tds`].

mod basics;
mod connections;
mod moves;
mod statements;
