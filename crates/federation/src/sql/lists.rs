//! The declaration of a list.

use super::statements::ListStatements;
use crate::reads::List;
use thermocline_core::table::Table;
use thermocline_database::{Record, TierError, Value};
use thermocline_journal::live::Kind;

/// A list with its SQL.
pub trait SqlList: List {
    /// Returns its statements.
    fn statements(&self) -> &'static ListStatements;

    /// Returns the parameters of its filter.
    fn filter(&self) -> Vec<Value>;

    /// Returns the scope that its rows are counted under in blocks.
    fn scope(&self) -> Option<i64> {
        None
    }

    /// Returns the text that its rows contain, with ASCII letters in lower case, if it is a search.
    fn part(&self) -> Option<&str> {
        None
    }

    /// Returns how rows of hot get their versions, if the newest page is to come with a token of the change feed.
    fn followed(&self) -> Option<Kind> {
        None
    }

    /// Reads a row.
    fn read(&self, record: &Record) -> Result<Self::Row, TierError>;
}

/// The declaration of a list: the rows of one table, filtered by columns that equal a parameter, newest first.
///
/// The list is ordered by `created_at` and `id` unless [`ListSpec::by_day`] says otherwise. If the table moves, the list is
/// read from both tiers.
#[derive(Clone, Copy, Debug)]
pub struct ListSpec {
    pub(super) name: &'static str,
    pub(super) resource: &'static str,
    pub(super) table: &'static Table,
    pub(super) filter: &'static [&'static str],
    pub(super) hidden: &'static [&'static str],
    pub(super) day: Option<&'static str>,
    pub(super) containing: Option<&'static str>,
    pub(super) signatures: Option<(&'static str, &'static str)>,
    pub(super) parent: Option<&'static str>,
    pub(super) children: &'static [Children],
    pub(super) blocks: Option<&'static str>,
    pub(super) scope: Option<&'static str>,
    pub(super) scattered: bool,
}

/// A number of children that is shown with each row.
#[derive(Clone, Copy, Debug)]
pub struct Children {
    /// The column that shows it.
    pub column: &'static str,
    /// The table of the children.
    pub table: &'static Table,
    /// The column of that table which holds the row's id.
    pub owner: &'static str,
}

impl ListSpec {
    /// Declares the list `name` of all rows of `table`, whose epoch is that of `resource`.
    pub const fn new(name: &'static str, resource: &'static str, table: &'static Table) -> Self {
        Self {
            name,
            resource,
            table,
            filter: &[],
            hidden: &[],
            day: None,
            containing: None,
            signatures: None,
            parent: None,
            children: &[],
            blocks: None,
            scope: None,
            scattered: false,
        }
    }

    /// Keeps the rows in which each of these columns equals a parameter.
    #[must_use]
    pub const fn filtered_by(self, columns: &'static [&'static str]) -> Self {
        Self { filter: columns, ..self }
    }

    /// Leaves columns out of the rows.
    #[must_use]
    pub const fn hiding(self, columns: &'static [&'static str]) -> Self {
        Self { hidden: columns, ..self }
    }

    /// Orders the list by a column of days, of which the filter leaves at most one row each.
    #[must_use]
    pub const fn by_day(self, column: &'static str) -> Self {
        Self { day: Some(column), ..self }
    }

    /// Keeps the rows in which this column contains a parameter, which follows those of the filter. ASCII letters in the
    /// parameter must be in lower case.
    #[must_use]
    pub const fn containing(self, column: &'static str) -> Self {
        Self { containing: Some(column), ..self }
    }

    /// Says that the texts of its rows in cold are signed in `signatures`, block by block of the table `blocks`. The first column of
    /// the filter is the scope.
    #[must_use]
    pub const fn signed_in(self, blocks: &'static str, signatures: &'static str) -> Self {
        Self { signatures: Some((blocks, signatures)), ..self }
    }

    /// Says that the rows move with a row of `table`, whose id is the first parameter of the filter.
    #[must_use]
    pub const fn moving_with(self, table: &'static Table) -> Self {
        Self { parent: Some(table.name), ..self }
    }

    /// Shows numbers of children with each row.
    #[must_use]
    pub const fn with_children(self, children: &'static [Children]) -> Self {
        Self { children, ..self }
    }

    /// Says that its rows in cold are counted in this table of blocks.
    #[must_use]
    pub const fn counted_in(self, blocks: &'static str) -> Self {
        Self { blocks: Some(blocks), ..self }
    }

    /// Says that changes of its rows are in the change feed, under the scope in this column.
    #[must_use]
    pub const fn followed_by(self, scope: &'static str) -> Self {
        Self { scope: Some(scope), ..self }
    }

    /// Says that its rows are in many shards where tables are spread over workers.
    #[must_use]
    pub const fn scattered(self) -> Self {
        Self { scattered: true, ..self }
    }
}
