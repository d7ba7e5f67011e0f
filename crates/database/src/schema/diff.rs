//! What leads from one schema to another. A rename is never guessed: it is a removal and an addition.

use super::model::{ColumnModel, ForeignKey, IndexModel, Model, TableModel};

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A table is there that was not.
    AddTable(TableModel),
    /// A table goes, with its rows.
    DropTable(TableModel),
    /// Something about a table that stays.
    Alter {
        /// The table.
        table: String,
        /// What.
        what: Alter,
    },
}

/// One step within a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Alter {
    /// A column is there that was not.
    AddColumn(ColumnModel),
    /// A column goes, with its values.
    DropColumn(ColumnModel),
    /// A column's type, nullability or default changes.
    Column {
        /// As it was.
        from: ColumnModel,
        /// As it will be.
        to: ColumnModel,
    },
    /// The primary key changes.
    Key {
        /// As it was.
        from: Vec<String>,
        /// As it will be.
        to: Vec<String>,
    },
    /// An index is there that was not.
    AddIndex(IndexModel),
    /// An index goes.
    DropIndex(IndexModel),
    /// A foreign key is there that was not.
    AddForeign(ForeignKey),
    /// A foreign key goes.
    DropForeign(ForeignKey),
}

/// The steps that lead `from` one schema `to` another, as one engine tells them.
pub fn diff(from: &Model, to: &Model) -> Vec<Change> {
    let new = to.tables.iter().filter(|table| from.table(&table.name).is_none());
    let mut changes: Vec<Change> = new.cloned().map(Change::AddTable).collect();
    for table in &to.tables {
        if let Some(old) = from.table(&table.name) {
            let alter = |what| Change::Alter { table: table.name.clone(), what };
            changes.extend(alters(old, table).into_iter().map(alter));
        }
    }
    // Children before parents, and nothing names them any more.
    let gone = from.tables.iter().rev().filter(|table| to.table(&table.name).is_none());
    changes.extend(gone.cloned().map(Change::DropTable));
    changes
}

fn alters(from: &TableModel, to: &TableModel) -> Vec<Alter> {
    let mut alters = Vec::new();
    let foreign = only_in(&from.foreign, &to.foreign, ForeignKey::is_like);
    alters.extend(foreign.map(Alter::DropForeign));
    alters.extend(only_in(&from.indexes, &to.indexes, IndexModel::is_like).map(Alter::DropIndex));
    let same_name = |one: &ColumnModel, other: &ColumnModel| one.name == other.name;
    alters.extend(only_in(&from.columns, &to.columns, same_name).map(Alter::DropColumn));
    for column in &to.columns {
        match from.column(&column.name) {
            None => alters.push(Alter::AddColumn(column.clone())),
            Some(old) if !is_same(old, column) => {
                alters.push(Alter::Column { from: old.clone(), to: column.clone() });
            }
            Some(_) => {}
        }
    }
    if from.key != to.key {
        alters.push(Alter::Key { from: from.key.clone(), to: to.key.clone() });
    }
    alters.extend(only_in(&to.indexes, &from.indexes, IndexModel::is_like).map(Alter::AddIndex));
    let foreign = only_in(&to.foreign, &from.foreign, ForeignKey::is_like);
    alters.extend(foreign.map(Alter::AddForeign));
    alters
}

fn is_same(one: &ColumnModel, other: &ColumnModel) -> bool {
    one.kind == other.kind
        && one.nullable == other.nullable
        && one.default == other.default
        && one.identity == other.identity
}

fn only_in<'a, T: Clone>(
    these: &'a [T],
    those: &'a [T],
    is_like: impl Fn(&T, &T) -> bool + 'a,
) -> impl Iterator<Item = T> + 'a {
    these.iter().filter(move |one| !those.iter().any(|other| is_like(one, other))).cloned()
}
