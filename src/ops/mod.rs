//! Routes and tasks for operators: health, metrics, and the consistency watch.

pub mod health;
pub mod metrics;
pub mod watch;
