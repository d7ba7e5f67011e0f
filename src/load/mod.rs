//! Records into the hot tier, so that the same import twice changes nothing.
//!
//! A chunk of records is one hot transaction. While it holds the state row no mover can raise the epoch, so what cold
//! holds at that epoch is exactly what has left hot: an id that is visible in either tier is known. Knows records
//! ([`crate::import`]) and tiers; no file and no HTTP may enter.

pub mod demo;
mod likes;
mod prices;
mod refer;
mod rows;

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use crate::archive::digest::Digest;
use crate::clock::Clock;
use crate::import::{Noun, Record};
use crate::schema::{Kind, Table};
use crate::tier::{
    Begin, Engine, Record as Row, Session, Statement, TierError, Value, cold_sql, hot_sql, values,
};

static STATE: LazyLock<Statement> = LazyLock::new(|| hot_sql!("state"));
static PROVEN: LazyLock<Statement> = LazyLock::new(|| cold_sql!("proven"));
static ERASED: LazyLock<Statement> = LazyLock::new(|| hot_sql!("erased"));

/// What became of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It went in.
    Inserted,
    /// It was there already.
    Known,
    /// It changed what was there: a price with other values, a name for what was only referred to.
    Corrected,
    /// It cannot go in, and why.
    Rejected(String),
}

/// A chunk of records did not go in; nothing of it did.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A tier failed.
    #[error(transparent)]
    Tier(#[from] TierError),
    /// Cold does not belong to this hot, so nobody can say what is known.
    #[error("{0}: cold does not know where hot stands; run `thermocline archive recover`")]
    RecoverDue(&'static str),
}

/// Puts records into hot.
#[derive(Debug)]
pub struct Loader<'a> {
    hot: &'a dyn Engine,
    cold: Option<&'a dyn Engine>,
    clock: &'a Clock,
    /// How often each content without an id has come by in this run.
    seen: HashMap<Digest, i64>,
    stocks: HashMap<String, i64>,
    /// What the messages in hand say of their conversations.
    active: HashMap<i64, refer::Activity>,
}

/// One transaction of a load, and the epoch it holds still.
struct Chunk<'a> {
    hot: &'a mut dyn Session,
    cold: Option<&'a dyn Engine>,
    epoch: i64,
}

impl<'a> Loader<'a> {
    /// A loader into `hot` that looks for what is known in both tiers.
    pub fn new(hot: &'a dyn Engine, cold: Option<&'a dyn Engine>, clock: &'a Clock) -> Self {
        Self { hot, cold, clock, seen: HashMap::new(), stocks: HashMap::new(), active: HashMap::new() }
    }

    /// Loads `records`, all of this noun, in one transaction: one verdict each, in their order.
    ///
    /// After an error the run is over: what the loader remembers may not have been committed.
    pub async fn load(&mut self, noun: Noun, records: Vec<Record>) -> Result<Vec<Verdict>, LoadError> {
        let mut session = self.hot.session().await?;
        session.begin(Begin::Write).await?;
        let mut chunk = Chunk { hot: &mut *session, cold: self.cold, epoch: 0 };
        if let Some(resource) = resource(noun) {
            chunk.epoch = self.hold_epoch(&mut chunk, resource).await?;
        }
        let loaded = match noun {
            Noun::Likes => self.likes(&mut chunk, records).await,
            Noun::Prices => self.prices(&mut chunk, records).await,
            _ => self.rows(&mut chunk, noun, records).await,
        };
        let verdicts = loaded?;
        session.commit().await?;
        Ok(verdicts)
    }

    /// The epoch of a resource, which stays while the chunk's transaction is open; proven against cold.
    async fn hold_epoch(&self, chunk: &mut Chunk<'_>, resource: &'static str) -> Result<i64, LoadError> {
        let records = chunk.hot.fetch(&STATE, &[resource.into()]).await?;
        let state = records.first().ok_or(LoadError::RecoverDue(resource))?;
        let (epoch, token) = (state.int("epoch")?, state.int_or_null("token")?);
        // Without a cold tier hot has to hold everything, as it does once all of it has come back.
        let alone = chunk.cold.is_none() && state.is_null("cold_newest_at")?;
        if epoch > 0 && !alone {
            let cold = chunk.cold.ok_or(LoadError::RecoverDue(resource))?;
            let params = [resource.into(), epoch.into(), Value::or_null(token, Kind::Int)];
            let records = cold.fetch(&PROVEN, &params).await?;
            if records.first().map(|record| record.int("n")).transpose()? != Some(1) {
                return Err(LoadError::RecoverDue(resource));
            }
        }
        Ok(epoch)
    }
}

/// The resource whose epoch a noun's rows move with.
const fn resource(noun: Noun) -> Option<&'static str> {
    match noun {
        Noun::Messages => Some("messages"),
        Noun::Posts | Noun::Comments | Noun::Likes => Some("posts"),
        Noun::Prices => Some("prices"),
        Noun::Users | Noun::Conversations | Noun::Stocks => None,
    }
}

/// Which of these ids were erased and must not come in again; of likes, which users' likes.
async fn erased(chunk: &mut Chunk<'_>, noun: Noun, ids: &Value) -> Result<HashSet<i64>, TierError> {
    if resource(noun).is_none() {
        return Ok(HashSet::new());
    }
    let params = [noun.to_string().as_str().into(), ids.clone()];
    chunk.hot.fetch(&ERASED, &params).await?.iter().map(|record| record.int("id")).collect()
}

/// Rows of answers as values in the order of the table's columns.
fn read(records: &[Row], table: &Table) -> Result<Vec<Vec<Value>>, TierError> {
    records.iter().map(|record| values(record, table.columns)).collect()
}

/// The names of a table's columns.
fn names(table: &Table) -> Vec<&'static str> {
    table.columns.iter().map(|column| column.name).collect()
}

/// `values` without repetitions, as a parameter.
fn distinct(values: impl Iterator<Item = i64>) -> Value {
    let mut values: Vec<i64> = values.collect();
    values.sort_unstable();
    values.dedup();
    values.into()
}
