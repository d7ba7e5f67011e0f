//! The difference between two schemas. A rename is a removal and an addition; it is never guessed.

use super::model::{ColumnModel, ForeignKey, IndexModel, Model, TableModel};

/// A change of a schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A table is added.
    AddTable(TableModel),
    /// A table is dropped, with its rows.
    DropTable(TableModel),
    /// A table is altered.
    Alter {
        /// The table.
        table: String,
        /// The change.
        what: Alter,
    },
}

/// A change of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Alter {
    /// A column is added.
    AddColumn(ColumnModel),
    /// A column is dropped, with its values.
    DropColumn(ColumnModel),
    /// A column's type, nullability or default changes.
    Column {
        /// Before.
        from: ColumnModel,
        /// After.
        to: ColumnModel,
    },
    /// The primary key changes.
    Key {
        /// Before.
        from: Vec<String>,
        /// After.
        to: Vec<String>,
    },
    /// An index is added.
    AddIndex(IndexModel),
    /// An index is dropped.
    DropIndex(IndexModel),
    /// A foreign key is added.
    AddForeign(ForeignKey),
    /// A foreign key is dropped.
    DropForeign(ForeignKey),
}

/// Returns the changes from one schema to another, as one engine reports them.
pub fn diff(from: &Model, to: &Model) -> Vec<Change> {
    let new = to.tables.iter().filter(|table| from.table(&table.name).is_none());
    let mut changes: Vec<Change> = new.cloned().map(Change::AddTable).collect();
    for table in &to.tables {
        if let Some(old) = from.table(&table.name) {
            let alter = |what| Change::Alter { table: table.name.clone(), what };
            changes.extend(alters(old, table).into_iter().map(alter));
        }
    }
    // Children before parents, after the foreign keys that refer to them.
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
