//! Prices, which are told apart by stock and day. Other values for a known day are a correction: it goes into hot and wins over
//! the archived price until a move replaces that one. Columns that the file does not have stay as they are.

use std::collections::HashMap;

use chrono::NaiveDate;

use super::demands::Demands;
use super::nouns;
use super::row::{complete, date, pick, read};
use super::{Chunk, LoadError, Loader, Verdict, sql};
use crate::import::Record;
use crate::schema::{Column, ColumnType, PRICES};
use crate::tier::{Statement, Value};

/// The columns that make a price the same: the values of the day, all of which may be unknown.
fn value_columns() -> impl Iterator<Item = &'static Column> {
    PRICES.columns.iter().filter(|column| column.nullable)
}

fn hot() -> Statement {
    sql::hot_prices().bind(PRICES.name, &[("columns", &PRICES.names())])
}

fn cold() -> Statement {
    sql::cold_prices().bind("stock_prices_history", &[("columns", &PRICES.names_in_cold())])
}

fn correct() -> Statement {
    let set = |term: fn(&Column, usize) -> String| {
        value_columns().zip(3..).map(|(column, n)| term(column, n)).collect::<Vec<_>>().join(", ")
    };
    let sqlite = set(|column, n| format!("{} = ${n}", column.name));
    let mssql = set(|column, n| match column.kind {
        ColumnType::Price => format!("{} = CAST(@P{n} AS DECIMAL(10, 2))", column.name),
        _ => format!("{} = @P{n}", column.name),
    });
    let parameters: Vec<String> = value_columns().map(Column::parameter).collect();
    let values = [("set", &*sqlite), ("set_mssql", &mssql), ("parameters", &parameters.join(", "))];
    sql::correct_price().bind(PRICES.name, &values)
}

pub(super) fn statements() -> [Statement; 3] {
    [hot(), cold(), correct()]
}

fn values_of(row: &Record) -> Vec<Value> {
    pick(row, value_columns().map(|column| column.name))
}

/// A price on its way into hot.
struct Price {
    /// The id of its stock, or why there is none.
    stock: Result<i64, String>,
    day: NaiveDate,
    row: Record,
    /// The values for which the file has no column.
    open: Vec<&'static str>,
}

/// The prices of one stock over the days of a chunk.
#[derive(Default)]
struct Days {
    hot: HashMap<NaiveDate, Record>,
    cold: HashMap<NaiveDate, Record>,
}

impl Loader<'_> {
    pub(super) async fn prices(
        &mut self,
        chunk: &mut Chunk<'_>,
        demands: &Demands,
        records: Vec<Record>,
    ) -> Result<Vec<Verdict>, LoadError> {
        let mut prices: Vec<Price> = Vec::with_capacity(records.len());
        let mut spans: HashMap<i64, (NaiveDate, NaiveDate)> = HashMap::new();
        for record in records {
            let stock = self.stock_of(chunk, demands, &record).await?;
            let day = date(&record, "trade_date")?;
            if let Ok(stock) = stock {
                let span = spans.entry(stock).or_insert((day, day));
                *span = (span.0.min(day), span.1.max(day));
            }
            let open =
                value_columns().map(|column| column.name).filter(|column| record.get(column).is_none());
            let open = open.collect();
            // An id of another database would mean nothing here.
            let row = record
                .with("id", Value::Null(ColumnType::Int))
                .with_optional("stock_id", stock.as_ref().ok().copied());
            prices.push(Price { stock, day, row: complete(row, self.clock.now()), open });
        }
        let mut known: HashMap<i64, Days> = HashMap::new();
        for (stock, span) in spans {
            known.insert(stock, days(chunk, stock, span).await?);
        }
        let mut fresh = Vec::new();
        let mut verdicts = Vec::with_capacity(prices.len());
        for Price { stock, day, mut row, open } in prices {
            let days = match stock {
                Ok(stock) => known.entry(stock).or_default(),
                Err(reason) => {
                    verdicts.push(Verdict::Rejected(reason));
                    continue;
                }
            };
            let (in_hot, in_cold) = (days.hot.get(&day), days.cold.get(&day));
            let verdict = match in_hot.or(in_cold) {
                None => Verdict::Inserted,
                Some(old) => {
                    for column in open {
                        row = row
                            .with(column, old.get(column).cloned().unwrap_or(Value::Null(ColumnType::Int)));
                    }
                    if values_of(old) == values_of(&row) { Verdict::Known } else { Verdict::Corrected }
                }
            };
            if let Some(reason) = demands.reject_reason(&row)
                && in_hot.is_none()
                && verdict != Verdict::Known
            {
                verdicts.push(Verdict::Rejected(reason));
                continue;
            }
            if verdict != Verdict::Known {
                if in_hot.is_some() {
                    // The day may have come with an earlier line of this chunk.
                    chunk.insert(&nouns::PRICES, std::mem::take(&mut fresh)).await?;
                    let mut params = pick(&row, ["stock_id", "trade_date"]);
                    params.extend(values_of(&row));
                    chunk.hot.execute(&correct(), &params).await?;
                } else {
                    fresh.push(row.clone());
                }
                days.hot.insert(day, row);
            }
            verdicts.push(verdict);
        }
        chunk.insert(&nouns::PRICES, fresh).await?;
        Ok(verdicts)
    }

    /// Returns the stock a record names, or why there is none. A symbol is made a stock when there is none; an id has to exist.
    async fn stock_of(
        &mut self,
        chunk: &mut Chunk<'_>,
        demands: &Demands,
        record: &Record,
    ) -> Result<Result<i64, String>, LoadError> {
        if let Some(symbol) = record.text("symbol") {
            return self.stock(chunk, demands, (symbol, record.text("name"))).await;
        }
        let known = match record.int("stock_id") {
            Some(id) => self.has_stock(chunk, id).await?.then_some(id),
            None => None,
        };
        Ok(known.ok_or_else(|| "there is no stock with this id".to_owned()))
    }
}

async fn days(
    chunk: &mut Chunk<'_>,
    stock: i64,
    (first, last): (NaiveDate, NaiveDate),
) -> Result<Days, LoadError> {
    let params = vec![stock.into(), first.into(), last.into()];
    let (in_hot, in_cold) = chunk.both(&hot(), Some(&cold()), params).await?;
    let mut days = Days::default();
    for (answers, by_day) in [(in_hot, &mut days.hot), (in_cold, &mut days.cold)] {
        for answer in &answers {
            let row = read(&nouns::PRICES, answer)?;
            by_day.insert(date(&row, "trade_date")?, row);
        }
    }
    Ok(days)
}
