//! The cold database: versions, journal, counts.

use crate::state::{IDS, Ids, KEYS, Kind, Mark, NUMBERS, Rows, VERSIONS, has};

/// A row of cold, visible from `from` until before `to`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// 0: no version.
    pub from: u8,
    /// 0: open.
    pub to: u8,
    pub content: u8,
}

impl Version {
    pub fn visible(self, epoch: u8) -> bool {
        self.from != 0 && self.from <= epoch && (self.to == 0 || self.to > epoch)
    }

    pub fn open(self) -> bool {
        self.from != 0 && self.to == 0
    }

    /// Whether it begins or ends after `epoch`.
    pub fn later(self, epoch: u8) -> bool {
        self.from > epoch || self.to > epoch
    }
}

/// A line of the journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Entry {
    pub kind: Kind,
    pub confirmed: bool,
    pub token: u8,
    /// Of an archive batch: a recovery found it unconfirmed, so nobody knows whether hot ever committed it.
    pub doubtful: bool,
}

/// What cold notes of the erasure of a row, its `archive_erasures`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Note {
    #[default]
    None,
    /// Whoever moves next erases it.
    Pending,
    /// The move with this number has erased it, if hot commits that.
    With(u8),
    /// Nothing is left of it in cold.
    Done,
}

/// The cold database, as it is committed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Cold {
    /// Sorted, so that two orders of writing are one state.
    pub versions: [[Version; VERSIONS]; IDS],
    pub journal: [Entry; NUMBERS],
    /// Counted blocks, all one: how many rows more each number made visible.
    pub counts: [i8; NUMBERS],
    pub claimed: u8,
    pub floor: u8,
    pub notes: [Note; IDS],
}

impl Cold {
    /// What is visible at an epoch; damaged states may show a row twice, which is told by [`Cold::twice`].
    pub fn visible(&self, epoch: u8) -> Rows {
        let mut rows = Rows::default();
        for (row, versions) in rows.iter_mut().zip(&self.versions) {
            for version in versions.iter().filter(|version| version.visible(epoch)) {
                *row = version.content;
            }
        }
        rows
    }

    /// Whether some row has two versions at an epoch.
    pub fn twice(&self, epoch: u8) -> bool {
        let visible = |version: &&Version| version.visible(epoch);
        self.versions.iter().any(|versions| versions.iter().filter(visible).count() > 1)
    }

    /// How many rows the blocks count at an epoch.
    pub fn counted(&self, epoch: u8) -> i8 {
        self.counts[..=usize::from(epoch)].iter().sum()
    }

    /// Whether the journal knows a mark; none is needed before any move.
    pub fn proves(&self, mark: Mark) -> bool {
        let entry = self.journal[usize::from(mark.epoch)];
        mark.epoch == 0 || (entry.kind != Kind::None && entry.token == mark.token)
    }

    /// The highest move that hot is known to have committed.
    pub fn confirmed(&self) -> u8 {
        (0..NUMBERS).rev().find(|number| self.journal[*number].confirmed).unwrap_or(0) as u8
    }

    /// The numbers of journal lines above an epoch.
    pub fn above(&self, epoch: u8) -> impl Iterator<Item = u8> + use<> {
        let journal = self.journal;
        (epoch + 1..NUMBERS as u8).filter(move |number| journal[usize::from(*number)].kind != Kind::None)
    }

    pub fn entry(&mut self, number: u8) -> &mut Entry {
        &mut self.journal[usize::from(number)]
    }

    /// Whether a row has an open version.
    pub fn holds(&self, id: usize) -> bool {
        self.versions[id].iter().any(|version| version.open())
    }

    /// The rows with such a note.
    pub fn noted(&self, wanted: impl Fn(Note) -> bool) -> Ids {
        let ids = (0..IDS).filter(|id| wanted(self.notes[*id]));
        ids.fold(0, |ids, id| ids | 1 << id)
    }

    /// The rows that are erased or are to be.
    pub fn erased(&self) -> Ids {
        self.noted(|note| note != Note::None)
    }

    /// The rows of which something is still to be erased.
    pub fn erasing(&self) -> Ids {
        self.noted(|note| matches!(note, Note::Pending | Note::With(_)))
    }

    /// The key of the newest open version, 0 without one.
    pub fn newest_key(&self) -> u8 {
        (0..IDS).filter(|id| self.holds(*id)).map(|id| KEYS[id]).max().unwrap_or(0)
    }

    /// The version of a row that was written last.
    pub fn newest(&self, id: usize) -> Option<Version> {
        self.versions[id]
            .iter()
            .copied()
            .filter(|version| version.from != 0)
            .max_by_key(|version| version.from)
    }

    /// Adds a version, counted or not.
    pub fn add(&mut self, id: usize, from: u8, content: u8, counted: bool) {
        let free = self.versions[id].iter_mut().find(|version| version.from == 0);
        *free.expect("room for one more version") = Version { from, to: 0, content };
        self.counts[usize::from(from)] += i8::from(counted);
        self.versions[id].sort_unstable();
    }

    /// Closes the open version of a row.
    pub fn close(&mut self, id: usize, to: u8, counted: bool) {
        for version in self.versions[id].iter_mut().filter(|version| version.open()) {
            version.to = to;
            self.counts[usize::from(to)] -= i8::from(counted);
        }
    }

    /// Takes back what a number wrote: its versions, what it closed, its counts and its line.
    pub fn undo(&mut self, number: u8) {
        for versions in &mut self.versions {
            for version in versions.iter_mut() {
                if version.from == number {
                    *version = Version::default();
                } else if version.to == number {
                    version.to = 0;
                }
            }
            versions.sort_unstable();
        }
        self.counts[usize::from(number)] = 0;
        for note in self.notes.iter_mut().filter(|note| **note == Note::With(number)) {
            *note = Note::Pending;
        }
        *self.entry(number) = Entry::default();
    }

    /// Takes out what moves up to `epoch`, which hot has committed, have erased; the floor rises above the gap. Returns
    /// which rows.
    pub fn purge(&mut self, epoch: u8) -> Ids {
        let gone = self.noted(|note| matches!(note, Note::With(number) if number <= epoch));
        for id in (0..IDS).filter(|id| has(gone, *id)) {
            self.versions[id] = <[Version; VERSIONS]>::default();
            self.notes[id] = Note::Done;
            self.floor = self.floor.max(epoch);
        }
        gone
    }

    /// The content of the version that a number closed.
    pub fn closed_with(&self, id: usize, number: u8) -> u8 {
        self.versions[id].iter().find(|version| version.to == number).map_or(0, |version| version.content)
    }

    /// The rows that a number brought, and those it closed.
    pub fn of(&self, number: u8) -> (Ids, Ids) {
        let (mut brought, mut closed) = (0, 0);
        for (id, versions) in self.versions.iter().enumerate() {
            for version in versions {
                brought |= u8::from(version.from == number) << id;
                closed |= u8::from(version.from != 0 && version.to == number) << id;
            }
        }
        (brought, closed)
    }
}
