//! The declaration of stocks and of their prices.

use super::{archive, http, prices, sql, tables, udf};
use crate::import::{Noun, Parent};
use crate::resources::resource::{Moves, Resource};

/// Stocks as files hold them.
pub static STOCK_RECORDS: Noun = Noun::new("stocks", &tables::STOCKS);
/// Prices as files hold them.
pub static PRICE_RECORDS: Noun = Noun::new("prices", &tables::PRICES)
    .parent(Parent { id: "stock_id", table: &tables::STOCKS, key: "symbol", also: &["name"] })
    .with_exchange_files();

/// Stocks stay in hot.
pub static STOCKS: Resource = Resource::new("stocks", &[&tables::STOCKS])
    .importing(&[&STOCK_RECORDS])
    .querying(sql::queries::all)
    .routed(http::routes);

/// Prices move by day.
pub static PRICES: Resource = Resource::new("prices", &[&tables::PRICES])
    .importing(&[&PRICE_RECORDS])
    .in_cold(&[&tables::PRICES_HISTORY], &[])
    .listed(&[&prices::STATEMENTS])
    .querying(prices::sql::queries::all)
    .routed(|| prices::http::routes().merge(udf::http::routes()))
    .moving(Moves { family: || &archive::FAMILY, due_by_activity: false });
