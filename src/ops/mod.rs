//! What operators and their machines look at.

pub mod health;
pub mod metrics;
pub mod watch;
