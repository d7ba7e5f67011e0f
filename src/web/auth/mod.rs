//! Authentication: a JWT in `Authorization: Bearer`, verified against the settings alone.
//!
//! The settings choose the algorithm and the clock gives the time. The signature is checked before any claim, so that
//! only the holder of a genuine token learns what is wrong with its claims.

mod caller;
mod claims;
mod error;
mod extract;
mod json;
mod keys;
mod published;
mod stream_caller;
#[cfg(test)]
mod tests;
mod ticket;
mod users;
mod verifier;

pub use caller::{Caller, Scope};
pub use claims::{ClaimSettings, Identity, TokenUser, UserLookup};
pub use error::{IssueError, Refusal, VerifierError};
pub use published::FetchError;
pub use stream_caller::{StreamCaller, TICKET};
pub use ticket::{Ticket, Tickets};
pub use users::{CACHE as USERS_CACHE, Users, statements};
pub use verifier::{AuthSettings, KeySource, Verifier};
