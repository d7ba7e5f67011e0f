//! Open data of the exchange: a JSON list with one object for each symbol of a market day.

use serde_json::Map;
use serde_json::value::{RawValue, Value};

use super::names::Facts;
use super::reply::{Lines, ReplyRow, text};
use super::symbol::unwrapped;
use super::values::compact_minguo_date;
use super::{COLUMNS, DATE, Layout, NAME, Noun, Problem, Record, Reject, SIGN, SYMBOL, Scope};

const DAY: &str = "Date";
/// The members of an object, each with the column of a market day that it stands for.
const MEMBERS: [(&str, &str); 10] = [
    ("Code", SYMBOL),
    ("Name", NAME),
    ("TradeVolume", "成交股數"),
    ("TradeValue", "成交金額"),
    ("OpeningPrice", "開盤價"),
    ("HighestPrice", "最高價"),
    ("LowestPrice", "最低價"),
    ("ClosingPrice", "收盤價"),
    ("Change", super::CHANGE),
    ("Transaction", "成交筆數"),
];

/// Reads the objects of a list.
pub(super) fn rows(
    noun: &'static Noun,
    whole: &str,
    facts: &Facts,
    malformed: impl Fn(serde_json::Error) -> Problem,
) -> Result<Vec<ReplyRow>, Problem> {
    let objects: Vec<&RawValue> = serde_json::from_str(whole).map_err(malformed)?;
    facts.market_day()?;
    let first: Option<Map<String, Value>> =
        objects.first().and_then(|first| serde_json::from_str(first.get()).ok());
    if !first.is_some_and(|first| [DAY, "Code", "ClosingPrice"].iter().all(|name| first.contains_key(*name)))
    {
        return Err(Problem::Exchange("not a list of daily prices of the exchange".to_owned()));
    }
    debug_assert_eq!(COLUMNS[0].0, DATE, "the only column that has no member of its own");
    let mut lines = Lines::new(whole);
    Ok(objects.iter().map(|object| lines.row(object.get(), |object| record(noun, object))).collect())
}

fn record(noun: &'static Noun, object: &str) -> Result<Record, Reject> {
    let fault = || Reject::because(&"a row is an object of strings");
    let object: Map<String, Value> = serde_json::from_str(object).map_err(|_| fault())?;
    let get = |name: &str| {
        let value =
            object.get(name).ok_or_else(|| Reject::because(&format!("the member {name} is missing")))?;
        text(value).ok_or_else(fault)
    };
    let day = compact_minguo_date(&get(DAY)?)?;
    let names = MEMBERS.iter().map(|(_, name)| (*name).to_owned()).chain([SIGN.to_owned()]).collect();
    let layout = Layout { noun, names, scope: Scope::Day(day) };
    let values: Vec<String> = MEMBERS.iter().map(|(member, _)| get(member)).collect::<Result<_, _>>()?;
    // The sign is part of the change.
    layout.price(&values.iter().map(|value| unwrapped(value)).chain([""]).collect::<Vec<_>>())
}
