//! What moves: the resources with their tables, and which of their rows are due or selected.

pub mod family;
mod moved;
mod retention;
mod selection;
mod statements;
pub mod templates;

pub use family::{Blocks, Family, Supersede};
pub use moved::{Action, Moved};
pub use retention::{Due, Rule};
pub use selection::{RestoreCursor, Selection};
pub use statements::statements;
