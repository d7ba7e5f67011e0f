//! The obstacles to moving a resource: triggers, foreign keys that cascade or come from tables that do not move, and
//! unknown columns, whose values would be lost.

use super::MoveError;
use super::parents::Parents;
use crate::model::Family;
use thermocline_core::table::Table;
use thermocline_database::schema::findings;
use thermocline_database::schema::findings::{Difference, Outline};
use thermocline_database::{Engine, inspect};

/// Checks that deleting rows from the family's tables in hot loses nothing but those rows.
pub async fn check_leaving(hot: &dyn Engine, family: &Family) -> Result<(), MoveError> {
    check(hot, family, |_| true).await.map(drop)
}

/// Checks that rows can be inserted again, and returns the parents they need. Only triggers prevent it, since they would fire
/// as for new rows.
pub async fn check_returning<'a>(hot: &dyn Engine, family: &'a Family) -> Result<Parents<'a>, MoveError> {
    let outline = check(hot, family, |what| what == Difference::Trigger).await?;
    Ok(Parents::of(family, &outline.foreign))
}

async fn check(
    hot: &dyn Engine,
    family: &Family,
    counts: fn(Difference) -> bool,
) -> Result<Outline, MoveError> {
    let tables: Vec<&Table> = family.tables.iter().map(|moved| moved.table).collect();
    let names: Vec<&str> = tables.iter().map(|table| table.name).collect();
    let outline = inspect::outline(hot, &names).await?;
    let mut found = findings::obstacles(&tables, &outline);
    found.retain(|finding| counts(finding.what));
    if found.is_empty() {
        return Ok(outline);
    }
    let found: Vec<String> = found.into_iter().map(|finding| finding.text).collect();
    Err(MoveError::Obstructed { resource: family.resource, detail: found.join("; ") })
}
