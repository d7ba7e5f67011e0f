//! What an operator can choose of the rows in cold.

use super::family::Family;
use crate::clock::Timestamp;
use crate::schema::{Kind, Table};
use crate::tier::{Statement, Value, cold_sql};

/// What is to go back to hot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// All of a resource.
    All,
    /// What came with one batch.
    Batch(i64),
    /// Rows from an instant on, up to another one, exclusive.
    Span(Timestamp, Timestamp),
    /// One row, with its children.
    Row(i64),
}

/// The statements over the open rows of a resource's own table, in the order of [`Chosen`].
#[derive(Debug)]
pub struct Archived {
    /// The next rows.
    pick: [Statement; 4],
    /// How many there are.
    number: [Statement; 4],
    /// Whether there is any.
    pub(super) any: Statement,
}

impl Archived {
    /// Of a resource's own table.
    ///
    /// # Panics
    /// At start, for a table that is not archived or has no time.
    pub fn new(table: &Table) -> Self {
        let archived = table.archived.expect("a moved table has a place in cold");
        let time = table.columns.iter().find(|column| matches!(column.kind, Kind::Time | Kind::Date));
        let time = time.expect("a table with a time").archived;
        let conditions = [
            "1 = 1".to_owned(),
            "from_epoch = $3".to_owned(),
            format!("{time} >= $3 AND {time} < $4"),
            "original_id = $3".to_owned(),
        ];
        let each = |statement: Statement| {
            let of_table = statement.with("{table}", archived);
            std::array::from_fn(|nth| of_table.with("{chosen}", &conditions[nth]))
        };
        Self {
            pick: each(cold_sql!("archived")),
            number: each(cold_sql!("archived_number")),
            any: cold_sql!("any_open").with("{table}", archived),
        }
    }
}

impl Chosen {
    const fn place(self) -> usize {
        match self {
            Self::All => 0,
            Self::Batch(_) => 1,
            Self::Span(..) => 2,
            Self::Row(_) => 3,
        }
    }

    fn params(self, family: &Family, below: i64, most: i64) -> Vec<Value> {
        let at = |at: Timestamp| if family.by_day { at.date().into() } else { at.into() };
        let mut params = vec![below.into(), most.into()];
        match self {
            Self::All => {}
            Self::Batch(id) | Self::Row(id) => params.push(id.into()),
            Self::Span(from, to) => params.extend([at(from), at(to)]),
        }
        params
    }

    /// The next rows of a family below a place in the table, `most` of them.
    pub(super) fn pick(self, family: &Family, below: i64, most: i64) -> (&Statement, Vec<Value>) {
        (&family.archived.pick[self.place()], self.params(family, below, most))
    }

    /// How many rows of a family there are.
    pub(super) fn number(self, family: &Family) -> (&Statement, Vec<Value>) {
        (&family.archived.number[self.place()], self.params(family, i64::MAX, 1))
    }
}
