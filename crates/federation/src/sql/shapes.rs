//! The common slices, each of which has a statement of its own: newest rows, rows before or after a key, rows between two.
//!
//! Such a statement has no bound that is infinite and skips nothing, so its plan is good for all parameters, and short texts
//! are parsed and planned sooner. Other slices go through the general one.

use thermocline_core::clock::{DAY, Timestamp};
use thermocline_core::keyset::{Key, Order, Slice, Span};
use thermocline_database::{Fragment, Statement, Value};

use super::templates::queries;

/// The most rows that a statement of a shape returns: a page, the row of its cursor and one more.
const MOST_ROWS: i64 = 128;
/// The same of a list by day, whose rows are read in larger parts.
const MOST_DAYS: i64 = 1_024;

/// Returns the most rows that a statement of a shape returns.
pub(super) const fn most(by_day: bool) -> i64 {
    if by_day { MOST_DAYS } else { MOST_ROWS }
}

/// A slice that has a statement of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// The newest rows.
    Newest,
    /// The rows just older than a key, newest first.
    Before,
    /// The rows from a key on, oldest first.
    After,
    /// The rows between two keys.
    Between(Order),
}

impl Shape {
    const ALL: [Self; 5] =
        [Self::Newest, Self::Before, Self::After, Self::Between(Order::Desc), Self::Between(Order::Asc)];

    /// Returns the shape of a slice that skips nothing. A bound that it has no use for is an infinite one.
    fn of(span: Span, order: Order) -> Self {
        match (span.lower > Key::MIN, span.upper < Key::MAX, order) {
            (false, false, Order::Desc) => Self::Newest,
            (false, true, Order::Desc) => Self::Before,
            (_, false, Order::Asc) => Self::After,
            (_, _, order) => Self::Between(order),
        }
    }

    /// Returns the last part of the statement's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::Before => "before",
            Self::After => "after",
            Self::Between(_) => "between",
        }
    }

    /// Returns the order of its rows.
    pub const fn order(self) -> Order {
        match self {
            Self::Newest | Self::Before => Order::Desc,
            Self::After => Order::Asc,
            Self::Between(order) => order,
        }
    }

    const fn has_lower(self) -> bool {
        matches!(self, Self::After | Self::Between(_))
    }

    const fn has_upper(self) -> bool {
        matches!(self, Self::Before | Self::Between(_))
    }

    /// Returns the parameter that holds the number of rows: the one that follows those of the bounds.
    pub const fn take(self, by_day: bool) -> usize {
        let each = if by_day { 1 } else { 2 };
        (self.has_lower() as usize + self.has_upper() as usize) * each + 1
    }

    /// Returns the conditions of its bounds, which follow those of the filter, with the names of the key's columns.
    pub fn span(self, by_day: bool) -> Fragment {
        let mut span = Fragment::from("");
        let bounds = [
            (self.has_lower(), queries::from_key(), queries::from_day()),
            (self.has_upper(), queries::below_key(), queries::below_day()),
        ];
        let mut first = 1;
        for (_, keys, days) in bounds.into_iter().filter(|(has, ..)| *has) {
            let bound = Fragment::from(if by_day { days } else { keys });
            let values =
                [("key_at", format!("${first}").into()), ("key_id", format!("${}", first + 1).into())];
            span = span.then(&bound.fill_all(&values)).then(&" AND ".into());
            first += if by_day { 1 } else { 2 };
        }
        span
    }

    /// Returns the description of its bounds' parameters.
    pub fn parameters(self, by_day: bool) -> String {
        let of = |(has, name): (bool, &str)| match (has, by_day) {
            (false, _) => String::new(),
            (true, false) => format!("{name}_at time, {name}_id int, "),
            (true, true) => format!("{name} date, "),
        };
        of((self.has_lower(), "lower")) + &of((self.has_upper(), "upper"))
    }

    /// Returns the parameters of its bounds; `None` if a bound lies past the last day.
    fn params(self, span: Span, by_day: bool) -> Option<Vec<Value>> {
        let mut params = Vec::with_capacity(8);
        for (has, key) in [(self.has_lower(), span.lower), (self.has_upper(), span.upper)] {
            match (has, by_day) {
                (false, _) => {}
                (true, false) => params.extend([key.at.into(), key.id.into()]),
                (true, true) => params.push(Value::Date(first_midnight(key)?.date())),
            }
        }
        Some(params)
    }
}

/// Returns the first midnight whose key `(midnight, 0)` is not below `key`; `None` past the last day.
fn first_midnight(key: Key) -> Option<Timestamp> {
    let midnight = Timestamp::midnight(key.at.date());
    if Key::new(midnight, 0) >= key {
        return Some(midnight);
    }
    Timestamp::from_micros(midnight.micros() + DAY)
}

/// The statements of the shapes.
#[derive(Debug)]
pub(super) struct ShapeStatements {
    by_day: bool,
    /// In the order of [`Shape::ALL`].
    statements: [Statement; 5],
}

impl ShapeStatements {
    /// Assembles the statement of each shape.
    pub fn new(by_day: bool, assemble: impl Fn(Shape) -> Statement) -> Self {
        Self { by_day, statements: Shape::ALL.map(assemble) }
    }

    /// Returns the statement that reads the newest rows.
    pub const fn newest(&self) -> &Statement {
        let [newest, ..] = &self.statements;
        newest
    }

    /// Returns the statement for a slice and the parameters of its bounds and of its length; `None` if only the general one
    /// serves it.
    pub fn of(&self, slice: Slice) -> Option<(&Statement, Vec<Value>)> {
        if slice.skip > 0 || slice.take > most(self.by_day) {
            return None;
        }
        let shape = Shape::of(slice.span, slice.order);
        let place = Shape::ALL.iter().position(|other| *other == shape)?;
        let mut params = shape.params(slice.span, self.by_day)?;
        params.push(slice.take.into());
        Some((&self.statements[place], params))
    }

    /// Returns every statement.
    pub fn all(&self) -> &[Statement] {
        &self.statements
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// A bound of days keeps the days that the bound of keys keeps.
        #[test]
        fn a_day_is_compared_as_its_key(day in -2_000..2_000i64, at in -2_000..2_000i64, of_day in -1..2i64, id in -2..3i64) {
            let midnight = |day: i64| Timestamp::from_micros(day * DAY).expect("near 1970");
            let bound = Key::new(midnight(at).plus(of_day), id);
            let first = first_midnight(bound).expect("not the last day");
            prop_assert_eq!(Key::new(midnight(day), 0) >= bound, midnight(day) >= first);
        }
    }

    #[test]
    fn no_day_follows_the_last_one() {
        assert_eq!(first_midnight(Key::MAX), None);
        assert_eq!(first_midnight(Key::MIN), Some(Timestamp::MIN));
    }
}
