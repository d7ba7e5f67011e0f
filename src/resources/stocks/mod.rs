//! Stocks, which stay in hot, and their daily prices, which move.

use sql::queries;

use crate::tier::{Engine, Record, TierError};

mod access;
pub mod archive;
pub mod http;
pub mod prices;
pub mod spec;
mod sql;
pub mod tables;
pub mod udf;

/// One stock.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Stock {
    /// Its id.
    pub id: i64,
    /// Its symbol, leading zeros and letters included.
    pub symbol: String,
    /// Its name.
    pub name: Option<String>,
    /// Where it is traded.
    pub exchange: Option<String>,
    /// The kind of security.
    pub market_type: Option<String>,
}

fn read(record: &Record) -> Result<Stock, TierError> {
    Ok(Stock {
        id: record.int("id")?,
        symbol: record.text("symbol")?,
        name: record.text_or_null("name")?,
        exchange: record.text_or_null("exchange")?,
        market_type: record.text_or_null("market_type")?,
    })
}

/// Returns the stocks whose symbol or name contains `text`, by symbol.
///
/// They are sorted here because servers do not agree on the order of texts.
pub async fn matching(hot: &dyn Engine, text: &str) -> Result<Vec<Stock>, TierError> {
    let records = hot.fetch(queries::matching(), &[text.to_ascii_lowercase().as_str().into()]).await?;
    let mut stocks = records.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    stocks.sort_unstable_by(|a, b| a.symbol.cmp(&b.symbol));
    Ok(stocks)
}

/// Returns the stock with this id.
pub async fn by_id(hot: &dyn Engine, id: i64) -> Result<Option<Stock>, TierError> {
    hot.fetch(queries::by_id(), &[id.into()]).await?.first().map(read).transpose()
}

/// Returns the stock with exactly this symbol.
pub async fn by_symbol(hot: &dyn Engine, symbol: &str) -> Result<Option<Stock>, TierError> {
    hot.fetch(queries::by_symbol(), &[symbol.into()]).await?.first().map(read).transpose()
}
