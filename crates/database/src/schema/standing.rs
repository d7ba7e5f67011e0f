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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::hot;

    /// The versions so far, as SQLite tells them.
    fn versions() -> Vec<Model> {
        [&hot::PLATFORM[..], &hot::TABLES[..]].map(|tables| Dialect::Sqlite.fold(&Model::of(tables))).to_vec()
    }

    fn of(model: Model) -> Standing {
        let live = Live { dialect: Dialect::Mssql, model, inbound: Vec::new(), triggers: Vec::new() };
        standing(&live, &versions(), &Model::of(&hot::TABLES))
    }

    fn made(tables: &[&crate::schema::Table]) -> Model {
        Dialect::Mssql.fold(&Model::of(tables))
    }

    #[test]
    fn what_a_version_makes_is_that_version() {
        assert_eq!(of(Model::default()), Standing::Nothing);
        assert_eq!(of(made(&hot::PLATFORM)), Standing::Version(0));
        assert_eq!(of(made(&hot::TABLES)), Standing::Version(1));
    }

    #[test]
    fn a_platform_is_adopted_unless_it_holds_what_cannot_be_widened() {
        let mut model = made(&hot::PLATFORM[..4]);
        let messages = model.table_mut("messages").expect("messages");
        messages.columns.push(ColumnModel::nullable("sticker", Type::Narrow));
        messages.columns.retain(|column| column.name != "is_read");
        messages.columns[0].kind = Type::Narrow;
        messages.columns[3].kind = Type::Other("varchar(max)".to_owned());
        messages.columns[4].kind = Type::Other("datetime".to_owned());
        messages.columns[4].nullable = true;
        messages.indexes.clear();
        messages.foreign.clear();
        assert_eq!(of(model.clone()), Standing::Platform);
        let messages = model.table_mut("messages").expect("messages");
        messages.columns[3].kind = Type::Other("varbinary(max)".to_owned());
        messages.columns.retain(|column| column.name != "sender_id");
        let wrong = ["messages.sender_id is not there", "messages.content is varbinary(max), expected text"];
        let Standing::Otherwise(mut named) = of(model) else { panic!("it cannot be adopted") };
        named.sort_unstable();
        let mut wrong = wrong.map(str::to_owned);
        wrong.sort_unstable();
        assert_eq!(named, wrong);
    }

    #[test]
    fn tables_of_the_archive_must_be_as_a_version_makes_them() {
        let mut model = made(&hot::TABLES);
        model.table_mut("posts").expect("posts").columns[4].kind = Type::Other("datetime".to_owned());
        model
            .table_mut("archive_state")
            .expect("a table")
            .columns
            .push(ColumnModel::nullable("x", Type::Int));
        model.tables.retain(|table| table.name != "archive_rejects");
        let Standing::Otherwise(wrong) = of(model.clone()) else { panic!("no version makes it so") };
        assert!(wrong.iter().any(|text| text.starts_with("archive_state.x is not known")), "{wrong:?}");
        assert!(wrong.iter().any(|text| text.starts_with("posts.created_at is still datetime")), "{wrong:?}");
        assert_eq!(wrong.len(), 3, "{wrong:?}");
    }
}
