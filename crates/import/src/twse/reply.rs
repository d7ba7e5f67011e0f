//! JSON of the exchange: the reply of `STOCK_DAY` with one table, that of `MI_INDEX` with several, and open data.

use std::io::{self, Read};

use chrono::NaiveDate;
use serde_json::Value;
use serde_json::value::RawValue;

use super::container::Text;
use super::csv::RAW_LIMIT;
use super::names::Facts;
use super::symbol::unwrapped;
use super::{DATE, Layout, Noun, Origin, Problem, Record, Reject, SYMBOL, normalized, objects};

/// Largest reply, in bytes. A market day has some 8 MiB; the limit bounds memory.
const REPLY_LIMIT: u64 = 64 * 1024 * 1024;

/// A row of a reply: the line it begins on, its text, and the record it holds.
pub type ReplyRow = (u64, String, Result<Record, Reject>);

/// A reply: one table, or several of which some hold prices.
#[derive(serde::Deserialize)]
struct Reply<'a> {
    #[serde(default)]
    stat: String,
    /// The day of a market's reply, such as `20260105`; the first of the month for one symbol.
    #[serde(default)]
    date: String,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    fields: Vec<String>,
    #[serde(borrow, default)]
    data: Vec<&'a RawValue>,
    #[serde(default, borrow)]
    tables: Vec<Table<'a>>,
}

#[derive(serde::Deserialize)]
struct Table<'a> {
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    fields: Vec<String>,
    #[serde(borrow, default)]
    data: Vec<&'a RawValue>,
}

/// Reads the rows of a reply. The outer error is one of reading, the inner one is about the reply.
pub fn read_reply(
    noun: &'static Noun,
    text: Text,
    origin: Origin<'_>,
) -> io::Result<Result<Vec<ReplyRow>, Problem>> {
    let mut whole = String::new();
    text.take(REPLY_LIMIT + 1).read_to_string(&mut whole)?;
    if whole.len() as u64 > REPLY_LIMIT {
        let why = format!("a reply of more than {REPLY_LIMIT} bytes");
        return Ok(Err(Problem::Exchange(why)));
    }
    Ok(rows(noun, &whole, origin))
}

fn rows(noun: &'static Noun, whole: &str, origin: Origin<'_>) -> Result<Vec<ReplyRow>, Problem> {
    let mut facts = Facts::of(noun, origin)?;
    let malformed = |error| Problem::Exchange(format!("not a reply of the exchange: {error}"));
    if whole.trim_start().starts_with('[') {
        return objects::rows(noun, whole, &facts, malformed);
    }
    let reply: Reply<'_> = serde_json::from_str(whole).map_err(malformed)?;
    if reply.stat != "OK" {
        let stat: String = reply.stat.chars().take(80).collect();
        return Err(Problem::Exchange(format!("the exchange replied {stat:?}")));
    }
    if !reply.tables.is_empty()
        && let Ok(day) = NaiveDate::parse_from_str(&reply.date, "%Y%m%d")
    {
        facts.add_day(day)?;
    }
    let Reply { title, fields, data, mut tables, .. } = reply;
    tables.push(Table { title, fields, data });
    let (mut rows, mut lines, mut fault, mut found) = (Vec::new(), Lines::new(whole), None, false);
    for table in &tables {
        let names: Vec<String> = table.fields.iter().map(|name| normalized(name)).collect();
        facts.add_title(table.title.as_deref().unwrap_or_default())?;
        let layout = if names.iter().any(|name| name == SYMBOL) {
            Layout::of_day(noun, names, &facts)
        } else if names.iter().any(|name| name == DATE) {
            Layout::of_symbol(noun, names, &facts)
        } else {
            continue;
        };
        match layout {
            Ok(layout) => {
                found = true;
                rows.extend(table.data.iter().map(|row| lines.row(row.get(), |row| record(&layout, row))));
            }
            Err(problem @ Problem::Header(_)) => drop(fault.get_or_insert(problem)),
            Err(problem) => return Err(problem),
        }
    }
    let none = || Problem::Exchange("there is no table of daily prices in it".to_owned());
    if found { Ok(rows) } else { Err(fault.unwrap_or_else(none)) }
}

/// Reads a row of a table: a list of texts, of which some may be numbers.
fn record(layout: &Layout, row: &str) -> Result<Record, Reject> {
    let fault = || Reject::because(&"a row is an array of strings");
    let values: Vec<Value> = serde_json::from_str(row).map_err(|_| fault())?;
    let texts: Option<Vec<String>> = values.iter().map(text).collect();
    let texts = texts.ok_or_else(fault)?;
    layout.price(&texts.iter().map(|text| unwrapped(text)).collect::<Vec<_>>())
}

/// Returns a scalar as text.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null => Some(String::new()),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Counts the lines of a text up to its rows, in their order.
pub(super) struct Lines<'a> {
    whole: &'a str,
    seen: usize,
    line: u64,
}

impl<'a> Lines<'a> {
    pub fn new(whole: &'a str) -> Self {
        Self { whole, seen: 0, line: 1 }
    }

    /// Returns the row that `read` makes of `row`, a part of the text.
    pub fn row(&mut self, row: &'a str, read: impl FnOnce(&str) -> Result<Record, Reject>) -> ReplyRow {
        // Both are parts of one text, so their distance is the position of the row in it.
        let at = (row.as_ptr() as usize).saturating_sub(self.whole.as_ptr() as usize);
        self.line += self.whole.get(self.seen..at).unwrap_or_default().matches('\n').count() as u64;
        self.seen = at.max(self.seen);
        (self.line, row[..row.floor_char_boundary(RAW_LIMIT)].to_owned(), read(row))
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::PRICES;
    use super::*;
    use thermocline_core::table::ColumnType;
    use thermocline_core::value::Value;

    fn read(text: &str) -> Result<Vec<ReplyRow>, Problem> {
        rows(&PRICES, text, Origin { stem: Some("2330"), symbol: None })
    }

    /// A reply is damaged as a whole or row by row, and its columns may be in another order.
    #[test]
    fn reply_is_read_by_the_names_of_its_fields() {
        let text = r#"{"stat":"OK",
"fields":["日期","成交股數","成交金額","開盤價","最高價","最低價","收盤價","漲跌價差","成交筆數","註記"],
"data":[["111/06/16","31,908,028","16,331,470,764","515.00","516.00","507.00","508.00","X0.00","42,177",""],
["111/06/17"]]}"#;
        let rows = read(text).expect("a reply");
        let (line, _, price) = &rows[0];
        let price = price.as_ref().expect("a price");
        assert_eq!((*line, price.int("transaction_count")), (3, Some(42_177)));
        assert_eq!(price.get("change_amount"), Some(&Value::Null(ColumnType::Price)));
        assert_eq!(price.text("symbol"), Some("2330"));
        let second = (4, r#"["111/06/17"]"#.to_owned(), Err(Reject::because(&"expected 10 fields, found 1")));
        assert_eq!(rows[1], second);
        for bad in [&text[..text.len() - 1], r#"{"stat":"很抱歉，沒有符合條件的資料!"}"#] {
            assert!(read(bad).is_err());
        }
        let renamed = text.replace("收盤價", "close");
        assert!(matches!(read(&renamed), Err(Problem::Header(_))));
    }
}
