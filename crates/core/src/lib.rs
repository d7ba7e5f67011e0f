//! The types every other crate of Thermocline builds on: time, keys and cursors, values, and the declaration of tables.
//!
//! Pure: nothing here knows a database or HTTP.

pub mod archived;
pub mod clock;
pub mod error;
pub mod feed;
pub mod journal_tables;
pub mod keyset;
pub mod signature;
pub mod table;
pub mod tier;
pub mod value;
