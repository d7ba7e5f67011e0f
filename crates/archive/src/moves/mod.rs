//! One move: a batch to cold, a batch back to hot, or an erasure.
//!
//! [`transaction`] has the steps that every move shares, [`settle`] what it does about an interrupted move before it.

pub mod archive;
pub mod budget;
mod context;
pub mod erase;
pub mod erasures;
mod error;
pub mod parents;
pub mod pick;
pub mod preflight;
pub mod purge;
mod queries;
pub mod rejects;
pub mod restore;
pub mod retry;
pub mod rows;
pub mod settle;
pub mod timing;
pub mod transaction;

pub use context::Mover;
pub use error::MoveError;
pub use queries::{present, sql, statements};
