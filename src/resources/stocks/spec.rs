//! The declaration of stocks and of their prices.

use super::{archive, http, prices, sql, tables};
use crate::resources::resource::{Import, Moves, Resource};

/// Stocks stay in hot.
pub static STOCKS: Resource = Resource::new("stocks", &[&tables::STOCKS])
    .importing(&[Import::new("stocks", &tables::STOCKS)])
    .querying(sql::queries::all)
    .routed(http::routes);

/// Prices move by day.
pub static PRICES: Resource = Resource::new("prices", &[&tables::PRICES])
    .importing(&[Import::new("prices", &tables::PRICES)])
    .in_cold(&[&tables::PRICES_HISTORY], &[])
    .listed(&[&prices::STATEMENTS])
    .querying(prices::sql::queries::all)
    .routed(prices::http::routes)
    .moving(Moves { family: || &archive::FAMILY, due_by_activity: false });
