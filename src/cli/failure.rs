//! The error of a command.

use crate::config::ConfigError;
use crate::telemetry::explain;

/// Why a command failed.
#[derive(Debug)]
pub enum Failure {
    /// Wrong usage or settings: exit status 2.
    Usage(String),
    /// The command failed: exit status 1.
    Failed(String),
    /// The command failed and has reported it already: exit status 1.
    Reported,
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Usage(error.to_string())
    }
}

impl Failure {
    /// Returns a failure with the text of an error and its causes.
    pub fn of(error: impl std::error::Error) -> Self {
        Self::Failed(explain(&error))
    }
}
