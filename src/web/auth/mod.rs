//! Authentication: a JWT in `Authorization: Bearer`, verified against the settings alone.
//!
//! The settings choose the algorithm and the clock gives the time. The signature is checked before any claim, so that
//! only the holder of a genuine token learns what is wrong with its claims.

mod claims;
mod error;
mod extract;
mod keys;
mod published;
#[cfg(test)]
mod tests;
mod verifier;

pub use claims::Caller;
pub use error::{IssueError, Refusal, VerifierError};
pub use published::FetchError;
pub use verifier::{AuthSettings, KeySource, Verifier};
