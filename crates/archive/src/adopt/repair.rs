//! Rows that both databases held: phase `raised`.
//!
//! A row that hot holds as the archive has it leaves hot by a move like any other. A row that hot no longer holds comes from
//! the platform's table. A row that differs stays in hot, and the archive's copy is kept aside for good.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Mutex;

use async_trait::async_trait;

use super::progress::{self, Phase};
use super::queries::sql;
use super::run::{Adoption, OnStep, Step};
use super::source::Source;
use super::strays;
use crate::fail_point;
use crate::model::Moved;
use crate::moves::archive::prove;
use crate::moves::retry::{Attempt, retry_on_conflict};
use crate::moves::rows::{self, MovedBatch, Rows};
use crate::moves::timing::Step as Timed;
use crate::moves::transaction::Move;
use crate::moves::{self, MoveError, Mover, rejects, settle};
use thermocline_database::{Begin, Tier, TierError, Value, row_of};
use thermocline_journal::MoveKind;

/// Rows of one move.
const ROWS: i64 = 500;

/// The way in which the rows of a move are selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    /// They leave hot.
    Hot,
    /// They come from the platform's table, since hot no longer holds them.
    Original,
}

/// A move of rows that were kept back.
struct Repair<'a> {
    mover: &'a Mover<'a>,
    source: &'a Source<'a>,
    from: From,
    /// Their ids in the platform's table.
    ids: Vec<i64>,
    found: Mutex<Found>,
}

/// The findings of an attempt about rows that were held back.
#[derive(Clone, Debug, Default)]
struct Found {
    /// Those that are versions now.
    resolved: Vec<i64>,
    /// Those that stay in hot, by the reason.
    stay: BTreeMap<(&'static str, String), Vec<i64>>,
}

/// A row as the platform's archive has it.
struct Archived {
    place: i64,
    row: Vec<Value>,
    at: Value,
}

impl Adoption<'_> {
    /// Takes rows out of hot that the archive holds too, and lets children follow their post.
    pub(super) async fn repair(&self, on: &mut OnStep<'_>) -> Result<(), MoveError> {
        let (name, mut last, mut left) = (self.source.original.name.as_str(), i64::MIN, 0);
        loop {
            let params = [name.into(), last.into(), ROWS.into()];
            let records = self.mover.cold.fetch(sql::held(), &params).await?;
            let ids: Vec<i64> = records.iter().map(|record| record.int("id")).collect::<Result<_, _>>()?;
            let Some(highest) = ids.last().copied() else { break };
            last = highest;
            for from in [From::Hot, From::Original] {
                left += self.resolve(from, &ids).await?;
            }
            on(Step::LeftHot(left));
        }
        strays::follow(self.mover, self.source.family).await?;
        let mut cold = self.mover.cold.session().await?;
        cold.begin(Begin::Write).await?;
        progress::enter(&mut *cold, name, Phase::Done, self.mover.clock.now()).await?;
        fail_point::reached("finishing-adoption");
        cold.commit().await?;
        fail_point::reached("finished-adoption");
        Ok(())
    }

    /// Moves some rows and notes what became of them; returns how many are versions now.
    async fn resolve(&self, from: From, ids: &[i64]) -> Result<i64, MoveError> {
        let name = self.source.original.name.as_str();
        let found = Mutex::new(Found::default());
        let repair = Repair { mover: self.mover, source: self.source, from, ids: ids.to_vec(), found };
        loop {
            match retry_on_conflict(&repair).await {
                Err(MoveError::Rejected { rows, .. }) => {
                    rejects::note(self.mover.hot, self.source.family, self.mover.clock.now(), &rows).await?;
                }
                Err(error) => return Err(error),
                Ok(_) => break,
            }
        }
        let found = repair.found.into_inner().unwrap_or_default();
        let mut cold = self.mover.cold.session().await?;
        cold.begin(Begin::Write).await?;
        for ((class, detail), ids) in found.stay {
            let params = [name.into(), ids.into(), class.into(), detail.as_str().into()];
            cold.execute(&self.source.sql(sql::differs()), &params).await?;
        }
        let mut resolved = 0;
        if !found.resolved.is_empty() {
            let gone = cold.execute(sql::resolved(), &[name.into(), found.resolved.into()]).await?;
            resolved = gone.cast_signed();
            cold.execute(sql::left_hot(), &[name.into(), resolved.into()]).await?;
        }
        fail_point::reached("resolving");
        cold.commit().await?;
        fail_point::reached("resolved");
        Ok(resolved)
    }
}

#[async_trait]
impl Attempt for Repair<'_> {
    async fn attempt(&self) -> Result<Option<MovedBatch>, MoveError> {
        let mut this = settle::begin(self.mover, self.source.family).await?;
        let mut found = self.found.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        let known: HashSet<i64> = found.stay.values().flatten().copied().collect();
        found.resolved.clear();
        let archived = self.archived(&mut this, &mut found, &known).await?;
        let taken = match self.from {
            From::Hot => self.take(&mut this, &archived, &mut found).await,
            From::Original => self.gone(&mut this, &archived, &mut found).await,
        };
        let taken = match taken {
            Err(MoveError::Rejected { resource, rows }) => {
                let _ = this.give_up().await;
                self.stays(&rows, &archived);
                return Err(MoveError::Rejected { resource, rows });
            }
            taken => taken?,
        };
        if rows::count(&taken) == 0 {
            this.give_up().await?;
            self.know(found);
            return Ok(None);
        }
        this.took(Timed::Hot);
        let digest = rows::digest(&taken);
        let kind = if self.from == From::Hot { MoveKind::Archive } else { MoveKind::Adopt };
        self.copy(&mut this, &taken, &archived).await?;
        this.count(&taken, 1).await?;
        this.commit_cold(kind, &taken, digest).await?;
        prove(&mut *this.cold, self.source.family, this.number, &taken, digest).await?;
        let number = this.number;
        let newest = rows::own(&taken).iter().map(|row| (self.source.family.key)(row)).max();
        let watermark = newest.max(this.state.cold_watermark);
        let steps = this.commit(watermark).await?;
        self.know(found);
        Ok(Some(MovedBatch::new(number, &taken, steps)))
    }
}

impl Repair<'_> {
    fn know(&self, found: Found) {
        *self.found.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = found;
    }

    /// Notes rows of hot that cannot move.
    fn stays(&self, rows: &[(i64, String)], archived: &HashMap<i64, Archived>) {
        let mut found = self.found.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for (id, reason) in rows {
            let place = archived.get(id).map(|row| row.place);
            found.stay.entry(("stays_in_hot", reason.clone())).or_default().extend(place);
        }
    }

    /// Returns the rows as the platform's table has them, without those that are versions already, by their ids in hot.
    async fn archived(
        &self,
        this: &mut Move<'_>,
        found: &mut Found,
        known: &HashSet<i64>,
    ) -> Result<HashMap<i64, Archived>, TierError> {
        let (moved, now) = (self.source.moved(), self.mover.clock.now());
        let mut archived = HashMap::new();
        let params = [self.ids.clone().into(), now.into()];
        for record in this.cold.fetch(&self.source.sql(sql::original_rows()), &params).await? {
            let (place, at) = (record.int("place")?, record.time("archived_at")?.into());
            let row = row_of(&record, moved.table)?;
            if !known.contains(&place) {
                archived.insert(row[0].int(), Archived { place, row, at });
            }
        }
        let ids = Value::from(archived.keys().copied().collect::<Vec<_>>());
        let open = moved.sql_by(moves::sql::open_of(), 0);
        for row in this.cold_rows(moved, &open, &[ids]).await? {
            // A run that died after its commit in hot has moved it.
            if let Some(Archived { place, .. }) = archived.remove(&row[0].int()) {
                found.resolved.push(place);
            }
        }
        Ok(archived)
    }

    /// Reads the rows that hot holds.
    async fn in_hot(
        &self,
        this: &mut Move<'_>,
        archived: &HashMap<i64, Archived>,
    ) -> Result<Vec<Vec<Value>>, MoveError> {
        let moved = self.source.moved();
        let ids = Value::from(archived.keys().copied().collect::<Vec<_>>());
        Ok(this.hot_rows(moved, &moved.sql_by(moves::sql::hot_of(), 0), &[ids]).await?)
    }

    /// Takes the rows out of hot that are as the archive has them, with their children.
    async fn take<'m>(
        &'m self,
        this: &mut Move<'_>,
        archived: &HashMap<i64, Archived>,
        found: &mut Found,
    ) -> Result<Vec<Rows<'m>>, MoveError> {
        let mut equal: HashMap<i64, Vec<Value>> = HashMap::new();
        for row in self.in_hot(this, archived).await? {
            let Some(Archived { place, row: copy, .. }) = archived.get(&row[0].int()) else { continue };
            if self.source.is_same(copy, &row) {
                equal.insert(row[0].int(), row);
            } else {
                let reason = ("changed_in_hot", "hot holds another value, which counts".to_owned());
                found.stay.entry(reason).or_default().push(*place);
            }
        }
        if equal.is_empty() {
            return Ok(Vec::new());
        }
        let ids = Value::from(equal.keys().copied().collect::<Vec<_>>());
        let mut taken = Vec::new();
        for moved in &self.source.family.tables {
            let rows = this.take(moved, moved.owner, &ids).await?;
            taken.push(Rows { moved, rows });
        }
        let unchanged = |row: &&Vec<Value>| equal.get(&row[0].int()).is_some_and(|read| read == *row);
        if rows::own(&taken).iter().filter(unchanged).count() != equal.len() {
            // Another process wrote between the two statements. The session rolls back, and everything is read again.
            return Err(TierError::Conflict {
                tier: Tier::Hot,
                statement: moves::sql::take().name,
                source: "a row changed while it was compared".into(),
            }
            .into());
        }
        rejects::check(self.mover.cold, self.source.family, &taken)?;
        found.resolved.extend(equal.keys().filter_map(|id| archived.get(id)).map(|row| row.place));
        Ok(taken)
    }

    /// Returns the rows that hot no longer holds, as the archive has them.
    async fn gone<'m>(
        &'m self,
        this: &mut Move<'_>,
        archived: &HashMap<i64, Archived>,
        found: &mut Found,
    ) -> Result<Vec<Rows<'m>>, MoveError> {
        let held: HashSet<i64> = self.in_hot(this, archived).await?.iter().map(|row| row[0].int()).collect();
        let gone = archived.iter().filter(|(id, _)| !held.contains(*id)).map(|(_, row)| row);
        let mut own = Vec::new();
        for Archived { place, row, .. } in gone {
            found.resolved.push(*place);
            own.push(row.clone());
        }
        let empty = |moved| Rows { moved, rows: Vec::new() };
        let mut taken: Vec<Rows<'m>> = self.source.family.tables.iter().map(empty).collect();
        if let Some(last) = taken.last_mut() {
            last.rows = own;
        }
        Ok(taken)
    }

    /// Inserts the versions. A row of the archive keeps the time of its archiving.
    async fn copy(
        &self,
        this: &mut Move<'_>,
        taken: &[Rows<'_>],
        archived: &HashMap<i64, Archived>,
    ) -> Result<(), MoveError> {
        this.lock_claim().await?;
        let (now, own) = (Value::from(self.mover.clock.now()), self.source.moved());
        for Rows { moved, rows } in taken {
            let at = |row: &[Value]| match archived.get(&row[0].int()) {
                Some(original) if moved.table == own.table => original.at.clone(),
                _ => now.clone(),
            };
            let copies: Vec<Vec<Value>> =
                rows.iter().map(|row| Moved::archived_row(row, at(row), this.number)).collect();
            this.cold.insert(moved.archived, &moved.archived_columns(), &copies).await?;
        }
        Ok(())
    }
}
