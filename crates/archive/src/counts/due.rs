//! The number of due rows.

use thermocline_core::clock::Timestamp;
use thermocline_database::{Record, TierError};

/// Returns how many rows of a resource are due, and the time of the oldest, from the answer of the statement that counts them.
pub fn due_of(counted: &[Record]) -> Result<(i64, Option<Timestamp>), TierError> {
    let Some(record) = counted.first() else { return Ok((0, None)) };
    Ok((record.int("n")?, record.time_or_null("oldest")?))
}
