//! Two databases become a pair once, and are recognised ever after.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::clock::Clock;
use crate::schema::Kind;
use crate::tier::{Begin, Engine, Statement, TierError, Value, cold_sql, hot_sql};

static PAIRS: LazyLock<Statement> = LazyLock::new(|| hot_sql!("pairs"));
static SET_PAIR: LazyLock<Statement> = LazyLock::new(|| hot_sql!("set_pair"));
static COLD_PAIRS: LazyLock<Statement> = LazyLock::new(|| cold_sql!("cold_pairs"));
static STANDING: LazyLock<Statement> = LazyLock::new(|| cold_sql!("standing"));
static SET_COLD_PAIR: LazyLock<Statement> = LazyLock::new(|| cold_sql!("set_cold_pair"));

/// The two databases are not a pair.
#[derive(Debug, thiserror::Error)]
pub enum PairError {
    /// A tier failed.
    #[error(transparent)]
    Tier(#[from] TierError),
    /// They belong to different pairs, or one was emptied or exchanged.
    #[error("the hot and the cold database are not a pair: {0}")]
    NotAPair(String),
    /// They are a pair, but of two times: one has come back from a backup.
    #[error("{resource}: {detail}; run `thermocline archive recover`")]
    RecoverDue {
        /// The resource.
        resource: String,
        /// What does not fit.
        detail: String,
    },
}

/// Checks that `hot` and `cold` are a pair; two fresh databases become one.
///
/// Hot draws the number and commits it first, cold copies it: whoever dies in between leaves a hot that knows its
/// number beside a cold that is still empty, which is finished here.
pub async fn ensure(hot: &dyn Engine, cold: &dyn Engine, clock: &Clock) -> Result<(), PairError> {
    let epochs = hot.fetch(&PAIRS, &[]).await?;
    let heads = cold.fetch(&COLD_PAIRS, &[]).await?;
    let pairs = |records: &[crate::tier::Record]| {
        records.iter().map(|record| record.int_or_null("pair")).collect::<Result<Vec<_>, _>>()
    };
    let (in_hot, in_cold) = (one(&pairs(&epochs)?)?, one(&pairs(&heads)?)?);
    let mut highest = 0;
    for record in &epochs {
        highest = highest.max(record.int("epoch")?);
    }
    let mut batches = 0;
    for record in &heads {
        batches += record.int("batches")?;
    }
    if epochs.len() != heads.len() {
        let text = format!("hot has {} state rows, cold {}: somebody deleted one", epochs.len(), heads.len());
        return Err(PairError::NotAPair(text));
    }
    match (in_hot, in_cold) {
        (Some(hot), Some(cold)) if hot == cold => Ok(()),
        (Some(hot), Some(cold)) => Err(PairError::NotAPair(format!("hot is of pair {hot}, cold of {cold}"))),
        (None, _) if in_cold.is_some() || batches > 0 => {
            Err(PairError::NotAPair("cold has a past, hot has none".to_owned()))
        }
        (Some(_), None) if highest > 0 => {
            Err(PairError::NotAPair(format!("hot stands at epoch {highest}, cold is empty")))
        }
        _ => {
            set(hot, &SET_PAIR, clock.draw()).await?;
            // Another process may have drawn first: its number counts.
            let pair = one(&pairs(&hot.fetch(&PAIRS, &[]).await?)?)?;
            let pair = pair.ok_or_else(|| PairError::NotAPair("hot has no state rows".to_owned()))?;
            Ok(set(cold, &SET_COLD_PAIR, pair).await?)
        }
    }
}

/// Checks that the two databases of a pair are of one time: cold knows the last move of hot, and hot every move that cold
/// knows to be committed.
pub async fn ensure_one_time(hot: &dyn Engine, cold: &dyn Engine) -> Result<(), PairError> {
    match unfit(hot, cold).await?.into_iter().next() {
        None => Ok(()),
        Some((resource, detail)) => Err(PairError::RecoverDue { resource, detail }),
    }
}

/// The resources of which one of the databases is older than the other, and how that shows. A few small reads.
///
/// Rows may move meanwhile. Whatever hot had committed when it was asked is in cold when cold is asked after it; and
/// what cold had confirmed is in hot when hot is asked again.
pub async fn unfit(hot: &dyn Engine, cold: &dyn Engine) -> Result<BTreeMap<String, String>, TierError> {
    let (mut faults, mut ahead) = (BTreeMap::new(), BTreeMap::new());
    for state in hot.fetch(&PAIRS, &[]).await? {
        let (resource, epoch) = (state.text("resource")?, state.int("epoch")?);
        let token = Value::or_null(state.int_or_null("token")?, Kind::Int);
        let standing = cold.fetch(&STANDING, &[resource.as_str().into(), epoch.into(), token]).await?;
        let Some(standing) = standing.first() else { continue };
        let confirmed = standing.int_or_null("confirmed")?.unwrap_or(0);
        if epoch > 0 && !standing.bool("proven")? {
            faults.insert(resource, format!("cold does not know move {epoch} of this hot"));
        } else if confirmed > epoch {
            ahead.insert(resource, confirmed);
        }
    }
    if !ahead.is_empty() {
        for (resource, epoch) in epochs(hot).await? {
            if let Some(confirmed) = ahead.remove(&resource).filter(|confirmed| *confirmed > epoch) {
                let detail = format!("cold has confirmed move {confirmed}, hot stands at {epoch}");
                faults.insert(resource, detail);
            }
        }
    }
    Ok(faults)
}

/// Where hot stands with each resource.
pub async fn epochs(hot: &dyn Engine) -> Result<BTreeMap<String, i64>, TierError> {
    let states = hot.fetch(&PAIRS, &[]).await?;
    states.iter().map(|state| Ok((state.text("resource")?, state.int("epoch")?))).collect()
}

/// Checks that `hot` can serve without a cold tier: nothing has left it.
pub async fn ensure_alone(hot: &dyn Engine) -> Result<(), PairError> {
    for record in hot.fetch(&PAIRS, &[]).await? {
        let (resource, epoch) = (record.text("resource")?, record.int("epoch")?);
        if epoch > 0 && !record.is_null("cold_newest_at")? {
            let text = format!("hot has archived {resource} (epoch {epoch}) and no cold tier is configured");
            return Err(PairError::NotAPair(text));
        }
    }
    Ok(())
}

async fn set(engine: &dyn Engine, statement: &Statement, pair: i64) -> Result<(), TierError> {
    let mut session = engine.session().await?;
    session.begin(Begin::Write).await?;
    session.execute(statement, &[Value::Int(pair)]).await?;
    session.commit().await
}

/// The one number all rows agree on.
fn one(pairs: &[Option<i64>]) -> Result<Option<i64>, PairError> {
    match pairs {
        [] => Err(PairError::NotAPair("a database has no state rows".to_owned())),
        [first, rest @ ..] if rest.iter().all(|pair| pair == first) => Ok(*first),
        _ => Err(PairError::NotAPair(format!("the rows of one database disagree: {pairs:?}"))),
    }
}
