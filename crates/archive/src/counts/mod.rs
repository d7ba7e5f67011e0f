//! What is counted beside the rows as they move: blocks of keys for random access, and user actions by day. Also how
//! many rows are due.

pub mod activity;
pub mod blocks;
mod due;
mod queries;

pub use blocks::BlockSizes;
pub use due::count_due;
pub use queries::statements;
