//! The declaration of the rows that move: the tables of each resource, and the rules by which rows are due or selected.

pub mod family;
mod moved;
mod retention;
mod selection;
mod statements;
pub mod templates;

pub use family::{Blocks, Family, Signatures, Supersede};
pub use moved::{Action, DATETIME_STEP, Moved};
pub use retention::{Due, Rule};
pub use selection::{RestoreCursor, Selection};
pub use statements::statements;
