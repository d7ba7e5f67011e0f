//! Detects the version of a database whose engine cannot try migrations: its tables are compared with those of each
//! version, as far as the differences matter.
//!
//! The tables of the first version belong to the platform. Its additions (columns, lengths, defaults, indexes) are
//! accepted.

use super::Dialect;
use super::diff::{Alter, Change, diff};
use super::findings::{Difference, Live, of_alter};
use super::model::{ColumnModel, Model, Type};

/// The schema of a database without a version table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VersionMatch {
    /// None of the program's tables.
    Empty,
    /// A platform's own tables, which the first migration can adopt.
    Platform,
    /// The tables of the version at this index.
    Version(usize),
    /// Some of the program's tables, equal to no version: the differences from the closest one.
    Diverged(Vec<String>),
}

/// Compares the live schema with each version. `versions` come from SQLite; [`Dialect::lift`] adds what it cannot
/// tell.
pub fn match_version(live: &Live, versions: &[Model], declared: &Model) -> VersionMatch {
    if live.model.tables.is_empty() {
        return VersionMatch::Empty;
    }
    let Some(first) = versions.first() else { return VersionMatch::Diverged(Vec::new()) };
    let meant = |version: &Model| live.dialect.fold(&Dialect::Sqlite.lift(version, declared));
    let compared: Vec<Compared> =
        versions.iter().map(|version| compare(live, &meant(version), first, declared)).collect();
    // The closest version wins; of equally close ones the newest.
    let nearest = compared
        .iter()
        .enumerate()
        .min_by_key(|(place, found)| (found.wrong.len(), found.other, std::cmp::Reverse(*place)));
    let Some((place, nearest)) = nearest else { return VersionMatch::Empty };
    if nearest.wrong.is_empty() && (place > 0 || nearest.other == 0) {
        return VersionMatch::Version(place);
    }
    if live.model.tables.iter().any(|table| first.table(&table.name).is_none()) {
        return VersionMatch::Diverged(nearest.wrong.clone());
    }
    // Only the platform's own tables exist: the remaining differences must be those that the first migration repairs.
    match compared[0].lasting.as_slice() {
        [] => VersionMatch::Platform,
        lasting => VersionMatch::Diverged(lasting.to_vec()),
    }
}

/// The differences between a database and a version.
#[derive(Debug, Default)]
struct Compared {
    /// The differences that matter, a sentence each.
    wrong: Vec<String>,
    /// Those that the adoption does not repair.
    lasting: Vec<String>,
    /// The number of other differences.
    other: usize,
}

fn compare(live: &Live, version: &Model, platform: &Model, declared: &Model) -> Compared {
    let mut found = Compared::default();
    for change in diff(&live.model, version) {
        match change {
            Change::AddTable(table) => found.wrong.push(format!("{} is not there", table.name)),
            Change::DropTable(table) => found.wrong.push(format!("{} is of another version", table.name)),
            Change::Alter { table, what } => {
                let ours = platform.table(&table).is_none();
                if let Alter::Column { to, .. } = &what
                    && declared.table(&table).is_none_or(|table| table.column(&to.name).is_none())
                {
                    // No longer used, and only SQLite knows its former definition.
                    continue;
                }
                for (difference, fault, text) in of_alter(&table, &what, ours) {
                    let minds = match difference {
                        Difference::Nullability | Difference::MissingIndex => ours,
                        _ => fault,
                    };
                    if !minds {
                        found.other += 1;
                        continue;
                    }
                    if ours || !is_adopted(&what) {
                        found.lasting.push(text.clone());
                    }
                    found.wrong.push(text);
                }
            }
        }
    }
    found
}

/// Returns whether the first migration repairs a platform's column.
fn is_adopted(what: &Alter) -> bool {
    match what {
        Alter::AddColumn(column) => column.nullable || column.default.is_some(),
        Alter::Column { from: ColumnModel { kind: from, .. }, to: ColumnModel { kind: to, .. } } => {
            let begins = |names: &[&str]| match from {
                Type::Other(text) => names.iter().any(|name| text.starts_with(name)),
                _ => false,
            };
            match to {
                Type::Time => *from == Type::Date || begins(&["datetime", "smalldatetime", "timestamp"]),
                Type::Int => *from == Type::Small || begins(&["tinyint"]),
                Type::Bool => matches!(from, Type::Narrow | Type::Small) || begins(&["tinyint"]),
                Type::Text { .. } => begins(&["varchar", "char", "text", "ntext", "nchar"]),
                _ => false,
            }
        }
        _ => false,
    }
}
