//! Detecting the schema of a database without a version table.

use std::collections::BTreeSet;

use super::{Schema, Step, made, models};
use crate::TierError;
use crate::schema::Model;
use crate::schema::version_detection::{VersionMatch, match_version};

/// The tables of a database as lines for columns, keys and indexes, and the same after each migration.
#[derive(Debug)]
pub struct Shapes {
    /// The current tables: table and line.
    pub now: Vec<(String, String)>,
    /// The tables after each migration on an empty database.
    pub after: Vec<Vec<(String, String)>>,
}

/// The schema of a database without a version table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DetectedSchema {
    /// None of the program's tables.
    Empty,
    /// Exactly the tables of this version.
    Version(i64),
    /// Some of the program's tables, equal to no version: the differences from the closest one.
    Diverged(Vec<String>),
    /// A platform's own tables, which the first migration adopts with their rows.
    Platform,
}

/// Detects the schema of a database. Tables that no migration creates are ignored.
///
/// Where migrations can be tried, a version must match exactly. Elsewhere the catalogs are compared with the versions
/// on SQLite, and a platform's changes of its own tables are accepted.
pub async fn detect(database: &dyn Schema) -> Result<DetectedSchema, TierError> {
    let steps = database.steps();
    if let Some(shapes) = database.shapes(steps).await? {
        return Ok(compare(steps, &shapes));
    }
    let schema = database.schema();
    let (live, versions) = (database.inspect(&made(steps)).await?, models(schema).await?);
    let declared = Model::of(schema.tables);
    Ok(match match_version(&live, &versions, &declared) {
        VersionMatch::Empty => DetectedSchema::Empty,
        VersionMatch::Platform => DetectedSchema::Platform,
        VersionMatch::Version(place) => DetectedSchema::Version(steps.get(place).map_or(0, Step::version)),
        VersionMatch::Diverged(wrong) => DetectedSchema::Diverged(wrong),
    })
}

fn compare(steps: &[Step], shapes: &Shapes) -> DetectedSchema {
    let ours: BTreeSet<&String> = shapes.after.iter().flatten().map(|(table, _)| table).collect();
    let lines = |shape: &[(String, String)]| -> BTreeSet<String> {
        shape.iter().filter(|(table, _)| ours.contains(table)).map(|(_, line)| line.clone()).collect()
    };
    let now = lines(&shapes.now);
    if now.is_empty() {
        return DetectedSchema::Empty;
    }
    let mut nearest: Option<Vec<String>> = None;
    // Newest first: of versions with the same tables the newest.
    for (step, after) in steps.iter().zip(&shapes.after).rev() {
        let after = lines(after);
        let missing = after.difference(&now).map(|line| format!("missing: {line}"));
        let unknown = now.difference(&after).map(|line| format!("unknown: {line}"));
        let wrong: Vec<String> = missing.chain(unknown).collect();
        if wrong.is_empty() {
            return DetectedSchema::Version(step.version);
        }
        if nearest.as_ref().is_none_or(|best| wrong.len() < best.len()) {
            nearest = Some(wrong);
        }
    }
    DetectedSchema::Diverged(nearest.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEPS: [Step; 2] = [Step::new(1, "0001_a", "", ""), Step::new(2, "0002_b", "", "")];

    fn shape(lines: &[(&str, &str)]) -> Vec<(String, String)> {
        lines.iter().map(|(table, line)| ((*table).to_owned(), (*line).to_owned())).collect()
    }

    #[test]
    fn only_an_exact_fit_is_a_version() {
        let first = [("t", "t.x int")];
        let second = [("t", "t.x int"), ("t", "t.y int")];
        let of = |now: &[(&str, &str)]| {
            compare(&STEPS, &Shapes { now: shape(now), after: vec![shape(&first), shape(&second)] })
        };
        assert_eq!(of(&[]), DetectedSchema::Empty);
        assert_eq!(of(&[("theirs", "theirs.x int")]), DetectedSchema::Empty);
        assert_eq!(of(&first), DetectedSchema::Version(1));
        assert_eq!(of(&[second[0], second[1], ("theirs", "theirs.x int")]), DetectedSchema::Version(2));
        let wrong = ["missing: t.x int".to_owned(), "unknown: t.x text".to_owned()];
        assert_eq!(of(&[("t", "t.x text")]), DetectedSchema::Diverged(wrong.into()));
    }
}
