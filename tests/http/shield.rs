//! Clients that do harm, by accident or on purpose: each meets a limit, and others are answered beside them.

mod connections;
mod overload;
mod probes;
pub mod raw;
mod requests;
mod shutdown;
mod sign_ins;
mod slow;
