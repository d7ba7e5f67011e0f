//! The Taiwan Stock Exchange's own files of daily prices, in the three shapes it publishes.
//!
//! - One symbol: CSV without a header, dates of the Republic's calendar, the symbol in the file's name.
//! - One market day: CSV with a header, thousands separators, the sign as HTML, the date in the file's name.
//! - One `STOCK_DAY` reply: JSON, the symbol in the file's name.
//!
//! A day without a trade is written empty, `--` or `0.0`, and means no price; counts of 0 and a change of 0.00
//! are what they say. A change marked `X` is not comparable with the day before (the day a dividend is taken
//! off, and others), so there is no change.

use std::borrow::Cow;
use std::io::{self, Read};

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::value::RawValue;

use super::columns::plain;
use super::container::{Problem, Text};
use super::csv::{RAW_LIMIT, RawRecord};
use super::fields::{self, Reject};
use super::record::{PRICE_VALUES, Price, StockRef};

/// A month of one symbol has some 3 KiB; this is only to stay flat.
const REPLY_LIMIT: u64 = 16 * 1024 * 1024;

const SYMBOL: &str = "證券代號";
const NAME: &str = "證券名稱";
const SIGN: &str = "漲跌(+/-)";
const DATE: &str = "日期";
const VOLUME: &str = "成交股數";
const TURNOVER: &str = "成交金額";
const TRANSACTIONS: &str = "成交筆數";
const OPEN: &str = "開盤價";
const HIGH: &str = "最高價";
const LOW: &str = "最低價";
const CLOSE: &str = "收盤價";
const CHANGE: &str = "漲跌價差";
/// What a row of every shape has, in the order of the shape that has no header.
const ONE_SYMBOL: [&str; 9] = [DATE, VOLUME, TURNOVER, OPEN, HIGH, LOW, CLOSE, CHANGE, TRANSACTIONS];

/// What a file says of all its rows at once.
#[derive(Clone, Debug)]
enum Of {
    Symbol(String),
    Day(NaiveDate),
}

/// Which column is where, and of what the file is.
#[derive(Debug)]
pub struct Layout {
    names: Vec<String>,
    of: Of,
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
    /// The shape of the file that begins with `first`, if it is the exchange's.
    pub fn of(first: &RawRecord<'_>) -> Option<Self> {
        let raw = first.raw();
        if raw.trim_start().starts_with('{') {
            Some(Self::Reply)
        } else if first.fields().any(|name| plain(name) == SYMBOL) {
            Some(Self::Day)
        } else {
            let date = raw.split(',').next().unwrap_or_default();
            republic_date(date.trim_matches('"')).ok().map(|_| Self::Symbol)
        }
    }
}

impl Layout {
    /// The layout of a file without a header. `stem` is the file's name without directory and extensions.
    pub fn one_symbol(stem: Option<&str>, symbol: Option<&str>) -> Result<Self, Problem> {
        Ok(Self { names: ONE_SYMBOL.map(str::to_owned).to_vec(), of: Of::Symbol(symbol_of(stem, symbol)?) })
    }

    /// The layout of a market day with the header `first`.
    pub fn one_day(first: &RawRecord<'_>, stem: Option<&str>, symbol: Option<&str>) -> Result<Self, Problem> {
        if symbol.is_some() {
            let why = "a market day is of every symbol: no symbol can be given";
            return Err(Problem::Exchange(why.to_owned()));
        }
        if let Some(fault) = first.fault {
            return Err(Problem::Header(fault.to_string()));
        }
        let day = stem.and_then(day_of).ok_or_else(|| {
            let why = "a market day has its date in the file's name, such as market_20180227.csv";
            Problem::Exchange(why.to_owned())
        })?;
        let names = first.fields().map(plain).collect();
        let own = ONE_SYMBOL.into_iter().filter(|name| *name != DATE);
        Self::with(names, Of::Day(day), own.chain([SYMBOL, NAME, SIGN]))
    }

    fn with(names: Vec<String>, of: Of, needed: impl Iterator<Item = &'static str>) -> Result<Self, Problem> {
        let missing: Vec<_> =
            needed.filter(|name| names.iter().filter(|other| other == name).count() != 1).collect();
        if missing.is_empty() {
            Ok(Self { names, of })
        } else {
            let missing = missing.join(", ");
            Err(Problem::Header(format!("missing, or there twice: {missing}")))
        }
    }

    /// The price that a record of a CSV shape holds.
    pub fn record(&self, raw: &RawRecord<'_>) -> Result<Price, Reject> {
        if let Some(fault) = raw.fault {
            return Err(Reject::because(&fault));
        }
        self.price(&raw.fields().collect::<Vec<_>>())
    }

    fn price(&self, row: &[&str]) -> Result<Price, Reject> {
        if row.len() != self.names.len() {
            return Err(Reject::width(self.names.len(), row.len()));
        }
        let get = |column: &str| {
            let at = self.names.iter().position(|name| name == column);
            at.map_or("", |at| row[at])
        };
        let (symbol, trade_date) = match &self.of {
            Of::Symbol(symbol) => (symbol.clone(), republic_date(get(DATE))?),
            Of::Day(day) => (fields::symbol("symbol", get(SYMBOL))?, *day),
        };
        Ok(Price {
            id: None,
            stock: StockRef::Symbol(symbol),
            trade_date,
            open_price: amount("open_price", get(OPEN))?,
            high_price: amount("high_price", get(HIGH))?,
            low_price: amount("low_price", get(LOW))?,
            close_price: amount("close_price", get(CLOSE))?,
            change_amount: change(get(SIGN), get(CHANGE))?,
            volume: count("volume", get(VOLUME))?,
            turnover: count("turnover", get(TURNOVER))?,
            transaction_count: count("transaction_count", get(TRANSACTIONS))?,
            // Every shape has them all, and what no trade leaves empty is unknown.
            has: [true; PRICE_VALUES.len()],
            name: fields::filled(get(NAME)).map(str::to_owned),
            created_at: None,
        })
    }
}

/// A row of a reply: the line it begins on, its text, and what it holds.
pub type ReplyRow = (u64, String, Result<Price, Reject>);

#[derive(serde::Deserialize)]
struct Reply<'a> {
    stat: String,
    #[serde(default)]
    fields: Vec<String>,
    #[serde(borrow, default)]
    data: Vec<&'a RawValue>,
}

/// The rows of a `STOCK_DAY` reply; the outer error is the machine's, the inner one the reply's.
pub fn reply(
    text: Text,
    stem: Option<&str>,
    symbol: Option<&str>,
) -> io::Result<Result<Vec<ReplyRow>, Problem>> {
    let mut whole = String::new();
    text.take(REPLY_LIMIT + 1).read_to_string(&mut whole)?;
    if whole.len() as u64 > REPLY_LIMIT {
        let why = format!("a reply of more than {REPLY_LIMIT} bytes");
        return Ok(Err(Problem::Exchange(why)));
    }
    Ok(symbol_of(stem, symbol).and_then(|symbol| reply_rows(&whole, symbol)))
}

fn reply_rows(whole: &str, symbol: String) -> Result<Vec<ReplyRow>, Problem> {
    let reply: Reply<'_> = serde_json::from_str(whole)
        .map_err(|error| Problem::Exchange(format!("not a reply of the exchange: {error}")))?;
    if reply.stat != "OK" {
        let stat: String = reply.stat.chars().take(80).collect();
        return Err(Problem::Exchange(format!("the exchange replied {stat:?}")));
    }
    let names = reply.fields.iter().map(|name| plain(name)).collect();
    let layout = Layout::with(names, Of::Symbol(symbol), ONE_SYMBOL.into_iter())?;
    let (mut line, mut seen) = (1, 0);
    let rows = reply.data.iter().map(|row| {
        let row = row.get();
        // Both are parts of one text, so their distance is the row's place in it.
        let at = (row.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize);
        line += whole[seen..at].matches('\n').count() as u64;
        seen = at;
        let price = serde_json::from_str::<Vec<Cow<'_, str>>>(row)
            .map_err(|_| Reject::because(&"a row is an array of strings"))
            .and_then(|values| layout.price(&values.iter().map(AsRef::as_ref).collect::<Vec<_>>()));
        (line, row[..row.floor_char_boundary(RAW_LIMIT)].to_owned(), price)
    });
    Ok(rows.collect())
}

/// The symbol given, or the one in a file's name: `0050`, or `2330` of `2330_202206`.
fn symbol_of(stem: Option<&str>, given: Option<&str>) -> Result<String, Problem> {
    if let Some(given) = given {
        return fields::symbol("symbol", given).map_err(|reject| Problem::Exchange(reject.reason));
    }
    // Every symbol of this exchange begins with a digit; `prices.csv` names none.
    stem.and_then(|stem| stem.split('_').next())
        .filter(|symbol| symbol.starts_with(|first: char| first.is_ascii_digit()))
        .filter(|symbol| symbol.chars().all(|one| one.is_ascii_alphanumeric()))
        .and_then(|symbol| fields::symbol("symbol", symbol).ok())
        .ok_or_else(|| {
            let why = "no symbol: it is in the file's name, such as 0050.csv, or has to be given";
            Problem::Exchange(why.to_owned())
        })
}

fn day_of(stem: &str) -> Option<NaiveDate> {
    stem.split(|one: char| !one.is_ascii_digit())
        .filter(|digits| digits.len() == 8)
        .find_map(|digits| NaiveDate::parse_from_str(digits, "%Y%m%d").ok())
}

/// A date of the Republic's calendar, `107/03/01`, whose year 1 is 1912.
fn republic_date(text: &str) -> Result<NaiveDate, Reject> {
    let parse = || {
        let mut parts = text.trim().splitn(3, '/').map(|part| part.parse::<u16>().ok());
        let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
        // A year of four digits is of the other calendar, and would come out in the 40th century.
        (1..1000)
            .contains(&year)
            .then(|| NaiveDate::from_ymd_opt(i32::from(year) + 1911, month.into(), day.into()))?
    };
    parse().ok_or_else(|| Reject::value("trade_date", "not a date such as 107/03/01", text))
}

/// A price; none on a day without a trade.
fn amount(column: &str, text: &str) -> Result<Option<Decimal>, Reject> {
    let amount = number(column, text).map(|number| fields::decimal(column, &number?));
    Ok(amount.transpose()?.filter(|amount| !amount.is_zero()))
}

fn count(column: &str, text: &str) -> Result<Option<i64>, Reject> {
    let count = number(column, text).map(|number| fields::count(column, &number?));
    count.transpose()
}

/// The change, whose sign is part of it or stands in a column of its own, as HTML.
fn change(sign: &str, text: &str) -> Result<Option<Decimal>, Reject> {
    let sign = without_tags(sign);
    let text = text.trim();
    if sign == "X" || text.starts_with('X') {
        return Ok(None);
    }
    let change = number("change_amount", text).map(|number| fields::decimal("change_amount", &number?));
    let change = change.transpose()?;
    match sign.as_str() {
        "" | "+" => Ok(change),
        "-" => Ok(change.map(|change| Decimal::ZERO - change)),
        _ => Err(Reject::value("change_amount", "not a sign", &sign)),
    }
}

fn without_tags(html: &str) -> String {
    let mut inside = false;
    let text = html.chars().filter(|&one| {
        let keep = !inside && one != '<';
        inside = one == '<' || (inside && one != '>');
        keep
    });
    text.collect::<String>().trim().to_owned()
}

/// A number without its thousands separators; `None` for the ways to write that there is none.
fn number<'a>(column: &str, text: &'a str) -> Option<Result<Cow<'a, str>, Reject>> {
    let text = text.trim();
    if text.bytes().all(|byte| byte == b'-') {
        return None;
    }
    let Some((first, rest)) = text.split_once(',') else {
        return Some(Ok(text.into()));
    };
    // `37,1` is no 371.
    let groups = rest.split('.').next().unwrap_or_default();
    let sound = !first.is_empty() && groups.split(',').all(|group| group.len() == 3);
    Some(if sound {
        Ok(text.replace(',', "").into())
    } else {
        Err(Reject::value(column, "separators are not between thousands", text))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(amount: Result<Option<Decimal>, Reject>) -> Option<String> {
        amount.expect("an amount").map(|amount| amount.to_string())
    }

    /// Each of these read as a plain number is a wrong price in the database.
    #[test]
    fn a_day_without_a_trade_has_no_price() {
        for text in ["", " ", "--", "---", "0.0", "0.00"] {
            assert_eq!(shown(amount("open_price", text)), None, "{text:?}");
        }
        assert_eq!(shown(amount("open_price", "3,925.00")), Some("3925.00".to_owned()));
        assert_eq!(count("volume", "0"), Ok(Some(0)));
        assert_eq!(count("turnover", "18,171,598,472"), Ok(Some(18_171_598_472)));
        for text in ["37,1", ",500", "1,00,000", "1,000,"] {
            assert!(count("volume", text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_change_has_its_sign_and_may_not_be_comparable() {
        let minus = "<p style= color:green>-</p>";
        for (sign, text, expected) in [
            ("", "X0.00", None),
            ("X", "0.00", None),
            ("", " 0.00", Some("0.00")),
            (" ", "0.00", Some("0.00")),
            ("", "-15.00", Some("-15.00")),
            ("", "+3.50", Some("3.50")),
            ("<p style= color:red>+</p>", "0.43", Some("0.43")),
            (minus, "0.05", Some("-0.05")),
            (minus, "0.00", Some("0.00")),
        ] {
            let expected = expected.map(str::to_owned);
            assert_eq!(shown(change(sign, text)), expected, "{sign} {text}");
        }
        assert!(change("?", "1.00").is_err());
    }

    #[test]
    fn dates_and_symbols_come_from_where_the_exchange_puts_them() {
        let date = |year, month, day| NaiveDate::from_ymd_opt(year, month, day).expect("a date");
        assert_eq!(republic_date("107/03/01"), Ok(date(2018, 3, 1)));
        assert_eq!(republic_date("81/01/04"), Ok(date(1992, 1, 4)));
        for text in ["2018/03/01", "107/02/29", "107/03", "0/01/01", ""] {
            assert!(republic_date(text).is_err(), "{text}");
        }
        assert_eq!(day_of("market_20180227"), Some(date(2018, 2, 27)));
        assert_eq!(day_of("market_20180230"), None);
        let symbol = |stem, given| symbol_of(stem, given).ok();
        assert_eq!(symbol(Some("1312A"), None).as_deref(), Some("1312A"));
        assert_eq!(symbol(Some("2330_202206"), None).as_deref(), Some("2330"));
        assert_eq!(symbol(Some("x"), Some("0050")).as_deref(), Some("0050"));
        assert_eq!(symbol(Some("prices"), None), None);
        assert_eq!(symbol(None, None), None);
    }

    /// A reply is damaged as a whole or row by row, and its columns may move.
    #[test]
    fn a_reply_is_read_by_the_names_of_its_fields() {
        let text = r#"{"stat":"OK",
"fields":["日期","成交股數","成交金額","開盤價","最高價","最低價","收盤價","漲跌價差","成交筆數","註記"],
"data":[["111/06/16","31,908,028","16,331,470,764","515.00","516.00","507.00","508.00","X0.00","42,177",""],
["111/06/17"]]}"#;
        let rows = reply_rows(text, "2330".to_owned()).expect("a reply");
        let (line, _, price) = &rows[0];
        let price = price.as_ref().expect("a price");
        assert_eq!((*line, price.transaction_count, price.change_amount), (3, Some(42_177), None));
        let second = (4, r#"["111/06/17"]"#.to_owned(), Err(Reject::because(&"expected 10 fields, found 1")));
        assert_eq!(rows[1], second);
        for bad in [&text[..text.len() - 1], r#"{"stat":"很抱歉，沒有符合條件的資料!"}"#] {
            assert!(reply_rows(bad, "2330".to_owned()).is_err());
        }
        let moved = text.replace("收盤價", "close");
        assert!(matches!(reply_rows(&moved, "2330".to_owned()), Err(Problem::Header(_))));
    }
}
