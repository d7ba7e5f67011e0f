//! The declaration of stocks and of their prices.

use super::{archive, http, prices, sql};
use crate::resources::resource::{Import, Moves, Resource};
use crate::schema;

/// Stocks stay in hot.
pub static STOCKS: Resource = Resource::new("stocks", &[&schema::STOCKS])
    .importing(&[Import::new("stocks", &schema::STOCKS)])
    .querying(sql::queries::all)
    .routed(http::routes);

/// Prices move by day.
pub static PRICES: Resource = Resource::new("prices", &[&schema::PRICES])
    .importing(&[Import::new("prices", &schema::PRICES)])
    .listed(&[&prices::STATEMENTS])
    .querying(prices::sql::queries::all)
    .routed(prices::http::routes)
    .moving(Moves { family: || &archive::FAMILY, due_by_activity: false });
