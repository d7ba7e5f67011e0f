//! Where a database stands whose engine cannot try migrations out: its tables are compared with what each version makes,
//! as far as this program minds the difference.
//!
//! The tables of the first version are the platform's own. What it has made of them besides (more columns, other lengths,
//! defaults and indexes) is its business, and no reason to refuse it.

use super::Dialect;
use super::diff::{Alter, Change, diff};
use super::findings::{Difference, Live, of_alter};
use super::model::{ColumnModel, Model, Type};

/// What a database without a record holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// None of our tables.
    Nothing,
    /// The platform's own tables, which the first migration can adopt.
    Platform,
    /// What the version at this place of the list makes.
    Version(usize),
    /// Some of our tables, as no version makes them: what is wrong, compared with the version that comes nearest.
    Otherwise(Vec<String>),
}

/// Compares what is there with each version: `versions` as SQLite tells them ([`Dialect::lift`] adds what it cannot).
pub fn standing(live: &Live, versions: &[Model], declared: &Model) -> Standing {
    if live.model.tables.is_empty() {
        return Standing::Nothing;
    }
    let Some(first) = versions.first() else { return Standing::Otherwise(Vec::new()) };
    let meant = |version: &Model| live.dialect.fold(&Dialect::Sqlite.lift(version, declared));
    let compared: Vec<Compared> =
        versions.iter().map(|version| compare(live, &meant(version), first, declared)).collect();
    // Of two versions that fit, the one that fits better; of two that fit alike, the newer.
    let nearest = compared
        .iter()
        .enumerate()
        .min_by_key(|(place, found)| (found.wrong.len(), found.other, std::cmp::Reverse(*place)));
    let Some((place, nearest)) = nearest else { return Standing::Nothing };
    if nearest.wrong.is_empty() && (place > 0 || nearest.other == 0) {
        return Standing::Version(place);
    }
    if live.model.tables.iter().any(|table| first.table(&table.name).is_none()) {
        return Standing::Otherwise(nearest.wrong.clone());
    }
    // Nothing but the platform's own: what is still wrong must be what the first migration puts right.
    match compared[0].lasting.as_slice() {
        [] => Standing::Platform,
        lasting => Standing::Otherwise(lasting.to_vec()),
    }
}

/// How a database differs from a version.
#[derive(Debug, Default)]
struct Compared {
    /// Why it is not this version, a sentence each.
    wrong: Vec<String>,
    /// The part of it that adoption does not put right.
    lasting: Vec<String>,
    /// How much else differs.
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
                    // It is used no more, and SQLite alone knows what it was.
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

/// Whether the first migration makes a platform's column what it has to be.
fn is_adopted(what: &Alter) -> bool {
    match what {
        Alter::AddColumn(column) => column.nullable || column.default.is_some(),
        Alter::Column { from: ColumnModel { kind: from, .. }, to: ColumnModel { kind: to, .. } } => {
            let begins = |names: &[&str]| match from {
                Type::Other(text) => names.iter().any(|name| text.starts_with(name)),
                _ => false,
            };
            match to {
                Type::Time => *from == Type::Date || begins(&["datetime", "smalldatetime"]),
                Type::Text { .. } => begins(&["varchar", "char", "text", "ntext", "nchar"]),
                _ => false,
            }
        }
        _ => false,
    }
}
