//! The body of one stock's prices as one JSON object: an envelope with rows or columns.

use async_trait::async_trait;
use serde::Serialize;
use utoipa::ToSchema;

use super::ask::Ask;
use super::body::{Chunk, Source};
use super::interval::Interval;
use super::read::Reading;
use super::row::{Columns, Row};
use crate::federation::ReadError;
use crate::resources::stocks::Stock;
use crate::web::day::Day;
use crate::web::problem::Problem;
use crate::web::schema::{SortOrder, TierName};
use crate::web::state::App;

/// A range of one stock's prices.
#[derive(Debug, Serialize, ToSchema)]
pub struct PriceRange {
    #[serde(flatten)]
    head: Head,
    #[schema(value_type = Vec<Row>)]
    prices: Shape,
    #[serde(flatten)]
    tail: Tail,
}

/// A range of one stock's prices, as one array a field.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "described; written as a [`PriceRange`]")]
pub struct PriceColumnRange {
    #[serde(flatten)]
    head: Head,
    prices: Columns,
    #[serde(flatten)]
    tail: Tail,
}

/// What stands before the prices.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PriceHead)]
pub struct Head {
    /// Always true; for existing front ends.
    success: bool,
    stock_id: i64,
    symbol: String,
    #[serde(flatten)]
    applied: Applied,
}

/// The range that was applied.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = PriceSpan)]
pub struct Applied {
    /// The first day, inclusive.
    start_date: Day,
    /// The last day, inclusive.
    end_date: Day,
    interval: Interval,
    /// The order of the rows.
    #[schema(value_type = SortOrder)]
    order: &'static str,
}

impl From<&Ask> for Applied {
    fn from(ask: &Ask) -> Self {
        Self {
            start_date: Day(ask.start),
            end_date: Day(ask.end),
            interval: ask.interval,
            order: ask.order_name(),
        }
    }
}

/// Prices in the format asked for.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Shape {
    /// `format=json`
    Rows(Vec<Row>),
    /// `format=columns`
    Columns(Box<Columns>),
}

impl Shape {
    /// The rows as one array a field.
    pub fn columns(rows: Vec<Row>) -> Self {
        Self::Columns(Box::new(rows.into()))
    }
}

/// What stands after the prices, where it is known.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = PriceTail)]
pub struct Tail {
    /// How many rows there are.
    pub count: usize,
    /// The newest day there is of this stock, or null; only when the range holds nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Day>)]
    #[expect(clippy::option_option, reason = "absent and null are two answers")]
    newest_date: Option<Option<Day>>,
    /// Set when the archive could not be reached and the prices are those newer than all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub partial: Option<bool>,
    /// The tiers that are missing from a partial answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<Vec<TierName>>)]
    missing: Option<Vec<&'static str>>,
}

impl Tail {
    /// After `count` rows of a reading that is done.
    pub async fn of(reading: &mut Reading, count: usize, app: &App) -> Result<Self, ReadError> {
        let newest_date = if count == 0 { Some(reading.newest(app.reader()).await?) } else { None };
        let missing = reading.missing_cold();
        Ok(Self {
            count,
            newest_date,
            partial: missing.then_some(true),
            missing: missing.then(|| vec!["cold"]),
        })
    }
}

/// All of a range at once, and how many days were read for it.
pub async fn gather(reading: &mut Reading, app: &App) -> Result<(Vec<Row>, Tail, usize), ReadError> {
    let (mut rows, mut days) = (Vec::new(), 0);
    while !reading.done() {
        let (more, read) = reading.next(app.reader()).await?;
        rows.extend(more);
        days += read;
    }
    let tail = Tail::of(reading, rows.len(), app).await?;
    Ok((rows, tail, days))
}

/// The envelope of one stock.
pub struct Envelope {
    /// Taken when it is written.
    head: Option<Head>,
    reading: Reading,
    columns: bool,
    count: usize,
}

impl Envelope {
    /// The prices of `stock`, as rows or as columns.
    pub fn new(stock: Stock, ask: &Ask, columns: bool) -> Self {
        let reading = Reading::new(stock.id, ask);
        let head = Head { success: true, stock_id: stock.id, symbol: stock.symbol, applied: ask.into() };
        Self { head: Some(head), reading, columns, count: 0 }
    }
}

#[async_trait]
impl Source for Envelope {
    async fn next(&mut self, app: &App) -> Result<Chunk, Problem> {
        let head = self.head.take();
        if self.columns
            && let Some(head) = head
        {
            // A column is not whole before the last row.
            let (rows, tail, days) = gather(&mut self.reading, app).await?;
            let partial = tail.partial.is_some();
            let body = PriceRange { head, prices: Shape::columns(rows), tail };
            return Ok(Chunk { bytes: json(&body)?, days, last: true, partial });
        }
        let mut bytes = match head {
            Some(head) => [open(json(&head)?).as_slice(), b",\"prices\":["].concat(),
            None => Vec::new(),
        };
        let (rows, days) = self.reading.next(app.reader()).await?;
        for row in rows {
            if self.count > 0 {
                bytes.push(b',');
            }
            self.count += 1;
            serde_json::to_writer(&mut bytes, &row).map_err(Problem::internal)?;
        }
        if self.reading.done() {
            let tail = Tail::of(&mut self.reading, self.count, app).await?;
            bytes.extend_from_slice(b"],");
            // Without its opening brace it goes on in the object of the head.
            bytes.extend_from_slice(&json(&tail)?[1..]);
        }
        Ok(Chunk { bytes, days, last: self.reading.done(), partial: self.reading.missing_cold() })
    }
}

/// `value` as JSON.
pub fn json(value: &impl Serialize) -> Result<Vec<u8>, Problem> {
    serde_json::to_vec(value).map_err(Problem::internal)
}

/// An object without its closing brace, to be gone on with.
pub fn open(mut object: Vec<u8>) -> Vec<u8> {
    object.pop();
    object
}
