//! Stocks, which are told apart by their symbol. An existing stock is completed and never contradicted.

use super::demands::Demands;
use super::identity::hot_by_id;
use super::nouns;
use super::row::{complete, int, pick, read};
use super::rows::Fresh;
use super::{Chunk, LoadError, Loader, Verdict, sql};
use crate::import::Record;
use crate::schema::{ColumnType, STOCKS};
use crate::tier::{Statement, TierError, Value};

/// The columns that may be filled later, in the order of `load.complete_stock`.
const FILLED: [&str; 3] = ["name", "exchange", "market_type"];

fn by_symbol() -> Statement {
    sql::stock_by_symbol().bind(STOCKS.name, &[("columns", &STOCKS.names())])
}

fn by_id() -> Statement {
    hot_by_id(STOCKS.name, "id", "id")
}

pub(super) fn statements() -> [Statement; 2] {
    [by_symbol(), by_id()]
}

/// Returns the stock with exactly this symbol.
async fn find(chunk: &mut Chunk<'_>, symbol: Option<&str>) -> Result<Option<Record>, TierError> {
    let answers = chunk.hot.fetch(&by_symbol(), &[Value::or_null(symbol, ColumnType::Text)]).await?;
    answers.first().map(|answer| read(&nouns::STOCKS, answer)).transpose()
}

impl Loader<'_> {
    /// Leaves the stocks in `fresh` that do not exist, and completes the others.
    pub(super) async fn merge_stocks(
        &self,
        chunk: &mut Chunk<'_>,
        fresh: &mut Vec<Fresh>,
        verdicts: &mut [Verdict],
    ) -> Result<(), LoadError> {
        let mut new: Vec<Fresh> = Vec::new();
        for (position, row) in std::mem::take(fresh) {
            let Some(old) = find(chunk, row.text("symbol")).await? else {
                let twin = new.iter().find(|(_, other)| other.get("symbol") == row.get("symbol"));
                match twin {
                    None => new.push((position, row)),
                    Some((_, twin)) if pick(twin, FILLED) == pick(&row, FILLED) => {
                        verdicts[position] = Verdict::Known;
                    }
                    Some(_) => {
                        let reason = "the symbol is in this file with other values";
                        verdicts[position] = Verdict::Rejected(reason.to_owned());
                    }
                }
                continue;
            };
            verdicts[position] = self.fill(chunk, &old, &row).await?;
        }
        *fresh = new;
        Ok(())
    }

    /// Fills the columns of a stock that only the new row has.
    async fn fill(&self, chunk: &mut Chunk<'_>, old: &Record, new: &Record) -> Result<Verdict, LoadError> {
        let contradicts = |column: &&&str| {
            !new.is_null(column) && !old.is_null(column) && new.get(column) != old.get(column)
        };
        if let Some(column) = FILLED.iter().find(contradicts) {
            return Ok(Verdict::Rejected(format!("the symbol exists with another {column}")));
        }
        if new.int("id").is_some() && new.int("id") != old.int("id") {
            return Ok(Verdict::Rejected(format!("the symbol exists with id {}", int(old, "id")?)));
        }
        if !FILLED.iter().any(|column| !new.is_null(column) && old.is_null(column)) {
            return Ok(Verdict::Known);
        }
        let mut params = pick(new, ["symbol", "name", "exchange", "market_type"]);
        params.push(self.clock.now().into());
        chunk.hot.execute(sql::complete_stock(), &params).await?;
        Ok(Verdict::Corrected)
    }

    /// Returns the id of the stock with this symbol, which is made when it does not exist, or why it cannot be made.
    pub(super) async fn stock(
        &mut self,
        chunk: &mut Chunk<'_>,
        demands: &Demands,
        (symbol, name): (&str, Option<&str>),
    ) -> Result<Result<i64, String>, LoadError> {
        if let Some(id) = self.stocks.get(symbol) {
            return Ok(Ok(*id));
        }
        let row = Record::new(&nouns::STOCKS).with("symbol", symbol).with_optional("name", name);
        let row = complete(row, self.clock.now());
        let found = if let Some(old) = find(chunk, Some(symbol)).await? {
            if old.is_null("name") {
                self.fill(chunk, &old, &row).await?;
            }
            Some(old)
        } else if let Some(reason) = demands.refuse(&format!("stock {symbol}"), &row) {
            return Ok(Err(reason));
        } else {
            chunk.insert(&nouns::STOCKS, [row]).await?;
            find(chunk, Some(symbol)).await?
        };
        let found = found.ok_or_else(|| LoadError::Missing(format!("stock {symbol}")))?;
        let id = int(&found, "id")?;
        self.stocks.insert(symbol.to_owned(), id);
        self.added.stocks.push(symbol.to_owned());
        Ok(Ok(id))
    }

    /// Returns whether a stock with this id exists.
    pub(super) async fn has_stock(&self, chunk: &mut Chunk<'_>, id: i64) -> Result<bool, TierError> {
        Ok(!chunk.hot.fetch(&by_id(), &[Value::from(vec![id])]).await?.is_empty())
    }
}
