//! The error of this module.

use std::fmt::Display;

/// A setting that cannot be used. The text names the setting and never repeats a value that may be secret.
#[derive(Debug, thiserror::Error)]
#[error("{setting}: {fault}")]
pub struct ConfigError {
    setting: String,
    fault: String,
}

impl ConfigError {
    /// Returns an error for `setting`; `fault` completes the sentence that begins with its name.
    pub(super) fn new(setting: impl Into<String>, fault: impl Display) -> Self {
        Self { setting: setting.into(), fault: fault.to_string() }
    }
}
