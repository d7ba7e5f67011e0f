//! The protocol of the two tiers as a state machine, and an explorer that goes through all its states.
//!
//! What it says follows `src/archive` and `src/federation`, a step of the model for whatever others can see of the code:
//!
//! | module | is about |
//! |---|---|
//! | [`state`], [`cold`] | hot, cold, movers, a reader: everything there is, as plain bytes |
//! | [`rules`] | what may happen and how often, and what can be left out of the protocol to see that it is missed |
//! | [`moves`], [`effects`], [`recovery`] | the steps of a move: archive, restore, erase; recover and accept-loss |
//! | [`world`], [`reads`] | writers, backups, vacuum, requests and their answers |
//! | [`promises`], [`rest`] | what must hold in every state, and that every state can come to rest |
//! | [`explore`] | breadth first over every interleaving |
//!
//! Where code and model differ, the model is the coarser: a transaction of cold is one step (it holds the claim row from
//! its first statement to its commit), reading the copy back belongs to the copy, children move with their row, and all
//! block counts are one.

pub mod cold;
pub mod effects;
pub mod explore;
pub mod moves;
pub mod promises;
pub mod reads;
pub mod recovery;
pub mod rest;
pub mod rules;
pub mod state;
pub mod world;
