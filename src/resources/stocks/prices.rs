//! Daily prices of a stock, ordered by `trade_date`. A corrected price in hot shadows the archived one.
//!
//! A request goes through this folder from top to bottom: [`ask`] reads its parameters, [`read`] fetches the days
//! chunk by chunk, [`interval`] makes buckets of them, [`row`] is what is shown, [`mod@write`], [`several`] and
//! [`lines`] put it into words, [`body`] sends them.

pub mod ask;
pub mod body;
pub mod format;
pub mod http;
pub mod interval;
pub mod latest;
pub mod lines;
pub mod read;
pub mod row;
pub mod several;
pub(super) mod sql;
pub mod write;

use std::sync::LazyLock;

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::tables::PRICES;
use crate::clock::Timestamp;
use crate::federation::List;
use crate::federation::sql::{ListSpec, ListStatements, SqlList};
use crate::page::{Key, ListId};
use crate::tier::{Record, TierError, Value};

/// One trading day of a stock. A price or a count that is not known is `None`, which is not 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    /// The day's id, the same in both tiers.
    pub id: i64,
    /// The day.
    pub trade_date: NaiveDate,
    /// First price.
    pub open: Option<Decimal>,
    /// Highest price.
    pub high: Option<Decimal>,
    /// Lowest price.
    pub low: Option<Decimal>,
    /// Last price.
    pub close: Option<Decimal>,
    /// The change to the day before, as the exchange gives it.
    pub change: Option<Decimal>,
    /// Shares traded.
    pub volume: Option<i64>,
    /// Money traded.
    pub turnover: Option<i64>,
    /// Number of trades.
    pub transactions: Option<i64>,
}

/// The prices of one stock.
#[derive(Clone, Copy, Debug)]
pub struct Prices {
    /// The stock.
    pub stock: i64,
}

pub(super) static STATEMENTS: LazyLock<ListStatements> = LazyLock::new(|| {
    let list = ListSpec::new("prices", "prices", &PRICES).filtered_by(&["stock_id"]);
    list.hiding(&["stock_id", "created_at"]).by_day("trade_date").statements()
});

impl List for Prices {
    type Row = Price;

    fn name(&self) -> &'static str {
        "prices"
    }

    fn resource(&self) -> &'static str {
        "prices"
    }

    fn id(&self) -> ListId {
        ListId::of(&["prices", &self.stock.to_string()])
    }

    fn key(&self, row: &Price) -> Key {
        Key::new(Timestamp::midnight(row.trade_date), 0)
    }
}

impl SqlList for Prices {
    fn statements(&self) -> &'static ListStatements {
        &STATEMENTS
    }

    fn filter(&self) -> Vec<Value> {
        vec![self.stock.into()]
    }

    fn read(&self, record: &Record) -> Result<Price, TierError> {
        Ok(Price {
            id: record.int("id")?,
            trade_date: record.date("trade_date")?,
            open: record.price_or_null("open_price")?,
            high: record.price_or_null("high_price")?,
            low: record.price_or_null("low_price")?,
            close: record.price_or_null("close_price")?,
            change: record.price_or_null("change_amount")?,
            volume: record.int_or_null("volume")?,
            turnover: record.int_or_null("turnover")?,
            transactions: record.int_or_null("transaction_count")?,
        })
    }
}
