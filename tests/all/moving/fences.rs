//! The fences of a move: a mover that has lost hot without knowing, and a cold that does not keep what it is given.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use thermocline::archive::{Family, Outcome};
use thermocline::resources;
use thermocline::tier::{Begin, Engine, Record, Session, Statement, Tier, TierError, Value};

use super::audit::audit;
use super::faults::{check_all, lived_in, now};
use super::{Pair, SIZES, mover, plan, run, run_batch, run_mover, scratch};

/// What is wrong with a tier.
#[derive(Clone, Debug)]
enum Fault {
    /// Its connection is lost once rows were taken, and another mover does its work before anybody notices.
    Lost(Arc<Pair>, &'static str),
    /// It cuts long texts and says nothing.
    Cuts,
}

#[derive(Debug)]
struct Bad {
    inner: Arc<dyn Engine>,
    fault: Fault,
}

#[async_trait]
impl Engine for Bad {
    fn tier(&self) -> Tier {
        self.inner.tier()
    }

    async fn fetch(&self, statement: &Statement, params: &[Value]) -> Result<Vec<Record>, TierError> {
        self.inner.fetch(statement, params).await
    }

    async fn session(&self) -> Result<Box<dyn Session>, TierError> {
        let inner = self.inner.session().await?;
        Ok(Box::new(BadSession { inner, fault: self.fault.clone(), tier: self.tier(), lost: false }))
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

struct BadSession {
    inner: Box<dyn Session>,
    fault: Fault,
    tier: Tier,
    lost: bool,
}

impl BadSession {
    fn inner(&mut self) -> Result<&mut dyn Session, TierError> {
        if self.lost {
            return Err(TierError::Unavailable { tier: self.tier, source: "the connection is lost".into() });
        }
        Ok(&mut *self.inner)
    }
}

#[async_trait]
impl Session for BadSession {
    async fn begin(&mut self, begin: Begin) -> Result<(), TierError> {
        self.inner()?.begin(begin).await
    }

    async fn fetch(&mut self, statement: &Statement, params: &[Value]) -> Result<Vec<Record>, TierError> {
        let records = self.inner()?.fetch(statement, params).await?;
        if let Fault::Lost(pair, last) = self.fault.clone()
            && statement.name == "archive.take"
            && statement.sqlite().contains(last)
        {
            self.inner.rollback().await?;
            self.lost = true;
            for family in resources::families() {
                let report = run_mover(&pair.mover(SIZES), family, &plan(15, 9)).await;
                assert_eq!((report.outcome, report.error), (Outcome::Done, None));
            }
        }
        Ok(records)
    }

    async fn execute(&mut self, statement: &Statement, params: &[Value]) -> Result<u64, TierError> {
        self.inner()?.execute(statement, params).await
    }

    async fn insert(
        &mut self,
        table: &'static str,
        columns: &[&'static str],
        rows: &[Vec<Value>],
    ) -> Result<u64, TierError> {
        let cut = |value: &Value| match value {
            Value::Text(text) => text.chars().take(4).collect::<String>().as_str().into(),
            Value::Price(price) => Value::Price(price.trunc()),
            other => other.clone(),
        };
        let rows: Vec<Vec<Value>> = match self.fault {
            Fault::Cuts => rows.iter().map(|row| row.iter().map(cut).collect()).collect(),
            Fault::Lost(..) => rows.to_vec(),
        };
        self.inner()?.insert(table, columns, &rows).await
    }

    async fn commit(&mut self) -> Result<(), TierError> {
        self.inner()?.commit().await
    }

    async fn rollback(&mut self) -> Result<(), TierError> {
        self.inner()?.rollback().await
    }
}

async fn opened(folder: &Path) -> Arc<Pair> {
    Arc::new(Pair::open_unpaired(folder, now()).await)
}

fn table_of(family: &Family) -> &'static str {
    family.tables.last().expect("a table").table.name
}

#[test]
fn a_mover_that_only_believes_it_is_alive_writes_nothing() {
    run(async {
        for family in resources::families() {
            let folder = scratch();
            let rows = lived_in(folder.path()).await;
            let pair = opened(folder.path()).await;
            let fault = Fault::Lost(Arc::clone(&pair), table_of(family));
            let hot = Bad { inner: Arc::clone(&pair.hot) as _, fault };
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
fn what_cold_did_not_keep_stays_in_hot() {
    run(async {
        let folder = scratch();
        let rows = lived_in(folder.path()).await;
        let pair = opened(folder.path()).await;
        let cold = Bad { inner: Arc::clone(&pair.cold) as _, fault: Fault::Cuts };
        for family in resources::families() {
            let report = run_mover(&mover(&*pair.hot, &cold, &pair.clock, SIZES), family, &plan(15, 9)).await;
            let error = report.error.unwrap_or_default();
            assert!(error.contains("did not come back"), "{}: {error}", family.resource);
            check_all(&pair, &rows).await;
            let report = run_mover(&pair.mover(SIZES), family, &plan(15, 9)).await;
            assert_eq!((report.outcome, report.error), (Outcome::Done, None));
        }
        check_all(&pair, &rows).await;
        audit(&pair).await;
    });
}
