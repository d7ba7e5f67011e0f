//! Streams of changes: one poller a server for all of them, only while there are any.
//!
//! Each file uses only those above it:
//!
//! - [`source`]: where changes come from, and how one is written for a stream
//! - `queue`: the parts that wait for one client, bounded
//! - `places`: how many streams there may be
//! - `pace`: how long the poller waits
//! - [`hub`]: the open streams, and the changes of the last seconds
//! - `poller`: asks the source and hands changes to the hub, from the first stream on until the last has left
//! - [`stream`]: the body of one stream: what was missed, then what comes
//!
//! A stream that resumes reads what it missed by queries of its own, and then joins the others at the token it has reached.
//! The hub keeps the changes of the last seconds, so that the poller may be ahead of it without a gap. Nothing here knows
//! a resource.

pub mod hub;
mod pace;
mod places;
mod poller;
mod queue;
pub mod source;
pub mod stream;

#[cfg(test)]
mod tests;

pub use hub::{Hub, Interest, Reader};
pub use places::{Place, StreamLimits};
pub use source::{Change, FeedError, Of, Readers, Slice, Source, Token};
