//! The adoption of one table, phase by phase.

use super::progress::{self, Phase, TableProgress};
use super::queries::sql;
use super::report::{Class, TableReport};
use super::source::Source;
use super::strays::{self, Known};
use crate::moves::{self, MoveError, Mover};
use async_trait::async_trait;
use std::collections::HashSet;
use thermocline_database::{Engine, TierError, Value};

/// A step of an adoption, for its progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The table has so many rows.
    Begun(i64),
    /// So many rows of the table have been dealt with.
    Copied(i64),
    /// The copies are being counted.
    Counting,
    /// So many rows have left hot.
    LeftHot(i64),
}

/// The adoption of one table.
#[derive(Debug)]
pub struct Adoption<'a> {
    /// Both tiers.
    pub mover: &'a Mover<'a>,
    /// The table.
    pub source: &'a Source<'a>,
}

/// Calls with each step of an adoption.
pub type OnStep<'a> = dyn FnMut(Step) + Send + 'a;

impl Adoption<'_> {
    /// Goes on with the adoption until it has reached a phase. Returns how far it is.
    pub async fn run(
        &self,
        mut at: TableProgress,
        until: Phase,
        on: &mut OnStep<'_>,
    ) -> Result<TableProgress, MoveError> {
        let resource = self.source.family.resource;
        while at.phase < until {
            tracing::info!(table = at.source, resource, phase = %at.phase, "adopting");
            match at.phase {
                Phase::Found => self.sort_out().await?,
                Phase::Copying => self.copy(&at, on).await?,
                Phase::Copied => self.raise().await?,
                Phase::Raised => self.repair(on).await?,
                Phase::Done => {}
            }
            at = self.progress().await?;
        }
        Ok(at)
    }

    async fn progress(&self) -> Result<TableProgress, MoveError> {
        let all = progress::read(self.mover.cold).await?;
        let own = all.into_iter().find(|table| table.source == self.source.original.name);
        own.ok_or_else(|| {
            let source = format!("{} is not noted in archive_adoption", self.source.original.name).into();
            MoveError::Tier(TierError::Statement {
                tier: thermocline_database::Tier::Cold,
                statement: sql::adoptions().name,
                source,
            })
        })
    }

    /// Returns what became of the rows.
    pub async fn report(&self, at: &TableProgress) -> Result<TableReport, MoveError> {
        let name: Value = at.source.as_str().into();
        let mut cold = self.mover.cold.session().await?;
        cold.allow_long_statements();
        let counted = cold.fetch(&self.source.sql(sql::copied()), std::slice::from_ref(&name)).await?;
        let rows = counted.first().map_or(Ok(0), |record| record.int("n"))?;
        let mut classes = Class::read(&cold.fetch(sql::classes(), &[name]).await?)?;
        if at.left_hot > 0 {
            classes.push(Class { class: "in_both_equal".to_owned(), rows: at.left_hot, first: Vec::new() });
        }
        drop(cold);
        let mut archive = Adopted { cold: self.mover.cold, source: self.source };
        classes.extend(strays::count(self.mover.hot, self.source.family, &mut archive).await?);
        Ok(TableReport {
            source: at.source.clone(),
            rows,
            adopted: at.rows + at.left_hot,
            absent: self.source.absent.clone(),
            ignored: self.source.ignored.clone(),
            classes,
        })
    }
}

/// A table of the platform whose rows are versions.
struct Adopted<'a> {
    cold: &'a dyn Engine,
    source: &'a Source<'a>,
}

#[async_trait]
impl Known for Adopted<'_> {
    async fn known(&mut self, ids: Vec<i64>) -> Result<HashSet<i64>, TierError> {
        let moved = self.source.moved();
        let records = self.cold.fetch(&moved.sql_by(moves::sql::open_of(), 0), &[ids.into()]).await?;
        records.iter().map(|record| record.int("id")).collect()
    }
}
