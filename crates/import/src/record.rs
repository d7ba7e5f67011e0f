//! One row of a file.

use rust_decimal::Decimal;

use super::Noun;
use super::shift::whole_weeks;
use thermocline_core::clock::Timestamp;
use thermocline_core::table::ColumnType;
use thermocline_core::value::Value;

/// One row of a file: a value for each of [`Noun::columns`] that the file has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    noun: &'static Noun,
    values: Vec<Option<Value>>,
}

impl Record {
    /// Creates a record that says nothing of any column.
    pub fn new(noun: &'static Noun) -> Self {
        Self { noun, values: vec![None; noun.columns().count()] }
    }

    /// Returns the record with `value` in `column`.
    ///
    /// # Panics
    /// For a column that the noun does not have.
    #[must_use]
    pub fn with(mut self, column: &str, value: impl Into<Value>) -> Self {
        let place = self.noun.place(column);
        let place = place.unwrap_or_else(|| panic!("{} have no column {column}", self.noun.name));
        self.values[place] = Some(value.into());
        self
    }

    /// Returns the record with `value` in `column`, or with NULL.
    ///
    /// # Panics
    /// For a column that the noun does not have.
    #[must_use]
    pub fn with_optional(self, column: &str, value: Option<impl Into<Value>>) -> Self {
        let kind = self
            .noun
            .columns()
            .find(|known| known.name == column)
            .map_or(ColumnType::Int, |known| known.kind);
        self.with(column, Value::or_null(value, kind))
    }

    /// Returns the value of a column; `None` when the file has no such column.
    pub fn get(&self, column: &str) -> Option<&Value> {
        self.values.get(self.noun.place(column)?)?.as_ref()
    }

    /// Returns whether a column is NULL, or missing.
    pub fn is_null(&self, column: &str) -> bool {
        matches!(self.get(column), None | Some(Value::Null(_)))
    }

    /// Returns the text in a column; `None` when there is none.
    pub fn text(&self, column: &str) -> Option<&str> {
        if let Some(Value::Text(text)) = self.get(column) { Some(text) } else { None }
    }

    /// Returns the integer in a column; `None` when there is none.
    pub fn int(&self, column: &str) -> Option<i64> {
        if let Some(Value::Int(int)) = self.get(column) { Some(*int) } else { None }
    }

    /// Returns the instant in a column, or the midnight at which its day begins; `None` when there is none.
    pub fn time(&self, column: &str) -> Option<Timestamp> {
        self.get(column).and_then(instant)
    }

    /// Returns the decimal in a column; `None` when there is none.
    pub fn decimal(&self, column: &str) -> Option<Decimal> {
        if let Some(Value::Price(decimal)) = self.get(column) { Some(*decimal) } else { None }
    }

    /// Returns what the record belongs to.
    pub const fn noun(&self) -> &'static Noun {
        self.noun
    }

    /// Returns the values of the columns of the table in its order. Columns that the file does not have are NULL.
    pub fn into_row(self) -> Vec<Value> {
        let columns = self.noun.table.columns.iter();
        columns.zip(self.values).map(|(column, value)| value.unwrap_or(Value::Null(column.kind))).collect()
    }

    pub(super) fn set(&mut self, place: usize, value: Value) {
        self.values[place] = Some(value);
    }

    /// Returns the newest time the record holds; for a row dated by day the midnight at which its day begins.
    pub fn newest(&self) -> Option<Timestamp> {
        let kind = if self.noun.is_dated() { ColumnType::Date } else { ColumnType::Time };
        let values = self.values.iter().zip(self.noun.columns());
        values
            .filter(|(_, column)| column.kind == kind)
            .filter_map(|(value, _)| instant(value.as_ref()?))
            .max()
    }

    /// Moves every time of the record by `micros` microseconds. A row dated by day moves by the whole weeks in it, so
    /// that weekdays stay and no two days meet.
    pub fn shift(&mut self, micros: i64) {
        let micros = if self.noun.is_dated() { whole_weeks(micros) } else { micros };
        for value in self.values.iter_mut().flatten() {
            match value {
                Value::Time(at) => *at = at.plus(micros),
                Value::Date(day) => *day = Timestamp::midnight(*day).plus(micros).date(),
                _ => {}
            }
        }
    }
}

fn instant(value: &Value) -> Option<Timestamp> {
    match value {
        Value::Time(at) => Some(*at),
        Value::Date(day) => Some(Timestamp::midnight(*day)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{CONVERSATIONS, PRICES};
    use super::*;
    use thermocline_core::clock::DAY;

    #[test]
    fn shift_moves_every_time() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        let mut conversation = Record::new(&CONVERSATIONS)
            .with("created_at", at("2020-01-01"))
            .with("updated_at", at("2020-01-02"));
        conversation.shift(DAY);
        assert_eq!(conversation.time("created_at"), Some(at("2020-01-02")));
        assert_eq!(conversation.newest(), Some(at("2020-01-03")));
    }

    #[test]
    fn shift_moves_prices_by_whole_weeks() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        let mut price = Record::new(&PRICES)
            .with("trade_date", at("2018-03-01").date())
            .with("created_at", at("2026-01-01"));
        price.shift(10 * DAY);
        assert_eq!(price.newest(), Some(at("2018-03-08")));
        assert_eq!(price.time("created_at"), Some(at("2026-01-08")));
        price.shift(-DAY);
        assert_eq!(price.newest(), Some(at("2018-03-01")));
    }
}
