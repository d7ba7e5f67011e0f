//! A page of a list.

use super::merge::Placed;
use thermocline_core::feed::Token;
use thermocline_core::keyset::Key;

/// Whether a page counts its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// No total.
    None,
    /// A total, unless only the total needs cold and cold is unavailable.
    Usual,
    /// A total, or an error.
    Exact,
}

/// Some rows of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<R> {
    /// The rows, in the order asked for.
    pub rows: Vec<Placed<R>>,
    /// Whether more rows follow in that order.
    pub more: bool,
    /// Whether rows newer than the first one exist; on an empty page, rows newer than its cursor.
    pub newer: bool,
    /// The number of rows above the page, when it is known.
    pub position: Option<i64>,
    /// The length of the list, when it was counted.
    pub total: Option<i64>,
    /// The number of its rows in hot, when hot counted them: the cost of the count, since hot counts row by row.
    pub hot_rows: Option<i64>,
    /// Set when cold did not answer: the page ends above this key, at or below which cold may hold rows.
    pub missing_from: Option<Key>,
    /// The token of the change feed from before these rows were read, if the list asks for it with its newest rows.
    pub changes: Option<Token>,
}

impl<R> Page<R> {
    /// Returns a page of these rows, of which nothing else is known.
    pub fn new(rows: Vec<Placed<R>>, more: bool, total: Option<i64>) -> Self {
        Self {
            rows,
            more,
            newer: false,
            position: None,
            total,
            hot_rows: None,
            missing_from: None,
            changes: None,
        }
    }

    /// Cuts `limit` rows out of up to one more, which tells whether more rows follow.
    pub(super) fn cut(mut rows: Vec<Placed<R>>, limit: i64, total: Option<i64>) -> Self {
        let limit = usize::try_from(limit).unwrap_or(0);
        let more = rows.len() > limit;
        rows.truncate(limit);
        Self::new(rows, more, total)
    }

    /// Places a page that begins below `offset` rows. `any`: whether the list has rows, which an empty page does not show.
    pub(super) fn at(self, offset: i64, any: bool) -> Self {
        Self { newer: offset > 0 && (any || !self.rows.is_empty()), position: Some(offset), ..self }
    }

    /// Drops the row at the edge of a page that was read from its cursor on, and all rows beyond `limit`. Returns whether
    /// the row of the cursor was there.
    pub(super) fn drop_cursor(&mut self, at_cursor: impl Fn(&R) -> bool, limit: i64) -> bool {
        let met = self.rows.first().is_some_and(|placed| at_cursor(&placed.row));
        if met {
            self.rows.remove(0);
        }
        let limit = usize::try_from(limit).unwrap_or(0);
        self.more |= self.rows.len() > limit;
        self.rows.truncate(limit);
        met
    }

    /// Joins the rows above a pivot, oldest first, and those from it on, newest first.
    pub(super) fn join(mut newer: Self, older: Self) -> Self {
        newer.rows.reverse();
        newer.rows.extend(older.rows);
        Self {
            newer: newer.more,
            missing_from: newer.missing_from.or(older.missing_from),
            ..Self::new(newer.rows, older.more, None)
        }
    }
}
