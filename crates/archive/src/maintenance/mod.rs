//! Verify, vacuum and status: they read the model and the journal, and move no rows.

mod counter;
mod queries;
pub mod status;
pub mod vacuum;
pub mod verify;

pub use queries::statements;
