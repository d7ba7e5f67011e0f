//! Selections of archived rows, for restores, purges and exports.

use super::family::Family;
use super::templates;
use thermocline_core::clock::Timestamp;
use thermocline_core::table::ColumnType;
use thermocline_database::{Statement, Value};

/// A selection of the rows of a resource in cold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selection {
    /// All rows.
    All,
    /// The rows of one batch.
    Batch(i64),
    /// The rows from one instant up to another, exclusive.
    Span(Timestamp, Timestamp),
    /// One row with its children.
    Row(i64),
}

/// The position of a row in the order of restores and purges: by the batch that brought it, then by its `id` in cold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestoreCursor {
    /// The batch.
    pub epoch: i64,
    /// The id of the row in cold.
    pub id: i64,
}

impl RestoreCursor {
    /// Returns the cursor above everything that this move and earlier ones brought.
    pub const fn above(epoch: i64) -> Self {
        Self { epoch, id: i64::MAX }
    }
}

impl Selection {
    /// Returns the statement that reads the next `most` selected rows below a cursor, down to those of the move `first`.
    pub fn pick(
        self,
        family: &Family,
        below: RestoreCursor,
        first: i64,
        most: i64,
    ) -> (Statement, Vec<Value>) {
        let mut params = vec![below.epoch.into(), below.id.into(), first.into(), most.into()];
        params.extend(self.params(family));
        (self.bind(templates::selected(), family, 4), params)
    }

    /// Returns the statement that counts the selected rows.
    pub fn count(self, family: &Family) -> (Statement, Vec<Value>) {
        (self.bind(templates::selected_count(), family, 0), self.params(family))
    }

    /// Returns the statement that reads the next `most` selected rows as of an epoch, above a place in cold and up to those of
    /// the move `last`.
    pub fn visible(
        self,
        family: &Family,
        (above, last): ((i64, i64), i64),
        epoch: i64,
        most: i64,
    ) -> (Statement, Vec<Value>) {
        let mut params =
            vec![above.0.into(), above.1.into(), last.min(epoch).into(), epoch.into(), most.into()];
        params.extend(self.params(family));
        (self.bind(templates::visible(), family, 5), params)
    }

    /// Returns the statement that counts the selected rows as of an epoch.
    pub fn visible_count(self, family: &Family, epoch: i64) -> (Statement, Vec<Value>) {
        let mut params = vec![epoch.into()];
        params.extend(self.params(family));
        (self.bind(templates::visible_count(), family, 1), params)
    }

    /// Returns the instants between which the rows lie, the second exclusive; `None` when the selection is no span.
    pub fn span(self, family: &Family) -> Option<(Timestamp, Timestamp)> {
        let Self::Span(from, to) = self else { return None };
        let at = |at: Timestamp| if family.by_day { Timestamp::midnight(at.date()) } else { at };
        Some((at(from), at(to)))
    }

    /// Binds a template to the resource's own table. The parameters of the condition follow the first `before`.
    fn bind(self, template: &Statement, family: &Family, before: usize) -> Statement {
        let own = family.own();
        let (first, second) = (before + 1, before + 2);
        let (name, condition, parameters) = match self {
            Self::All => ("all", "1 = 1".to_owned(), ""),
            Self::Batch(_) => ("batch", format!("from_epoch = ${first}"), ", batch int"),
            Self::Span(..) => {
                let mut columns = own.table.columns.iter();
                let time = columns.find(|column| matches!(column.kind, ColumnType::Time | ColumnType::Date));
                let by_day = time.is_some_and(|column| column.kind == ColumnType::Date);
                let time = time.map_or("created_at", |column| column.archived);
                let parameters = if by_day { ", from date, to date" } else { ", from time, to time" };
                ("span", format!("{time} >= ${first} AND {time} < ${second}"), parameters)
            }
            Self::Row(_) => ("row", format!("original_id = ${first}"), ", id int"),
        };
        let subject = format!("{}, {name}", own.archived);
        let columns = own.table.names_in_cold();
        let values = [
            ("table", own.archived),
            ("columns", &*columns),
            ("chosen", &*condition),
            ("parameters", parameters),
        ];
        template.bind(&subject, &values)
    }

    fn params(self, family: &Family) -> Vec<Value> {
        let at = |at: Timestamp| if family.by_day { at.date().into() } else { at.into() };
        match self {
            Self::All => Vec::new(),
            Self::Batch(id) | Self::Row(id) => vec![id.into()],
            Self::Span(from, to) => vec![at(from), at(to)],
        }
    }
}
