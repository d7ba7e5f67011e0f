//! Sorting out and copying: phases `found` and `copying`.
//!
//! A batch is one transaction of cold: the rows that hot holds too are kept back, the others are copied by the server itself and
//! come back once for their digest, the entry is written, the place is noted, and the next number is claimed.

use super::look;
use super::progress::{self, Phase, TableProgress};
use super::queries::sql;
use super::run::{Adoption, OnStep, Step};
use crate::fail_point;
use crate::moves::budget::BatchBudget;
use crate::moves::{self, MoveError};
use std::collections::HashSet;
use thermocline_core::keyset::Key;
use thermocline_database::{Begin, Session, TierError, Value, row_of};
use thermocline_journal::{Digest, MoveKind, claim, entry, state};

/// Rows of one batch.
const ROWS: i64 = 2_000;

/// Rows that are copied in one transaction.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// The last id.
    pub last: i64,
    /// The number of rows.
    pub rows: i64,
    /// The rows that hot holds too: their ids, and those they have in hot.
    pub held: Vec<(i64, i64)>,
}

impl Adoption<'_> {
    /// Keeps the rows aside that cannot become versions.
    pub(super) async fn sort_out(&self) -> Result<(), MoveError> {
        let (name, now) = (self.source.original.name.as_str(), self.mover.clock.now());
        let mut cold = self.mover.cold.session().await?;
        cold.allow_long_statements();
        cold.begin(Begin::Write).await?;
        cold.execute(sql::clear_rejects(), &[name.into()]).await?;
        cold.execute(&self.source.sql(sql::sort_out()), &[name.into(), now.into()]).await?;
        progress::enter(&mut *cold, name, Phase::Copying, now).await?;
        fail_point::reached("sorting-out");
        cold.commit().await?;
        fail_point::reached("sorted-out");
        Ok(())
    }

    /// Copies the rows after the last one, batch by batch.
    pub(super) async fn copy(&self, at: &TableProgress, on: &mut OnStep<'_>) -> Result<(), MoveError> {
        let (resource, name) = (self.source.family.resource, self.source.original.name.as_str());
        let mut cold = self.mover.cold.session().await?;
        let epoch = state::read(self.mover.hot, resource).await?.epoch;
        if epoch > 0 {
            let detail = format!("hot is at epoch {epoch}: only a fresh pair can adopt an archive");
            return Err(MoveError::Obstructed { resource, detail });
        }
        cold.begin(Begin::Write).await?;
        let mut number =
            claim::claim(&mut *cold, resource, epoch, &self.mover.name, self.mover.clock.now()).await?;
        cold.commit().await?;
        let (mut last, mut done) = (at.last_id, at.rows);
        let lowest = self.lowest_in_hot().await?;
        on(Step::Begun(look::rows(self.mover.cold, &self.source.original).await?));
        loop {
            let statement = self.source.sql(sql::page());
            let Some(page) = self.page(&mut *cold, &statement, last, lowest).await? else { break };
            number = self.copy_page(&mut *cold, last, &page, number).await?;
            last = page.last;
            done += page.rows;
            on(Step::Copied(done));
        }
        on(Step::Counting);
        cold.allow_long_statements();
        cold.begin(Begin::Write).await?;
        self.hold_claim(&mut *cold, number).await?;
        self.check_complete(&mut *cold).await?;
        self.count(&mut *cold).await?;
        progress::enter(&mut *cold, name, Phase::Copied, self.mover.clock.now()).await?;
        fail_point::reached("counting-adopted");
        cold.commit().await?;
        fail_point::reached("counted-adopted");
        Ok(())
    }

    /// Returns the lowest id in hot; `None` when hot holds no row.
    pub(super) async fn lowest_in_hot(&self) -> Result<Option<i64>, TierError> {
        let statement = self.source.moved().sql(sql::lowest_id());
        let records = self.mover.hot.fetch(&statement, &[]).await?;
        records.first().map_or(Ok(None), |record| record.int_or_null("id"))
    }

    /// Reads the next rows, as many as fit a batch, and asks hot which of them it holds.
    pub(super) async fn page(
        &self,
        cold: &mut dyn Session,
        statement: &thermocline_database::Statement,
        last: i64,
        lowest: Option<i64>,
    ) -> Result<Option<Page>, TierError> {
        let (mut page, mut budget) = (Page { last, ..Page::default() }, BatchBudget::new(ROWS));
        let mut ids = Vec::new();
        for record in cold.fetch(statement, &[last.into(), ROWS.into()]).await? {
            if !budget.takes(1, record.int("bytes")?) {
                break;
            }
            page.last = record.int("id")?;
            page.rows += 1;
            ids.push((page.last, record.int("original_id")?));
        }
        if ids.is_empty() {
            return Ok(None);
        }
        // Most rows are older than anything in hot.
        let Some(lowest) = lowest else { return Ok(Some(page)) };
        let asked: Vec<i64> = ids.iter().map(|(_, id)| *id).filter(|id| *id >= lowest).collect();
        if asked.is_empty() {
            return Ok(Some(page));
        }
        let present = moves::present(self.source.moved().table.name);
        let mut found = HashSet::new();
        for record in self.mover.hot.fetch(&present, &[asked.into()]).await? {
            found.insert(record.int("id")?);
        }
        page.held = ids.into_iter().filter(|(_, id)| found.contains(id)).collect();
        Ok(Some(page))
    }

    /// Copies the rows of a page as the batch `number`; returns the number of the next.
    async fn copy_page(
        &self,
        cold: &mut dyn Session,
        last: i64,
        page: &Page,
        number: i64,
    ) -> Result<i64, MoveError> {
        let (family, moved, name) =
            (self.source.family, self.source.moved(), self.source.original.name.as_str());
        let started = self.mover.clock.now();
        cold.begin(Begin::Write).await?;
        self.hold_claim(cold, number).await?;
        if !page.held.is_empty() {
            let (ids, in_hot): (Vec<i64>, Vec<i64>) = page.held.iter().copied().unzip();
            let params = [name.into(), ids.into(), in_hot.into(), started.into()];
            cold.execute(sql::hold_back(), &params).await?;
        }
        let params: [Value; 4] = [last.into(), page.last.into(), started.into(), number.into()];
        let (mut digest, mut keys, mut rows) = (Digest::default(), None::<(Key, Key)>, 0);
        for record in cold.fetch(&self.source.sql(sql::copy()), &params).await? {
            let row = row_of(&record, moved.table)?;
            let key = (family.key)(&row);
            digest.add(moved.table.name, &row);
            rows += 1;
            keys = Some(keys.map_or((key, key), |(low, high)| (low.min(key), high.max(key))));
        }
        if let Some(keys) = keys {
            let new = entry::NewEntry {
                epoch: number,
                kind: MoveKind::Adopt,
                token: self.mover.clock.draw(),
                rows,
                keys,
                digest,
                started,
                finished: self.mover.clock.now(),
            };
            entry::insert(cold, family.resource, &new).await?;
        }
        let now = self.mover.clock.now();
        cold.execute(sql::progress(), &[name.into(), page.last.into(), rows.into(), now.into()]).await?;
        let next = claim::claim(cold, family.resource, 0, &self.mover.name, now).await?;
        fail_point::reached("copying-originals");
        cold.commit().await?;
        fail_point::reached("copied-originals");
        Ok(next)
    }

    /// Locks the claim row and checks that no later mover has claimed.
    pub(super) async fn hold_claim(&self, cold: &mut dyn Session, number: i64) -> Result<(), MoveError> {
        let resource = self.source.family.resource;
        if claim::lock(cold, resource).await? == Some(number) {
            return Ok(());
        }
        Err(MoveError::Overtaken { resource })
    }

    /// Fails unless every row of the table is copied or kept aside.
    async fn check_complete(&self, cold: &mut dyn Session) -> Result<(), MoveError> {
        let name = self.source.original.name.as_str();
        let records = cold.fetch(&self.source.sql(sql::copied()), &[name.into()]).await?;
        let Some(record) = records.first() else { return Ok(()) };
        let (rows, rejects) = (record.int("n")?, record.int("rejects")?);
        let copied = self.progress_in(cold).await?;
        if rows == copied + rejects {
            return Ok(());
        }
        let detail = format!(
            "{name} has {rows} rows, {copied} were copied and {rejects} kept aside; another program writes to it"
        );
        Err(MoveError::Unproven { resource: self.source.family.resource, epoch: 0, detail })
    }

    async fn progress_in(&self, cold: &mut dyn Session) -> Result<i64, TierError> {
        for record in cold.fetch(sql::adoptions(), &[]).await? {
            if record.text("source")? == self.source.original.name {
                return record.int("row_count");
            }
        }
        Ok(0)
    }
}
