//! Differences between two schemas.

use crate::schema::Model;
use crate::schema::diff::{Alter, Change, diff};
use crate::schema::hot;
use crate::schema::model::Type;

#[test]
fn a_rename_is_a_removal_and_an_addition() {
    let old = Model::of(&hot::TABLES);
    assert_eq!(diff(&old, &old), []);
    let mut new = old.clone();
    new.table_mut("users").expect("users").columns[2].name = "mail".to_owned();
    let names: Vec<String> = diff(&old, &new)
        .into_iter()
        .map(|change| match change {
            Change::Alter { table, what: Alter::AddColumn(column) } => {
                format!("+{table}.{}", column.name)
            }
            Change::Alter { table, what: Alter::DropColumn(column) } => {
                format!("-{table}.{}", column.name)
            }
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(names, ["-users.email", "+users.mail"]);
}

#[test]
fn tables_go_children_first_and_come_parents_first() {
    let all = Model::of(&hot::TABLES);
    let names = |changes: &[Change]| -> Vec<String> {
        let name = |change: &Change| match change {
            Change::AddTable(table) | Change::DropTable(table) => table.name.clone(),
            Change::Alter { table, .. } => format!("alter {table}"),
        };
        changes.iter().map(name).collect()
    };
    let mut coming = names(&diff(&Model::default(), &all));
    assert_eq!(coming[..3], ["users", "conversations", "messages"]);
    coming.reverse();
    assert_eq!(names(&diff(&all, &Model::default())), coming);
}

#[test]
fn names_of_indexes_make_no_difference() {
    let old = Model::of(&hot::TABLES);
    let mut new = old.clone();
    let stocks = new.table_mut("stocks").expect("stocks");
    stocks.indexes[0].name = "UQ__stocks__1234".to_owned();
    stocks.indexes[0].constraint = false;
    assert_eq!(diff(&old, &new), []);
    let stocks = new.table_mut("stocks").expect("stocks");
    stocks.columns[1].kind = Type::Text { length: Some(20), exact: false };
    assert_eq!(diff(&old, &new).len(), 1, "a collation is a difference");
    new.table_mut("stocks").expect("stocks").columns[1].kind = Type::Text { length: Some(20), exact: true };
    new.table_mut("messages").expect("messages").indexes[0].columns[1].1 = false;
    assert_eq!(diff(&old, &new).len(), 2, "an order is a difference");
}
