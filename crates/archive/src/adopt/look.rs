//! The adoption as it would be: every class of rows, and nothing changed.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;

use super::original::Original;
use super::queries::sql;
use super::report::{Class, TableReport};
use super::run::{Adoption, OnStep, Step};
use super::source::Source;
use super::strays::{self, Known};
use crate::moves::{self, MoveError};
use thermocline_database::{Engine, Session, TierError, row_of};

impl Adoption<'_> {
    /// Reads both tiers and returns what would become of the rows. Rows that several classes claim are counted in each.
    pub async fn look(&self, on: &mut OnStep<'_>) -> Result<TableReport, MoveError> {
        let (source, mut session) = (self.source, self.mover.cold.session().await?);
        session.allow_long_statements();
        let cold = &mut *session;
        let mut classes = Class::read(&cold.fetch(&source.sql(sql::sorted_out()), &[]).await?)?;
        let rows = rows(self.mover.cold, &source.original).await?;
        let adopted = rows - classes.iter().map(|class| class.rows).sum::<i64>();
        on(Step::Begun(rows));
        let (mut equal, mut changed) = (Class::new("in_both_equal"), Class::new("changed_in_hot"));
        let (statement, lowest) = (source.sql(sql::look()), self.lowest_in_hot().await?);
        let (mut last, mut done) = (i64::MIN, 0);
        while let Some(page) = self.page(cold, &statement, last, lowest).await? {
            last = page.last;
            done += page.rows;
            if !page.held.is_empty() {
                self.compare(cold, &page.held, &mut equal, &mut changed).await?;
            }
            on(Step::Copied(done));
        }
        let adopted = adopted - changed.rows;
        classes.extend([equal, changed].into_iter().filter(|class| class.rows > 0));
        let mut archive = Archive { cold: self.mover.cold, source };
        classes.extend(strays::count(self.mover.hot, source.family, &mut archive).await?);
        Ok(TableReport {
            source: source.original.name.clone(),
            rows,
            adopted,
            absent: source.absent.clone(),
            ignored: source.ignored.clone(),
            classes,
        })
    }

    /// Compares rows that both databases hold.
    async fn compare(
        &self,
        cold: &mut dyn Session,
        held: &[(i64, i64)],
        equal: &mut Class,
        changed: &mut Class,
    ) -> Result<(), TierError> {
        let (moved, now) = (self.source.moved(), self.mover.clock.now());
        let (places, ids): (Vec<i64>, Vec<i64>) = held.iter().copied().unzip();
        let present = moved.sql_by(moves::sql::hot_of(), 0);
        let mut in_hot = HashMap::new();
        for record in self.mover.hot.fetch(&present, &[ids.into()]).await? {
            let row = row_of(&record, moved.table)?;
            in_hot.insert(row[0].int(), row);
        }
        let params = [places.into(), now.into()];
        for record in cold.fetch(&self.source.sql(sql::original_rows()), &params).await? {
            let row = row_of(&record, moved.table)?;
            if let Some(current) = in_hot.get(&row[0].int()) {
                let class = if self.source.is_same(&row, current) { &mut *equal } else { &mut *changed };
                class.add(format!("row {} (row {} of hot)", record.int("place")?, row[0].int()));
            }
        }
        Ok(())
    }
}

/// Returns whether a table of the platform holds no rows.
pub async fn is_empty(cold: &dyn Engine, original: &Original) -> Result<bool, TierError> {
    Ok(rows(cold, original).await? == 0)
}

/// Counts the rows of a table of the platform.
pub(super) async fn rows(cold: &dyn Engine, original: &Original) -> Result<i64, TierError> {
    let mut cold = cold.session().await?;
    cold.allow_long_statements();
    let records = cold.fetch(&original.sql(sql::count_original()), &[]).await?;
    records.first().map_or(Ok(0), |record| record.int("n"))
}

/// A table of the platform that was not copied yet.
struct Archive<'a> {
    cold: &'a dyn Engine,
    source: &'a Source<'a>,
}

#[async_trait]
impl Known for Archive<'_> {
    async fn known(&mut self, ids: Vec<i64>) -> Result<HashSet<i64>, TierError> {
        let mut session = self.cold.session().await?;
        let records = session.fetch(&self.source.sql(sql::known()), &[ids.into()]).await?;
        records.iter().map(|record| record.int("id")).collect()
    }
}
