//! Files of daily prices as the Taiwan Stock Exchange publishes them, in three shapes.
//!
//! - One symbol: CSV without a header, dates of the Minguo calendar, the symbol in the file's name.
//! - One market day: CSV with a header, thousands separators, the sign as HTML, the date in the file's name.
//! - One `STOCK_DAY` reply: JSON, the symbol in the file's name.
//!
//! On a day without a trade prices are empty, `--` or `0.0`, and read as NULL; counts of 0 and a change of 0.00 are kept. A
//! change marked `X` is not comparable with the day before, as on the day a dividend is taken off, and reads as NULL.

use chrono::NaiveDate;

use super::Noun;
use super::container::Problem;
use super::csv::RawRecord;
use super::fields::{self, Reject};
use super::header::normalized;
use super::record::Record;
use thermocline_core::table::ColumnType;
use thermocline_core::value::Value;
use values::{amount, change, count, minguo_date};

mod reply;
mod values;

pub use reply::{ReplyRow, read_reply};

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

/// What all rows of a file have in common.
#[derive(Clone, Debug)]
enum Scope {
    Symbol(String),
    Day(NaiveDate),
}

/// The columns of a file, in its order, and its scope.
#[derive(Debug)]
pub struct Layout {
    noun: &'static Noun,
    names: Vec<String>,
    scope: Scope,
}

/// The shapes, told apart by the first line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// CSV without a header.
    Symbol,
    /// CSV with a header.
    Day,
    /// JSON.
    Reply,
}

impl Shape {
    /// Returns the shape of the file that begins with `first`; `None` if it is not one of the exchange's.
    pub fn detect(first: &RawRecord<'_>) -> Option<Self> {
        let raw = first.raw();
        if raw.trim_start().starts_with('{') {
            Some(Self::Reply)
        } else if first.fields().any(|name| normalized(name) == SYMBOL) {
            Some(Self::Day)
        } else {
            let date = raw.split(',').next().unwrap_or_default();
            minguo_date(date.trim_matches('"')).ok().map(|_| Self::Symbol)
        }
    }
}

/// Where the symbol of a file comes from.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// The file's name without directory and extensions.
    pub stem: Option<&'a str>,
    /// The symbol the caller gave.
    pub symbol: Option<&'a str>,
}

impl Layout {
    /// Returns the layout of a file without a header.
    pub fn one_symbol(noun: &'static Noun, origin: Origin<'_>) -> Result<Self, Problem> {
        let names = COLUMNS.map(|(name, _)| name.to_owned()).to_vec();
        Ok(Self { noun, names, scope: Scope::Symbol(symbol(noun, origin)?) })
    }

    /// Returns the layout of a market day with the header `first`.
    pub fn one_day(noun: &'static Noun, first: &RawRecord<'_>, origin: Origin<'_>) -> Result<Self, Problem> {
        if origin.symbol.is_some() {
            let why = "a market day holds every symbol: no symbol can be given";
            return Err(Problem::Exchange(why.to_owned()));
        }
        if let Some(fault) = first.fault {
            return Err(Problem::Header(fault.to_string()));
        }
        let day = origin.stem.and_then(day_in).ok_or_else(|| {
            let why = "a market day has its date in the file's name, such as market_20180227.csv";
            Problem::Exchange(why.to_owned())
        })?;
        let names = first.fields().map(normalized).collect();
        Self { noun, names, scope: Scope::Day(day) }.complete(&[SYMBOL, NAME, SIGN])
    }

    fn of_reply(noun: &'static Noun, names: Vec<String>, origin: Origin<'_>) -> Result<Self, Problem> {
        Self { noun, names, scope: Scope::Symbol(symbol(noun, origin)?) }.complete(&[DATE])
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

    /// Returns the record that a line of CSV holds.
    pub fn record(&self, raw: &RawRecord<'_>) -> Result<Record, Reject> {
        match raw.fault {
            Some(fault) => Err(Reject::because(&fault)),
            None => self.price(&raw.fields().collect::<Vec<_>>()),
        }
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

/// Returns the symbol given, or the one in the file's name: `0050`, or `2330` of `2330_202206`.
fn symbol(noun: &Noun, origin: Origin<'_>) -> Result<String, Problem> {
    let checked = |text: &str| {
        let column = noun.columns().find(|column| column.name == "symbol");
        column.map_or(Ok(text), |column| fields::text(column, text)).map(str::to_owned)
    };
    if let Some(given) = origin.symbol {
        return checked(given).map_err(|reject| Problem::Exchange(reject.reason));
    }
    // Every symbol of this exchange begins with a digit; `prices.csv` contains none.
    let first = origin.stem.and_then(|stem| stem.split('_').next());
    first
        .filter(|symbol| symbol.starts_with(|first: char| first.is_ascii_digit()))
        .filter(|symbol| symbol.chars().all(|one| one.is_ascii_alphanumeric()))
        .and_then(|symbol| checked(symbol).ok())
        .ok_or_else(|| {
            let why = "no symbol: it is in the file's name, such as 0050.csv, or has to be given";
            Problem::Exchange(why.to_owned())
        })
}

fn day_in(stem: &str) -> Option<NaiveDate> {
    stem.split(|one: char| !one.is_ascii_digit())
        .filter(|digits| digits.len() == 8)
        .find_map(|digits| NaiveDate::parse_from_str(digits, "%Y%m%d").ok())
}

#[cfg(test)]
mod tests {
    use super::super::testing::PRICES;
    use super::*;

    #[test]
    fn day_and_symbol_come_from_the_name_of_the_file() {
        let date = |year, month, day| NaiveDate::from_ymd_opt(year, month, day).expect("a date");
        assert_eq!(day_in("market_20180227"), Some(date(2018, 2, 27)));
        assert_eq!(day_in("market_20180230"), None);
        let symbol = |stem, symbol| super::symbol(&PRICES, Origin { stem, symbol }).ok();
        assert_eq!(symbol(Some("1312A"), None).as_deref(), Some("1312A"));
        assert_eq!(symbol(Some("2330_202206"), None).as_deref(), Some("2330"));
        assert_eq!(symbol(Some("x"), Some("0050")).as_deref(), Some("0050"));
        assert_eq!(symbol(Some("prices"), None), None);
        assert_eq!(symbol(None, Some("012345678901234567890")), None, "a column of 20");
        assert_eq!(symbol(None, None), None);
    }
}
