//! Schemas as data: what engines are told ([`emit`]), what a live database is compared with ([`diff`], [`findings`], [`version_detection`]) and what a reader
//! is told ([`docs`]) follow from the declaration of the tables. All of it is pure.

pub mod dialect;
pub mod diff;
pub mod docs;
pub mod emit;
pub mod findings;
pub mod model;
pub mod version_detection;

pub use dialect::Dialect;
pub use model::Model;
pub use thermocline_core::table::*;
