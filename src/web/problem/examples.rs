//! One problem of each type, for the description of the API and for tests.

use super::{BearerError, Problem};

/// Returns an example of each problem type, in the order of [`super::KINDS`].
pub fn examples() -> Vec<Problem> {
    vec![
        Problem::parameter("limit", "must be a whole number from 1 to 100"),
        Problem::InvalidCursor { name: "before".into() },
        Problem::Unauthorized {
            error: BearerError::InvalidToken,
            description: "The token has expired".into(),
        },
        Problem::Forbidden { scope: "admin" },
        Problem::NotFound { what: "conversation" },
        Problem::MethodNotAllowed,
        Problem::NotAcceptable { offered: "application/json".into() },
        Problem::ChangesExpired,
        Problem::PayloadTooLarge,
        Problem::RateLimited { retry_after: 7 },
        Problem::Overloaded { retry_after: 1 },
        // The source must not reach a client.
        Problem::internal("password=hunter2"),
        Problem::TierUnavailable { tier: "cold", retry_after: 5 },
        Problem::RecoveryDue,
        Problem::Timeout,
    ]
}
