//! Files of daily prices as the Taiwan Stock Exchange publishes them.
//!
//! - One symbol (`STOCK_DAY`): CSV with a title, a header and notes, or with none of them; dates of the Minguo calendar; the
//!   symbol in the title or in the file's name.
//! - One market day (`MI_INDEX`): CSV of several tables, thousands separators, symbols as `="0050"`, the sign as HTML; the
//!   date in a title or in the file's name.
//! - Both as JSON, and the market day of the exchange's open data, a JSON list of objects.
//!
//! On a day without a trade prices are empty, `--` or `0.0`, and read as NULL; counts of 0 and a change of 0.00 are kept. A
//! change marked `X` is not comparable with the day before, as on the day a dividend is taken off, and reads as NULL.

use chrono::NaiveDate;

use super::Noun;
use super::container;
use super::container::Problem;
use super::csv;
use super::csv::RawRecord;
use super::fields::{self, Reject};
use super::header::normalized;
use super::record::Record;
use super::symbol;
use names::Facts;
use thermocline_core::table::ColumnType;
use thermocline_core::value::Value;
use values::{amount, change, count, minguo_date};

mod names;
mod objects;
mod reply;
mod sheet;
mod values;

pub use names::Origin;
pub use reply::{ReplyRow, read_reply};
pub use sheet::Sheet;

const SYMBOL: &str = "證券代號";
const NAME: &str = "證券名稱";
const SIGN: &str = "漲跌(+/-)";
const DATE: &str = "日期";
const CHANGE: &str = "漲跌價差";
/// The columns of every shape, in the order of the shape that has no header, each with its column of `stock_prices`.
const COLUMNS: [(&str, &str); 9] = [
    (DATE, "trade_date"),
    ("成交股數", "volume"),
    ("成交金額", "turnover"),
    ("開盤價", "open_price"),
    ("最高價", "high_price"),
    ("最低價", "low_price"),
    ("收盤價", "close_price"),
    (CHANGE, "change_amount"),
    ("成交筆數", "transaction_count"),
];

/// The values that all rows of a table share.
#[derive(Clone, Debug)]
enum Scope {
    Symbol(String),
    Day(NaiveDate),
}

/// The columns of a table, in its order, and its scope.
#[derive(Debug)]
pub struct Layout {
    noun: &'static Noun,
    names: Vec<String>,
    scope: Scope,
}

/// The shapes, told apart by the first line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// CSV of one symbol without a header.
    Headerless,
    /// CSV with titles and headers.
    Sheet,
    /// JSON.
    Reply,
}

impl Shape {
    /// Returns the shape of the file that begins with `first`; `None` if it is not one of the exchange's.
    pub fn detect(first: &RawRecord<'_>) -> Option<Self> {
        let raw = first.raw();
        let begin = raw.split(',').next().unwrap_or_default().trim_matches('"');
        let is_header = |name: &str| [SYMBOL, DATE].contains(&normalized(name).as_str());
        if raw.trim_start().starts_with(['{', '[']) {
            Some(Self::Reply)
        } else if first.fields().any(is_header)
            || Facts::default().add_title(begin).is_ok_and(|is_title| is_title)
        {
            Some(Self::Sheet)
        } else {
            minguo_date(begin).ok().map(|_| Self::Headerless)
        }
    }
}

impl Layout {
    /// Returns the layout of a table of one symbol without a header.
    fn headerless(noun: &'static Noun, facts: &Facts) -> Result<Self, Problem> {
        let names = COLUMNS.map(|(name, _)| name.to_owned()).to_vec();
        Ok(Self { noun, names, scope: Scope::Symbol(facts.symbol()?.to_owned()) })
    }

    /// Returns the layout of a table of one market day.
    fn of_day(noun: &'static Noun, names: Vec<String>, facts: &Facts) -> Result<Self, Problem> {
        let table =
            Self { noun, names, scope: Scope::Day(NaiveDate::MIN) }.complete(&[SYMBOL, NAME, SIGN])?;
        Ok(Self { scope: Scope::Day(facts.day()?), ..table })
    }

    /// Returns the layout of a table of one symbol.
    fn of_symbol(noun: &'static Noun, names: Vec<String>, facts: &Facts) -> Result<Self, Problem> {
        let table = Self { noun, names, scope: Scope::Symbol(String::new()) }.complete(&[DATE])?;
        Ok(Self { scope: Scope::Symbol(facts.symbol()?.to_owned()), ..table })
    }

    /// Returns the number of columns.
    fn width(&self) -> usize {
        self.names.len()
    }

    /// Checks that every column is there once: those of every shape and `own`.
    fn complete(self, own: &[&str]) -> Result<Self, Problem> {
        let of_every_shape = COLUMNS.iter().map(|(name, _)| *name).filter(|name| *name != DATE);
        let wrong: Vec<_> = of_every_shape
            .chain(own.iter().copied())
            .filter(|name| self.names.iter().filter(|other| other == name).count() != 1)
            .collect();
        if wrong.is_empty() {
            return Ok(self);
        }
        Err(Problem::Header(format!("missing or repeated columns: {}", wrong.join(", "))))
    }

    fn price(&self, row: &[&str]) -> Result<Record, Reject> {
        if row.len() != self.names.len() {
            return Err(Reject::width(self.names.len(), row.len()));
        }
        let get = |name: &str| {
            let at = self.names.iter().position(|other| other == name);
            at.map_or("", |at| row[at])
        };
        let mut record = Record::new(self.noun);
        for (place, column) in self.noun.columns().enumerate() {
            let theirs = COLUMNS.iter().find(|(_, ours)| *ours == column.name).map(|(theirs, _)| *theirs);
            let value = match (column.name, theirs, &self.scope) {
                ("symbol", _, Scope::Symbol(symbol)) => symbol.as_str().into(),
                ("symbol", _, Scope::Day(_)) => fields::required(column, get(SYMBOL))?,
                ("name", ..) => fields::optional(column, get(NAME))?,
                (_, Some(DATE), Scope::Symbol(_)) => minguo_date(get(DATE))?.into(),
                (_, Some(DATE), Scope::Day(day)) => (*day).into(),
                (_, Some(CHANGE), _) => Value::or_null(change(get(SIGN), get(CHANGE))?, column.kind),
                (name, Some(theirs), _) if column.kind == ColumnType::Price => {
                    Value::or_null(amount(name, get(theirs))?, column.kind)
                }
                (name, Some(theirs), _) => Value::or_null(count(name, get(theirs))?, column.kind),
                (_, None, _) => continue,
            };
            record.set(place, value);
        }
        Ok(record)
    }
}
