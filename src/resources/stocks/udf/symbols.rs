//! Stocks as charting libraries describe them.

use std::collections::BTreeSet;

use serde::Serialize;
use utoipa::ToSchema;

use crate::resources::stocks::{Stock, by_symbol};
use crate::tier::{Engine, TierError};

/// The resolutions that the server answers: days, weeks and months.
pub const RESOLUTIONS: [&str; 3] = ["1D", "1W", "1M"];
/// The kind of a stock of which none is known.
const STOCK: &str = "stock";
/// The most characters of a symbol.
const MAX_SYMBOL: usize = 20;

/// The abilities of the feed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UdfConfig)]
#[expect(clippy::struct_excessive_bools, reason = "the members of the format")]
pub struct Config {
    supported_resolutions: [&'static str; 3],
    supports_search: bool,
    supports_group_request: bool,
    supports_marks: bool,
    supports_timescale_marks: bool,
    supports_time: bool,
    /// The exchanges that a search can be limited to.
    exchanges: Vec<Exchange>,
    /// The kinds of stocks that a search can be limited to.
    symbols_types: Vec<Kind>,
}

/// An exchange of a search; an empty value stands for all.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UdfExchange)]
struct Exchange {
    value: String,
    name: String,
    desc: String,
}

/// A kind of stocks of a search; an empty value stands for all.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UdfSymbolType)]
struct Kind {
    value: String,
    name: String,
}

impl Config {
    /// Returns the abilities of a feed of these stocks.
    pub fn of(stocks: &[Stock]) -> Self {
        let exchanges: BTreeSet<&str> = stocks.iter().map(exchange).filter(|name| !name.is_empty()).collect();
        let kinds: BTreeSet<&str> = stocks.iter().map(kind).collect();
        let all = |name: &str| (String::new(), name.to_owned());
        let named = |name: &&str| ((*name).to_owned(), (*name).to_owned());
        let exchanges = std::iter::once(all("All exchanges")).chain(exchanges.iter().map(named));
        let kinds = std::iter::once(all("All types")).chain(kinds.iter().map(named));
        Self {
            supported_resolutions: RESOLUTIONS,
            supports_search: true,
            supports_group_request: false,
            supports_marks: false,
            supports_timescale_marks: false,
            supports_time: true,
            exchanges: exchanges.map(|(value, name)| Exchange { value, desc: name.clone(), name }).collect(),
            symbols_types: kinds.map(|(value, name)| Kind { value, name }).collect(),
        }
    }
}

/// A stock as a chart shows it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UdfSymbol)]
pub struct Symbol {
    name: String,
    ticker: String,
    description: String,
    #[serde(rename = "type")]
    kind: String,
    exchange: String,
    listed_exchange: String,
    /// Every bar is a day or more, dated at midnight in UTC.
    session: &'static str,
    timezone: &'static str,
    minmov: i64,
    /// Prices have two digits after the point.
    pricescale: i64,
    format: &'static str,
    has_intraday: bool,
    has_daily: bool,
    has_weekly_and_monthly: bool,
    supported_resolutions: [&'static str; 3],
    volume_precision: i64,
    data_status: &'static str,
}

impl From<Stock> for Symbol {
    fn from(stock: Stock) -> Self {
        Self {
            kind: kind(&stock).to_owned(),
            exchange: exchange(&stock).to_owned(),
            listed_exchange: exchange(&stock).to_owned(),
            description: stock.name.unwrap_or_else(|| stock.symbol.clone()),
            name: stock.symbol.clone(),
            ticker: stock.symbol,
            session: "24x7",
            timezone: "Etc/UTC",
            minmov: 1,
            pricescale: 100,
            format: "price",
            has_intraday: false,
            has_daily: true,
            has_weekly_and_monthly: true,
            supported_resolutions: RESOLUTIONS,
            volume_precision: 0,
            data_status: "endofday",
        }
    }
}

/// A stock that a search found.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UdfMatch)]
pub struct Match {
    symbol: String,
    full_name: String,
    ticker: String,
    description: String,
    exchange: String,
    #[serde(rename = "type")]
    kind: String,
}

impl From<Stock> for Match {
    fn from(stock: Stock) -> Self {
        let Symbol { name, ticker, description, kind, exchange, .. } = stock.into();
        Self { symbol: name.clone(), full_name: name, ticker, description, exchange, kind }
    }
}

/// Returns at most `limit` of the stocks that contain `text`: first the one of this symbol, then those whose symbol begins
/// with it. An empty exchange or kind allows all.
pub fn found(
    mut stocks: Vec<Stock>,
    text: &str,
    of_exchange: &str,
    of_kind: &str,
    limit: usize,
) -> Vec<Match> {
    stocks.retain(|stock| {
        (of_exchange.is_empty() || exchange(stock) == of_exchange)
            && (of_kind.is_empty() || kind(stock) == of_kind)
    });
    let text = text.to_ascii_lowercase();
    stocks.sort_by_cached_key(|stock| {
        let symbol = stock.symbol.to_ascii_lowercase();
        (symbol != text, !symbol.starts_with(&text))
    });
    stocks.into_iter().take(limit).map(Match::from).collect()
}

/// Returns the stock of a symbol, which may have its exchange and a colon before it.
pub async fn resolve(hot: &dyn Engine, name: &str) -> Result<Option<Stock>, TierError> {
    let plain = name.split_once(':').map(|(_, symbol)| symbol);
    for symbol in std::iter::once(name).chain(plain) {
        let possible = (1..=MAX_SYMBOL).contains(&symbol.chars().count()) && !symbol.contains('\0');
        if possible && let Some(stock) = by_symbol(hot, symbol).await? {
            return Ok(Some(stock));
        }
    }
    Ok(None)
}

fn exchange(stock: &Stock) -> &str {
    stock.exchange.as_deref().unwrap_or_default()
}

fn kind(stock: &Stock) -> &str {
    stock.market_type.as_deref().filter(|kind| !kind.is_empty()).unwrap_or(STOCK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stock_of_the_symbol_comes_first() {
        let stock = |symbol: &str, exchange: Option<&str>, kind: Option<&str>| Stock {
            id: 1,
            symbol: symbol.to_owned(),
            name: Some("a name with 50".to_owned()),
            exchange: exchange.map(str::to_owned),
            market_type: kind.map(str::to_owned),
        };
        let stocks = || {
            vec![
                stock("0050", Some("TWSE"), Some("ETF")),
                stock("2330", Some("TWSE"), None),
                stock("50", None, None),
                stock("5000", Some("TPEX"), None),
            ]
        };
        let symbols = |exchange, kind, limit| {
            let found = found(stocks(), "50", exchange, kind, limit);
            found.into_iter().map(|found| found.symbol).collect::<Vec<_>>()
        };
        assert_eq!(symbols("", "", 30), ["50", "5000", "0050", "2330"]);
        assert_eq!(symbols("TWSE", "", 30), ["0050", "2330"]);
        assert_eq!(symbols("", "stock", 2), ["50", "5000"]);
        let config = serde_json::to_value(Config::of(&stocks())).expect("JSON");
        let values = |name: &str| {
            let list = config[name].as_array().expect("a list");
            list.iter().map(|item| item["value"].as_str().expect("a text").to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(values("exchanges"), ["", "TPEX", "TWSE"]);
        assert_eq!(values("symbols_types"), ["", "ETF", "stock"]);
    }
}
