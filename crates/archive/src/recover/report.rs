//! The consent of the operator to a recovery, and its report.

use std::ops::RangeInclusive;

use serde::Serialize;

/// Rows that a report lists of each sort.
const SHOWN: usize = 10;

/// The consent of the operator to a recovery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Consent {
    /// Report what would be done, and change nothing.
    DryRun,
    /// Recover, unless rows are lost.
    Lossless,
    /// Recover, and accept the loss of exactly these moves.
    AcceptLoss(RangeInclusive<i64>),
}

/// Facts that an operator knows and the databases do not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choices {
    /// Moves that hot never committed, though it does not hold all of their rows any more. They are undone, and none of
    /// their rows comes back.
    pub interrupted: Vec<i64>,
    /// Whether a row that hot holds keeps its values, also when cold has others.
    pub keep_hot: bool,
}

/// A move to cold that hot may or may not have committed: hot lacks some of its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct InDoubtMove {
    /// Its number.
    pub epoch: i64,
    /// Its rows, children included.
    pub rows: i64,
    /// Rows of these that hot holds.
    pub in_hot: i64,
}

/// Rows of a table of hot that archived rows refer to and that are not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MissingParents {
    /// The table.
    pub table: &'static str,
    /// The number of missing ids.
    pub ids: i64,
    /// The first of them.
    pub first: Vec<i64>,
}

/// The report of a recovery of one resource, done or planned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Recovery {
    /// The resource.
    pub resource: &'static str,
    /// The epoch of hot.
    pub hot_epoch: i64,
    /// Moves of cold that hot does not know.
    pub unknown_to_hot: Vec<i64>,
    /// The number of these moves that adopted a platform's own archive. Their versions stay in cold, unless hot holds the row.
    pub adopted: i64,
    /// Whether hot belongs to no pair, and is joined to this cold.
    pub joins: bool,
    /// The first and the last of the moves of hot that cold does not know. The rows they moved to cold are lost.
    pub lost: Option<(i64, i64)>,
    /// Rows that come back to hot.
    pub brought_back: i64,
    /// Rows of hot that get the different values of the archive.
    pub replaced: i64,
    /// Such rows that keep their own values, as the operator chose.
    pub kept: i64,
    /// The first rows of both.
    pub differing: Vec<String>,
    /// Versions that are closed in cold, since hot holds the rows.
    pub closed: i64,
    /// Rows that had been erased and are removed from hot again.
    pub erased: i64,
    /// The first rows that come back.
    pub first: Vec<String>,
    /// Moves that hot may never have committed, and of which it lacks rows.
    pub in_doubt: Vec<InDoubtMove>,
    /// Moves that are undone because the operator says that they were interrupted.
    pub interrupted: Vec<InDoubtMove>,
    /// Why such a move cannot be undone. Unless this is empty, nothing is changed.
    pub refused: Vec<String>,
    /// Rows of hot whose id belongs to another row in cold. Unless this is empty, nothing is changed.
    pub conflicts: Vec<String>,
    /// Rows that would come back and refer to rows that hot lacks. Unless this is empty, nothing is changed.
    pub orphans: Vec<String>,
    /// Rows of tables that do not move, to which archived rows refer and which hot does not have.
    pub missing_parents: Vec<MissingParents>,
    /// The epoch of the recovery itself, once it is done.
    pub epoch: Option<i64>,
}

impl Recovery {
    /// Returns whether the two databases disagree.
    pub const fn is_due(&self) -> bool {
        !self.unknown_to_hot.is_empty() || self.lost.is_some() || self.joins
    }

    /// Returns whether there is something to do that needs consent.
    pub const fn is_wanted(&self) -> bool {
        self.is_due() || !self.interrupted.is_empty() || !self.refused.is_empty()
    }

    /// Returns whether rows stand in the way of the recovery.
    pub(super) const fn is_blocked(&self) -> bool {
        !self.conflicts.is_empty() || !self.orphans.is_empty()
    }

    /// Returns whether the consent covers the recovery.
    pub(super) fn is_allowed(&self, consent: &Consent) -> bool {
        match (consent, self.lost) {
            (Consent::DryRun, _) | (Consent::Lossless, Some(_)) => false,
            (Consent::Lossless | Consent::AcceptLoss(_), None) => true,
            (Consent::AcceptLoss(accepted), Some((first, last))) => *accepted == (first..=last),
        }
    }
}

/// Lists a row, unless enough are listed.
pub(super) fn list(rows: &mut Vec<String>, name: String) {
    if rows.len() < SHOWN {
        rows.push(name);
    }
}
