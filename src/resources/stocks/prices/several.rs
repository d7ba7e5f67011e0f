//! The same range of several stocks: each is read whole and written, complete or not on its own.

use std::collections::VecDeque;

use async_trait::async_trait;
use serde::Serialize;
use utoipa::ToSchema;

use super::ask::Ask;
use super::body::{Chunk, Source};
use super::format::Format;
use super::read::Reading;
use super::row::{Columns, Row};
use super::write::{Applied, Shape, Tail, gather, json, open};
use crate::federation::ReadError;
use crate::resources::stocks::Stock;
use crate::web::base_path::BasePath;
use crate::web::problem::Problem;
use crate::web::state::App;

/// The same range of several stocks.
#[derive(Debug, Serialize, ToSchema)]
pub struct SeveralRanges {
    #[serde(flatten)]
    head: Head,
    /// In the order of `symbols`.
    stocks: Vec<StockPrices>,
}

/// What stands before the stocks.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SeveralHead)]
struct Head {
    /// Always true; for existing front ends.
    success: bool,
    #[serde(flatten)]
    applied: Applied,
    /// The symbols that no stock has.
    unknown: Vec<String>,
}

/// One of several stocks.
#[derive(Debug, Serialize, ToSchema)]
pub struct StockPrices {
    symbol: String,
    /// Absent when there is no such stock.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    stock_id: Option<i64>,
    /// Whether `prices` holds all of the range.
    complete: bool,
    /// Why there are no prices.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    error: Option<Failure>,
    #[schema(value_type = Vec<Row>)]
    prices: Shape,
    #[serde(flatten)]
    tail: Tail,
}

/// The same range of several stocks, as one array a field.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "described; written as [`SeveralRanges`]")]
pub struct SeveralColumnRanges {
    #[serde(flatten)]
    head: Head,
    /// In the order of `symbols`.
    stocks: Vec<StockColumns>,
}

/// One of several stocks, as one array a field.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "described; written as [`StockPrices`]")]
struct StockColumns {
    symbol: String,
    /// Absent when there is no such stock.
    #[schema(nullable = false)]
    stock_id: Option<i64>,
    /// Whether `prices` holds all of the range.
    complete: bool,
    /// Why there are no prices.
    #[schema(nullable = false)]
    error: Option<Failure>,
    prices: Columns,
    #[serde(flatten)]
    tail: Tail,
}

/// A problem (RFC 9457) of one stock.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PriceFailure)]
struct Failure {
    /// The problem type, a path that leads to its documentation.
    #[serde(rename = "type")]
    #[schema(format = "uri-reference")]
    type_: String,
    /// The problem type in words.
    title: &'static str,
    /// The status that a request for this stock alone would have.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// The fault.
    detail: String,
}

impl Failure {
    fn new(problem: &Problem, base: &BasePath) -> Self {
        if let Problem::Internal { source } = problem {
            // The answer as a whole is no error, so nobody else logs it.
            tracing::error!(?source, "the prices of one stock could not be read");
        }
        let kind = problem.kind();
        Self {
            type_: problem.type_uri(base),
            title: kind.title,
            status: kind.status.as_u16(),
            detail: problem.to_string(),
        }
    }
}

/// The envelope of several stocks.
pub struct Several {
    /// Taken when it is written.
    head: Option<Head>,
    stocks: VecDeque<(String, Result<Stock, Problem>)>,
    ask: Ask,
    base: BasePath,
}

impl Several {
    /// The prices of each symbol's stock, or why there is none. `base` is the prefix of problem types.
    pub fn new(
        stocks: Vec<(String, Result<Stock, Problem>)>,
        unknown: Vec<String>,
        ask: &Ask,
        base: BasePath,
    ) -> Self {
        let head = Head { success: true, applied: ask.into(), unknown };
        Self { head: Some(head), stocks: stocks.into(), ask: *ask, base }
    }

    fn shape(&self, rows: Vec<Row>) -> Shape {
        if self.ask.format == Format::Columns { Shape::columns(rows) } else { Shape::Rows(rows) }
    }

    /// One stock, and how many days were read for it.
    async fn one(&self, symbol: String, stock: Result<Stock, Problem>, app: &App) -> (StockPrices, usize) {
        let stock_id = stock.as_ref().ok().map(|stock| stock.id);
        let read = match stock {
            Ok(stock) => read(&stock, &self.ask, app).await.map_err(Problem::from),
            Err(problem) => Err(problem),
        };
        let (rows, tail, days, error) = match read {
            Ok((rows, tail, days)) => (rows, tail, days, None),
            Err(problem) => (Vec::new(), Tail::default(), 0, Some(Failure::new(&problem, &self.base))),
        };
        let complete = error.is_none() && tail.partial.is_none();
        (StockPrices { symbol, stock_id, complete, error, prices: self.shape(rows), tail }, days)
    }
}

async fn read(stock: &Stock, ask: &Ask, app: &App) -> Result<(Vec<Row>, Tail, usize), ReadError> {
    gather(&mut Reading::new(stock.id, ask), app).await
}

#[async_trait]
impl Source for Several {
    async fn next(&mut self, app: &App) -> Result<Chunk, Problem> {
        let mut chunk = Chunk::default();
        match self.head.take() {
            Some(head) => {
                chunk.bytes = open(json(&head)?);
                chunk.bytes.extend_from_slice(b",\"stocks\":[");
            }
            None => chunk.bytes.push(b','),
        }
        if let Some((symbol, stock)) = self.stocks.pop_front() {
            let (prices, days) = self.one(symbol, stock, app).await;
            chunk.bytes.extend_from_slice(&json(&prices)?);
            (chunk.days, chunk.partial) = (days, prices.tail.partial.is_some());
        }
        chunk.last = self.stocks.is_empty();
        if chunk.last {
            chunk.bytes.extend_from_slice(b"]}");
        }
        Ok(chunk)
    }
}
