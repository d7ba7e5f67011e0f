//! The steps that every kind of move shares.
//!
//! | step | tier | |
//! |---|---|---|
//! | 1 | cold | claim a number: [`Move::open`] |
//! | 2 | hot | lock the state row and read hot's epoch: [`Move::open`] |
//! | 3 | cold | settle what an interrupted mover left: [`super::settle`] |
//! | 4 | hot | the work: rows are removed or come back |
//! | 5 | cold | the work, from [`Move::lock_claim`] to [`Move::commit_cold`], which writes the entry in the journal |
//! | 6 | both | the proof |
//! | 7 | hot | raise the epoch and commit: [`Move::commit`]. This commit is the move |
//!
//! Tests can kill the process after each step: [`fail_point`].

use std::collections::BTreeMap;

use super::queries::sql;
use super::rows::{self, Rows};
use super::timing::{Step, Steps, Stopwatch};
use super::{MoveError, Mover};
use crate::counts::activity::Tally;
use crate::counts::blocks::{Counter, KnownBlocks};
use crate::fail_point;
use crate::model::{Family, Moved};
use thermocline_core::clock::Timestamp;
use thermocline_core::keyset::Key;
use thermocline_database::{Begin, Record, Session, Statement, TierError, Value, row_of};
use thermocline_journal::{
    ConsistencyError, Digest, Disagreement, MoveKind, State, claim, entry, live, proof, state,
};

/// A move in progress, with one connection to each tier. Losing a connection ends the move; it is never replaced.
pub struct Move<'a> {
    pub mover: &'a Mover<'a>,
    pub family: &'a Family,
    /// Its number, which becomes the epoch.
    pub number: i64,
    pub state: State,
    pub hot: Box<dyn Session>,
    pub cold: Box<dyn Session>,
    /// The rows of the change feed that it has erased, by id with their scope.
    pub erased: BTreeMap<i64, i64>,
    /// The kind of the change feed; `None` if hot has none, or the family is not in it.
    feed: Option<live::Kind>,
    /// The kind in its entry of the journal.
    kind: Option<MoveKind>,
    /// Tells the move from one of the same number in a restored database.
    token: i64,
    started: Timestamp,
    known: KnownBlocks,
    stopwatch: Stopwatch,
}

impl<'a> Move<'a> {
    /// Steps 1 and 2: claims a number above `oldest` and locks the state row until the move ends.
    pub async fn open(mover: &'a Mover<'a>, family: &'a Family, oldest: i64) -> Result<Self, MoveError> {
        let (resource, clock) = (family.resource, mover.clock);
        let started = clock.now();
        let mut stopwatch = Stopwatch::new();
        let mut cold = mover.cold.session().await?;
        // The claim is committed at once: it overtakes the holders of older numbers.
        cold.begin(Begin::Write).await?;
        let number = claim::claim(&mut *cold, resource, oldest, &mover.name, clock.now()).await?;
        fail_point::reached("claiming");
        cold.commit().await?;
        fail_point::reached("claimed");

        let mut hot = mover.hot.session().await?;
        hot.begin(Begin::Write).await?;
        let state = state::lock(&mut *hot, resource, &mover.name, clock.now()).await?;
        fail_point::reached("locked");
        let is_followed = family.tables.iter().any(|moved| moved.scope.is_some());
        let feed = if is_followed { live::kind_in(&mut *hot).await? } else { None };
        let (token, known) = (clock.draw(), KnownBlocks::default());
        stopwatch.note(Step::Claim);
        Ok(Self {
            mover,
            family,
            number,
            state,
            hot,
            cold,
            erased: BTreeMap::new(),
            feed,
            kind: None,
            token,
            started,
            known,
            stopwatch,
        })
    }

    /// Adds the time since the last call to `step`.
    pub fn took(&mut self, step: Step) {
        self.stopwatch.note(step);
    }

    pub fn disagree(&self, disagreement: Disagreement) -> MoveError {
        ConsistencyError::new(self.family.resource, disagreement).into()
    }

    /// Returns whether cold knows the last move of hot.
    pub async fn is_proven(&mut self) -> Result<bool, TierError> {
        let State { epoch, token, .. } = self.state;
        proof::knows_in(&mut *self.cold, self.family.resource, epoch, token).await
    }

    /// Returns whether hot belongs to no pair and has moved nothing, while cold has a history.
    pub async fn is_unpaired(&mut self) -> Result<bool, TierError> {
        if self.state.pair.is_some() || self.state.epoch > 0 {
            return Ok(false);
        }
        Ok(!entry::above(&mut *self.cold, self.family.resource, 0).await?.is_empty())
    }

    /// Begins a transaction in cold with the claim row locked, and checks that this mover was not overtaken: a mover that
    /// wrongly believes it still holds the claim must not write.
    pub async fn lock_claim(&mut self) -> Result<(), MoveError> {
        self.cold.begin(Begin::Write).await?;
        let resource = self.family.resource;
        if claim::lock(&mut *self.cold, resource).await? == Some(self.number) {
            return Ok(());
        }
        Err(MoveError::Overtaken { resource })
    }

    /// Fetches rows of one table from hot, in the order of its columns.
    pub async fn hot_rows(
        &mut self,
        moved: &Moved,
        statement: &Statement,
        params: &[Value],
    ) -> Result<Vec<Vec<Value>>, TierError> {
        rows::fetch(&mut *self.hot, moved, statement, params).await
    }

    /// Removes the rows of one table that belong to some ids from hot, and returns exactly the rows it removed. A reader of
    /// the change feed who has not seen them yet will find them in cold.
    pub async fn take(
        &mut self,
        moved: &Moved,
        key: usize,
        ids: &Value,
    ) -> Result<Vec<Vec<Value>>, TierError> {
        let ids = std::slice::from_ref(ids);
        let Some(scope) = moved.scope.filter(|_| self.feed.is_some()) else {
            return self.hot_rows(moved, &moved.sql_by(sql::take(), key), ids).await;
        };
        let (mut rows, mut left) = (Vec::new(), Vec::new());
        let mut take = |record: Record| {
            let row = row_of(&record, moved.table)?;
            if let Some(version) = record.int_or_null("live_version")? {
                left.push((version, row[0].int(), row[scope].int()));
            }
            rows.push(row);
            Ok(())
        };
        self.hot.fetch_each(&moved.sql_by(sql::take_followed(), key), ids, &mut take).await?;
        if !rows.is_empty() {
            live::note_moved(&mut *self.hot, &left).await?;
        }
        Ok(rows)
    }

    /// Collects erased rows for the change feed, which is told of them at the commit.
    pub fn erases(&mut self, moved: &Moved, rows: &[Vec<Value>]) {
        if let Some(scope) = moved.scope.filter(|_| self.feed.is_some()) {
            self.erased.extend(rows.iter().map(|row| (row[0].int(), row[scope].int())));
        }
    }

    /// Notes the erased rows in the change feed. After a recovery, which rewrites rows that readers may have seen, every token
    /// expires.
    async fn tell_feed(&mut self) -> Result<(), TierError> {
        if self.feed.is_none() {
            return Ok(());
        }
        let erased: Vec<(i64, i64)> = std::mem::take(&mut self.erased).into_iter().collect();
        if !erased.is_empty() {
            live::note_erased(&mut *self.hot, &erased).await?;
        }
        if matches!(self.kind, Some(MoveKind::Recover | MoveKind::Loss)) {
            live::redraw(&mut *self.hot, self.mover.clock.draw()).await?;
        }
        Ok(())
    }

    /// Fetches rows of one table from cold, in the order of its columns.
    pub async fn cold_rows(
        &mut self,
        moved: &Moved,
        statement: &Statement,
        params: &[Value],
    ) -> Result<Vec<Vec<Value>>, TierError> {
        rows::fetch(&mut *self.cold, moved, statement, params).await
    }

    /// Returns whether readers have anything to ask cold for: an open row of the resource, or counts of a platform.
    pub async fn any_open(&mut self) -> Result<bool, TierError> {
        let statement = self.family.own().sql(sql::any_open());
        let counts = format!("platform:{}", self.family.resource);
        Ok(!self.cold.fetch(&statement, &[counts.as_str().into()]).await?.is_empty())
    }

    /// Counts rows that enter cold (`sign` 1) or leave it (-1) with this move, in blocks and as user actions.
    pub async fn count(&mut self, moved: &[Rows<'_>], sign: i64) -> Result<(), TierError> {
        let mut tally = Tally::new(self.family, rows::own(moved));
        for Rows { moved, rows } in moved {
            let unknown = tally.unknown_owners(moved, rows);
            if !unknown.is_empty() {
                let own = self.family.own();
                for row in self.cold_rows(own, &own.sql(sql::open_of()), &[unknown.into()]).await? {
                    tally.know(self.family, &row);
                }
            }
            tally.count(moved, rows, sign);
        }
        tally.write(&mut *self.cold, self.family, self.number, self.mover.clock.now()).await?;
        let Some(blocks) = &self.family.blocks else { return Ok(()) };
        let own = rows::own(moved).iter().map(|row| (&row[..], (self.family.key)(row)));
        let counter = Counter { blocks, sizes: self.mover.sizes };
        counter.add(&mut *self.cold, self.number, own, sign, &mut self.known).await
    }

    /// Reuses the blocks known to an earlier move of the same run, unless another mover has moved since.
    pub fn reuse_blocks(&mut self, known: KnownBlocks) {
        self.known = known.if_at(self.state.epoch, self.state.token);
    }

    /// Takes the known blocks, which the next move of the run may reuse once this one is committed.
    pub fn take_blocks(&mut self) -> KnownBlocks {
        std::mem::take(&mut self.known).left_by(self.number, self.token)
    }

    /// Ends step 5: writes the entry of the journal and commits. The rows are still invisible.
    ///
    /// `brought` is the digest of the rows that enter cold, which allows a proof at any later time.
    pub async fn commit_cold(
        &mut self,
        kind: MoveKind,
        moved: &[Rows<'_>],
        brought: Digest,
    ) -> Result<(), TierError> {
        let keys = || rows::own(moved).iter().map(|row| (self.family.key)(row));
        let entry = entry::NewEntry {
            epoch: self.number,
            kind,
            token: self.token,
            rows: rows::count(moved),
            keys: (keys().min().unwrap_or(Key::MIN), keys().max().unwrap_or(Key::MIN)),
            digest: brought,
            started: self.started,
            finished: self.mover.clock.now(),
        };
        fail_point::reached("worked-in-cold");
        self.kind = Some(kind);
        entry::insert(&mut *self.cold, self.family.resource, &entry).await?;
        fail_point::reached("journalled");
        self.cold.commit().await?;
        fail_point::reached("committed-in-cold");
        // Hot must not commit before every part of the copy has.
        claim::wait_for_parts(self.mover.cold, &mut *self.cold, self.family.resource).await?;
        self.took(Step::Cold);
        Ok(())
    }

    /// Step 7: raises the epoch and commits. `cold_watermark` is a key that no row in cold is above, `None` when cold
    /// holds no rows. Returns how long the steps took.
    pub async fn commit(mut self, cold_watermark: Option<Key>) -> Result<Steps, MoveError> {
        let (resource, epoch) = (self.family.resource, self.number);
        let now = self.mover.clock.now();
        self.tell_feed().await?;
        state::raise(&mut *self.hot, resource, (epoch, self.token), cold_watermark, now).await?;
        fail_point::reached("raised");
        if let Err(lost) = self.hot.commit().await {
            // If the commit did not happen, this session still holds the row that is read next.
            let _ = self.hot.rollback().await;
            if !self.happened().await? {
                return Err(lost.into());
            }
        }
        fail_point::reached("committed-in-hot");
        // Not required, since the next claim confirms too: the move has happened.
        if let Err(error) = self.confirm().await {
            tracing::warn!(resource, epoch, %error, "moved, not yet confirmed");
        }
        self.took(Step::Commit);
        Ok(self.stopwatch.steps())
    }

    /// Ends a move that had nothing to do.
    pub async fn give_up(mut self) -> Result<(), TierError> {
        self.hot.rollback().await?;
        fail_point::reached("giving-up");
        self.cold.begin(Begin::Write).await?;
        claim::release(&mut *self.cold, self.family.resource, self.number).await?;
        self.cold.commit().await?;
        fail_point::reached("given-up");
        Ok(())
    }

    /// Returns whether a commit whose answer was lost happened. The row is locked first: a plain read could miss a commit
    /// that is still under way.
    async fn happened(&mut self) -> Result<bool, MoveError> {
        let mut hot = self.mover.hot.session().await?;
        hot.begin(Begin::Write).await?;
        let state = state::locked(&mut *hot, self.family.resource).await?;
        hot.rollback().await?;
        Ok((state.epoch, state.token) == (self.number, Some(self.token)))
    }

    async fn confirm(&mut self) -> Result<(), TierError> {
        let resource = self.family.resource;
        self.cold.begin(Begin::Write).await?;
        // The claim row first, as in every transaction: movers of two resources may share locks of a table.
        claim::release(&mut *self.cold, resource, self.number).await?;
        entry::confirm(&mut *self.cold, resource, self.number).await?;
        fail_point::reached("confirming");
        self.cold.commit().await?;
        fail_point::reached("confirmed");
        Ok(())
    }
}
