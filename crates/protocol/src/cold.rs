//! The cold database: versions, journal, counts.

use crate::state::{HotSnapshot, IDS, Ids, KEYS, Kind, NUMBERS, Rows, VERSIONS, has};

/// A row of cold, visible from epoch `from` to before epoch `to`.
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

    /// Returns whether it begins or ends after `epoch`.
    pub fn later(self, epoch: u8) -> bool {
        self.from > epoch || self.to > epoch
    }
}

/// An entry of the journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Entry {
    pub kind: Kind,
    pub confirmed: bool,
    pub token: u8,
    /// Of an archive batch: a recovery found it unconfirmed, so it is unknown whether hot ever committed it.
    pub quarantined: bool,
}

/// State of the erasure of a row, as `archive_erasures` has it in cold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Erasure {
    #[default]
    None,
    /// The next mover erases it.
    Requested,
    /// The move with this number has erased it, if hot commits that move.
    AppliedBy(u8),
    /// No part of it is left in cold.
    Completed,
}

/// Progress of the adoption of a platform's own archive, as `archive_adoption` has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Adoption {
    /// There is none.
    #[default]
    None,
    /// Its rows wait.
    Found,
    /// They are copied as the move with this number. No reader sees them before hot's epoch reaches it.
    Copied(u8),
    /// They are visible.
    Done,
}

impl Adoption {
    /// Returns whether nothing may move yet.
    pub fn is_unfinished(self) -> bool {
        matches!(self, Self::Found | Self::Copied(_))
    }
}

/// The committed state of the cold database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Cold {
    /// Sorted, so that the order of writing does not matter.
    pub versions: [[Version; VERSIONS]; IDS],
    pub journal: [Entry; NUMBERS],
    /// Counted blocks, merged into one: how many more rows each move made visible.
    pub counts: [i8; NUMBERS],
    pub claimed: u8,
    pub oldest_readable_epoch: u8,
    pub erasures: [Erasure; IDS],
    /// The rows of a platform's own archive.
    pub originals: Rows,
    pub adoption: Adoption,
}

impl Cold {
    /// Returns the rows that are visible at an epoch. A damaged state may show a row twice: see
    /// [`Cold::has_duplicates`].
    pub fn visible(&self, epoch: u8) -> Rows {
        let mut rows = Rows::default();
        for (row, versions) in rows.iter_mut().zip(&self.versions) {
            for version in versions.iter().filter(|version| version.visible(epoch)) {
                *row = version.content;
            }
        }
        rows
    }

    /// Returns whether a row has two versions at an epoch.
    pub fn has_duplicates(&self, epoch: u8) -> bool {
        let visible = |version: &&Version| version.visible(epoch);
        self.versions.iter().any(|versions| versions.iter().filter(visible).count() > 1)
    }

    /// Returns whether a version came with the adoption of a platform's own archive.
    pub fn is_adopted(&self, version: Version) -> bool {
        self.journal[usize::from(version.from)].kind == Kind::Adopt
    }

    /// Returns the number of rows that the blocks count at an epoch.
    pub fn counted(&self, epoch: u8) -> i8 {
        self.counts[..=usize::from(epoch)].iter().sum()
    }

    /// Returns whether the journal has the move of a snapshot; before any move none is needed.
    pub fn proves(&self, snapshot: HotSnapshot) -> bool {
        let entry = self.journal[usize::from(snapshot.epoch)];
        snapshot.epoch == 0 || (entry.kind != Kind::None && entry.token == snapshot.token)
    }

    /// Returns the highest move that hot is known to have committed.
    pub fn confirmed(&self) -> u8 {
        (0..NUMBERS).rev().find(|number| self.journal[*number].confirmed).unwrap_or(0) as u8
    }

    /// Returns the numbers of journal entries above an epoch.
    pub fn above(&self, epoch: u8) -> impl Iterator<Item = u8> + use<> {
        let journal = self.journal;
        (epoch + 1..NUMBERS as u8).filter(move |number| journal[usize::from(*number)].kind != Kind::None)
    }

    pub fn entry(&mut self, number: u8) -> &mut Entry {
        &mut self.journal[usize::from(number)]
    }

    /// Returns whether a row has an open version.
    pub fn holds(&self, id: usize) -> bool {
        self.versions[id].iter().any(|version| version.open())
    }

    /// Returns the rows whose erasure is in a wanted state.
    pub fn noted(&self, wanted: impl Fn(Erasure) -> bool) -> Ids {
        let ids = (0..IDS).filter(|id| wanted(self.erasures[*id]));
        ids.fold(0, |ids, id| ids | 1 << id)
    }

    /// Returns the rows that are erased or are to be.
    pub fn erased(&self) -> Ids {
        self.noted(|erasure| erasure != Erasure::None)
    }

    /// Returns the rows of which some part is still to be erased.
    pub fn erasing(&self) -> Ids {
        self.noted(|erasure| matches!(erasure, Erasure::Requested | Erasure::AppliedBy(_)))
    }

    /// Returns the key of the newest open version, 0 without one.
    pub fn newest_key(&self) -> u8 {
        (0..IDS).filter(|id| self.holds(*id)).map(|id| KEYS[id]).max().unwrap_or(0)
    }

    /// Returns the most recently written version of a row.
    pub fn newest(&self, id: usize) -> Option<Version> {
        self.versions[id]
            .iter()
            .copied()
            .filter(|version| version.from != 0)
            .max_by_key(|version| version.from)
    }

    /// Adds a version, with or without counting it.
    pub fn add(&mut self, id: usize, from: u8, content: u8, counted: bool) {
        let free = self.versions[id].iter_mut().find(|version| version.from == 0);
        *free.expect("room for one more version") = Version { from, to: 0, content };
        self.counts[usize::from(from)] += i8::from(counted);
        self.versions[id].sort_unstable();
    }

    /// Closes the open version of a row, with or without counting it.
    pub fn close(&mut self, id: usize, to: u8, counted: bool) {
        for version in self.versions[id].iter_mut().filter(|version| version.open()) {
            version.to = to;
            self.counts[usize::from(to)] -= i8::from(counted);
        }
    }

    /// Undoes a move: its versions, what it closed, its counts and its journal entry.
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
        for erasure in self.erasures.iter_mut().filter(|erasure| **erasure == Erasure::AppliedBy(number)) {
            *erasure = Erasure::Requested;
        }
        *self.entry(number) = Entry::default();
    }

    /// Removes what moves up to `epoch`, which hot has committed, have erased. Older epochs become unreadable. Returns
    /// the removed rows.
    pub fn purge(&mut self, epoch: u8) -> Ids {
        let gone = self.noted(|erasure| matches!(erasure, Erasure::AppliedBy(number) if number <= epoch));
        for id in (0..IDS).filter(|id| has(gone, *id)) {
            self.versions[id] = <[Version; VERSIONS]>::default();
            self.erasures[id] = Erasure::Completed;
            self.oldest_readable_epoch = self.oldest_readable_epoch.max(epoch);
        }
        gone
    }

    /// Returns the content of the version that a move closed.
    pub fn closed_with(&self, id: usize, number: u8) -> u8 {
        self.versions[id].iter().find(|version| version.to == number).map_or(0, |version| version.content)
    }

    /// Returns the rows that a move brought, and those it closed.
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
