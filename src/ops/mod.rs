//! Routes and tasks for operators: health, metrics and their samples, the status and the control of the archive, the access log,
//! and the consistency watch.

pub mod access_log;
pub mod archive;
pub mod health;
pub mod latency;
pub mod metrics;
pub mod sampling;
pub mod statements;
pub mod traces;
pub mod watch;

/// The paths of probes and metrics. They never wait behind other requests.
pub const PATHS: [&str; 5] = ["/livez", "/readyz", "/health", "/api/health", "/metrics"];
