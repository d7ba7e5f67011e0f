//! The newest price of each of several stocks.

use futures::{StreamExt as _, TryStreamExt as _};
use serde::Serialize;
use utoipa::ToSchema;

use super::ask::Ask;
use super::read::Reading;
use super::row::{Amount, Row};
use crate::clock::Timestamp;
use crate::federation::ReadError;
use crate::resources::stocks::Stock;
use crate::web::day::Day;
use crate::web::state::App;

/// The number of stocks that are read at once.
const AT_ONCE: usize = 8;
/// The number of days that are read first: enough for a stock that is traded on most days.
const DAYS: usize = 5;

/// The newest prices of several stocks.
#[derive(Debug, Serialize, ToSchema)]
pub struct LatestPrices {
    /// Always true; for existing front ends.
    pub success: bool,
    /// In the order of `symbols`.
    pub prices: Vec<LatestPrice>,
    /// The symbols that no stock has.
    pub unknown: Vec<String>,
}

/// The newest day of a stock that has a close. All of it is null for a stock without any.
#[derive(Debug, Serialize, ToSchema)]
pub struct LatestPrice {
    symbol: String,
    stock_id: i64,
    /// The day.
    #[schema(required = true)]
    trade_date: Option<Day>,
    /// First price.
    #[schema(required = true)]
    open_price: Option<Amount>,
    /// Highest price.
    #[schema(required = true)]
    high_price: Option<Amount>,
    /// Lowest price.
    #[schema(required = true)]
    low_price: Option<Amount>,
    /// Last price.
    #[schema(required = true)]
    close_price: Option<Amount>,
    /// The last price of the day before that has one.
    #[schema(required = true)]
    previous_close: Option<Amount>,
    /// The change to the day before, as the exchange gives it.
    #[schema(required = true)]
    change_amount: Option<Amount>,
    /// Shares traded.
    #[schema(required = true, value_type = Option<i64>)]
    volume: Option<i128>,
    /// Money traded.
    #[schema(required = true, value_type = Option<i64>)]
    turnover: Option<i128>,
    /// Number of trades.
    #[schema(required = true, value_type = Option<i64>)]
    transaction_count: Option<i128>,
    /// Whether the day was read from the archive.
    from_archive: bool,
}

impl LatestPrice {
    fn new(stock: Stock, newest: Option<&Row>, before: Option<&Row>) -> Self {
        Self {
            symbol: stock.symbol,
            stock_id: stock.id,
            trade_date: newest.map(|row| row.trade_date),
            open_price: newest.and_then(|row| row.open_price),
            high_price: newest.and_then(|row| row.high_price),
            low_price: newest.and_then(|row| row.low_price),
            close_price: newest.and_then(|row| row.close_price),
            previous_close: before.and_then(|row| row.close_price),
            change_amount: newest.and_then(|row| row.change_amount),
            volume: newest.and_then(|row| row.volume),
            turnover: newest.and_then(|row| row.turnover),
            transaction_count: newest.and_then(|row| row.transaction_count),
            from_archive: newest.is_some_and(|row| row.from_archive),
        }
    }
}

/// Reads the newest price of each stock, in their order.
pub async fn read(app: &App, stocks: Vec<Stock>) -> Result<Vec<LatestPrice>, ReadError> {
    futures::stream::iter(stocks.into_iter().map(|stock| one(app, stock)))
        .buffered(AT_ONCE)
        .try_collect()
        .await
}

async fn one(app: &App, stock: Stock) -> Result<LatestPrice, ReadError> {
    let ask = Ask::newest_days(Timestamp::MAX.date());
    let mut reading = Reading::new(stock.id, &ask).in_chunks_of(DAYS);
    let mut closes: Vec<Row> = Vec::new();
    while closes.len() < 2 && !reading.done() {
        let (days, _) = reading.next(app.reader()).await?;
        closes.extend(days.into_iter().filter(|day| day.close_price.is_some()));
    }
    Ok(LatestPrice::new(stock, closes.first(), closes.get(1)))
}
