//! The state of the protocol, as small as possible: three rows, a few moves, two movers, one reader.
//!
//! A state is plain bytes, so that it is cheap to copy, compare and hash. What only the checker knows and no process
//! may use is in [`Ghost`].

pub use crate::cold::{Adoption, Cold, Entry, Erasure, Version};

/// Number of rows.
pub const IDS: usize = 3;
/// Largest number of versions of a row in cold.
pub const VERSIONS: usize = 4;
/// Limit of the numbers of moves. Bounds that could reach it cause a panic instead of a silent cut.
pub const NUMBERS: usize = 12;
/// Place of each row in the list. The last row, which is inserted later, is between the others: it is late when they
/// were archived before.
pub const KEYS: [u8; IDS] = [1, 3, 2];

/// Content of each row, 0 where there is none; greater is newer.
pub type Rows = [u8; IDS];
/// Content of a damaged copy.
pub const DAMAGED: u8 = 8;

/// A set of rows, one bit each.
pub type Ids = u8;

/// Returns the rows that exist.
pub fn present(rows: &Rows) -> impl Iterator<Item = usize> + '_ {
    (0..IDS).filter(|id| rows[*id] != 0)
}

/// Returns whether a set has a row.
pub fn has(ids: Ids, id: usize) -> bool {
    ids & (1 << id) != 0
}

/// The kind of a move.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    #[default]
    None,
    /// Hot to cold.
    Archive,
    /// Cold to hot.
    Restore,
    /// Out of both.
    Erase,
    /// Rows of a platform's own archive become versions.
    Adopt,
    /// After hot was reverted to a backup.
    Recover,
    /// After cold was reverted to a backup.
    AcceptLoss,
}

/// Number and token of the last move, and the newest key cold may hold, read from hot in one statement.
///
/// The random token is the number of times cold was reverted: until then no number is given out twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HotSnapshot {
    pub epoch: u8,
    pub token: u8,
    /// 0: cold is empty.
    pub cold_watermark: u8,
}

/// The committed state of the hot database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Hot {
    pub rows: Rows,
    /// Rows written since hot was reverted.
    pub fresh: Ids,
    pub snapshot: HotSnapshot,
    /// `archive_erasures`.
    pub erasures: Ids,
    /// It belongs to no pair: its state was dropped and made anew.
    pub unpaired: bool,
}

/// Progress of a move.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    #[default]
    Idle,
    Claimed,
    Locked,
    Settled,
    Taken,
    /// The copy is committed, read back and equal.
    Copied,
    /// The commit in hot was not answered.
    Unanswered,
    Moved,
}

/// A mover, and what it knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mover {
    pub kind: Kind,
    pub step: Step,
    pub number: u8,
    /// What it read when it locked the state row.
    pub snapshot: HotSnapshot,
    /// Whether its hot transaction and its locks still exist; it notices only when it uses them.
    pub open: bool,
    /// Whether its cold session still exists.
    pub cold: bool,
    /// The token drawn with the copy.
    pub token: u8,
    /// The rows it takes out of hot, or puts there.
    pub taken: Rows,
    /// The rows it erases; of a recovery: every erasure that either database knows.
    pub erased: Ids,
    /// Of a recovery with a loss: the first and the last move that the operator gives up.
    pub accepted: (u8, u8),
}

/// Progress of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Phase {
    #[default]
    Idle,
    /// Cold has answered for the remembered snapshot; hot was not asked yet.
    Speculated,
    /// Hot has answered.
    HotRead,
}

/// A request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Reader {
    pub phase: Phase,
    pub snapshot: HotSnapshot,
    /// The hot rows; after a speculation the cold ones.
    pub rows: Rows,
    /// The logical table at the instant hot was read.
    pub truth: Rows,
}

/// What only the checker knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ghost {
    /// The logical table. A reverted hot returns it to the time of its backup.
    pub truth: Rows,
    /// Rows that cold held when hot was reverted, with the oldest content a recovery may restore.
    pub recoverable: Rows,
    /// Rows that were erased and removed from cold, which is when the erasure is reported as done.
    pub erased: Ids,
    /// A database was reverted to a backup.
    pub reverted: bool,
    /// An invariant broken by the last step.
    pub broken: Option<Invariant>,
}

/// An invariant that can be broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Invariant {
    /// Hot and cold together are the logical table.
    Partition,
    /// A reader gets the logical table of one instant.
    Answer,
    /// A block counts the rows that are visible.
    Count,
    /// No row has two open versions, which the index would reject.
    SingleOpenVersion,
    /// Cold holds rows of every archive batch in the journal.
    Journal,
    /// The databases are consistent, unless one was reverted.
    Consistency,
    /// A row that cold held when hot was reverted is still somewhere, and not older.
    NoLoss,
    /// An erased row cannot be read.
    NoRevival,
    /// A recovery neither loses nor changes a row.
    Recovery,
    /// Every state can become quiescent.
    Progress,
}

/// How often each event may still happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Budget {
    pub archives: u8,
    /// Runs of the adoption of a platform's own archive.
    pub adoptions: u8,
    pub restores: u8,
    /// Requests to erase a row.
    pub erasure_requests: u8,
    /// Moves for such rows: a first one erases, a later one removes the rest from cold.
    pub erasures: u8,
    pub recoveries: u8,
    pub crashes: u8,
    /// Hot sessions that end without their mover noticing.
    pub lost_sessions: u8,
    /// Hot commits whose answer is lost.
    pub lost_answers: u8,
    /// Copies that cold damages.
    pub damaged_copies: u8,
    /// Copies whose commit is answered before every server of a distributed cold has made its part visible.
    pub late_parts: u8,
    pub inserts: u8,
    pub edits: u8,
    pub deletes: u8,
    pub hot_reverts: u8,
    pub cold_reverts: u8,
    /// Hots whose state is dropped, with or without their rows.
    pub cuts: u8,
    pub vacuums: u8,
}

/// A state of the whole system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct State {
    pub hot: Hot,
    pub cold: Cold,
    /// The move whose copy a server of a distributed cold has prepared and not committed; 0 without one.
    pub late: u8,
    pub movers: [Mover; 2],
    pub reader: Reader,
    /// The snapshot the server saw last.
    pub seen: HotSnapshot,
    /// The server has compared hot and cold since it last connected to hot.
    pub checked: bool,
    /// A cold server that lags behind.
    pub replica: Option<Cold>,
    /// A backup of hot, and the logical table of that time.
    pub hot_backup: Option<(Hot, Rows)>,
    pub cold_backup: Option<Cold>,
    /// How often cold was reverted.
    pub token: u8,
    /// The newest content.
    pub content: u8,
    pub ghost: Ghost,
    pub budget: Budget,
}

impl State {
    /// Returns the first state: two rows in hot.
    pub fn start(budget: Budget, replica: bool) -> Self {
        let rows = [1, 1, 0];
        Self {
            hot: Hot { rows, ..Hot::default() },
            checked: true,
            replica: replica.then(Cold::default),
            content: 1,
            ghost: Ghost { truth: rows, ..Ghost::default() },
            budget,
            ..Self::default()
        }
    }

    /// Returns the first state beside a platform's own archive: one row is in both databases, one has left hot. There is a backup
    /// of hot that has it still.
    pub fn beside_originals(budget: Budget) -> Self {
        let (mut start, old) = (Self::start(budget, false), [1, 1, 0]);
        start.hot.rows = [1, 0, 0];
        start.ghost.truth = start.hot.rows;
        start.cold.originals = old;
        start.cold.adoption = Adoption::Found;
        start.hot_backup = Some((Hot { rows: old, ..Hot::default() }, old));
        start
    }

    /// Returns whether the two databases are consistent, as far as their records tell.
    pub fn is_consistent(&self) -> bool {
        !self.is_cut()
            && self.cold.proves(self.hot.snapshot)
            && self.cold.confirmed() <= self.hot.snapshot.epoch
    }

    /// Returns whether hot belongs to no pair and has moved nothing, while cold has a history.
    pub fn is_cut(&self) -> bool {
        self.hot.unpaired && self.hot.snapshot.epoch == 0 && self.cold.above(0).next().is_some()
    }

    /// Returns what is read from a server that has not committed its part of a move, beside the journal of another one.
    pub fn late_part(&self) -> Option<Cold> {
        let mut part = self.cold;
        part.undo(self.late);
        part.journal = self.cold.journal;
        Some(part).filter(|_| self.late != 0)
    }

    /// Returns the rows that an open move has locked in hot.
    pub fn locked(&self) -> Ids {
        let open = self.movers.iter().filter(|mover| mover.open);
        open.flat_map(|mover| present(&mover.taken)).fold(0, |ids, id| ids | 1 << id)
    }

    /// Returns whether a move holds the state row.
    pub fn state_row_locked(&self) -> bool {
        self.movers.iter().any(|mover| mover.open)
    }

    /// Returns the same state with the movers in a fixed order.
    #[must_use]
    pub fn canonical(mut self) -> Self {
        self.movers.sort_unstable();
        self
    }
}
