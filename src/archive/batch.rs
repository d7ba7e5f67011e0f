//! One batch, from epoch E to N. The numbers of the steps are those of the operator's guide.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use super::blocks::Counter;
use super::digest::Digest;
use super::family::{Family, Moved};
use super::rejects::{self, unreadable};
use super::{BlockSizes, MoveError};
use crate::clock::{Clock, Timestamp};
use crate::page::Key;
use crate::schema::Kind;
use crate::tier::{Begin, Engine, Session, Statement, TierError, Value, cold_sql, hot_sql, values};

static CLAIM: LazyLock<Statement> = LazyLock::new(|| cold_sql!("claim"));
static RELEASE: LazyLock<Statement> = LazyLock::new(|| cold_sql!("release"));
static CLAIMED: LazyLock<Statement> = LazyLock::new(|| cold_sql!("claimed"));
static LOCK_STATE: LazyLock<Statement> = LazyLock::new(|| hot_sql!("lock_state"));
static STATE: LazyLock<Statement> = LazyLock::new(|| hot_sql!("state"));
static RAISE: LazyLock<Statement> = LazyLock::new(|| hot_sql!("raise"));
static PROVEN: LazyLock<Statement> = LazyLock::new(|| cold_sql!("proven"));
static CONFIRM: LazyLock<Statement> = LazyLock::new(|| cold_sql!("confirm"));
static ABOVE: LazyLock<Statement> = LazyLock::new(|| cold_sql!("above"));
static JOURNAL: LazyLock<Statement> = LazyLock::new(|| cold_sql!("journal"));
static UNDO_BEHAVIOR: LazyLock<Statement> = LazyLock::new(|| cold_sql!("undo_behavior"));
static UNDO_BATCH: LazyLock<Statement> = LazyLock::new(|| cold_sql!("undo_batch"));

/// Bytes of text in a batch, unless a single row has more: what a mover keeps in memory, whatever rows hold.
const BYTES: i64 = 16 << 20;

/// What a batch is to move and with what.
pub(super) struct Batch<'a> {
    pub hot: &'a dyn Engine,
    pub cold: &'a dyn Engine,
    pub family: &'a Family,
    pub clock: &'a Clock,
    /// Who moves, for `archive status`.
    pub mover: &'a str,
    /// Rows older than this are due.
    pub older_than: Value,
    /// How many rows to move, children included; one whole row at least.
    pub rows: i64,
    pub sizes: BlockSizes,
}

/// A batch that was moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MovedBatch {
    /// Its epoch.
    pub epoch: i64,
    /// Its rows, children included.
    pub rows: i64,
    /// Its rows of the resource itself.
    pub of_resource: i64,
}

/// The state row of hot, locked by this move.
struct State {
    epoch: i64,
    token: Option<i64>,
    cold_newest: Option<Key>,
}

/// Rows taken out of one table of hot.
struct Taken<'a> {
    moved: &'a Moved,
    rows: Vec<Vec<Value>>,
}

impl Batch<'_> {
    fn resource(&self) -> Value {
        self.family.resource.into()
    }

    fn recover_due(&self, detail: String) -> MoveError {
        MoveError::RecoverDue { resource: self.family.resource, detail }
    }

    /// Moves one batch; `None` when nothing was due.
    pub async fn run(&self) -> Result<Option<MovedBatch>, MoveError> {
        let started = self.clock.now();
        // One cold connection serves the whole move; losing it ends the move, it is never replaced.
        let mut cold = self.cold.session().await?;
        let cold = &mut *cold;
        let number = self.claim(cold).await?;

        let mut hot = self.hot.session().await?;
        let hot = &mut *hot;
        hot.begin(Begin::Write).await?;
        let state = self.lock_state(hot, number).await?;
        self.settle_cold(cold, hot, number, &state).await?;

        let taken = match self.take(hot).await {
            Err(rejected @ MoveError::Rejected { .. }) => {
                // Nobody must take this for a move under way; what is left of it in hot goes with the session.
                let _ = hot.rollback().await;
                self.release(cold, number).await?;
                return Err(rejected);
            }
            taken => taken?,
        };
        let rows: usize = taken.iter().map(|taken| taken.rows.len()).sum();
        if rows == 0 {
            hot.rollback().await?;
            self.release(cold, number).await?;
            return Ok(None);
        }
        let token = self.clock.draw();
        let digest = digest(&taken);
        self.copy(cold, number, token, &taken, digest, started).await?;
        self.prove(cold, number, &taken, digest).await?;
        self.commit_hot(hot, number, token, &state, &taken).await?;
        // Not needed: the next claim would do it. A mover that dies here has moved.
        if let Err(error) = self.confirm(cold, number).await {
            tracing::warn!(resource = self.family.resource, epoch = number, %error, "moved, not yet confirmed");
        }
        let of_resource = taken.last().map_or(0, |taken| taken.rows.len() as i64);
        Ok(Some(MovedBatch { epoch: number, rows: rows as i64, of_resource }))
    }

    /// Step 1. A number of one's own, committed at once: whoever holds an older one is overtaken.
    async fn claim(&self, cold: &mut dyn Session) -> Result<i64, MoveError> {
        cold.begin(Begin::Write).await?;
        let params = [self.resource(), self.mover.into(), self.clock.now().into()];
        let records = cold.fetch(&CLAIM, &params).await?;
        let record = records.first().ok_or_else(|| self.recover_due("cold has no claim row".to_owned()))?;
        let number = record.int("claimed")?;
        cold.commit().await?;
        Ok(number)
    }

    /// Step 2. The state row stays locked until the move ends, so there is never a second open one.
    async fn lock_state(&self, hot: &mut dyn Session, number: i64) -> Result<State, MoveError> {
        let params = [self.resource(), self.mover.into(), self.clock.now().into()];
        let records = hot.fetch(&LOCK_STATE, &params).await?;
        let record = records.first().ok_or_else(|| self.recover_due("hot has no state row".to_owned()))?;
        let state = State {
            epoch: record.int("epoch")?,
            token: record.int_or_null("token")?,
            cold_newest: record.key_or_null("cold_newest_at", "cold_newest_id")?,
        };
        if number > state.epoch {
            return Ok(state);
        }
        // Somebody who claimed later has finished already; otherwise cold counts from an older time than hot.
        let records = self.cold.fetch(&CLAIMED, &[self.resource()]).await?;
        match records.first().map(|record| record.int("claimed")).transpose()? {
            Some(claimed) if claimed > number => Err(MoveError::Overtaken { resource: self.family.resource }),
            _ => {
                let detail = format!("cold hands out number {number} while hot stands at {}", state.epoch);
                Err(self.recover_due(detail))
            }
        }
    }

    /// Says that nothing comes of a claim.
    async fn release(&self, cold: &mut dyn Session, number: i64) -> Result<(), TierError> {
        cold.begin(Begin::Write).await?;
        cold.execute(&RELEASE, &[self.resource(), number.into()]).await?;
        cold.commit().await
    }

    /// Locks the claim row and checks that nobody has claimed since: a mover that only believes it is alive may
    /// not write.
    async fn lock_claim(&self, cold: &mut dyn Session, number: i64) -> Result<(), MoveError> {
        let records = cold.fetch(&CLAIMED, &[self.resource()]).await?;
        let claimed = records.first().map(|record| record.int("claimed")).transpose()?;
        if claimed == Some(number) {
            return Ok(());
        }
        Err(MoveError::Overtaken { resource: self.family.resource })
    }

    /// Step 3. Cold is brought to what hot says: batches up to E happened, interrupted ones above it did not.
    async fn settle_cold(
        &self,
        cold: &mut dyn Session,
        hot: &mut dyn Session,
        number: i64,
        state: &State,
    ) -> Result<(), MoveError> {
        cold.begin(Begin::Write).await?;
        self.lock_claim(cold, number).await?;
        if state.epoch > 0 {
            let token = Value::or_null(state.token, Kind::Int);
            let records = cold.fetch(&PROVEN, &[self.resource(), state.epoch.into(), token]).await?;
            if records.first().map(|record| record.int("n")).transpose()? != Some(1) {
                let detail = format!("cold does not know move {} of this hot", state.epoch);
                return Err(self.recover_due(detail));
            }
        }
        cold.execute(&CONFIRM, &[self.resource(), state.epoch.into()]).await?;
        for record in cold.fetch(&ABOVE, &[self.resource(), state.epoch.into()]).await? {
            let (epoch, kind) = (record.int("epoch")?, record.text("kind")?);
            if record.bool("confirmed")? {
                let detail = format!("cold has confirmed move {epoch}, hot stands at {}", state.epoch);
                return Err(self.recover_due(detail));
            }
            if kind != "archive" {
                return Err(self.recover_due(format!("an interrupted {kind} with number {epoch}")));
            }
            self.undo(cold, hot, epoch).await?;
        }
        Ok(cold.commit().await?)
    }

    /// Takes an interrupted batch back, if hot still holds every row of it.
    async fn undo(&self, cold: &mut dyn Session, hot: &mut dyn Session, epoch: i64) -> Result<(), MoveError> {
        for moved in &self.family.tables {
            for record in cold.fetch(&moved.batch, &[epoch.into()]).await? {
                let row = values(&record, moved.table.columns)?;
                let identity = moved.identity(&row);
                let held = hot.fetch(&moved.held, &identity).await?;
                if held.first().map(|record| record.int("n")).transpose()? != Some(1) {
                    let table = moved.table.name;
                    return Err(self.recover_due(format!(
                        "move {epoch} was interrupted, but hot does not hold its row {identity:?} of {table}"
                    )));
                }
            }
        }
        for moved in &self.family.tables {
            cold.execute(&moved.undo_rows, &[epoch.into()]).await?;
            cold.execute(&moved.undo_closed, &[epoch.into()]).await?;
        }
        if let Some(blocks) = &self.family.blocks {
            Counter { blocks, sizes: self.sizes }.undo(cold, epoch).await?;
        }
        cold.execute(&UNDO_BEHAVIOR, &[self.resource(), epoch.into()]).await?;
        cold.execute(&UNDO_BATCH, &[self.resource(), epoch.into()]).await?;
        tracing::info!(resource = self.family.resource, epoch, "undid an interrupted move");
        Ok(())
    }

    /// Step 4. What comes back is exactly what is removed: no edit can slip in between.
    async fn take(&self, hot: &mut dyn Session) -> Result<Vec<Taken<'_>>, MoveError> {
        let records = hot.fetch(&self.family.due, &[self.older_than.clone(), self.rows.into()]).await?;
        let (mut ids, mut weight, mut bytes) = (Vec::new(), 0, 0);
        for record in records {
            weight += record.int("weight")?;
            bytes += record.int("bytes")?;
            if (weight > self.rows || bytes > BYTES) && !ids.is_empty() {
                break;
            }
            ids.push(record.int("id")?);
        }
        let due = ids.len();
        let ids = Value::from(ids);
        let mut taken = Vec::new();
        for moved in &self.family.tables {
            let mut rows = Vec::new();
            if due > 0 {
                let records = hot.fetch(&moved.take, std::slice::from_ref(&ids)).await;
                for record in records.map_err(|error| unreadable(self.family, moved, &ids, error))? {
                    let row = values(&record, moved.table.columns);
                    rows.push(row.map_err(|error| unreadable(self.family, moved, &ids, error))?);
                }
            }
            taken.push(Taken { moved, rows });
        }
        rejects::check(self.cold, self.family, taken.iter().map(|taken| (taken.moved, &taken.rows[..])))?;
        Ok(taken)
    }

    /// Step 5. The copy, its counts and its entry in the journal, committed and still invisible.
    async fn copy(
        &self,
        cold: &mut dyn Session,
        number: i64,
        token: i64,
        taken: &[Taken<'_>],
        digest: Digest,
        started: Timestamp,
    ) -> Result<(), MoveError> {
        cold.begin(Begin::Write).await?;
        self.lock_claim(cold, number).await?;
        let own = taken.last().map_or(&[][..], |taken| &taken.rows);
        if let Some(supersede) = &self.family.supersede {
            let mut groups: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
            for (group, member) in own.iter().map(|row| (supersede.of)(row)) {
                groups.entry(group).or_default().push(member);
            }
            for (group, members) in groups {
                cold.execute(&supersede.statement, &[group.into(), members.into(), number.into()]).await?;
            }
        }
        let now = self.clock.now();
        for Taken { moved, rows } in taken {
            let table = moved.table.archived.unwrap_or(moved.table.name);
            let copies: Vec<Vec<Value>> =
                rows.iter().map(|row| Moved::archived_row(row, now.into(), number)).collect();
            cold.insert(table, &moved.archived_columns(), &copies).await?;
        }
        if let Some(blocks) = &self.family.blocks {
            let rows = own.iter().map(|row| (&row[..], (self.family.key)(row)));
            Counter { blocks, sizes: self.sizes }.add(cold, number, rows).await?;
        }
        let keys = || own.iter().map(|row| (self.family.key)(row));
        let (first, last) = (keys().min().unwrap_or(Key::MIN), keys().max().unwrap_or(Key::MIN));
        let count: usize = taken.iter().map(|taken| taken.rows.len()).sum();
        let entry = [
            self.resource(),
            number.into(),
            "archive".into(),
            token.into(),
            (count as i64).into(),
            first.at.into(),
            first.id.into(),
            last.at.into(),
            last.id.into(),
            digest.to_string().as_str().into(),
            started.into(),
            self.clock.now().into(),
        ];
        cold.execute(&JOURNAL, &entry).await?;
        Ok(cold.commit().await?)
    }

    /// Step 6. Reads the batch back and compares.
    async fn prove(
        &self,
        cold: &mut dyn Session,
        number: i64,
        taken: &[Taken<'_>],
        expected: Digest,
    ) -> Result<(), MoveError> {
        let mut found = Digest::default();
        let mut differing = None;
        for Taken { moved, rows } in taken {
            let sent: HashMap<_, _> = rows.iter().map(|row| (moved.identity(row), row)).collect();
            for record in cold.fetch(&moved.batch, &[number.into()]).await? {
                let row = values(&record, moved.table.columns)?;
                found.add(moved.table.name, &row);
                let identity = moved.identity(&row);
                if sent.get(&identity).is_none_or(|sent| **sent != row) {
                    differing = differing.or(Some((moved.table.name, identity)));
                }
            }
        }
        if found == expected {
            return Ok(());
        }
        let detail = match differing {
            Some((table, identity)) => format!("its row {identity:?} of {table} differs"),
            None => "rows are missing".to_owned(),
        };
        Err(MoveError::Unproven { resource: self.family.resource, epoch: number, detail })
    }

    /// Step 7. This commit is the move.
    async fn commit_hot(
        &self,
        hot: &mut dyn Session,
        number: i64,
        token: i64,
        state: &State,
        taken: &[Taken<'_>],
    ) -> Result<(), MoveError> {
        let own = taken.last().map_or(&[][..], |taken| &taken.rows);
        let newest = own.iter().map(|row| (self.family.key)(row)).max().max(state.cold_newest);
        let newest = newest.unwrap_or(Key::MIN);
        let params = [
            self.resource(),
            number.into(),
            token.into(),
            newest.at.into(),
            newest.id.into(),
            self.clock.now().into(),
        ];
        let raised = hot.execute(&RAISE, &params).await?;
        if raised != 1 {
            return Err(self.recover_due(format!("hot has {raised} state rows")));
        }
        let Err(lost) = hot.commit().await else { return Ok(()) };
        // If it did not happen, this session still holds the row that is about to be asked for.
        let _ = hot.rollback().await;
        if self.happened(number, token).await? {
            return Ok(());
        }
        Err(lost.into())
    }

    /// Whether a commit whose answer was lost has happened. The row is locked first: a plain read could come before
    /// a commit that is still on its way.
    async fn happened(&self, number: i64, token: i64) -> Result<bool, TierError> {
        let mut hot = self.hot.session().await?;
        hot.begin(Begin::Write).await?;
        let records = hot.fetch(&STATE, &[self.resource()]).await?;
        hot.rollback().await?;
        let Some(record) = records.first() else { return Ok(false) };
        Ok(record.int("epoch")? == number && record.int_or_null("token")? == Some(token))
    }

    async fn confirm(&self, cold: &mut dyn Session, number: i64) -> Result<(), TierError> {
        cold.begin(Begin::Write).await?;
        cold.execute(&CONFIRM, &[self.resource(), number.into()]).await?;
        cold.execute(&RELEASE, &[self.resource(), number.into()]).await?;
        cold.commit().await
    }
}

fn digest(taken: &[Taken<'_>]) -> Digest {
    let mut digest = Digest::default();
    for Taken { moved, rows } in taken {
        for row in rows {
            digest.add(moved.table.name, row);
        }
    }
    digest
}
