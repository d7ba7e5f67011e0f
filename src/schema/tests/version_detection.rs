//! Recognising the version of a database without a record.

use crate::schema::findings::Live;
use crate::schema::hot;
use crate::schema::model::{ColumnModel, Type};
use crate::schema::version_detection::{VersionMatch, match_version};
use crate::schema::{Dialect, Model};

/// The versions so far, as SQLite tells them.
fn versions() -> Vec<Model> {
    [&hot::PLATFORM[..], &hot::TABLES[..]].map(|tables| Dialect::Sqlite.fold(&Model::of(tables))).to_vec()
}

fn of(model: Model) -> VersionMatch {
    let live =
        Live { dialect: Dialect::Mssql, model, inbound: Vec::new(), triggers: Vec::new(), ahead: None };
    match_version(&live, &versions(), &Model::of(&hot::TABLES))
}

fn made(tables: &[&crate::schema::Table]) -> Model {
    Dialect::Mssql.fold(&Model::of(tables))
}

#[test]
fn what_a_version_makes_is_that_version() {
    assert_eq!(of(Model::default()), VersionMatch::Empty);
    assert_eq!(of(made(&hot::PLATFORM)), VersionMatch::Version(0));
    assert_eq!(of(made(&hot::TABLES)), VersionMatch::Version(1));
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
    assert_eq!(of(model.clone()), VersionMatch::Platform);
    let messages = model.table_mut("messages").expect("messages");
    messages.columns[3].kind = Type::Other("varbinary(max)".to_owned());
    messages.columns.retain(|column| column.name != "sender_id");
    let wrong = ["messages.sender_id is not there", "messages.content is varbinary(max), expected text"];
    let VersionMatch::Diverged(mut named) = of(model) else { panic!("it cannot be adopted") };
    named.sort_unstable();
    let mut wrong = wrong.map(str::to_owned);
    wrong.sort_unstable();
    assert_eq!(named, wrong);
}

#[test]
fn tables_of_the_archive_must_be_as_a_version_makes_them() {
    let mut model = made(&hot::TABLES);
    model.table_mut("posts").expect("posts").columns[4].kind = Type::Other("datetime".to_owned());
    model.table_mut("archive_state").expect("a table").columns.push(ColumnModel::nullable("x", Type::Int));
    model.tables.retain(|table| table.name != "archive_rejects");
    let VersionMatch::Diverged(wrong) = of(model.clone()) else { panic!("no version makes it so") };
    assert!(wrong.iter().any(|text| text.starts_with("archive_state.x is not known")), "{wrong:?}");
    assert!(wrong.iter().any(|text| text.starts_with("posts.created_at is still datetime")), "{wrong:?}");
    assert_eq!(wrong.len(), 3, "{wrong:?}");
}
