//! Stocks, which stay in hot, and their daily prices, which move.

use std::sync::LazyLock;

use crate::tier::{Engine, Record, Statement, TierError, hot_sql};

pub mod archive;
pub mod http;
pub mod prices;

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
    /// What kind of security it is.
    pub market_type: Option<String>,
}

static MATCHING: LazyLock<Statement> = LazyLock::new(|| hot_sql!("matching"));
static BY_ID: LazyLock<Statement> = LazyLock::new(|| hot_sql!("by_id"));
static BY_SYMBOL: LazyLock<Statement> = LazyLock::new(|| hot_sql!("by_symbol"));

fn read(record: &Record) -> Result<Stock, TierError> {
    Ok(Stock {
        id: record.int("id")?,
        symbol: record.text("symbol")?,
        name: record.text_or_null("name")?,
        exchange: record.text_or_null("exchange")?,
        market_type: record.text_or_null("market_type")?,
    })
}

/// The stocks whose symbol or name contains `text`, by symbol.
///
/// They are sorted here: no two servers agree on the order of texts.
pub async fn matching(hot: &dyn Engine, text: &str) -> Result<Vec<Stock>, TierError> {
    let records = hot.fetch(&MATCHING, &[text.to_ascii_lowercase().as_str().into()]).await?;
    let mut stocks = records.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    stocks.sort_unstable_by(|a, b| a.symbol.cmp(&b.symbol));
    Ok(stocks)
}

/// The stock with this id.
pub async fn by_id(hot: &dyn Engine, id: i64) -> Result<Option<Stock>, TierError> {
    hot.fetch(&BY_ID, &[id.into()]).await?.first().map(read).transpose()
}

/// The stock with exactly this symbol.
pub async fn by_symbol(hot: &dyn Engine, symbol: &str) -> Result<Option<Stock>, TierError> {
    hot.fetch(&BY_SYMBOL, &[symbol.into()]).await?.first().map(read).transpose()
}
