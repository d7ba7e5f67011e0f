//! Erasures and the rows that an adoption has kept: neither the rejects nor the platform's own tables may keep an erased row.

use super::original::{Original, UTC};
use super::queries::sql;
use super::source::Source;
use crate::model::Family;
use thermocline_database::{Begin, Engine, TierError};

/// Removes the erased rows of a family from the platform's own table.
pub async fn forget_erased(cold: &dyn Engine, original: &Original, family: &Family) -> Result<u64, TierError> {
    // A table that cannot be read was never adopted.
    let Ok(source) = Source::of(original, family, UTC) else { return Ok(0) };
    let mut session = cold.session().await?;
    session.begin(Begin::Write).await?;
    let gone = session.execute(&source.sql(sql::forget_original()), &[family.resource.into()]).await?;
    session.commit().await?;
    Ok(gone)
}
