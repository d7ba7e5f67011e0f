//! The number of due rows.

use crate::model::{Family, Rule};
use thermocline_core::clock::Timestamp;
use thermocline_database::{Engine, TierError, Value};

/// Returns how many rows of a resource are older than `cutoff`, and the time of the oldest.
pub async fn count_due(
    hot: &dyn Engine,
    family: &Family,
    rule: Rule,
    cutoff: &Value,
) -> Result<(i64, Option<Timestamp>), TierError> {
    let records = hot.fetch(&family.due(rule).count, std::slice::from_ref(cutoff)).await?;
    let Some(record) = records.first() else { return Ok((0, None)) };
    Ok((record.int("n")?, record.time_or_null("oldest")?))
}
