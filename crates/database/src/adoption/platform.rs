//! The tables of a platform as its catalog describes them: everything that a change of a column depends on.

use std::collections::BTreeMap;

/// The tables of a platform in a SQL Server, and the server they are on.
#[derive(Clone, Debug, Default)]
pub struct Platform {
    /// Whether the server is Babelfish. There `ALTER COLUMN` keeps whatever depends on a column, and takes neither `NOT NULL`
    /// nor a collation.
    pub is_babelfish: bool,
    /// Minutes that the server's clock is ahead of UTC.
    pub ahead: i64,
    /// The tables by name.
    pub tables: BTreeMap<String, PlatformTable>,
}

/// A table.
#[derive(Clone, Debug, Default)]
pub struct PlatformTable {
    /// Its columns in order.
    pub columns: Vec<PlatformColumn>,
    /// Its indexes and unique constraints, and its primary key.
    pub indexes: Vec<PlatformIndex>,
    /// Its check constraints.
    pub checks: Vec<PlatformCheck>,
    /// Its foreign keys.
    pub foreign: Vec<PlatformForeignKey>,
    /// Statistics that somebody created, each with its columns.
    pub statistics: Vec<(String, Vec<String>)>,
}

impl PlatformTable {
    /// Returns the column of this name.
    pub fn column(&self, name: &str) -> Option<&PlatformColumn> {
        self.columns.iter().find(|column| column.name == name)
    }
}

/// A column.
#[derive(Clone, Debug, Default)]
pub struct PlatformColumn {
    /// Its name.
    pub name: String,
    /// The name of its type, without a length.
    pub kind: String,
    /// Its length in bytes; -1 without a limit.
    pub bytes: i64,
    /// Its scale: of an instant, the digits of a second.
    pub scale: i64,
    /// Its collation, if it is a text.
    pub collation: Option<String>,
    /// Whether it may be NULL.
    pub nullable: bool,
    /// Whether it numbers the rows.
    pub identity: bool,
    /// The expression that computes it, if any.
    pub computed: Option<String>,
    /// The name and the expression of its default.
    pub default: Option<(String, String)>,
}

/// An index, a unique constraint or a primary key.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "as the catalog has them")]
pub struct PlatformIndex {
    /// Its name.
    pub name: String,
    /// Whether it is clustered; `None` for an index of another kind than a B-tree.
    pub clustered: Option<bool>,
    /// Whether it is the primary key.
    pub primary: bool,
    /// Whether it is unique.
    pub unique: bool,
    /// Whether it is a unique constraint.
    pub constraint: bool,
    /// Its columns, and whether each descends.
    pub keys: Vec<(String, bool)>,
    /// The columns it includes.
    pub included: Vec<String>,
    /// The rows it covers; `None` for all.
    pub filter: Option<String>,
    /// The fill factor in per cent; 0 for the server's default.
    pub fill_factor: i64,
    /// Whether the inner pages are filled as the leaves. Babelfish sets it for an index with a filter, which it does not report.
    pub padded: bool,
}

impl PlatformIndex {
    /// Returns whether it depends on a column.
    pub fn mentions(&self, column: &str) -> bool {
        self.keys.iter().any(|(name, _)| name == column)
            || self.included.iter().any(|name| name == column)
            || self.filter.as_deref().is_some_and(|filter| mentions(filter, column))
    }
}

/// A check constraint.
#[derive(Clone, Debug, Default)]
pub struct PlatformCheck {
    /// Its name.
    pub name: String,
    /// Its expression.
    pub definition: String,
    /// Whether it is enforced.
    pub enabled: bool,
}

/// A foreign key.
#[derive(Clone, Debug, Default)]
pub struct PlatformForeignKey {
    /// Its name.
    pub name: String,
    /// Its table.
    pub table: String,
    /// The columns that refer.
    pub columns: Vec<String>,
    /// The table that they refer to.
    pub parent: String,
    /// The columns that they refer to.
    pub references: Vec<String>,
    /// The actions on a delete and an update, as SQL spells them.
    pub actions: [String; 2],
    /// Whether it is enforced.
    pub enabled: bool,
}

/// Returns whether an expression of the catalog names a column. Catalogs put names in brackets; Babelfish does not.
pub fn mentions(expression: &str, column: &str) -> bool {
    let words = expression.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    words.into_iter().any(|word| word.eq_ignore_ascii_case(column))
}
