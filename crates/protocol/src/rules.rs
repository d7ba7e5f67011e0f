//! What can happen, and what may be left out of the protocol to see that the checker notices.

use std::fmt;

use crate::state::{Kind, Left};

/// One explored world: what it starts with, and what is wrong with it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rules {
    pub left: Left,
    /// A row of hot may shadow the cold one of its key, as a corrected price does.
    pub corrections: bool,
    /// There is a cold server that lags behind.
    pub replica: bool,
    /// Writers wait for an open move whatever rows it has, as on SQLite.
    pub file_lock: bool,
    /// No more than so many rows a batch.
    pub most: usize,
    pub flaw: Option<Flaw>,
}

impl Rules {
    pub fn has(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }
}

/// A mistake in the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// The epoch is raised and the rows are removed before their copy is in cold.
    EpochBeforeCopy,
    /// A claim leaves what an interrupted move wrote.
    NoUndo,
    /// Nobody looks whether another mover has claimed since.
    NoClaimFence,
    /// The state row is not locked.
    NoStateFence,
    /// An undone batch stays in the journal.
    JournalKept,
    /// A batch is undone although it is confirmed.
    ConfirmedUndone,
    /// A batch is undone although hot does not hold its rows.
    UnheldUndone,
    /// The mover does not ask whether cold knows the move that hot stands at.
    OldColdAccepted,
    /// A mover that lost its cold connection goes on with another one.
    Reconnected,
    /// A recovery does not look at erasures.
    ErasedRevived,
    /// Pages are cut as if no hot row lay among the cold ones.
    LateRowsMissed,
    /// Cold looks for the number of a move only.
    TokenIgnored,
    /// Vacuum removes what a reader above the floor may still see.
    VacuumAboveFloor,
    /// A copy is not counted in blocks.
    CountForgotten,
    /// The batch is confirmed with its copy.
    ConfirmedBeforeCommit,
    /// A reader takes an answer of cold without its proof.
    ProofIgnored,
    /// The copy is not read back.
    CopyUnproven,
    /// A commit without an answer is taken for one that failed, and the batch is undone.
    AnswerAssumed,
    /// Recovery overwrites rows that were written to after a move of which nobody knows whether hot committed it.
    WritesOverwritten,
    /// Recovery of a restored cold leaves open what hot holds.
    LossAcceptedBlindly,
    /// Recovery of a restored cold leaves open what was erased, until somebody sees to the notes.
    ErasedShown,
    /// Recovery confirms the moves that hot does not know before hot has committed it.
    ConfirmedByRecovery,
    /// A server does not compare the databases when it connects to hot anew.
    NoCheck,
    /// An answer of cold at the epoch seen last is used whatever hot says.
    GuessTrusted,
    /// The newest key of cold is not noted in hot.
    NewestForgotten,
}

/// How a mover ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It has moved and confirmed.
    Done,
    /// There was nothing to move.
    Nothing,
    /// Somebody has claimed a later number.
    Overtaken,
    /// The databases do not fit together.
    RecoverDue,
    /// A connection was gone, or the copy differed.
    Failed,
}

/// What happens next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Claim(Kind, u8),
    Lock,
    Settle,
    /// All that a recovery does in cold.
    Recover,
    /// Rows, a bit each.
    Take(u8),
    Copy,
    CopyDamaged,
    Commit,
    CommitUnanswered,
    CommitLost,
    Ask,
    Stop(End),
    Crash,
    LoseHot,
    Insert,
    Edit(u8),
    Delete(u8),
    /// Somebody says that a row is to be erased.
    Note(u8),
    BackupHot,
    RestoreHot,
    BackupCold,
    RestoreCold,
    Replicate,
    RaiseFloor,
    Sweep,
    Compare,
    GuessCold,
    ReadHot,
    EndRequest,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Claim(kind, number) => write!(f, "claims {number}, to {kind:?}"),
            Self::Take(rows) => write!(f, "takes {rows:03b}"),
            Self::Stop(end) => write!(f, "ends: {end:?}"),
            other => write!(f, "{other:?}"),
        }
    }
}

/// An action and who takes it, if it is a mover: the number it has claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Happening {
    pub mover: Option<u8>,
    pub action: Action,
}

impl fmt::Display for Happening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.mover {
            Some(mover) => write!(f, "move {mover}: {}", self.action),
            None => write!(f, "{}", self.action),
        }
    }
}
