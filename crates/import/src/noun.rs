//! The declaration of what can be imported.

use std::fmt;

use thermocline_core::table::{Column, ColumnType, Table};

/// A table that can be imported, with what a file of it needs beyond the declaration of the table.
#[derive(Debug, PartialEq, Eq)]
pub struct Noun {
    /// The name on the command line.
    pub name: &'static str,
    /// The table of the rows.
    pub table: &'static Table,
    /// Columns a file must have although the table has a default for them.
    pub required: &'static [&'static str],
    /// Text columns that must not be empty.
    pub not_empty: &'static [&'static str],
    /// The parent that a record may name by text instead of by id.
    pub parent: Option<Parent>,
    /// Whether files of the Taiwan Stock Exchange hold such rows.
    pub exchange_files: bool,
}

/// How a record names its parent: a price names its stock by id or by symbol.
#[derive(Debug, PartialEq, Eq)]
pub struct Parent {
    /// The column of the record's own table that holds the parent's id.
    pub id: &'static str,
    /// The parent's table.
    pub table: &'static Table,
    /// The column of the parent's table that a file may have in the place of `id`.
    pub key: &'static str,
    /// Further columns of the parent's table that a file may have.
    pub also: &'static [&'static str],
}

impl Noun {
    /// Declares `table` under `name`: a file must have every column that has neither NULL nor a default.
    pub const fn new(name: &'static str, table: &'static Table) -> Self {
        Self { name, table, required: &[], not_empty: &[], parent: None, exchange_files: false }
    }

    /// Adds columns a file must have.
    #[must_use]
    pub const fn requires(self, required: &'static [&'static str]) -> Self {
        Self { required, ..self }
    }

    /// Adds text columns that must not be empty.
    #[must_use]
    pub const fn not_empty(self, not_empty: &'static [&'static str]) -> Self {
        Self { not_empty, ..self }
    }

    /// Adds the parent that a record may name by text.
    #[must_use]
    pub const fn parent(self, parent: Parent) -> Self {
        Self { parent: Some(parent), ..self }
    }

    /// Accepts files of the Taiwan Stock Exchange.
    #[must_use]
    pub const fn with_exchange_files(self) -> Self {
        Self { exchange_files: true, ..self }
    }

    /// Returns the columns a file may have: those of the table in its order, then those of the parent.
    pub fn columns(&self) -> impl Iterator<Item = &'static Column> + use<'_> {
        let parents = self.parent.iter().flat_map(|parent| {
            let names = [parent.key].into_iter().chain(parent.also.iter().copied());
            names.filter_map(|name| parent.table.columns.iter().find(|column| column.name == name))
        });
        self.table.columns.iter().chain(parents)
    }

    /// Returns the place of a column in [`Noun::columns`].
    pub fn place(&self, column: &str) -> Option<usize> {
        self.columns().position(|known| known.name == column)
    }

    /// Returns whether a file must have `column`, which must hold a value then.
    pub fn requires_column(&self, column: &Column) -> bool {
        let alternative =
            self.parent.as_ref().is_some_and(|parent| [parent.id, parent.key].contains(&column.name));
        let without_default = !column.nullable && column.default.is_none() && !column.identity;
        (without_default && !alternative) || self.required.contains(&column.name)
    }

    /// Returns whether the rows are dated by day: their times are moved by whole weeks.
    pub fn is_dated(&self) -> bool {
        self.table.columns.iter().any(|column| column.kind == ColumnType::Date)
    }
}

impl fmt::Display for Noun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name)
    }
}
