//! A price as it is shown: one trading day, or several as one.

use std::fmt;

use rust_decimal::Decimal;
use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::Price;
use crate::federation::Placed;
use crate::web::day::Day;

/// An exact decimal, written with two digits after the point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ToSchema)]
#[schema(value_type = f64)]
pub struct Amount(pub Decimal);

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2}", self.0)
    }
}

impl Serialize for Amount {
    /// As the digits themselves: a float on the way would be another number.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.to_string()).map_err(S::Error::custom)?.serialize(serializer)
    }
}

/// A trading day of a stock, or several days as one. An unknown value is null, which is not 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = PriceRow)]
pub struct Row {
    /// The day's id, the same in both tiers; absent with an interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub id: Option<i64>,
    /// The day; with an interval the first trading day in it.
    pub trade_date: Day,
    /// First price.
    #[schema(required = true)]
    pub open_price: Option<Amount>,
    /// Highest price.
    #[schema(required = true)]
    pub high_price: Option<Amount>,
    /// Lowest price.
    #[schema(required = true)]
    pub low_price: Option<Amount>,
    /// Last price.
    #[schema(required = true)]
    pub close_price: Option<Amount>,
    /// The change to the day before, as the exchange gives it; null with an interval.
    #[schema(required = true)]
    pub change_amount: Option<Amount>,
    /// Shares traded.
    #[schema(required = true, value_type = Option<i64>)]
    pub volume: Option<i128>,
    /// Money traded.
    #[schema(required = true, value_type = Option<i64>)]
    pub turnover: Option<i128>,
    /// Number of trades.
    #[schema(required = true, value_type = Option<i64>)]
    pub transaction_count: Option<i128>,
    /// Whether it was read from the archive; with an interval whether every day of it was. Of interest to
    /// operators alone: prices read the same from both tiers.
    pub from_archive: bool,
}

impl From<Placed<Price>> for Row {
    fn from(placed: Placed<Price>) -> Self {
        let Placed { row, from_archive } = placed;
        Self {
            id: Some(row.id),
            trade_date: Day(row.trade_date),
            open_price: row.open.map(Amount),
            high_price: row.high.map(Amount),
            low_price: row.low.map(Amount),
            close_price: row.close.map(Amount),
            change_amount: row.change.map(Amount),
            // A sum of days may leave 64 bits; 128 are enough for every day there can be.
            volume: row.volume.map(i128::from),
            turnover: row.turnover.map(i128::from),
            transaction_count: row.transactions.map(i128::from),
            from_archive,
        }
    }
}

/// The same prices as one array a field, all of one length.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = PriceColumns)]
#[expect(missing_docs, reason = "each is the field of its name in a row")]
pub struct Columns {
    pub trade_date: Vec<Day>,
    pub open_price: Vec<Option<Amount>>,
    pub high_price: Vec<Option<Amount>>,
    pub low_price: Vec<Option<Amount>>,
    pub close_price: Vec<Option<Amount>>,
    pub change_amount: Vec<Option<Amount>>,
    #[schema(value_type = Vec<Option<i64>>)]
    pub volume: Vec<Option<i128>>,
    #[schema(value_type = Vec<Option<i64>>)]
    pub turnover: Vec<Option<i128>>,
    #[schema(value_type = Vec<Option<i64>>)]
    pub transaction_count: Vec<Option<i128>>,
    pub from_archive: Vec<bool>,
}

impl From<Vec<Row>> for Columns {
    fn from(rows: Vec<Row>) -> Self {
        let mut columns = Self::default();
        for row in rows {
            columns.trade_date.push(row.trade_date);
            columns.open_price.push(row.open_price);
            columns.high_price.push(row.high_price);
            columns.low_price.push(row.low_price);
            columns.close_price.push(row.close_price);
            columns.change_amount.push(row.change_amount);
            columns.volume.push(row.volume);
            columns.turnover.push(row.turnover);
            columns.transaction_count.push(row.transaction_count);
            columns.from_archive.push(row.from_archive);
        }
        columns
    }
}
