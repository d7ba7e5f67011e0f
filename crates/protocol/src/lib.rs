//! The protocol of the two tiers as a state machine, and an explorer of all its states.
//!
//! The model follows `crates/archive` and `crates/federation`. Each externally visible effect of the code is one step of
//! the model:
//!
//! | module | contents |
//! |---|---|
//! | [`state`], [`cold`] | hot, cold, movers, a reader: the whole state, as plain bytes |
//! | [`rules`] | possible events and their bounds, and the rules that can be left out to test the explorer |
//! | [`moves`], [`effects`], [`recovery`] | the steps of a move: archive, restore, erase; recover and accept-loss |
//! | [`adoption`] | a platform's own archive becomes versions |
//! | [`environment`], [`reads`] | writers, backups, vacuum, requests and their answers |
//! | [`invariants`], [`quiescence`] | safety: what holds in every state; liveness: every state can come to rest |
//! | [`feed`] | the change feed and its readers, a machine of its own |
//! | [`explore`] | breadth-first search over every interleaving |
//!
//! Where code and model differ, the model is coarser: a transaction of cold is one step (it holds the claim row from
//! its first statement to its commit), reading the copy back belongs to the copy, children move with their row, and all
//! counted blocks are one.

pub mod adoption;
pub mod cold;
pub mod effects;
pub mod environment;
pub mod explore;
pub mod feed;
pub mod invariants;
pub mod moves;
pub mod quiescence;
pub mod reads;
pub mod recovery;
pub mod rules;
pub mod state;
