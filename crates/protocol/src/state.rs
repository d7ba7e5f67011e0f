//! What the protocol is about, as small as it can be: three rows, a few numbers, two movers, one reader.
//!
//! A state is plain bytes, so that it is cheap to copy, compare and hash. Whatever only the checker knows and no
//! process may look at is in [`Ghost`].

pub use crate::cold::{Cold, Entry, Note, Version};

/// How many rows there may be.
pub const IDS: usize = 3;
/// How many versions of one row cold may hold.
pub const VERSIONS: usize = 4;
/// Numbers of moves run below this; a bound that could reach it is refused by a panic, not cut short.
pub const NUMBERS: usize = 12;
/// Where each row stands in the list. The last one, which is inserted later, lies between the others: it is late when
/// they were archived before.
pub const KEYS: [u8; IDS] = [1, 3, 2];

/// Content of each row, 0 where there is none; greater is newer.
pub type Rows = [u8; IDS];
/// What a damaged copy holds.
pub const DAMAGED: u8 = 8;

/// A set of rows, a bit each.
pub type Ids = u8;

/// The rows that are there.
pub fn present(rows: &Rows) -> impl Iterator<Item = usize> + '_ {
    (0..IDS).filter(|id| rows[*id] != 0)
}

/// Whether a set has a row.
pub fn has(ids: Ids, id: usize) -> bool {
    ids & (1 << id) != 0
}

/// What a move does.
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
    /// After hot came back from a backup.
    Recover,
    /// After cold came back from a backup.
    AcceptLoss,
}

/// The number and the token of a move, and the newest key cold may hold, as one hot statement gives them.
///
/// The random token is the number of times cold was restored: while cold is not, no number is given out twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mark {
    pub epoch: u8,
    pub token: u8,
    /// 0: cold holds nothing.
    pub newest: u8,
}

/// The hot database, as it is committed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Hot {
    pub rows: Rows,
    /// Rows written since hot was restored.
    pub fresh: Ids,
    pub mark: Mark,
    /// `archive_erasures`.
    pub erasures: Ids,
}

/// How far a move is.
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

/// A mover, and what it believes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mover {
    pub kind: Kind,
    pub step: Step,
    pub number: u8,
    /// What it read when it locked the state row.
    pub mark: Mark,
    /// Its hot transaction is alive, and so are its locks; it notices only when it asks.
    pub open: bool,
    /// Its cold session is alive.
    pub cold: bool,
    /// What it drew when it copied.
    pub token: u8,
    /// What it takes out of hot, or puts there.
    pub taken: Rows,
    /// What is erased with it; of a recovery: every erasure that either database knows of.
    pub erased: Ids,
    /// Of a recovery with a loss: the first and the last move that the operator gives up.
    pub accepted: (u8, u8),
}

/// A request between its statements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Phase {
    #[default]
    Idle,
    /// Cold has answered at the mark that the server remembers, hot was not asked yet.
    Guessed,
    /// Hot has answered.
    Asked,
}

/// A request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Reader {
    pub phase: Phase,
    pub mark: Mark,
    /// The hot rows, or when guessed the cold ones.
    pub rows: Rows,
    /// The logical table at the instant hot was read.
    pub truth: Rows,
}

/// What only the checker knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ghost {
    /// The logical table. A restored hot takes it back to the time of its backup.
    pub truth: Rows,
    /// Rows that cold held when hot was restored, with the oldest content a recovery may bring back.
    pub salvage: Rows,
    /// Rows that were erased and taken out of cold, which is when it is reported as done.
    pub erased: Ids,
    /// A database was restored from a backup.
    pub restored: bool,
    /// What is wrong, found by the step that did it.
    pub wrong: Option<Wrong>,
}

/// A broken promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wrong {
    /// Hot and cold together are not the logical table.
    Partition,
    /// A reader was given something else than the logical table of one instant.
    Answer,
    /// A block count differs from the rows that are visible.
    Count,
    /// The index of open versions would refuse a second one.
    SecondVersion,
    /// The journal knows a batch of which cold holds nothing.
    Journal,
    /// The databases do not fit together, though neither was restored.
    Unfit,
    /// A row that cold held when hot was restored is nowhere, or older.
    Lost,
    /// An erased row can be read.
    Revived,
    /// A recovery lost or changed a row.
    Recovery,
    /// From here nothing comes to rest.
    Stuck,
}

/// What may still happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Left {
    pub archives: u8,
    pub restores: u8,
    /// Rows of which somebody says that they are to be erased.
    pub notes: u8,
    /// Moves that see to such rows: a first one erases, a later move takes the rest out of cold.
    pub erasures: u8,
    pub recoveries: u8,
    pub crashes: u8,
    /// Hot sessions that end without their mover noticing.
    pub zombies: u8,
    /// Hot commits whose answer is lost.
    pub answers: u8,
    /// Copies that cold damages.
    pub damages: u8,
    pub inserts: u8,
    pub edits: u8,
    pub deletes: u8,
    pub old_hots: u8,
    pub old_colds: u8,
    pub vacuums: u8,
}

/// A whole world.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct State {
    pub hot: Hot,
    pub cold: Cold,
    pub movers: [Mover; 2],
    pub reader: Reader,
    /// The mark the server saw last.
    pub seen: Mark,
    /// The server has compared hot and cold since it last connected to hot.
    pub checked: bool,
    /// A cold server that lags behind.
    pub replica: Option<Cold>,
    /// A backup of hot, and the logical table of that time.
    pub hot_backup: Option<(Hot, Rows)>,
    pub cold_backup: Option<Cold>,
    /// How often cold was restored.
    pub token: u8,
    /// The newest content there is.
    pub content: u8,
    pub ghost: Ghost,
    pub left: Left,
}

impl State {
    /// Two rows in hot.
    pub fn start(left: Left, replica: bool) -> Self {
        let rows = [1, 1, 0];
        Self {
            hot: Hot { rows, ..Hot::default() },
            checked: true,
            replica: replica.then(Cold::default),
            content: 1,
            ghost: Ghost { truth: rows, ..Ghost::default() },
            left,
            ..Self::default()
        }
    }

    /// Whether the two databases belong together, as far as their books say.
    pub fn fits(&self) -> bool {
        self.cold.proves(self.hot.mark) && self.cold.confirmed() <= self.hot.mark.epoch
    }

    /// Rows that an open move has locked in hot.
    pub fn locked(&self) -> Ids {
        let open = self.movers.iter().filter(|mover| mover.open);
        open.flat_map(|mover| present(&mover.taken)).fold(0, |ids, id| ids | 1 << id)
    }

    /// Whether some move holds the state row.
    pub fn state_row_locked(&self) -> bool {
        self.movers.iter().any(|mover| mover.open)
    }

    /// The same world whatever the movers are called.
    #[must_use]
    pub fn canonical(mut self) -> Self {
        self.movers.sort_unstable();
        self
    }
}
