//! The parameters of a request for prices.

use chrono::{Months, NaiveDate};
use http::HeaderMap;
use utoipa::IntoParams;

use super::format::Format;
use super::interval::Interval;
use crate::clock::Timestamp;
use crate::page::{Key, Order, Span};
use crate::web::params::Params;
use crate::web::problem::Problem;
use crate::web::schema::{PartialMode, PriceFormat, SortOrder};

/// Enough for every trading day of three centuries.
pub const MAX_LIMIT: i64 = 100_000;
/// The most stocks of one request.
pub const MAX_SYMBOLS: usize = 50;
/// The most characters of a symbol.
const MAX_SYMBOL: usize = 20;

/// The parameters of every price range.
pub const PARAMETERS: [&str; 7] =
    ["start_date", "end_date", "order", "interval", "limit", "format", "partial"];

const ORDERS: [(&str, Order); 2] = [("desc", Order::Desc), ("asc", Order::Asc)];

/// The parameters of a price range, for its description.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by name; the fields describe them")]
pub struct PriceParameters {
    /// The first day, inclusive; one year before `end_date` by default.
    #[param(format = Date)]
    start_date: Option<String>,
    /// The last day, inclusive; today (UTC) by default.
    #[param(format = Date)]
    end_date: Option<String>,
    /// The order of the rows; newest first by default.
    order: Option<SortOrder>,
    /// The days of a row, cut at the edges of the range; one day by default. A week begins on Monday.
    interval: Option<Interval>,
    /// The first rows in the order chosen; buckets with an interval. All by default.
    #[param(minimum = 1, maximum = 100_000)]
    limit: Option<i64>,
    /// JSON with one object a row. The values `columns` (one array a field), `csv` and `ndjson` give what the operations of
    /// these names give; without the parameter the `Accept` header chooses.
    format: Option<PriceFormat>,
    /// `allow`: while the archive cannot be reached, return the rows there are, marked `partial`.
    partial: Option<PartialMode>,
}

/// A range of prices of any stock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    /// The first day, inclusive.
    pub start: NaiveDate,
    /// The last day, inclusive.
    pub end: NaiveDate,
    /// The order of the rows.
    pub order: Order,
    /// The interval that a row covers.
    pub interval: Interval,
    /// The largest number of rows.
    pub limit: Option<usize>,
    /// The format of the answer.
    pub format: Format,
    /// Whether to answer with hot rows alone while cold is unavailable.
    pub partial: bool,
}

impl Ask {
    /// Reads [`PARAMETERS`]; others in `params` are the handler's own. `today` is the day in UTC.
    pub fn read(params: &Params, headers: &HeaderMap, today: NaiveDate) -> Result<Self, Problem> {
        let start = params.date("start_date")?;
        let end = params.date("end_date")?.unwrap_or(today);
        let start = start.unwrap_or_else(|| year_before(end));
        if start > end {
            let fault = "must not lie before `start_date`; it is today when it is not given";
            return Err(Problem::parameter("end_date", fault));
        }
        Ok(Self {
            start,
            end,
            order: choice(params, "order", &ORDERS)?.unwrap_or(Order::Desc),
            interval: choice(params, "interval", &Interval::NAMES)?.unwrap_or(Interval::Day),
            limit: params.integer("limit", 1..=MAX_LIMIT)?.map(|limit| limit as usize),
            format: match choice(params, "format", &Format::NAMES)? {
                Some(format) => format,
                None => Format::accepted(headers),
            },
            partial: params.one_of("partial", &["allow"])?.is_some(),
        })
    }

    /// Asks for all days up to `end`, newest first.
    pub fn newest_days(end: NaiveDate) -> Self {
        Self {
            start: Timestamp::MIN.date(),
            end,
            order: Order::Desc,
            interval: Interval::Day,
            limit: None,
            format: Format::Json,
            partial: false,
        }
    }

    /// The keys of the range's days.
    pub fn span(&self) -> Span {
        let last = Key::new(Timestamp::midnight(self.end), 0);
        Span { lower: Key::first_at(Timestamp::midnight(self.start)), upper: last.successor() }
    }

    /// The name of the order in a query.
    pub fn order_name(&self) -> &'static str {
        ORDERS[usize::from(self.order == Order::Asc)].0
    }
}

/// The same day of the year before; 28 February for a 29th. No tier knows a year before the first.
fn year_before(day: NaiveDate) -> NaiveDate {
    let first = Timestamp::MIN.date();
    day.checked_sub_months(Months::new(12)).map_or(first, |day| day.max(first))
}

fn choice<T: Copy>(params: &Params, name: &str, choices: &[(&'static str, T)]) -> Result<Option<T>, Problem> {
    let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
    let chosen = params.one_of(name, &names)?;
    Ok(chosen.and_then(|chosen| choices.iter().find(|(name, _)| *name == chosen)).map(|(_, choice)| *choice))
}

/// A symbol of 1 to 20 characters.
pub fn symbol<'a>(name: &str, text: &'a str) -> Result<&'a str, Problem> {
    if (1..=MAX_SYMBOL).contains(&text.chars().count()) && !text.contains('\0') {
        return Ok(text);
    }
    Err(Problem::parameter(
        name,
        &format!("must have 1 to {MAX_SYMBOL} characters a symbol, U+0000 not among them"),
    ))
}

/// The symbols of `symbols`, separated by commas.
pub fn symbols(params: &Params) -> Result<Vec<String>, Problem> {
    let list = params.raw("symbols").ok_or_else(|| Problem::parameter("symbols", "is required"))?;
    let mut symbols: Vec<String> = Vec::new();
    for text in list.split(',') {
        let symbol = symbol("symbols", text)?;
        if symbols.iter().any(|earlier| earlier == symbol) {
            return Err(Problem::parameter("symbols", &format!("names {symbol} more than once")));
        }
        if symbols.len() == MAX_SYMBOLS {
            return Err(Problem::parameter("symbols", &format!("must not name more than {MAX_SYMBOLS}")));
        }
        symbols.push(symbol.to_owned());
    }
    Ok(symbols)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    fn ask(query: &str) -> Result<Ask, Problem> {
        let params = Params::parse(Some(query), &PARAMETERS)?;
        Ask::read(&params, &HeaderMap::new(), date("2026-11-20"))
    }

    fn refused(result: Result<impl std::fmt::Debug, Problem>) -> String {
        match result {
            Err(Problem::InvalidParameter { name, .. }) => name,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_range_is_a_year_up_to_today() {
        for (query, start, end) in [
            ("", "2025-11-20", "2026-11-20"),
            ("end_date=2024-02-29", "2023-02-28", "2024-02-29"),
            ("end_date=0001-06-01", "0001-01-01", "0001-06-01"),
            ("end_date=9999-12-31", "9998-12-31", "9999-12-31"),
            ("start_date=2026-11-20", "2026-11-20", "2026-11-20"),
        ] {
            let ask = ask(query).expect(query);
            assert_eq!((ask.start, ask.end), (date(start), date(end)), "{query}");
            assert!(!ask.span().is_empty(), "{query}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        for (query, name) in [
            ("start_date=2026-11-21", "end_date"),
            ("start_date=2020-01-02&end_date=2020-01-01", "end_date"),
            ("start_date=2020-1-2", "start_date"),
            ("end_date=2023-02-29", "end_date"),
            ("order=up", "order"),
            ("interval=hour", "interval"),
            ("interval=Week", "interval"),
            ("limit=0", "limit"),
            ("limit=100001", "limit"),
            ("format=xml", "format"),
            ("partial=yes", "partial"),
            ("page=1", "page"),
        ] {
            assert_eq!(refused(ask(query)), name, "{query}");
        }
    }

    #[test]
    fn symbols_are_few_short_and_different() {
        let read = |list: &str| symbols(&Params::parse(Some(&format!("symbols={list}")), &["symbols"])?);
        assert_eq!(read("2330,0050").expect("two"), ["2330", "0050"]);
        let many: Vec<String> = (0..=MAX_SYMBOLS).map(|number| number.to_string()).collect();
        assert!(read(&many[1..].join(",")).is_ok());
        let long = "股".repeat(MAX_SYMBOL + 1);
        for list in ["", "2330,", "2330,2330", "a%00b", &many.join(","), &long] {
            assert_eq!(refused(read(list)), "symbols", "{list}");
        }
        assert_eq!(read(&"股".repeat(MAX_SYMBOL)).expect("one").len(), 1);
    }
}
