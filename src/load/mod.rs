//! Loads records into the hot tier. The same import twice changes nothing.
//!
//! A chunk of records is one hot transaction. While it holds the state row no mover can raise the epoch, so the rows of cold
//! that are visible at that epoch are exactly those that left hot: an id is known when it is visible in either tier.

mod demands;
pub mod demo;
mod identity;
mod likes;
mod prices;
mod refer;
mod row;
mod rows;
mod stocks;

/// The nouns of the platform. Some of them are loaded in a way of their own.
pub mod nouns {
    pub use crate::resources::conversations::spec::CONVERSATION_RECORDS as CONVERSATIONS;
    pub use crate::resources::messages::spec::MESSAGE_RECORDS as MESSAGES;
    pub use crate::resources::posts::spec::{
        COMMENT_RECORDS as COMMENTS, LIKE_RECORDS as LIKES, POST_RECORDS as POSTS,
    };
    pub use crate::resources::stocks::spec::{PRICE_RECORDS as PRICES, STOCK_RECORDS as STOCKS};
    pub use crate::resources::users::spec::USER_RECORDS as USERS;
}

use std::collections::{HashMap, HashSet};

use self::demands::Demands;
use crate::archive;
use crate::clock::Clock;
use crate::import::{Noun, Record};
use crate::journal::{ConsistencyError, Digest, JournalError, proof, state};
use crate::resources::registry;
use crate::schema;
use crate::tier::{Begin, Engine, Record as Answer, Session, Statement, TierError, Value};

crate::queries! {
    mod sql = "load" { Shared: "queries.sql", Sqlite: "queries.sqlite.sql", Mssql: "queries.mssql.sql" }
    [
        cold_alike, cold_by_id, cold_prices, complete_stock, conversation_active, correct_price, demands, hot_alike,
        hot_by_id, hot_prices, name_user, stock_by_symbol,
    ]
}

/// What happened to a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It went in.
    Inserted,
    /// It was there already.
    Known,
    /// It changed a row: a price got other values, a user or stock that was only referred to got its name.
    Corrected,
    /// It cannot go in, for this reason.
    Rejected(String),
}

/// A chunk of records did not go in; nothing of it did.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A tier failed.
    #[error(transparent)]
    Tier(#[from] TierError),
    /// The databases disagree, so it is unknown which records are there already.
    #[error(transparent)]
    Consistency(#[from] ConsistencyError),
    /// A row that was just inserted is not there.
    #[error("{0} is missing after it was inserted")]
    Missing(String),
    /// A row holds a value of another type than its column.
    #[error("{column} of {row} is {found}, expected {expected}")]
    Value {
        /// The table and the column.
        column: String,
        /// The row.
        row: String,
        /// The type of the value.
        found: String,
        /// The type of the column.
        expected: &'static str,
    },
}

impl From<JournalError> for LoadError {
    fn from(error: JournalError) -> Self {
        match error {
            JournalError::Tier(error) => error.into(),
            JournalError::Consistency(error) => error.into(),
        }
    }
}

/// Loads records into hot.
#[derive(Debug)]
pub struct Loader<'a> {
    hot: &'a dyn Engine,
    cold: Option<&'a dyn Engine>,
    clock: &'a Clock,
    /// The values that hot demands; read with the first chunk.
    demands: Option<Demands>,
    /// How often each content without an id has occurred in this run.
    seen: HashMap<Digest, i64>,
    /// The ids of stocks by symbol.
    stocks: HashMap<String, i64>,
    /// What the chunk at work has added to both, to take it back when hot refuses the chunk.
    added: Added,
}

/// What a chunk has added to the memory of its loader.
#[derive(Debug, Default)]
struct Added {
    seen: Vec<Digest>,
    stocks: Vec<String>,
}

/// One transaction of a load, and the epoch that stays while it is open.
struct Chunk<'a> {
    hot: &'a mut dyn Session,
    cold: Option<&'a dyn Engine>,
    epoch: i64,
}

impl<'a> Loader<'a> {
    /// Creates a loader into `hot` that looks for known rows in both tiers.
    pub fn new(hot: &'a dyn Engine, cold: Option<&'a dyn Engine>, clock: &'a Clock) -> Self {
        let (seen, stocks, added) = (HashMap::new(), HashMap::new(), Added::default());
        Self { hot, cold, clock, demands: None, seen, stocks, added }
    }

    /// Loads `records`, all of this noun, in one transaction. Returns one verdict each, in their order.
    ///
    /// Where hot refuses values, for a constraint that only it knows, the halves of the chunk are tried, until the records
    /// are found that it does not take.
    ///
    /// After an error the loader must not be used again: it may remember what was not committed.
    pub async fn load(
        &mut self,
        noun: &'static Noun,
        records: Vec<Record>,
    ) -> Result<Vec<Verdict>, LoadError> {
        let mut verdicts = Vec::with_capacity(records.len());
        // The first records are on top.
        let mut left = vec![records];
        while let Some(mut records) = left.pop() {
            let refusal = match self.attempt(noun, records.clone()).await {
                Ok(done) => {
                    verdicts.extend(done);
                    continue;
                }
                Err(LoadError::Tier(error)) => error.refused_values().ok_or(error)?,
                Err(error) => return Err(error),
            };
            self.forget_chunk();
            if records.len() > 1 {
                left.push(records.split_off(records.len() / 2));
                left.push(records);
            } else {
                verdicts.push(Verdict::Rejected(format!("hot refuses it: {refusal}")));
            }
        }
        Ok(verdicts)
    }

    /// Takes back what a refused chunk has added to the memory.
    fn forget_chunk(&mut self) {
        let Added { seen, stocks } = std::mem::take(&mut self.added);
        for digest in seen {
            if let Some(n) = self.seen.get_mut(&digest) {
                *n -= 1;
            }
        }
        for symbol in stocks {
            self.stocks.remove(&symbol);
        }
    }

    /// Returns the values that hot demands.
    async fn demands(&mut self) -> Result<Demands, TierError> {
        if self.demands.is_none() {
            self.demands = Some(Demands::of(self.hot).await?);
        }
        Ok(self.demands.clone().unwrap_or_default())
    }

    /// Loads records in one transaction.
    async fn attempt(
        &mut self,
        noun: &'static Noun,
        records: Vec<Record>,
    ) -> Result<Vec<Verdict>, LoadError> {
        self.added = Added::default();
        let demands = self.demands().await?;
        let mut session = self.hot.session().await?;
        session.begin(Begin::Write).await?;
        let mut chunk = Chunk { hot: &mut *session, cold: self.cold, epoch: 0 };
        if let Some(resource) = resource(noun) {
            chunk.epoch = self.hold_epoch(&mut chunk, resource).await?;
        }
        let verdicts = if noun.table.name == schema::LIKES.name {
            self.likes(&mut chunk, &demands, records).await?
        } else if noun.table.name == schema::PRICES.name {
            self.prices(&mut chunk, &demands, records).await?
        } else {
            self.rows(&mut chunk, &demands, (noun, records)).await?
        };
        session.commit().await?;
        Ok(verdicts)
    }

    /// Returns the epoch of a resource, which stays while the chunk's transaction is open, after proving it against cold.
    async fn hold_epoch(&self, chunk: &mut Chunk<'_>, resource: &'static str) -> Result<i64, LoadError> {
        let state = state::locked(chunk.hot, resource).await?;
        // Without a cold tier hot has to hold everything, as it does once all of it was restored.
        let alone = chunk.cold.is_none() && state.cold_watermark.is_none();
        if !alone {
            proof::ensure_known(chunk.cold, resource, state.epoch, state.token).await?;
        }
        Ok(state.epoch)
    }
}

impl Chunk<'_> {
    /// Returns the answers of hot to `params`, then those of cold, which takes the epoch as a further parameter.
    async fn both(
        &mut self,
        hot: &Statement,
        cold: Option<&Statement>,
        mut params: Vec<Value>,
    ) -> Result<(Vec<Answer>, Vec<Answer>), TierError> {
        let in_hot = self.hot.fetch(hot, &params).await?;
        let (Some(statement), Some(cold), 1..) = (cold, self.cold, self.epoch) else {
            return Ok((in_hot, Vec::new()));
        };
        params.push(self.epoch.into());
        Ok((in_hot, cold.fetch(statement, &params).await?))
    }

    /// Returns which of some ids were erased and must not come in again; for likes, of which users the likes were.
    async fn erased(&mut self, noun: &Noun, ids: Value) -> Result<HashSet<i64>, TierError> {
        if resource(noun).is_none() {
            return Ok(HashSet::new());
        }
        archive::erased(self.hot, noun.name, &ids).await
    }

    /// Inserts rows, with the ids they have or with new ones.
    async fn insert(
        &mut self,
        noun: &'static Noun,
        rows: impl IntoIterator<Item = Record>,
    ) -> Result<(), TierError> {
        let table = noun.table;
        let numbered = table.columns[0].identity;
        let (with_id, mut without): (Vec<_>, Vec<_>) = rows
            .into_iter()
            .map(Record::into_row)
            .partition(|row| !numbered || matches!(row[0], Value::Int(_)));
        let columns: Vec<_> = table.columns.iter().map(|column| column.name).collect();
        self.hot.insert(table.name, &columns, &with_id).await?;
        for row in &mut without {
            row.remove(0);
        }
        self.hot.insert(table.name, &columns[1..], &without).await?;
        Ok(())
    }
}

/// Returns the resource whose epoch the rows move with.
fn resource(noun: &Noun) -> Option<&'static str> {
    let (resource, _) = registry::imports().find(|(_, known)| known.name == noun.name)?;
    resource.moves.as_ref().map(|_| resource.name)
}

/// Returns every statement an import sends, bound to its tables.
pub fn statements() -> Vec<Statement> {
    let mut statements: Vec<Statement> =
        [sql::demands(), sql::name_user(), sql::conversation_active(), sql::complete_stock()]
            .into_iter()
            .copied()
            .collect();
    statements.extend(identity::statements());
    statements.extend(refer::statements());
    statements.extend(likes::by_post());
    statements.extend(stocks::statements());
    statements.extend(prices::statements());
    statements
}

/// Returns the number in `n` of the first row.
fn count(answers: &[Answer]) -> Result<i64, TierError> {
    answers.first().map_or(Ok(0), |answer| answer.int("n"))
}

/// Returns `values` without repetitions, as a parameter.
fn distinct(values: impl IntoIterator<Item = i64>) -> Value {
    let mut values: Vec<i64> = values.into_iter().collect();
    values.sort_unstable();
    values.dedup();
    values.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_bound() {
        for statement in statements() {
            for text in [Some(statement.sqlite()), statement.for_postgres(), statement.for_mssql()]
                .into_iter()
                .flatten()
            {
                assert!(!text.contains('{'), "{text}");
            }
        }
    }
}
