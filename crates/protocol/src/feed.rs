//! The change feed as a state machine of its own: writers with open transactions, a mover that takes, restores and erases
//! rows, and a reader who puts the table together from a page and the feed.
//!
//! A version is drawn when a row is written, and is visible with the commit. The guarantees of the federation are
//! taken as given: a reader of hot sees one snapshot, and cold answers as of that snapshot.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;

/// The number of rows.
const ROWS: usize = 2;
/// The number of transactions that writers can have open at once.
const WRITERS: usize = 2;
/// The number of notes of either kind.
const NOTES: usize = 4;

/// A rule that is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mistake {
    /// The bound is read after the rows.
    BoundAfterRows,
    /// The bound is the last version that was drawn, whether or not its transaction has ended (`@@DBTS`).
    BoundOfNewest,
    /// The token of a page is read after its rows.
    TokenAfterPage,
    /// A move takes rows and notes nothing.
    MoveUnnoted,
    /// The floor is read in another snapshot than the rows.
    FloorElsewhere,
    /// A token below the floor is answered.
    FloorIgnored,
    /// An erasure notes nothing.
    ErasureUntold,
}

/// How often each event may happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Budget {
    /// Rows that writers write.
    pub writes: u8,
    /// Rows that move to cold.
    pub moves: u8,
    /// Rows that come back.
    pub restores: u8,
    /// Rows that are erased.
    pub erasures: u8,
    /// Notes that are dropped.
    pub prunes: u8,
    /// Reads of the feed.
    pub reads: u8,
}

/// A row as one version of it. Content 0 is no row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Row {
    version: u8,
    content: u8,
}

/// A note that a row with this version has left hot; version 0 is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Note {
    version: u8,
    id: u8,
}

/// The mover's transaction in hot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
enum Mover {
    #[default]
    Idle,
    Takes(u8),
    Restores(u8, Row),
    Erases(Note),
}

/// The next step of the reader.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
enum Reader {
    /// It has nothing yet, and reads a page.
    #[default]
    Begins,
    /// It has the token of the page.
    HasToken(u8),
    /// It has the rows of the page, and lacks the token: a mistake.
    HasPage,
    /// It follows the feed.
    Follows,
    /// It has read the bound, and the floor where that is a mistake.
    HasBound(u8, u8),
    /// It has read rows and lacks the bound: a mistake.
    HasRows([Row; ROWS]),
}

/// Hot, cold, the writers, the mover and the reader.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct State {
    /// The version that is drawn next, from 1.
    next: u8,
    content: u8,
    hot: [Row; ROWS],
    cold: [u8; ROWS],
    open: [[Row; ROWS]; WRITERS],
    mover: Mover,
    moved: [Note; NOTES],
    erased: [Note; NOTES],
    floor: u8,
    reader: Reader,
    /// Everything from this version on is still to come.
    token: u8,
    /// The content of each row that the reader shows.
    shown: [u8; ROWS],
    budget: Budget,
}

/// An event, for a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A writer writes a row and keeps its transaction open.
    Write(u8, u8),
    /// A writer commits.
    Commit(u8),
    /// A writer rolls back.
    RollBack(u8),
    /// The mover takes a row.
    Take(u8),
    /// The mover brings a row back.
    Restore(u8),
    /// The mover erases a row.
    Erase(u8),
    /// The mover commits.
    CommitMove,
    /// The oldest note is dropped.
    Prune,
    /// The reader takes its next step.
    Read,
}

/// The result of an exploration.
#[derive(Debug)]
pub struct Explored {
    /// The number of states.
    pub states: usize,
    /// The shortest way to a reader that misses something for ever.
    pub missed: Option<Vec<Event>>,
}

impl fmt::Display for Explored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} states", self.states)?;
        let Some(missed) = &self.missed else { return Ok(()) };
        write!(f, "; missed after {} steps: {missed:?}", missed.len())
    }
}

fn note(notes: &mut [Note; NOTES], new: Note) {
    // Sorted, so that the order of writing does not matter; the first is empty as long as there is room.
    notes[0] = new;
    notes.sort_unstable();
}

impl State {
    /// Returns the bound: every transaction with a lower version has ended.
    fn bound(&self, mistake: Option<Mistake>) -> u8 {
        if mistake == Some(Mistake::BoundOfNewest) {
            return self.next;
        }
        let written = self.open.iter().flatten().map(|row| row.version);
        let moving = match self.mover {
            Mover::Restores(_, row) => row.version,
            Mover::Erases(note) => note.version,
            Mover::Idle | Mover::Takes(_) => 0,
        };
        written.chain([moving]).filter(|version| *version > 0).min().unwrap_or(self.next)
    }

    /// Returns whether an open transaction has locked a row.
    fn locked(&self, id: usize) -> bool {
        let by_mover = match self.mover {
            Mover::Idle => false,
            Mover::Takes(of) | Mover::Restores(of, _) => usize::from(of) == id,
            Mover::Erases(note) => usize::from(note.id) == id,
        };
        by_mover || self.open.iter().any(|rows| rows[id].version > 0)
    }

    /// Returns the logical table.
    fn table(&self) -> [u8; ROWS] {
        std::array::from_fn(|id| if self.hot[id].content > 0 { self.hot[id].content } else { self.cold[id] })
    }

    fn draw(&mut self) -> u8 {
        self.next += 1;
        self.next - 1
    }

    fn write(&self, writer: usize, id: usize) -> Option<Self> {
        let is_own = self.open[writer][id].version > 0;
        // A platform changes rows of hot, and inserts a row under an id that was never used.
        let is_there = self.hot[id].content > 0 || (self.cold[id] == 0 && !self.is_erased(id));
        if self.budget.writes == 0 || !is_there || (self.locked(id) && !is_own) {
            return None;
        }
        let mut after = *self;
        after.budget.writes -= 1;
        after.content += 1;
        let version = after.draw();
        after.open[writer][id] = Row { version, content: after.content };
        Some(after)
    }

    fn is_erased(&self, id: usize) -> bool {
        self.erased.iter().any(|note| note.version > 0 && usize::from(note.id) == id)
    }

    fn commit(&self, writer: usize) -> Self {
        let mut after = *self;
        for (row, written) in after.hot.iter_mut().zip(self.open[writer]) {
            if written.version > 0 {
                *row = written;
            }
        }
        after.open[writer] = Default::default();
        after
    }

    /// Begins a move of a row, if one is possible.
    fn begin_move(&self, id: usize, event: Event) -> Option<Self> {
        if self.mover != Mover::Idle || self.locked(id) {
            return None;
        }
        let mut after = *self;
        let nth = id as u8;
        match event {
            Event::Take(_) if self.budget.moves > 0 && self.hot[id].content > 0 => {
                after.budget.moves -= 1;
                after.mover = Mover::Takes(nth);
            }
            Event::Restore(_) if self.budget.restores > 0 && self.cold[id] > 0 => {
                after.budget.restores -= 1;
                let version = after.draw();
                after.mover = Mover::Restores(nth, Row { version, content: self.cold[id] });
            }
            Event::Erase(_) if self.budget.erasures > 0 && self.table()[id] > 0 => {
                after.budget.erasures -= 1;
                after.mover = Mover::Erases(Note { version: after.draw(), id: nth });
            }
            _ => return None,
        }
        Some(after)
    }

    fn commit_move(&self, mistake: Option<Mistake>) -> Self {
        let mut after = Self { mover: Mover::Idle, ..*self };
        match self.mover {
            Mover::Idle => {}
            Mover::Takes(id) => {
                let row = std::mem::take(&mut after.hot[usize::from(id)]);
                after.cold[usize::from(id)] = row.content;
                if row.version >= self.floor && mistake != Some(Mistake::MoveUnnoted) {
                    note(&mut after.moved, Note { version: row.version, id });
                }
            }
            Mover::Restores(id, row) => {
                after.cold[usize::from(id)] = 0;
                after.hot[usize::from(id)] = row;
            }
            Mover::Erases(erased) => {
                after.cold[usize::from(erased.id)] = 0;
                after.hot[usize::from(erased.id)] = Row::default();
                if mistake != Some(Mistake::ErasureUntold) {
                    note(&mut after.erased, erased);
                }
            }
        }
        after
    }

    /// Drops the oldest note of a moved row.
    fn prune(&self) -> Option<Self> {
        let oldest = self.moved.iter().position(|note| note.version > 0)?;
        let mut after = *self;
        after.budget.prunes = self.budget.prunes.checked_sub(1)?;
        after.floor = self.moved[oldest].version + 1;
        after.moved[oldest] = Note::default();
        after.moved.sort_unstable();
        Some(after)
    }

    /// Puts together what lies between the token and `bound`: rows of hot as they were read, and notes.
    fn follow(&mut self, hot: &[Row; ROWS], bound: u8) {
        let mut changes: Vec<(u8, usize, u8)> = Vec::new();
        for (id, row) in hot.iter().enumerate() {
            changes.push((row.version, id, row.content));
        }
        for note in self.moved {
            // A row that is not there was erased or restored, of which the feed tells by itself.
            changes.push((note.version, usize::from(note.id), self.cold[usize::from(note.id)]));
        }
        changes.retain(|(_, _, content)| *content > 0);
        changes.extend(self.erased.iter().map(|note| (note.version, usize::from(note.id), 0)));
        changes.sort_unstable();
        for (version, id, content) in changes {
            if version > 0 && (self.token..bound).contains(&version) {
                self.shown[id] = content;
            }
        }
        self.token = self.token.max(bound);
        self.reader = Reader::Follows;
    }

    /// Takes the reader's next step.
    fn read(&self, mistake: Option<Mistake>) -> Self {
        let (mut after, bound) = (*self, self.bound(mistake));
        match self.reader {
            Reader::Begins if mistake == Some(Mistake::TokenAfterPage) => {
                after.shown = self.table();
                after.reader = Reader::HasPage;
            }
            Reader::Begins => after.reader = Reader::HasToken(bound),
            Reader::HasToken(token) => {
                after.shown = self.table();
                (after.token, after.reader) = (token, Reader::Follows);
            }
            Reader::HasPage => (after.token, after.reader) = (bound, Reader::Follows),
            Reader::Follows if mistake == Some(Mistake::BoundAfterRows) => {
                after.reader = Reader::HasRows(self.hot);
            }
            Reader::Follows => after.reader = Reader::HasBound(bound, self.floor),
            Reader::HasBound(bound, earlier) => {
                let floor = match mistake {
                    Some(Mistake::FloorElsewhere) => earlier,
                    Some(Mistake::FloorIgnored) => 0,
                    _ => self.floor,
                };
                if self.token < floor {
                    // The token has expired: the page is read anew.
                    after.reader = Reader::Begins;
                } else {
                    after.follow(&self.hot, bound);
                }
            }
            Reader::HasRows(rows) => {
                if self.token < self.floor {
                    after.reader = Reader::Begins;
                } else {
                    after.follow(&rows, bound);
                }
            }
        }
        after
    }

    /// Returns whether the reader shows the table once every transaction has ended and it has read on.
    fn comes_right(&self, mistake: Option<Mistake>) -> bool {
        let mut rest = *self;
        for writer in 0..WRITERS {
            rest = rest.commit(writer);
        }
        rest = rest.commit_move(mistake);
        // Ends what it has begun, may have to begin anew, and then reads up to the bound.
        for _ in 0..8 {
            rest = rest.read(mistake);
        }
        while !matches!(rest.reader, Reader::Follows) {
            rest = rest.read(mistake);
        }
        rest.shown == rest.table()
    }
}

/// Returns every event that is possible, with the state after it.
fn events(state: &State, mistake: Option<Mistake>) -> Vec<(Event, State)> {
    let mut out = Vec::new();
    for writer in 0..WRITERS {
        let nth = writer as u8;
        for id in 0..ROWS {
            out.extend(state.write(writer, id).map(|after| (Event::Write(nth, id as u8), after)));
        }
        if state.open[writer] != <[Row; ROWS]>::default() {
            out.push((Event::Commit(nth), state.commit(writer)));
            let mut undone = *state;
            undone.open[writer] = Default::default();
            out.push((Event::RollBack(nth), undone));
        }
    }
    for id in 0..ROWS {
        let nth = id as u8;
        for event in [Event::Take(nth), Event::Restore(nth), Event::Erase(nth)] {
            out.extend(state.begin_move(id, event).map(|after| (event, after)));
        }
    }
    if state.mover != Mover::Idle {
        out.push((Event::CommitMove, state.commit_move(mistake)));
    }
    out.extend(state.prune().map(|after| (Event::Prune, after)));
    if let Some(reads) = state.budget.reads.checked_sub(1) {
        let mut after = state.read(mistake);
        after.budget.reads = reads;
        out.push((Event::Read, after));
    }
    out
}

/// Explores everything within a budget, until a reader misses something for ever.
pub fn explore(budget: Budget, mistake: Option<Mistake>) -> Explored {
    let start = State { next: 1, floor: 1, budget, ..State::default() };
    let mut seen: HashMap<State, Option<(State, Event)>> = HashMap::from([(start, None)]);
    let mut level = vec![start];
    while !level.is_empty() {
        let mut deeper = Vec::new();
        for state in level {
            if !state.comes_right(mistake) {
                return Explored { states: seen.len(), missed: Some(trace(&seen, state)) };
            }
            for (event, after) in events(&state, mistake) {
                if let Entry::Vacant(entry) = seen.entry(after) {
                    entry.insert(Some((state, event)));
                    deeper.push(after);
                }
            }
        }
        level = deeper;
    }
    Explored { states: seen.len(), missed: None }
}

fn trace(seen: &HashMap<State, Option<(State, Event)>>, last: State) -> Vec<Event> {
    let (mut events, mut at) = (Vec::new(), last);
    while let Some(Some((before, event))) = seen.get(&at) {
        events.push(*event);
        at = *before;
    }
    events.reverse();
    events
}
