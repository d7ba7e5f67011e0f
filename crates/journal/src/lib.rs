//! The journal of moves: the record of all moves in both databases, and the check that the databases agree.
//!
//! | table | tier | one row for each |
//! |---|---|---|
//! | `archive_state` | hot | resource: its epoch, and the token of the move that raised it ([`state`]) |
//! | `archive_control` | hot | resource: what operators ask of its movers ([`control`]) |
//! | `archive_head` | cold | resource: the number that was claimed last, and by which mover ([`claim`]) |
//! | `archive_batches` | cold | move: its kind, token, rows and digest ([`entry`]) |
//!
//! Where hot has a change feed, moves and erasures leave a note for its readers ([`live`]).
//!
//! A move exists in cold before hot commits it. Hot's epoch and token therefore always have an entry in cold, and no entry
//! that hot was seen to commit lies above hot's epoch. Where either does not hold, one database is older than the other:
//! a [`ConsistencyError`].

pub mod claim;
mod consistency;
pub mod control;
mod digest;
pub mod entry;
mod kind;
pub mod live;
pub mod pair;
pub mod proof;
mod queries;
pub mod state;

pub use consistency::{ConsistencyError, Disagreement, JournalError};
pub use control::Control;
pub use digest::Digest;
pub use entry::Entry;
pub use kind::MoveKind;
pub use pair::PairError;
pub use queries::statements;
pub use state::State;
