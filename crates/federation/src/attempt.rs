//! Attempts: a read that another process may overtake, so that it begins again.

use std::future::Future;

use super::error::ReadError;
use thermocline_database::TierError;
use thermocline_journal::ConsistencyError;

/// The largest number of attempts of a request, when moves or vacuum interfere.
const ATTEMPTS: usize = 8;

/// The result of one attempt.
pub(super) type Attempt<T> = Result<T, Interruption>;

/// Why an attempt has no answer.
pub(super) enum Interruption {
    /// The epoch it asked for is gone: begin again from hot.
    Retry,
    /// The request has failed.
    Failed(ReadError),
}

impl From<ReadError> for Interruption {
    fn from(error: ReadError) -> Self {
        Self::Failed(error)
    }
}

impl From<TierError> for Interruption {
    fn from(error: TierError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<ConsistencyError> for Interruption {
    fn from(error: ConsistencyError) -> Self {
        Self::Failed(error.into())
    }
}

/// Attempts a read of a resource until it has an answer.
///
/// # Errors
/// The error of an attempt; [`ReadError::Overtaken`] if every attempt had to begin again.
pub(super) async fn retry<T, F>(resource: &'static str, attempt: impl Fn() -> F) -> Result<T, ReadError>
where
    F: Future<Output = Attempt<T>>,
{
    for _ in 0..ATTEMPTS {
        match attempt().await {
            Ok(answer) => return Ok(answer),
            Err(Interruption::Failed(error)) => return Err(error),
            Err(Interruption::Retry) => {}
        }
    }
    Err(ReadError::Overtaken { resource })
}
