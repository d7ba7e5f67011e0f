//! The pair: two fresh databases are paired once by a random number, which is compared at every later start.

use std::collections::BTreeMap;

use super::queries::sql;
use super::{ConsistencyError, Disagreement, state};
use thermocline_core::clock::Clock;
use thermocline_core::table::ColumnType;
use thermocline_database::{Begin, Engine, Record, Statement, TierError, Value};

/// The two databases cannot be used together.
#[derive(Debug, thiserror::Error)]
pub enum PairError {
    /// A tier failed.
    #[error(transparent)]
    Tier(#[from] TierError),
    /// They belong to different pairs, or one of them was emptied or replaced.
    #[error("the hot and the cold database are not a pair: {0}")]
    NotAPair(String),
    /// They are a pair, but one is older than the other.
    #[error(transparent)]
    Consistency(#[from] ConsistencyError),
}

/// The relation between two databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// They are a pair.
    Paired,
    /// They have not been paired yet, or only hot has its number.
    Fresh,
    /// Cold belongs to this pair and hot to none: its records were dropped, or it was built anew.
    HotUnpaired(i64),
    /// Hot belongs to this pair and has moved rows, and cold belongs to none: it was built anew.
    ColdUnpaired(i64),
}

/// Returns how two databases belong together.
///
/// # Errors
/// [`PairError::NotAPair`] for databases of different pairs, and for a database whose rows disagree.
pub async fn standing(hot: &dyn Engine, cold: &dyn Engine) -> Result<Standing, PairError> {
    let states = hot.fetch(sql::epochs(), &[]).await?;
    let heads = cold.fetch(sql::claims(), &[]).await?;
    if states.len() != heads.len() {
        let (states, heads) = (states.len(), heads.len());
        return not_a_pair(format!("hot has {states} state rows, cold has {heads} claim rows"));
    }
    let mut highest = 0;
    for record in &states {
        highest = highest.max(record.int("epoch")?);
    }
    let mut entries = 0;
    for record in &heads {
        entries += record.int("batches")?;
    }
    match (number(&states)?, number(&heads)?) {
        (Some(hot), Some(cold)) if hot == cold => Ok(Standing::Paired),
        (Some(hot), Some(cold)) => not_a_pair(format!("hot belongs to pair {hot}, cold to pair {cold}")),
        (None, Some(pair)) => Ok(Standing::HotUnpaired(pair)),
        (None, None) if entries > 0 => not_a_pair("cold has a history, hot has none".to_owned()),
        (Some(pair), None) if highest > 0 => Ok(Standing::ColdUnpaired(pair)),
        _ => Ok(Standing::Fresh),
    }
}

/// Checks that `hot` and `cold` are a pair. Pairs two fresh databases.
///
/// Hot draws the number and commits it first, then cold copies it. A process that dies in between leaves a hot with a number
/// and a cold without, which the next call completes.
pub async fn ensure(hot: &dyn Engine, cold: &dyn Engine, clock: &Clock) -> Result<(), PairError> {
    const JOIN: &str = "if they belong together, `thermocline archive recover` joins them again";
    match standing(hot, cold).await? {
        Standing::Paired => Ok(()),
        Standing::HotUnpaired(_) => not_a_pair(format!("cold has a history, hot has none; {JOIN}")),
        Standing::ColdUnpaired(_) => not_a_pair(format!("hot has moved rows, cold is empty; {JOIN}")),
        Standing::Fresh => {
            set(hot, sql::pair_hot(), clock.draw()).await?;
            // If another process has set a number first, that one is used.
            match number(&hot.fetch(sql::epochs(), &[]).await?)? {
                Some(pair) => Ok(set(cold, sql::pair_cold(), pair).await?),
                None => not_a_pair("hot has no state rows".to_owned()),
            }
        }
    }
}

/// Returns the number of the pair that a paired hot belongs to.
pub async fn number_of(hot: &dyn Engine) -> Result<Option<i64>, PairError> {
    number(&hot.fetch(sql::epochs(), &[]).await?)
}

/// Notes the number of the pair in the database that has none, after a recovery made both consistent.
pub async fn join(hot: &dyn Engine, cold: &dyn Engine, standing: Standing) -> Result<(), PairError> {
    match standing {
        Standing::HotUnpaired(pair) => Ok(set(hot, sql::pair_hot(), pair).await?),
        Standing::ColdUnpaired(pair) => Ok(set(cold, sql::pair_cold(), pair).await?),
        Standing::Paired | Standing::Fresh => Ok(()),
    }
}

/// Checks that the two databases of a pair are consistent: cold knows the last move of hot, and hot has every move that
/// cold saw it commit.
pub async fn ensure_consistent(hot: &dyn Engine, cold: &dyn Engine) -> Result<(), PairError> {
    match inconsistencies(hot, cold).await?.into_values().next() {
        None => Ok(()),
        Some(error) => Err(error.into()),
    }
}

/// Returns the resources for which one of the databases is older than the other.
///
/// Hot is read, then cold, then hot again, so rows may move meanwhile: a move committed at the first read is in cold at the
/// second, and a move confirmed at the second is in hot at the third.
pub async fn inconsistencies(
    hot: &dyn Engine,
    cold: &dyn Engine,
) -> Result<BTreeMap<String, ConsistencyError>, TierError> {
    let (mut found, mut ahead) = (BTreeMap::new(), BTreeMap::new());
    for state in hot.fetch(sql::epochs(), &[]).await? {
        let (resource, epoch) = (state.text("resource")?, state.int("epoch")?);
        let token = Value::or_null(state.int_or_null("token")?, ColumnType::Int);
        let params = [resource.as_str().into(), epoch.into(), token];
        let records = cold.fetch(sql::standing(), &params).await?;
        let Some(standing) = records.first() else { continue };
        let confirmed = standing.int_or_null("confirmed")?.unwrap_or(0);
        if epoch == 0 && state.is_null("pair")? && standing.bool("has_moves")? {
            let error = ConsistencyError::new(&resource, Disagreement::Unpaired);
            found.insert(resource, error);
        } else if epoch > 0 && !standing.bool("proven")? {
            let error = ConsistencyError::new(&resource, Disagreement::UnknownMove(epoch));
            found.insert(resource, error);
        } else if confirmed > epoch {
            ahead.insert(resource, confirmed);
        }
    }
    if ahead.is_empty() {
        return Ok(found);
    }
    for (resource, epoch) in state::epochs(hot).await? {
        if let Some(confirmed) = ahead.remove(&resource).filter(|confirmed| *confirmed > epoch) {
            let disagreement = Disagreement::ConfirmedAbove { confirmed, epoch };
            let error = ConsistencyError::new(&resource, disagreement);
            found.insert(resource, error);
        }
    }
    Ok(found)
}

/// Returns the resources of which hot says that cold holds rows.
pub async fn archived(hot: &dyn Engine) -> Result<Vec<String>, TierError> {
    let mut archived = Vec::new();
    for record in hot.fetch(sql::epochs(), &[]).await? {
        if record.int("epoch")? > 0 && !record.is_null("cold_newest_at")? {
            archived.push(record.text("resource")?);
        }
    }
    Ok(archived)
}

/// Checks that `hot` can serve without a cold tier: cold holds no rows.
pub async fn ensure_alone(hot: &dyn Engine) -> Result<(), PairError> {
    for record in hot.fetch(sql::epochs(), &[]).await? {
        let (resource, epoch) = (record.text("resource")?, record.int("epoch")?);
        if epoch > 0 && !record.is_null("cold_newest_at")? {
            let text = format!("hot has archived {resource} (epoch {epoch}) and no cold tier is configured");
            return not_a_pair(text);
        }
    }
    Ok(())
}

/// Returns the number that each resource claimed last.
pub async fn claims(cold: &dyn Engine) -> Result<BTreeMap<String, i64>, TierError> {
    let heads = cold.fetch(sql::claims(), &[]).await?;
    heads.iter().map(|head| Ok((head.text("resource")?, head.int("claimed")?))).collect()
}

async fn set(engine: &dyn Engine, statement: &Statement, pair: i64) -> Result<(), TierError> {
    let mut session = engine.session().await?;
    session.begin(Begin::Write).await?;
    session.execute(statement, &[Value::Int(pair)]).await?;
    session.commit().await
}

/// Returns the number of the pair, which must be the same in all rows.
fn number(records: &[Record]) -> Result<Option<i64>, PairError> {
    let pairs: Vec<Option<i64>> =
        records.iter().map(|record| record.int_or_null("pair")).collect::<Result<_, _>>()?;
    match pairs.as_slice() {
        [] => not_a_pair("a database has no state rows".to_owned()),
        [first, rest @ ..] if rest.iter().all(|pair| pair == first) => Ok(*first),
        _ => not_a_pair(format!("the rows of one database disagree: {pairs:?}")),
    }
}

fn not_a_pair<T>(detail: String) -> Result<T, PairError> {
    Err(PairError::NotAPair(detail))
}
