//! One question that both tiers answer at one epoch, outside of the pages of a list.

use super::attempt::{Attempt, Interruption, retry};
use super::cache::ReadCache;
use super::consistency::Consistent;
use super::error::ReadError;
use super::sql::{JointStatements, KeptCold, SqlHot, SqlList, hot_snapshot};
use thermocline_database::{Record, Tier, Value};

/// The two tiers, as questions are put to them.
#[derive(Clone, Copy, Debug)]
pub struct Joint<'a, L: SqlList> {
    /// The hot tier.
    pub hot: SqlHot<'a>,
    /// The cold tier; absent in hot-only mode.
    pub cold: Option<KeptCold<'a>>,
    /// Snapshots of earlier requests.
    pub cache: &'a ReadCache,
    /// A list of the resource that the question is about.
    pub list: &'a L,
    /// Whether to answer with hot alone, instead of an error, while cold is unavailable.
    pub partial: bool,
}

/// The answers of both tiers.
#[derive(Debug)]
pub struct Answers {
    /// The records of hot: at least one, which carries the state.
    pub hot: Vec<Record>,
    /// The records of cold at the same epoch: at least one, which carries the proof. `None` if nothing was ever archived, or if
    /// cold is missing.
    pub cold: Option<Vec<Record>>,
    /// Whether cold is missing.
    pub is_partial: bool,
}

impl<L: SqlList> Joint<'_, L> {
    /// Asks hot, and then cold at the epoch of its answer: one statement each, unless rows move meanwhile.
    pub async fn ask(&self, statements: &JointStatements, params: &[Value]) -> Result<Answers, ReadError> {
        retry(self.list.resource(), || self.try_ask(statements, params)).await
    }

    async fn try_ask(&self, statements: &JointStatements, params: &[Value]) -> Attempt<Answers> {
        let cold = self.cold.as_ref();
        let tiers = Consistent { hot: &self.hot, cold: cold.map(|cold| cold as _), cache: self.cache };
        let hot = self.hot.0.fetch(&statements.hot, params).await?;
        let snapshot = hot_snapshot(self.list, &hot)?;
        tiers.check(self.list, snapshot).await?;
        if snapshot.cold_watermark.is_none() {
            return Ok(Answers { hot, cold: None, is_partial: false });
        }
        let cold = cold.ok_or(ReadError::NoCold { resource: self.list.resource() })?;
        match cold.proven(self.list.resource(), &statements.cold, snapshot, params).await {
            Ok((cold, confirmed)) => {
                tiers.check_confirmed(self.list, snapshot, confirmed).await?;
                Ok(Answers { hot, cold: Some(cold), is_partial: false })
            }
            Err(error) => match tiers.retry_or_fail(self.list, snapshot, error).await {
                Err(Interruption::Failed(error))
                    if self.partial && error.unavailable() == Some(Tier::Cold) =>
                {
                    Ok(Answers { hot, cold: None, is_partial: true })
                }
                other => other,
            },
        }
    }
}
