//! Prices: told apart by stock and day. Other values for a known day are a correction, which goes into hot and wins
//! over the archived price until the mover replaces that one. What the file has no column for stays as it is.

use std::collections::HashMap;
use std::sync::LazyLock;

use chrono::NaiveDate;

use super::rows::insert;
use super::{Chunk, Loader, Verdict, read};
use crate::import::Record;
use crate::import::record::{Price, StockRef};
use crate::schema::{self, Kind};
use crate::tier::{Statement, TierError, Value, cold_sql, hot_sql};

static HOT: LazyLock<Statement> =
    LazyLock::new(|| hot_sql!("hot_prices").with("{columns}", &schema::PRICES.names()));
static COLD: LazyLock<Statement> =
    LazyLock::new(|| cold_sql!("cold_prices").with("{columns}", &schema::PRICES.names_in_cold()));
static CORRECT: LazyLock<Statement> = LazyLock::new(|| hot_sql!("correct_price"));

/// The places of what makes a price the same, in a row of its table.
const VALUES: std::ops::Range<usize> = 3..11;

/// The prices of one stock over the days of a chunk.
#[derive(Default)]
struct Days {
    hot: HashMap<NaiveDate, Vec<Value>>,
    cold: HashMap<NaiveDate, Vec<Value>>,
}

impl Loader<'_> {
    pub(super) async fn prices(
        &mut self,
        chunk: &mut Chunk<'_>,
        records: Vec<Record>,
    ) -> Result<Vec<Verdict>, TierError> {
        let mut prices: Vec<(Option<i64>, Price)> = Vec::with_capacity(records.len());
        let mut spans: HashMap<i64, (NaiveDate, NaiveDate)> = HashMap::new();
        for record in records {
            let Record::Price(price) = record else { continue };
            let stock = match &price.stock {
                StockRef::Symbol(symbol) => Some(self.stock(chunk, symbol, price.name.as_deref()).await?),
                StockRef::Id(id) => self.has_stock(chunk, *id).await?.then_some(*id),
            };
            if let Some(stock) = stock {
                let span = spans.entry(stock).or_insert((price.trade_date, price.trade_date));
                *span = (span.0.min(price.trade_date), span.1.max(price.trade_date));
            }
            prices.push((stock, price));
        }
        let mut known: HashMap<i64, Days> = HashMap::new();
        for (stock, span) in spans {
            known.insert(stock, days(chunk, stock, span).await?);
        }
        let mut fresh = Vec::new();
        let mut verdicts = Vec::with_capacity(prices.len());
        for (stock, price) in prices {
            let Some((stock, days)) = stock.and_then(|stock| Some((stock, known.get_mut(&stock)?))) else {
                verdicts.push(Verdict::Rejected("there is no stock with this id".to_owned()));
                continue;
            };
            let day = price.trade_date;
            let mut row = self.row(stock, &price);
            let (in_hot, in_cold) = (days.hot.get(&day), days.cold.get(&day));
            let old = in_hot.or(in_cold);
            for (place, _) in VALUES.zip(price.has).filter(|(_, has)| !has) {
                if let Some(old) = old {
                    row[place] = old[place].clone();
                }
            }
            let verdict = match old {
                None => Verdict::Inserted,
                Some(old) if old[VALUES] == row[VALUES] => Verdict::Known,
                Some(_) => Verdict::Corrected,
            };
            if verdict != Verdict::Known {
                if in_hot.is_some() {
                    // The day may have come with an earlier line of this chunk.
                    insert(chunk, &schema::PRICES, std::mem::take(&mut fresh)).await?;
                    let mut params = row[1..3].to_vec();
                    params.extend_from_slice(&row[VALUES]);
                    chunk.hot.execute(&CORRECT, &params).await?;
                } else {
                    fresh.push((0, row.clone()));
                }
                days.hot.insert(day, row);
            }
            verdicts.push(verdict);
        }
        insert(chunk, &schema::PRICES, fresh).await?;
        Ok(verdicts)
    }

    fn row(&self, stock: i64, price: &Price) -> Vec<Value> {
        let decimal = |value| Value::or_null(value, Kind::Price);
        let int = |value| Value::or_null(value, Kind::Int);
        vec![
            // A price is told by its day: an id of another database would mean nothing here.
            Value::Null(Kind::Int),
            stock.into(),
            price.trade_date.into(),
            decimal(price.open_price),
            decimal(price.high_price),
            decimal(price.low_price),
            decimal(price.close_price),
            decimal(price.change_amount),
            int(price.volume),
            int(price.turnover),
            int(price.transaction_count),
            price.created_at.unwrap_or_else(|| self.clock.now()).into(),
        ]
    }
}

async fn days(
    chunk: &mut Chunk<'_>,
    stock: i64,
    (first, last): (NaiveDate, NaiveDate),
) -> Result<Days, TierError> {
    let by_day = |rows: Vec<Vec<Value>>| rows.into_iter().map(|row| (row[2].time().date(), row)).collect();
    let mut params = vec![stock.into(), first.into(), last.into()];
    let hot = by_day(read(&chunk.hot.fetch(&HOT, &params).await?, &schema::PRICES)?);
    let cold = match (chunk.cold, chunk.epoch) {
        (Some(cold), 1..) => {
            params.push(chunk.epoch.into());
            by_day(read(&cold.fetch(&COLD, &params).await?, &schema::PRICES)?)
        }
        _ => HashMap::new(),
    };
    Ok(Days { hot, cold })
}
