//! Tells a database that refuses values from one that refuses a statement.

use rusqlite::ffi::ErrorCode;
use sqlx::postgres::PgDatabaseError;

use crate::TierError;

/// Errors of SQL Server about values: NULL, a constraint, a unique key, a text that is too long, a number out of range or that
/// cannot be converted. Errors of triggers begin at 50000.
const VALUES: [u32; 14] = [220, 232, 241, 242, 245, 248, 515, 547, 2601, 2627, 2628, 8114, 8115, 8152];
/// Babelfish gives most errors one number and PostgreSQL's message.
const BABELFISH: u32 = 33_557_097;
const BABELFISH_VALUES: [&str; 4] = ["violates", "too long", "out of range", "invalid input"];
/// Classes of PostgreSQL: data exceptions, violated constraints, errors that the code of a platform raises.
const POSTGRES_CLASSES: [&str; 3] = ["22", "23", "P0"];
/// The first number of errors that the code of a platform raises.
const RAISED: u32 = 50_000;

impl TierError {
    /// Returns the message of a database that refused the values of a row, for a constraint of its own; `None` for any other
    /// error.
    pub fn refused_values(&self) -> Option<String> {
        let Self::Statement { source, .. } = self else { return None };
        if let Some(tiberius::error::Error::Server(token)) = source.downcast_ref() {
            let (code, message) = (token.code(), token.message());
            let said = code == BABELFISH && BABELFISH_VALUES.iter().any(|text| message.contains(text));
            let raised = (RAISED..BABELFISH).contains(&code);
            return (VALUES.contains(&code) || raised || said).then(|| message.to_owned());
        }
        if let Some(rusqlite::Error::SqliteFailure(error, message)) = source.downcast_ref() {
            let refuses = error.code == ErrorCode::ConstraintViolation;
            return refuses.then(|| message.clone().unwrap_or_else(|| error.to_string()));
        }
        let error = source.downcast_ref::<sqlx::Error>()?.as_database_error()?;
        let error = error.try_downcast_ref::<PgDatabaseError>()?;
        let refuses = POSTGRES_CLASSES.iter().any(|class| error.code().starts_with(class));
        refuses.then(|| error.message().to_owned())
    }
}
