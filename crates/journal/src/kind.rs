//! The kinds of move.

use std::fmt;

use thermocline_database::{Record, Tier, TierError};

/// The kind of a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoveKind {
    /// Rows moved to cold.
    Archive,
    /// Rows moved to cold, but a recovery found the move unconfirmed. It counts as committed; whether hot ever committed it
    /// is unknown.
    Quarantined,
    /// Rows of a platform's own archive became versions. Hot never held them, or no longer does.
    Adopt,
    /// Rows moved back to hot.
    Restore,
    /// Rows were erased.
    Erase,
    /// The databases were made consistent again.
    Recover,
    /// The same, with the loss of moves that cold does not know.
    Loss,
}

impl MoveKind {
    const ALL: [Self; 7] = [
        Self::Archive,
        Self::Quarantined,
        Self::Adopt,
        Self::Restore,
        Self::Erase,
        Self::Recover,
        Self::Loss,
    ];

    /// Returns its name in the journal.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Archive => "archive",
            Self::Quarantined => "doubtful",
            Self::Adopt => "adopt",
            Self::Restore => "restore",
            Self::Erase => "erase",
            Self::Recover => "recover",
            Self::Loss => "loss",
        }
    }

    /// Returns whether such a move brings rows to cold.
    pub const fn brings_rows(self) -> bool {
        matches!(self, Self::Archive | Self::Quarantined | Self::Adopt)
    }

    /// Returns whether such a move only closes rows in cold. The count of its entry is that of the closed rows.
    pub const fn only_closes_rows(self) -> bool {
        matches!(self, Self::Restore | Self::Recover | Self::Loss)
    }

    /// Reads the column `kind`.
    pub(super) fn read(record: &Record) -> Result<Self, TierError> {
        let name = record.text("kind")?;
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| TierError::Row {
            tier: Tier::Cold,
            statement: "journal.kind",
            column: "kind".to_owned(),
            problem: format!("is {name:?}, which is no kind of move"),
        })
    }
}

impl fmt::Display for MoveKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
