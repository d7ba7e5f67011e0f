//! The fences of a move: a mover that has lost hot without noticing, and a cold tier that does not store what it is
//! given.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use thermocline::archive::{Family, Outcome};
use thermocline::resources;
use thermocline::tier::{Engine, Record, Session, Statement, Tier, TierError, Value};

use super::audit::audit;
use super::fault_injection::{check_all, now, pair_with_history};
use super::{Pair, SIZES, mover, plan, run, run_batch, run_mover, scratch};
use crate::support::intercept::{Call, Intercepted, Interceptor, Reply};

/// The fault of a tier.
#[derive(Clone, Debug)]
enum Fault {
    /// The connection is lost after rows of the named table were taken, and another mover does the work before the first
    /// one notices.
    LosesConnection(Arc<Pair>, &'static str),
    /// Long texts are truncated without an error.
    TruncatesText,
}

#[derive(Debug)]
struct FaultyTier {
    inner: Arc<dyn Engine>,
    fault: Fault,
}

#[async_trait]
impl Engine for FaultyTier {
    fn tier(&self) -> Tier {
        self.inner.tier()
    }

    async fn fetch(&self, statement: &Statement, params: &[Value]) -> Result<Vec<Record>, TierError> {
        self.inner.fetch(statement, params).await
    }

    async fn session(&self) -> Result<Box<dyn Session>, TierError> {
        let inner = self.inner.session().await?;
        let session = FaultySession { inner, fault: self.fault.clone(), tier: self.tier(), lost: false };
        Ok(Box::new(Intercepted(session)))
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

struct FaultySession {
    inner: Box<dyn Session>,
    fault: Fault,
    tier: Tier,
    lost: bool,
}

#[async_trait]
impl Interceptor for FaultySession {
    async fn call(&mut self, call: Call<'_>) -> Result<Reply, TierError> {
        if self.lost {
            return Err(TierError::Unavailable { tier: self.tier, source: "the connection is lost".into() });
        }
        match (call, self.fault.clone()) {
            (Call::Insert { table, columns, rows }, Fault::TruncatesText) => {
                let rows: Vec<Vec<Value>> =
                    rows.iter().map(|row| row.iter().map(truncated).collect()).collect();
                Call::Insert { table, columns, rows: &rows }.forward(&mut *self.inner).await
            }
            (Call::Fetch(statement, _), Fault::LosesConnection(pair, last))
                if statement.name == "archive.take" && statement.sqlite().contains(last) =>
            {
                let reply = call.forward(&mut *self.inner).await?;
                self.inner.rollback().await?;
                self.lost = true;
                for family in resources::families() {
                    let report = run_mover(&pair.mover(SIZES), family, &plan(15, 9)).await;
                    assert_eq!((report.outcome, report.error), (Outcome::Done, None));
                }
                Ok(reply)
            }
            _ => call.forward(&mut *self.inner).await,
        }
    }
}

fn truncated(value: &Value) -> Value {
    match value {
        Value::Text(text) => text.chars().take(4).collect::<String>().as_str().into(),
        Value::Price(price) => Value::Price(price.trunc()),
        other => other.clone(),
    }
}

async fn opened(folder: &Path) -> Arc<Pair> {
    Arc::new(Pair::open_unpaired(folder, now()).await)
}

fn table_of(family: &Family) -> &'static str {
    family.tables.last().expect("a table").table.name
}

#[test]
fn a_mover_that_lost_its_session_writes_nothing() {
    run(async {
        for family in resources::families() {
            let folder = scratch();
            let rows = pair_with_history(folder.path()).await;
            let pair = opened(folder.path()).await;
            let fault = Fault::LosesConnection(Arc::clone(&pair), table_of(family));
            let hot = FaultyTier { inner: Arc::clone(&pair.hot) as _, fault };
            let report = run_batch(&mover(&hot, &*pair.cold, &pair.clock, SIZES), family, &plan(15, 9)).await;
            assert_eq!(report.outcome, Outcome::Overtaken, "{}", family.resource);
            let error = report.error.unwrap_or_default();
            assert!(error.contains("another mover"), "{}: {error}", family.resource);
            check_all(&pair, &rows).await;
            audit(&pair).await;
        }
    });
}

#[test]
fn rows_that_cold_did_not_store_stay_in_hot() {
    run(async {
        let folder = scratch();
        let rows = pair_with_history(folder.path()).await;
        let pair = opened(folder.path()).await;
        let cold = FaultyTier { inner: Arc::clone(&pair.cold) as _, fault: Fault::TruncatesText };
        for family in resources::families() {
            let report = run_mover(&mover(&*pair.hot, &cold, &pair.clock, SIZES), family, &plan(15, 9)).await;
            let error = report.error.unwrap_or_default();
            assert!(error.contains("with differences"), "{}: {error}", family.resource);
            check_all(&pair, &rows).await;
            let report = run_mover(&pair.mover(SIZES), family, &plan(15, 9)).await;
            assert_eq!((report.outcome, report.error), (Outcome::Done, None));
        }
        check_all(&pair, &rows).await;
        audit(&pair).await;
    });
}
