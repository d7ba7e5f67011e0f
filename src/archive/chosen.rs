//! What an operator can choose of the rows in cold.

use std::sync::LazyLock;

use super::family::Family;
use crate::clock::Timestamp;
use crate::schema::{Kind, Table};
use crate::tier::{Engine, Statement, TierError, Value, cold_sql};

static SPANNED: LazyLock<Statement> = LazyLock::new(|| cold_sql!("spanned"));

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

/// Where a row stands in the order in which rows go back: by the batch that brought it, then by its place in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub epoch: i64,
    pub id: i64,
}

impl Place {
    /// What came with this move, and all before it, is below.
    pub const fn above(epoch: i64) -> Self {
        Self { epoch, id: i64::MAX }
    }
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
        // Its parameters come after those that the statement has already.
        let each = |statement: Statement, before: usize| {
            let (first, second) = (before + 1, before + 2);
            let conditions = [
                "1 = 1".to_owned(),
                format!("from_epoch = ${first}"),
                format!("{time} >= ${first} AND {time} < ${second}"),
                format!("original_id = ${first}"),
            ];
            conditions.map(|chosen| statement.with("{table}", archived).with("{chosen}", &chosen))
        };
        Self {
            pick: each(cold_sql!("archived"), 4),
            number: each(cold_sql!("archived_number"), 0),
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

    fn params(self, family: &Family) -> Vec<Value> {
        let at = |at: Timestamp| if family.by_day { at.date().into() } else { at.into() };
        match self {
            Self::All => Vec::new(),
            Self::Batch(id) | Self::Row(id) => vec![id.into()],
            Self::Span(from, to) => vec![at(from), at(to)],
        }
    }

    /// The first and the last move that can have brought such rows; `None` when none can. Of a span the journal tells:
    /// moves follow the time of the rows, so that a small one need not be looked for in the whole archive.
    pub(super) async fn moves(
        self,
        cold: &dyn Engine,
        family: &Family,
    ) -> Result<Option<(i64, i64)>, TierError> {
        let Self::Span(from, to) = self else { return Ok(Some((0, i64::MAX))) };
        let at = |at: Timestamp| if family.by_day { Timestamp::midnight(at.date()) } else { at };
        let params = [family.resource.into(), at(from).into(), at(to).into()];
        let records = cold.fetch(&SPANNED, &params).await?;
        let Some(record) = records.first() else { return Ok(None) };
        Ok(record.int_or_null("first")?.zip(record.int_or_null("last")?))
    }

    /// The next rows of a family below a place, `most` of them, down to those that came with the move `first`.
    pub(super) fn pick(
        self,
        family: &Family,
        below: Place,
        first: i64,
        most: i64,
    ) -> (&Statement, Vec<Value>) {
        let mut params = vec![below.epoch.into(), below.id.into(), first.into(), most.into()];
        params.extend(self.params(family));
        (&family.archived.pick[self.place()], params)
    }

    /// How many rows of a family there are.
    pub(super) fn number(self, family: &Family) -> (&Statement, Vec<Value>) {
        (&family.archived.number[self.place()], self.params(family))
    }
}
