//! The way back: rows go from cold to hot with their ids, batch by batch, children with their post.
//!
//! It is the same move with the tiers exchanged. The versions in cold are closed at the number of the batch, and stay
//! readable for whoever still reads at an older epoch. A resource that is restored is held: the mover leaves it alone
//! until `archive resume`, or it would carry everything away again.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use async_trait::async_trait;

use super::batch::Load;
use super::chosen::{Chosen, Place};
use super::digest::Digest;
use super::family::Family;
use super::parents::{Left, Parents};
use super::run::{Mover, Outcome, Report, insist};
use super::steps::{Attempt, Move, MovedBatch, RESTORE, Rows, digest, moved_batch, own};
use super::stopwatch::Step;
use super::{MoveError, fail_point, obstacles};
use crate::clock::Timestamp;
use crate::page::Key;
use crate::tier::{Begin, Statement, TierError, Value, hot_sql, values};

static HOLD: LazyLock<Statement> = LazyLock::new(|| hot_sql!("hold"));

/// One batch from cold to hot. The numbers of the steps are those of [`super::steps`].
struct Restore<'a> {
    mover: &'a Mover<'a>,
    family: &'a Family,
    chosen: Chosen,
    /// How many rows go back, children included, with no more text than a batch has; one whole row at least.
    rows: i64,
    /// What a row cannot come back without.
    parents: Parents<'a>,
    /// The first move that can have brought what is chosen.
    first: i64,
    passed: Mutex<Passed>,
}

/// How far a restore has come.
#[derive(Clone, Debug)]
struct Passed {
    /// Only rows below this place are to be seen to.
    below: Place,
    /// What is above and stays where it is.
    left: Left,
}

#[async_trait]
impl Attempt for Restore<'_> {
    async fn attempt(&self) -> Result<Option<MovedBatch>, MoveError> {
        let mut this = Move::begin(self.mover, self.family).await?;
        let (ids, leaving, passed) = self.next(&mut this).await?;
        if ids.is_empty() {
            this.give_up().await?;
            *self.passed() = passed;
            return Ok(None);
        }
        let ids = Value::from(ids);
        this.took(Step::Cold);
        let digest = self.put(&mut this, &leaving).await?;
        fail_point::reached("worked-in-hot");
        this.took(Step::Hot);
        let cold_newest = self.close(&mut this, &ids, &leaving).await?;
        self.prove(&mut this, &ids, digest).await?;
        fail_point::reached("proven");
        this.took(Step::Proof);
        let number = this.number;
        let steps = this.commit(cold_newest).await?;
        *self.passed() = passed;
        Ok(Some(moved_batch(number, &leaving, steps)))
    }
}

impl Restore<'_> {
    fn passed(&self) -> MutexGuard<'_, Passed> {
        self.passed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What goes back now, its ids and its rows, and how far that comes. A row whose parent is gone, or that of a child,
    /// is passed: no row goes back without its children.
    async fn next(&self, this: &mut Move<'_>) -> Result<(Vec<i64>, Vec<Rows<'_>>, Passed), TierError> {
        let mut passed = self.passed().clone();
        let own = self.family.own().table.name;
        loop {
            let (mut ids, below) = self.pick(this, passed.below).await?;
            if ids.is_empty() {
                return Ok((ids, Vec::new(), passed));
            }
            passed.below = below;
            let mut leaving = self.read(this, &ids.clone().into()).await?;
            this.took(Step::Cold);
            let mut orphans = Vec::new();
            for Rows { moved, rows } in &leaving {
                orphans.extend(self.parents.missing(&mut *this.hot, moved, rows, Some(own)).await?);
            }
            this.took(Step::Hot);
            let left = passed.left.add(orphans);
            ids.retain(|id| !left.contains(id));
            for Rows { moved, rows } in &mut leaving {
                rows.retain(|row| !left.contains(&row[moved.owner].int()));
            }
            if !ids.is_empty() {
                return Ok((ids, leaving, passed));
            }
        }
    }

    /// The ids of the next rows below a place, and the place of the last one.
    async fn pick(&self, this: &mut Move<'_>, below: Place) -> Result<(Vec<i64>, Place), TierError> {
        let (statement, params) = self.chosen.pick(self.family, below, self.first, self.rows);
        let mut picked = Vec::new();
        for record in this.cold.fetch(statement, &params).await? {
            let place = Place { epoch: record.int("epoch")?, id: record.int("place")? };
            picked.push((record.int("id")?, place));
        }
        let all = Value::from(picked.iter().map(|(id, _)| *id).collect::<Vec<_>>());
        let mut weights: HashMap<i64, (i64, i64)> = HashMap::new();
        for moved in &self.family.tables {
            for record in this.cold.fetch(&moved.open_number, std::slice::from_ref(&all)).await? {
                let (rows, bytes) = weights.entry(record.int("id")?).or_default();
                *rows += record.int("n")?;
                *bytes += record.int("bytes")?;
            }
        }
        let (mut ids, mut load, mut last) = (Vec::new(), Load::new(self.rows), below);
        for (id, place) in picked {
            let (rows, bytes) = weights.get(&id).copied().unwrap_or_default();
            if !load.takes(rows, bytes) {
                break;
            }
            ids.push(id);
            last = place;
        }
        Ok((ids, last))
    }

    /// What leaves cold: after the settling, what is open there is what hot does not have.
    async fn read(&self, this: &mut Move<'_>, ids: &Value) -> Result<Vec<Rows<'_>>, TierError> {
        let mut leaving = Vec::new();
        for moved in &self.family.tables {
            let mut rows = Vec::new();
            for record in this.cold.fetch(&moved.open_of, std::slice::from_ref(ids)).await? {
                rows.push(values(&record, moved.table.columns)?);
            }
            leaving.push(Rows { moved, rows });
        }
        Ok(leaving)
    }

    /// Step 4: into hot, parents before children; a day that hot has a price of already is left out. Returns the digest
    /// of what went in.
    async fn put(&self, this: &mut Move<'_>, leaving: &[Rows<'_>]) -> Result<Digest, TierError> {
        let mut digest = Digest::default();
        for Rows { moved, rows } in leaving.iter().rev() {
            let columns: Vec<&'static str> = moved.table.columns.iter().map(|column| column.name).collect();
            let rows = self.without_replaced(this, rows).await?;
            this.hot.insert(moved.table.name, &columns, &rows).await?;
            for row in &*rows {
                digest.add(moved.table.name, row);
            }
        }
        this.hot.execute(&HOLD, &[this.resource(), true.into()]).await?;
        Ok(digest)
    }

    /// The rows whose place no newer row in hot has taken.
    async fn without_replaced<'r>(
        &self,
        this: &mut Move<'_>,
        rows: &'r [Vec<Value>],
    ) -> Result<Cow<'r, [Vec<Value>]>, TierError> {
        let Some(supersede) = &self.family.supersede else { return Ok(rows.into()) };
        let mut replaced = HashSet::new();
        for (group, members) in supersede.groups(rows.iter().map(Vec::as_slice)) {
            for record in this.hot.fetch(&supersede.in_hot, &[group.into(), members.into()]).await? {
                let day = Timestamp::midnight(record.date("member")?);
                replaced.insert((group, day.micros()));
            }
        }
        if replaced.is_empty() {
            return Ok(rows.into());
        }
        Ok(rows.iter().filter(|row| !replaced.contains(&(supersede.of)(row))).cloned().collect())
    }

    /// Step 5: closes the versions, counts them out, and says what bound is left for the newest row of cold.
    async fn close(
        &self,
        this: &mut Move<'_>,
        ids: &Value,
        leaving: &[Rows<'_>],
    ) -> Result<Option<Key>, MoveError> {
        this.lock_claim().await?;
        for Rows { moved, rows } in leaving {
            let closed = this.cold.execute(&moved.close, &[ids.clone(), this.number.into()]).await?;
            if closed != rows.len() as u64 {
                let detail = format!("{closed} rows of {} were closed, not {}", moved.table.name, rows.len());
                return Err(self.unproven(this.number, detail));
            }
        }
        this.count(leaving, -1).await?;
        let left = this.cold.fetch(&self.family.archived.any, &[]).await?;
        // It brings nothing into cold.
        this.commit_cold(RESTORE, leaving, Digest::default()).await?;
        Ok(this.state.cold_newest.filter(|_| !left.is_empty()))
    }

    /// Step 6: reads from hot what has come back, and compares.
    async fn prove(&self, this: &mut Move<'_>, ids: &Value, expected: Digest) -> Result<(), MoveError> {
        let mut found = Vec::new();
        for moved in &self.family.tables {
            let mut rows = Vec::new();
            for record in this.hot.fetch(&moved.hot_of, std::slice::from_ref(ids)).await? {
                rows.push(values(&record, moved.table.columns)?);
            }
            found.push(Rows { moved, rows });
        }
        if digest(&found) == expected {
            return Ok(());
        }
        Err(self.unproven(this.number, format!("hot holds {} rows, or other values", own(&found).len())))
    }

    fn unproven(&self, epoch: i64, detail: String) -> MoveError {
        MoveError::Unproven { resource: self.family.resource, epoch, detail }
    }
}

impl Mover<'_> {
    /// How many rows of a resource's own table are chosen; changes nothing.
    pub async fn restorable(&self, family: &Family, chosen: Chosen) -> Result<i64, TierError> {
        let (statement, params) = chosen.number(family);
        let records = self.cold.fetch(statement, &params).await?;
        records.first().map_or(Ok(0), |record| record.int("n"))
    }

    /// Brings back what is chosen of one resource, in batches of `rows` rows, and holds it. `progress` hears of every
    /// batch; `stop` ends it after the one in hand.
    pub async fn restore(
        &self,
        family: &Family,
        chosen: Chosen,
        rows: i64,
        stop: &AtomicBool,
        progress: &mut (dyn FnMut(&Report) + Send),
    ) -> Report {
        let begun = Instant::now();
        let mut report = Report::new(family.resource);
        let outcome = match Restore::new(self, family, chosen, rows).await {
            Ok(batch) => batch.batches(stop, &mut report, progress).await,
            Err(error) => Err(error),
        };
        report.ended(outcome, begun)
    }

    /// Keeps the mover away from a resource. One at work finishes its batch.
    pub async fn hold(&self, family: &Family) -> Result<(), TierError> {
        self.set_held(family, true).await
    }

    /// Lets the mover have a resource again.
    pub async fn resume(&self, family: &Family) -> Result<(), TierError> {
        self.set_held(family, false).await
    }

    async fn set_held(&self, family: &Family, held: bool) -> Result<(), TierError> {
        let mut hot = self.hot.session().await?;
        hot.begin(Begin::Write).await?;
        hot.execute(&HOLD, &[family.resource.into(), held.into()]).await?;
        hot.commit().await
    }
}

impl<'a> Restore<'a> {
    /// Of what is chosen of one resource, unless something stands in the way.
    async fn new(
        mover: &'a Mover<'a>,
        family: &'a Family,
        chosen: Chosen,
        rows: i64,
    ) -> Result<Self, MoveError> {
        let parents = obstacles::none_back(mover.hot, family).await?;
        // No move has the number 0.
        let (first, last) = chosen.moves(mover.cold, family).await?.unwrap_or_default();
        let passed = Mutex::new(Passed { below: Place::above(last), left: Left::default() });
        Ok(Self { mover, family, chosen, rows: rows.max(1), parents, first, passed })
    }

    async fn batches(
        &self,
        stop: &AtomicBool,
        report: &mut Report,
        progress: &mut (dyn FnMut(&Report) + Send),
    ) -> Result<Outcome, MoveError> {
        self.mover.finish_erasures(self.family).await?;
        report.counted(self.mover.restorable(self.family, self.chosen).await);
        progress(report);
        loop {
            if stop.load(Ordering::Relaxed) {
                return Ok(Outcome::Stopped);
            }
            let moved = insist(self).await?;
            let Left { rows, first } = self.passed().left.clone();
            (report.left, report.lacking) = (rows, first);
            let Some(moved) = moved else { return Ok(Outcome::Done) };
            report.add(&moved);
            progress(report);
        }
    }
}
