//! Possible events, and the rules that can be left out of the protocol to test the explorer.

use std::fmt;

use crate::state::{Budget, Kind};

/// An explored model: its bounds, and its planted mistake.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each rule holds or does not")]
pub struct Rules {
    pub budget: Budget,
    /// A row of hot may replace the cold one of its key, as a corrected price does.
    pub corrections: bool,
    /// There is a cold server that lags behind.
    pub replica: bool,
    /// There is a platform's own archive, which is adopted.
    pub originals: bool,
    /// Writers wait for an open move, whichever rows it has, as on SQLite.
    pub file_lock: bool,
    /// Largest number of rows of a batch.
    pub max_batch: usize,
    pub flaw: Option<Flaw>,
}

impl Rules {
    pub fn has(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }
}

/// A planted mistake in the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// The epoch is raised and the rows are removed before their copy is in cold.
    EpochBeforeCopy,
    /// A claim does not undo an interrupted move.
    NoUndo,
    /// Movers do not check whether another one has claimed since.
    NoClaimFence,
    /// The state row is not locked.
    NoStateFence,
    /// An undone batch stays in the journal.
    JournalKept,
    /// A batch is undone although it is confirmed.
    ConfirmedUndone,
    /// A batch is undone although hot does not hold its rows.
    UnheldUndone,
    /// The mover does not check whether cold has the move of hot's epoch.
    OldColdAccepted,
    /// A mover that lost its cold connection continues with another one.
    Reconnected,
    /// A recovery ignores erasures.
    ErasedRevived,
    /// Pages are cut as if no hot row were among the cold ones.
    LateRowsMissed,
    /// Cold checks the number of a move without its token.
    TokenIgnored,
    /// Vacuum removes rows that a reader of a readable epoch may see.
    ReadableVacuumed,
    /// A copy is not counted in blocks.
    CountForgotten,
    /// The batch is confirmed with its copy.
    ConfirmedBeforeCommit,
    /// A reader uses an answer of cold without its proof.
    ProofIgnored,
    /// The copy is not read back.
    CopyUnproven,
    /// Hot commits before every part of the commit in cold is there.
    PartNotAwaited,
    /// A commit without an answer is taken for one that failed, and the batch is undone.
    AnswerAssumed,
    /// A recovery overwrites rows that were written to after a move that hot may not have committed.
    WritesOverwritten,
    /// A recovery of a reverted cold leaves versions open that hot holds.
    LossAcceptedBlindly,
    /// A recovery of a reverted cold leaves erased rows open until their erasure is repeated.
    ErasedShown,
    /// A recovery confirms moves above hot's epoch before hot has committed it.
    ConfirmedByRecovery,
    /// A recovery that joins a hot without a pair leaves versions open that hot holds.
    JoinedBlindly,
    /// A recovery that joins a hot without a pair forgets the rows that were restored to the hot before it.
    RestoredForgotten,
    /// An adoption copies rows that hot holds.
    HeldCopied,
    /// An adoption does not look whether hot has come to hold a copied row.
    OverlapIgnored,
    /// Movers do not wait until an adoption is done.
    AdoptionDisturbed,
    /// A recovery leaves adopted versions open that hot holds.
    AdoptedLeftOpen,
    /// A server does not compare the databases when it connects to hot again.
    NoCheck,
    /// An answer of cold at the remembered epoch is used whatever hot says.
    SpeculationTrusted,
    /// The newest key of cold is not stored in hot.
    NewestForgotten,
}

/// The end of a mover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It has moved rows and confirmed the move.
    Done,
    /// There was nothing to move.
    Nothing,
    /// Another mover has claimed a later number.
    Overtaken,
    /// The databases are inconsistent.
    RecoveryRequired,
    /// A connection was lost, or the copy differed.
    Failed,
}

/// The next step or event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Claim(Kind, u8),
    Lock,
    Settle,
    /// All work of a recovery in cold.
    Recover,
    /// The copy of an adoption is removed, and begins anew.
    StartAgain,
    /// Rows, one bit each.
    Take(u8),
    Copy,
    CopyDamaged,
    /// The same, and a server of a distributed cold does not show its part yet.
    CopyInPart,
    /// It shows it.
    CommitPart,
    Commit,
    CommitUnanswered,
    CommitLost,
    ResolveCommit,
    Stop(End),
    Crash,
    LoseHot,
    Insert,
    Edit(u8),
    Delete(u8),
    /// The erasure of a row is requested.
    RequestErasure(u8),
    BackupHot,
    RevertHot,
    BackupCold,
    RevertCold,
    /// The state of hot is dropped and made anew; its rows stay.
    DropState,
    /// Hot is built anew, without a row.
    RebuildHot,
    Replicate,
    RaiseOldestReadable,
    Sweep,
    Compare,
    SpeculateCold,
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

/// An action, with the number claimed by the mover that takes it, if any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    pub mover: Option<u8>,
    pub action: Action,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.mover {
            Some(mover) => write!(f, "move {mover}: {}", self.action),
            None => write!(f, "{}", self.action),
        }
    }
}
