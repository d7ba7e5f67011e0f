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

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

use self::demands::Demands;
use crate::archive;
use crate::clock::Clock;
use crate::import::{Noun, Record};
use crate::journal::{ConsistencyError, Digest, JournalError, proof, state};
use crate::resources::registry;
use crate::schema;
use crate::tier::{Begin, Engine, Record as Answer, Session, Statement, TierError, Value};

crate::queries! {
    mod sql = "load" {
        Shared: "queries.sql",
        Sqlite: "queries.sqlite.sql",
        Postgres: "queries.postgres.sql",
        Citus: "queries.citus.sql",
        Mssql: "queries.mssql.sql",
    }
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
    /// The additions of the current chunk to `seen` and `stocks`, which are removed when hot refuses the chunk.
    added: Added,
}

/// The additions of a chunk to the memory of its loader.
#[derive(Debug, Default)]
struct Added {
    seen: Vec<Digest>,
    stocks: Vec<String>,
}

/// The end of a transaction that went well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Commit,
    RollBack,
}

fn refusal(reason: &str) -> Verdict {
    Verdict::Rejected(format!("hot refuses it: {reason}"))
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
    /// If hot refuses the chunk, for a constraint that only it knows, bisection finds the refused records; the others are inserted in
    /// one transaction, because the users of a conversation are derived from all its messages together.
    ///
    /// After an error the loader must not be used again: it may remember what was not committed.
    pub async fn load(
        &mut self,
        noun: &'static Noun,
        records: Vec<Record>,
    ) -> Result<Vec<Verdict>, LoadError> {
        if let Ok(verdicts) = self.attempt(noun, records.clone(), End::Commit).await? {
            return Ok(verdicts);
        }
        let mut refused = self.find_refused(noun, &records).await?;
        let n = records.len();
        let left = records.into_iter().enumerate().filter(|(place, _)| !refused.contains_key(place));
        let left = left.map(|(_, record)| record).collect();
        let mut verdicts = self.load_parts(noun, left).await?.into_iter();
        let verdict = |place| match refused.remove(&place) {
            Some(reason) => Some(refusal(&reason)),
            None => verdicts.next(),
        };
        Ok((0..n).filter_map(verdict).collect())
    }

    /// Returns the records that hot refuses whatever comes with them, by their place, each with the reason. Nothing goes in.
    async fn find_refused(
        &mut self,
        noun: &'static Noun,
        records: &[Record],
    ) -> Result<BTreeMap<usize, String>, LoadError> {
        let mut refused = BTreeMap::new();
        let mut parts: Vec<Range<usize>> = std::iter::once(0..records.len()).collect();
        while let Some(part) = parts.pop() {
            let Err(reason) = self.attempt(noun, records[part.clone()].to_vec(), End::RollBack).await? else {
                continue;
            };
            if part.len() == 1 {
                refused.insert(part.start, reason);
            } else {
                let middle = part.start + part.len() / 2;
                parts.extend([part.start..middle, middle..part.end]);
            }
        }
        Ok(refused)
    }

    /// Loads records in as few transactions as hot takes them in: some refuse each other.
    async fn load_parts(
        &mut self,
        noun: &'static Noun,
        records: Vec<Record>,
    ) -> Result<Vec<Verdict>, LoadError> {
        let mut verdicts = Vec::with_capacity(records.len());
        // The first records are on top.
        let mut left = vec![records];
        while let Some(mut records) = left.pop() {
            match self.attempt(noun, records.clone(), End::Commit).await? {
                Ok(done) => verdicts.extend(done),
                Err(_) if records.len() > 1 => {
                    left.push(records.split_off(records.len() / 2));
                    left.push(records);
                }
                Err(reason) => verdicts.push(refusal(&reason)),
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

    /// Loads records in one transaction, which is committed or rolled back. Returns the reason if hot refuses values.
    async fn attempt(
        &mut self,
        noun: &'static Noun,
        records: Vec<Record>,
        end: End,
    ) -> Result<Result<Vec<Verdict>, String>, LoadError> {
        self.added = Added::default();
        let done = match self.run(noun, records, end).await {
            Ok(verdicts) => Ok(verdicts),
            Err(LoadError::Tier(error)) => Err(error.refused_values().ok_or(error)?),
            Err(error) => return Err(error),
        };
        if done.is_err() || end == End::RollBack {
            self.forget_chunk();
        }
        Ok(done)
    }

    async fn run(
        &mut self,
        noun: &'static Noun,
        records: Vec<Record>,
        end: End,
    ) -> Result<Vec<Verdict>, LoadError> {
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
        match end {
            End::Commit => session.commit().await?,
            End::RollBack => session.rollback().await?,
        }
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
