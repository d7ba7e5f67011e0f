//! Counts that a move updates with its rows: counted blocks for access by rank, and user actions by day. Also the number of
//! due rows.

pub mod activity;
pub mod blocks;
mod due;
mod queries;

pub use blocks::BlockSizes;
pub use due::due_of;
pub use queries::statements;
