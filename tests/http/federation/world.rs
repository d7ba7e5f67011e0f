//! Both databases as plain values, the mover's protocol over them, and the oracle: one vector of all rows.
//!
//! A move is split into the steps a reader could fall between: the cold half ([`World::archive`] and similar), the hot
//! commit, the confirmation; or it is abandoned and undone by the next claim. The oracle only learns what changes the
//! list itself, so it cannot share a mistake with the protocol.

use std::collections::BTreeMap;

use thermocline::clock::Timestamp;
use thermocline::federation::HotSnapshot;
use thermocline::page::Key;

/// A row; `text` distinguishes its versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub key: Key,
    pub talk: i64,
    pub text: i64,
}

impl Row {
    /// Returns what identifies the row in all its versions.
    pub fn name(&self) -> (i64, Key) {
        (self.talk, self.key)
    }
}

#[derive(Clone, Debug)]
struct Version {
    row: Row,
    from: i64,
    to: Option<i64>,
}

impl Version {
    fn visible(&self, epoch: i64) -> bool {
        self.from <= epoch && self.to.is_none_or(|to| to > epoch)
    }
}

#[derive(Clone, Debug, Default)]
pub struct HotState {
    pub rows: Vec<Row>,
    pub mark: HotSnapshot,
}

/// A move in cold's journal.
#[derive(Clone, Copy, Debug)]
struct Batch {
    token: i64,
    confirmed: bool,
}

#[derive(Clone, Debug, Default)]
pub struct ColdState {
    versions: Vec<Version>,
    journal: BTreeMap<i64, Batch>,
    claimed: i64,
    pub floor: i64,
    /// Whether it is unreachable.
    pub away: bool,
}

impl ColdState {
    /// Returns the rows that are visible at `epoch`.
    pub fn visible(&self, epoch: i64) -> impl Iterator<Item = &Row> {
        let visible = self.versions.iter().filter(move |version| version.visible(epoch));
        visible.map(|version| &version.row)
    }

    pub fn proves(&self, mark: HotSnapshot) -> bool {
        mark.epoch == 0 || self.journal.get(&mark.epoch).is_some_and(|batch| Some(batch.token) == mark.token)
    }

    pub fn confirmed(&self) -> i64 {
        let mut confirmed = self.journal.iter().rev().filter(|(_, batch)| batch.confirmed);
        confirmed.next().map_or(0, |(epoch, _)| *epoch)
    }
}

/// A move whose cold half is committed and whose hot half is not.
#[derive(Clone, Debug, Default)]
struct Move {
    mark: HotSnapshot,
    leave: Vec<Row>,
    enter: Vec<Row>,
    erase: Vec<Row>,
}

/// An event of a pair. Rows are chosen by number, modulo how many there are.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// A row `after` microseconds after the newest so far: a new one, an equal time, a late one. Where hot may hold the
    /// key of a cold row it can be a correction of it.
    Insert { after: i64, talk: i64 },
    /// `count` late rows at once, one a microsecond.
    Import { count: i64, after: i64 },
    /// A hot row gets another text.
    Edit(usize),
    /// A hot row is deleted.
    Delete(usize),
    /// The cold half of archiving the oldest rows.
    Archive { rows: usize },
    /// The cold half of restoring some rows; `exact`: the newest cold key is looked up again, otherwise kept.
    Restore { first: usize, rows: usize, exact: bool },
    /// The cold half of erasing a row.
    Erase { row: usize, exact: bool },
    /// The hot commit of the open move.
    Commit,
    /// The mover dies.
    Die,
    /// Confirms the moves that hot has committed, and removes from cold what they erased.
    Confirm,
    /// Removes everything below the last confirmed move from cold.
    Vacuum,
    /// A restore, its hot commit, its confirmation and a vacuum at once: no older epoch can be read any more.
    Sweep { first: usize },
    /// Cold becomes unreachable, or reachable again.
    Away(bool),
    /// Nothing happens, but the call waits for other tasks.
    Wait,
}

#[derive(Clone, Debug, Default)]
pub struct World {
    /// Whether hot may hold a key that cold holds too, and takes precedence: prices.
    pub shadowing: bool,
    pub hot: HotState,
    pub cold: ColdState,
    /// The oracle: every row of the logical table, newest first.
    pub all: Vec<Row>,
    /// Number of moves that hot has committed.
    pub commits: usize,
    open: Option<Move>,
    erased: Vec<Row>,
    now: i64,
    drawn: i64,
}

impl World {
    pub fn new(shadowing: bool) -> Self {
        Self { shadowing, ..Self::default() }
    }

    pub fn apply(&mut self, step: Step) {
        match step {
            Step::Insert { after, talk } => self.insert(self.now + after, talk),
            Step::Import { count, after } => {
                let from = self.now + after;
                (0..count).for_each(|nth| self.insert(from + nth, nth % 2));
            }
            Step::Edit(nth) => self.edit(nth),
            Step::Delete(nth) => self.delete(nth),
            Step::Archive { rows } => self.archive(rows),
            Step::Restore { first, rows, exact } => self.restore(first, rows, exact),
            Step::Erase { row, exact } => self.erase(row, exact),
            Step::Commit => self.commit(),
            Step::Die => self.open = None,
            Step::Confirm => self.confirm(),
            Step::Vacuum => self.vacuum(),
            Step::Sweep { first } => {
                self.restore(first, 1, false);
                self.commit();
                self.confirm();
                self.vacuum();
            }
            Step::Away(away) => self.cold.away = away,
            Step::Wait => {}
        }
        self.check();
    }

    /// Checks P1: hot, and cold at hot's epoch, are disjoint and together they are the logical table.
    fn check(&self) {
        let mut both = self.hot.rows.clone();
        for row in self.cold.visible(self.hot.mark.epoch) {
            assert!(Some(row.key) <= self.hot.mark.cold_watermark, "{row:?} above the newest cold key");
            let shadowed = self.hot.rows.iter().any(|hot| hot.name() == row.name());
            assert!(self.shadowing || !shadowed, "{row:?} is in both tiers");
            if !shadowed {
                both.push(row.clone());
            }
        }
        sort(&mut both);
        assert_eq!(both, self.all, "the tiers at {:?} are not the table", self.hot.mark);
    }

    fn draw(&mut self) -> i64 {
        self.drawn += 1;
        self.drawn
    }

    /// Returns whether the open move has locked the row in hot.
    fn locked(&self, row: &Row) -> bool {
        let open = self.open.iter().flat_map(|open| open.leave.iter().chain(&open.enter).chain(&open.erase));
        open.map(Row::name).any(|name| name == row.name())
    }

    fn insert(&mut self, at: i64, talk: i64) {
        self.now = self.now.max(at);
        let text = self.draw();
        let id = if self.shadowing { 0 } else { text };
        let row = Row { key: Key::new(Timestamp::default().plus(at), id), talk, text };
        if self.locked(&row) {
            return;
        }
        for rows in [&mut self.hot.rows, &mut self.all] {
            rows.retain(|old| old.name() != row.name());
            rows.push(row.clone());
            sort(rows);
        }
    }

    /// Returns a hot row that is not locked.
    fn pick(&self, nth: usize) -> Option<Row> {
        let row = self.hot.rows.get(nth % self.hot.rows.len().max(1))?;
        (!self.locked(row)).then(|| row.clone())
    }

    fn edit(&mut self, nth: usize) {
        let Some(row) = self.pick(nth) else { return };
        let text = self.draw();
        for old in self.hot.rows.iter_mut().chain(&mut self.all) {
            if old.name() == row.name() {
                old.text = text;
            }
        }
    }

    fn delete(&mut self, nth: usize) {
        // The corrected row would become visible again: prices are corrected, never deleted.
        let Some(row) = self.pick(nth).filter(|_| !self.shadowing) else { return };
        self.hot.rows.retain(|old| old.name() != row.name());
        self.all.retain(|old| old.name() != row.name());
    }

    /// Claims the next epoch: the open move is lost, and what it left in cold is undone.
    fn claim(&mut self) -> Move {
        self.open = None;
        self.confirm();
        let epoch = self.hot.mark.epoch;
        self.cold.journal.retain(|number, _| *number <= epoch);
        self.cold.versions.retain(|version| version.from <= epoch);
        for version in &mut self.cold.versions {
            version.to = version.to.filter(|to| *to <= epoch);
        }
        self.cold.claimed += 1;
        let token = Some(self.draw());
        let mark =
            HotSnapshot { epoch: self.cold.claimed, token, cold_watermark: self.hot.mark.cold_watermark };
        Move { mark, ..Move::default() }
    }

    fn close(&mut self, row: &Row, epoch: i64) {
        for version in &mut self.cold.versions {
            if version.to.is_none() && version.row.name() == row.name() {
                version.to = Some(epoch);
            }
        }
    }

    fn archive(&mut self, rows: usize) {
        let mut open = self.claim();
        let kept = self.hot.rows.len().saturating_sub(rows);
        open.leave = self.hot.rows[kept..].to_vec();
        let epoch = open.mark.epoch;
        for row in &open.leave {
            self.close(row, epoch);
            self.cold.versions.push(Version { row: row.clone(), from: epoch, to: None });
        }
        open.mark.cold_watermark = open.mark.cold_watermark.max(open.leave.first().map(|row| row.key));
        self.copied(open);
    }

    fn restore(&mut self, first: usize, rows: usize, exact: bool) {
        let mut open = self.claim();
        let mut cold: Vec<Row> = self.cold.visible(self.hot.mark.epoch).cloned().collect();
        sort(&mut cold);
        let first = first % cold.len().max(1);
        for row in cold.into_iter().skip(first).take(rows) {
            self.close(&row, open.mark.epoch);
            if self.hot.rows.iter().all(|hot| hot.name() != row.name()) {
                open.enter.push(row);
            }
        }
        self.looked_up(&mut open, exact);
        self.copied(open);
    }

    fn erase(&mut self, nth: usize, exact: bool) {
        let mut open = self.claim();
        let Some(row) = self.all.get(nth % self.all.len().max(1)).cloned() else { return };
        self.close(&row, open.mark.epoch);
        open.leave = vec![row.clone()];
        open.erase = vec![row];
        self.looked_up(&mut open, exact);
        self.copied(open);
    }

    fn looked_up(&self, open: &mut Move, exact: bool) {
        if exact {
            open.mark.cold_watermark = self.cold.visible(open.mark.epoch).map(|row| row.key).max();
        }
    }

    fn copied(&mut self, open: Move) {
        let token = open.mark.token.unwrap_or_default();
        self.cold.journal.insert(open.mark.epoch, Batch { token, confirmed: false });
        self.open = Some(open);
    }

    fn commit(&mut self) {
        let Some(open) = self.open.take() else { return };
        let among = |rows: &[Row], row: &Row| rows.iter().any(|other| other.name() == row.name());
        self.hot.rows.retain(|row| !among(&open.leave, row));
        self.hot.rows.extend(open.enter);
        sort(&mut self.hot.rows);
        self.all.retain(|row| !among(&open.erase, row));
        self.erased.extend(open.erase);
        self.hot.mark = open.mark;
        self.commits += 1;
    }

    fn confirm(&mut self) {
        for (_, batch) in self.cold.journal.range_mut(..=self.hot.mark.epoch) {
            batch.confirmed = true;
        }
        // A reader at an older epoch would miss an erased row.
        if !self.erased.is_empty() {
            self.cold.floor = self.cold.floor.max(self.hot.mark.epoch);
        }
        for row in self.erased.drain(..) {
            self.cold.versions.retain(|version| version.row.name() != row.name());
        }
    }

    fn vacuum(&mut self) {
        let floor = self.cold.confirmed();
        self.cold.versions.retain(|version| version.to.is_none_or(|to| to > floor));
        self.cold.floor = floor;
    }
}

/// Sorts newest first.
fn sort(rows: &mut [Row]) {
    rows.sort_by_key(|row| std::cmp::Reverse((row.key, row.talk)));
}
