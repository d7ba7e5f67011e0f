//! The steps that every move shares, whichever way its rows go; the kinds of move differ in their work alone.
//!
//! | step | tier | |
//! |---|---|---|
//! | 1 | cold | claim a number: `Move::open` |
//! | 2 | hot | lock the state row and read where hot stands: `Move::open` |
//! | 3 | cold | settle what a dead mover left: `Move::settle` |
//! | 4 | hot | the work: rows are removed or come back |
//! | 5 | cold | the work: `Move::lock_claim` begins it, `Move::commit_cold` ends it with an entry in the journal |
//! | 6 | both | the proof |
//! | 7 | hot | raise the epoch and commit: `Move::commit`. This commit is the move |
//!
//! A test can end the process after each of them: `fail_point`.

use std::sync::LazyLock;

use async_trait::async_trait;

use super::behavior::Tally;
use super::blocks::{Counter, Known};
use super::digest::Digest;
use super::family::{Family, Moved};
use super::run::Mover;
use super::stopwatch::{Step, Steps, Stopwatch};
use super::{MoveError, fail_point, settle};
use crate::clock::Timestamp;
use crate::page::Key;
use crate::schema::Kind;
use crate::tier::{Begin, Session, Statement, TierError, Value, cold_sql, hot_sql, values};

static CLAIM: LazyLock<Statement> = LazyLock::new(|| cold_sql!("claim"));
static RELEASE: LazyLock<Statement> = LazyLock::new(|| cold_sql!("release"));
static CLAIMED: LazyLock<Statement> = LazyLock::new(|| cold_sql!("claimed"));
static LOCK_STATE: LazyLock<Statement> = LazyLock::new(|| hot_sql!("lock_state"));
static STATE: LazyLock<Statement> = LazyLock::new(|| hot_sql!("state"));
static RAISE: LazyLock<Statement> = LazyLock::new(|| hot_sql!("raise"));
static CONFIRM: LazyLock<Statement> = LazyLock::new(|| cold_sql!("confirm"));
static JOURNAL: LazyLock<Statement> = LazyLock::new(|| cold_sql!("journal"));

/// The kinds of move, as the journal names them.
pub(super) const ARCHIVE: &str = "archive";
/// An [`ARCHIVE`] that a recovery found unconfirmed: it counts as committed, and nobody knows whether hot ever did.
pub(super) const DOUBTFUL: &str = "doubtful";
pub(super) const RESTORE: &str = "restore";
pub(super) const ERASE: &str = "erase";
pub(super) const RECOVER: &str = "recover";
/// A recovery in which moves that cold no longer knows were given up.
pub(super) const LOSS: &str = "loss";

/// A batch that was moved.
#[derive(Clone, Debug)]
pub(super) struct MovedBatch {
    /// Its epoch.
    pub epoch: i64,
    /// Its rows, children included.
    pub rows: i64,
    /// Its rows of the resource itself.
    pub of_resource: i64,
    /// What its steps took.
    pub steps: Steps,
}

/// One batch of a kind of move, which can be tried again.
#[async_trait]
pub(super) trait Attempt: Sync {
    /// Moves it; `None` when there was nothing to do.
    async fn attempt(&self) -> Result<Option<MovedBatch>, MoveError>;

    /// Whether another mover may have the turn, which does this too.
    fn yields(&self) -> bool {
        false
    }
}

/// The state row of hot, locked by a move.
#[derive(Clone, Copy, Debug)]
pub(super) struct State {
    pub epoch: i64,
    pub token: Option<i64>,
    /// No row in cold is newer.
    pub cold_newest: Option<Key>,
    /// Whether an operator keeps the mover away.
    pub held: bool,
}

/// Rows of one table of the family on their way.
pub(super) struct Rows<'a> {
    pub moved: &'a Moved,
    pub rows: Vec<Vec<Value>>,
}

/// A move on its way: one connection to each tier. Losing one ends the move; neither is ever replaced.
pub(super) struct Move<'a> {
    pub mover: &'a Mover<'a>,
    pub family: &'a Family,
    /// Its number, which becomes the epoch.
    pub number: i64,
    pub state: State,
    pub hot: Box<dyn Session>,
    pub cold: Box<dyn Session>,
    /// Tells the move from one of the same number in a restored database.
    token: i64,
    started: Timestamp,
    known: Known,
    watch: Stopwatch,
}

impl<'a> Move<'a> {
    /// Steps 1 and 2: claims a number above `floor` and locks the state row until the move ends.
    pub async fn open(mover: &'a Mover<'a>, family: &'a Family, floor: i64) -> Result<Self, MoveError> {
        let started = mover.clock.now();
        let mut watch = Stopwatch::new();
        let resource = || Value::from(family.resource);
        let recover_due =
            |detail: &str| MoveError::RecoverDue { resource: family.resource, detail: detail.to_owned() };
        let mut cold = mover.cold.session().await?;
        // Committed at once: whoever holds an older number is overtaken.
        cold.begin(Begin::Write).await?;
        let who = || Value::from(mover.name.as_str());
        let params = [resource(), floor.into(), who(), mover.clock.now().into()];
        let records = cold.fetch(&CLAIM, &params).await?;
        let record = records.first().ok_or_else(|| recover_due("cold has no claim row"))?;
        let number = record.int("claimed")?;
        fail_point::reached("claiming");
        cold.commit().await?;
        fail_point::reached("claimed");

        let mut hot = mover.hot.session().await?;
        hot.begin(Begin::Write).await?;
        let params = [resource(), who(), mover.clock.now().into()];
        let records = hot.fetch(&LOCK_STATE, &params).await?;
        let record = records.first().ok_or_else(|| recover_due("hot has no state row"))?;
        let state = State {
            epoch: record.int("epoch")?,
            token: record.int_or_null("token")?,
            cold_newest: record.key_or_null("cold_newest_at", "cold_newest_id")?,
            held: record.bool("held")?,
        };
        fail_point::reached("locked");
        let token = mover.clock.draw();
        let known = Known::default();
        watch.note(Step::Claim);
        Ok(Self { mover, family, number, state, hot, cold, token, started, known, watch })
    }

    /// Steps 1 to 3.
    pub async fn begin(mover: &'a Mover<'a>, family: &'a Family) -> Result<Self, MoveError> {
        let mut this = Self::open(mover, family, 0).await?;
        this.check_number().await?;
        this.settle().await?;
        Ok(this)
    }

    /// Refuses a number that hot has passed.
    async fn check_number(&mut self) -> Result<(), MoveError> {
        let (number, epoch) = (self.number, self.state.epoch);
        if number > epoch {
            return Ok(());
        }
        // Somebody who claimed later has finished already; otherwise cold counts from an older time than hot.
        let records = self.cold.fetch(&CLAIMED, &[self.resource()]).await?;
        match records.first().map(|record| record.int("claimed")).transpose()? {
            Some(claimed) if claimed > number => Err(MoveError::Overtaken { resource: self.family.resource }),
            _ => Err(self.recover_due(format!("cold hands out number {number} while hot stands at {epoch}"))),
        }
    }

    /// Step 3: cold is brought to what hot says.
    async fn settle(&mut self) -> Result<(), MoveError> {
        self.lock_claim().await?;
        settle::settle(self).await?;
        fail_point::reached("settling");
        self.cold.commit().await?;
        fail_point::reached("settled");
        self.took(Step::Settle);
        Ok(())
    }

    /// What it did since the last of these calls was part of this step.
    pub fn took(&mut self, step: Step) {
        self.watch.note(step);
    }

    pub fn resource(&self) -> Value {
        self.family.resource.into()
    }

    pub fn recover_due(&self, detail: String) -> MoveError {
        MoveError::RecoverDue { resource: self.family.resource, detail }
    }

    /// Begins a transaction in cold with the claim row locked, and checks that nobody has claimed since: a mover that
    /// only believes it is alive may not write.
    pub async fn lock_claim(&mut self) -> Result<(), MoveError> {
        self.cold.begin(Begin::Write).await?;
        let records = self.cold.fetch(&CLAIMED, &[self.resource()]).await?;
        let claimed = records.first().map(|record| record.int("claimed")).transpose()?;
        if claimed == Some(self.number) {
            return Ok(());
        }
        Err(MoveError::Overtaken { resource: self.family.resource })
    }

    /// Counts what enters cold (`sign` 1) or leaves it (-1) with this move. Whatever is counted beside the rows is
    /// counted here.
    pub async fn count(&mut self, moved: &[Rows<'_>], sign: i64) -> Result<(), TierError> {
        let mut tally = Tally::new(self.family, own(moved));
        for Rows { moved, rows } in moved {
            let strays = tally.strays(moved, rows);
            if !strays.is_empty() {
                let own = self.family.own();
                for record in self.cold.fetch(&own.open_of, &[strays.into()]).await? {
                    tally.know(self.family, &values(&record, own.table.columns)?);
                }
            }
            tally.count(moved, rows, sign);
        }
        tally.write(&mut *self.cold, self.family, self.number, self.mover.clock.now()).await?;
        let Some(blocks) = &self.family.blocks else { return Ok(()) };
        let own = own(moved).iter().map(|row| (&row[..], (self.family.key)(row)));
        let counter = Counter { blocks, sizes: self.mover.sizes };
        counter.add(&mut *self.cold, self.number, own, sign, &mut self.known).await
    }

    /// Takes over what an earlier move of the same run has left, if nobody has moved since.
    pub fn remember(&mut self, known: Known) {
        self.known = known.if_at(self.state.epoch, self.state.token);
    }

    /// What the next move of the run may take over, once this one is committed.
    pub fn leave(&mut self) -> Known {
        std::mem::take(&mut self.known).left_by(self.number, self.token)
    }

    /// Ends step 5: the entry in the journal, and the commit. What was written is still invisible.
    ///
    /// `brought` is the digest of what enters cold, from which it can be proven again at any time.
    pub async fn commit_cold(
        &mut self,
        kind: &str,
        moved: &[Rows<'_>],
        brought: Digest,
    ) -> Result<(), TierError> {
        let keys = || own(moved).iter().map(|row| (self.family.key)(row));
        let (first, last) = (keys().min().unwrap_or(Key::MIN), keys().max().unwrap_or(Key::MIN));
        let entry = [
            self.resource(),
            self.number.into(),
            kind.into(),
            self.token.into(),
            count(moved).into(),
            first.at.into(),
            first.id.into(),
            last.at.into(),
            last.id.into(),
            brought.to_string().as_str().into(),
            self.started.into(),
            self.mover.clock.now().into(),
        ];
        fail_point::reached("worked-in-cold");
        self.cold.execute(&JOURNAL, &entry).await?;
        fail_point::reached("journalled");
        self.cold.commit().await?;
        fail_point::reached("committed-in-cold");
        self.took(Step::Cold);
        Ok(())
    }

    /// Step 7: raises the epoch and commits. `cold_newest` is a bound that no row in cold is above, `None` when it
    /// holds none. Returns what the steps took.
    pub async fn commit(mut self, cold_newest: Option<Key>) -> Result<Steps, MoveError> {
        let params = [
            self.resource(),
            self.number.into(),
            self.token.into(),
            Value::or_null(cold_newest.map(|key| key.at), Kind::Time),
            Value::or_null(cold_newest.map(|key| key.id), Kind::Int),
            self.mover.clock.now().into(),
        ];
        let raised = self.hot.execute(&RAISE, &params).await?;
        if raised != 1 {
            return Err(self.recover_due(format!("hot has {raised} state rows")));
        }
        fail_point::reached("raised");
        if let Err(lost) = self.hot.commit().await {
            // If it did not happen, this session still holds the row that is about to be asked for.
            let _ = self.hot.rollback().await;
            if !self.happened().await? {
                return Err(lost.into());
            }
        }
        fail_point::reached("committed-in-hot");
        // Not needed: the next claim would do it. A mover that dies here has moved.
        if let Err(error) = self.confirm().await {
            let (resource, epoch) = (self.family.resource, self.number);
            tracing::warn!(resource, epoch, %error, "moved, not yet confirmed");
        }
        self.took(Step::Commit);
        Ok(self.watch.steps())
    }

    /// Ends a move that had nothing to do.
    pub async fn give_up(mut self) -> Result<(), TierError> {
        self.hot.rollback().await?;
        fail_point::reached("giving-up");
        self.cold.begin(Begin::Write).await?;
        self.cold.execute(&RELEASE, &[self.resource(), self.number.into()]).await?;
        self.cold.commit().await?;
        fail_point::reached("given-up");
        Ok(())
    }

    /// Whether a commit whose answer was lost has happened. The row is locked first: a plain read could come before
    /// a commit that is still on its way.
    async fn happened(&mut self) -> Result<bool, TierError> {
        let mut hot = self.mover.hot.session().await?;
        hot.begin(Begin::Write).await?;
        let records = hot.fetch(&STATE, &[self.resource()]).await?;
        hot.rollback().await?;
        let Some(record) = records.first() else { return Ok(false) };
        Ok(record.int("epoch")? == self.number && record.int_or_null("token")? == Some(self.token))
    }

    async fn confirm(&mut self) -> Result<(), TierError> {
        self.cold.begin(Begin::Write).await?;
        self.cold.execute(&CONFIRM, &[self.resource(), self.number.into()]).await?;
        self.cold.execute(&RELEASE, &[self.resource(), self.number.into()]).await?;
        fail_point::reached("confirming");
        self.cold.commit().await?;
        fail_point::reached("confirmed");
        Ok(())
    }
}

/// The rows of the resource's own table.
pub(super) fn own<'a>(moved: &'a [Rows<'_>]) -> &'a [Vec<Value>] {
    moved.last().map_or(&[], |rows| &rows.rows)
}

/// How many rows of all tables.
pub(super) fn count(moved: &[Rows<'_>]) -> i64 {
    moved.iter().map(|rows| rows.rows.len() as i64).sum()
}

/// The digest of rows of all tables.
pub(super) fn digest(moved: &[Rows<'_>]) -> Digest {
    let mut digest = Digest::default();
    for Rows { moved, rows } in moved {
        for row in rows {
            digest.add(moved.table.name, row);
        }
    }
    digest
}

/// What a batch that was moved came to.
pub(super) fn moved_batch(epoch: i64, moved: &[Rows<'_>], steps: Steps) -> MovedBatch {
    MovedBatch { epoch, rows: count(moved), of_resource: own(moved).len() as i64, steps }
}
