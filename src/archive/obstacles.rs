//! What stands in the way of moving a resource's rows: triggers, foreign keys that cascade or come from tables that do not
//! move, and columns nobody here knows, whose values would be lost.

use super::parents::Parents;
use super::{Family, MoveError};
use crate::schema::findings::{Difference, Outline};
use crate::schema::{Table, findings};
use crate::tier::{Engine, inspect};

/// Checks that a family's tables in hot can lose rows without losing anything else.
pub(super) async fn none(hot: &dyn Engine, family: &Family) -> Result<(), MoveError> {
    check(hot, family, |_| true).await.map(drop)
}

/// Checks that rows can come back to them. Nothing is lost on that way, whatever columns were added meanwhile and whatever
/// names their rows; but triggers would take them for new ones. Returns what the rows cannot be without.
pub(super) async fn none_back<'a>(hot: &dyn Engine, family: &'a Family) -> Result<Parents<'a>, MoveError> {
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
