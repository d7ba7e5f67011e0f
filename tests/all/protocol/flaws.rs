//! The protocol with one thing left out: each must break a promise, and the shortest way to it is printed.

use thermocline_protocol::rules::{Flaw, Rules};
use thermocline_protocol::state::{Left, Wrong};

use super::{NOTHING, explored};

/// The explorer finds out, in the way it is expected to.
fn found(flaw: Flaw, rules: Rules, wrong: Wrong) {
    let whole = explored(&format!("without {flaw:?}"), &Rules { most: 2, ..rules });
    assert!(whole.violation.is_none(), "{whole}");
    let explored = explored(&format!("{flaw:?}"), &Rules { most: 2, flaw: Some(flaw), ..rules });
    let violation = explored.violation.unwrap_or_else(|| panic!("{flaw:?} was not noticed"));
    assert_eq!(violation.wrong, wrong, "{flaw:?}");
}

fn of(left: Left) -> Rules {
    Rules { left, ..Rules::default() }
}

#[test]
fn of_the_order_and_the_fences() {
    let two = Left { archives: 2, ..NOTHING };
    found(Flaw::EpochBeforeCopy, of(Left { archives: 1, ..NOTHING }), Wrong::Unfit);
    found(Flaw::ConfirmedBeforeCommit, of(Left { archives: 1, ..NOTHING }), Wrong::Unfit);
    found(Flaw::NoUndo, of(Left { crashes: 1, ..two }), Wrong::SecondVersion);
    found(Flaw::JournalKept, of(Left { crashes: 1, ..two }), Wrong::Journal);
    found(Flaw::NoClaimFence, of(Left { zombies: 1, ..two }), Wrong::SecondVersion);
    found(Flaw::NoStateFence, of(two), Wrong::Unfit);
    found(Flaw::AnswerAssumed, of(Left { answers: 1, ..two }), Wrong::Unfit);
    found(Flaw::CopyUnproven, of(Left { damages: 1, ..two }), Wrong::Partition);
    found(Flaw::CountForgotten, of(two), Wrong::Count);
}

#[test]
fn of_readers() {
    let two = Left { archives: 2, ..NOTHING };
    found(Flaw::LateRowsMissed, of(Left { inserts: 1, ..two }), Wrong::Answer);
    found(Flaw::NewestForgotten, of(two), Wrong::Answer);
    found(Flaw::GuessTrusted, of(two), Wrong::Answer);
    found(Flaw::ProofIgnored, Rules { replica: true, ..of(two) }, Wrong::Answer);
    let back = Left { archives: 1, restores: 1, vacuums: 1, ..NOTHING };
    found(Flaw::VacuumAboveFloor, of(back), Wrong::Journal);
}

#[test]
fn of_old_backups() {
    let two = Left { archives: 2, recoveries: 1, ..NOTHING };
    let old_hot = Left { old_hots: 1, ..two };
    found(Flaw::ConfirmedUndone, of(Left { edits: 1, ..old_hot }), Wrong::Lost);
    found(Flaw::UnheldUndone, of(Left { inserts: 1, archives: 1, ..old_hot }), Wrong::Lost);
    let in_doubt = Left { archives: 1, edits: 1, deletes: 1, crashes: 1, recoveries: 1, ..NOTHING };
    found(Flaw::WritesOverwritten, of(in_doubt), Wrong::Recovery);
    found(Flaw::ConfirmedByRecovery, of(in_doubt), Wrong::Unfit);
    let old_cold = Left { old_colds: 1, ..two };
    found(Flaw::OldColdAccepted, of(old_cold), Wrong::Partition);
    found(Flaw::Reconnected, of(Left { archives: 3, ..old_cold }), Wrong::Partition);
    found(Flaw::LossAcceptedBlindly, of(Left { archives: 1, restores: 1, ..old_cold }), Wrong::Recovery);
    found(Flaw::TokenIgnored, of(Left { old_hots: 1, ..old_cold }), Wrong::Answer);
}

#[test]
fn of_erasures() {
    let left = Left { archives: 1, notes: 1, erasures: 2, old_hots: 1, recoveries: 1, ..NOTHING };
    found(Flaw::ErasedRevived, of(left), Wrong::Revived);
    found(Flaw::NoCheck, of(left), Wrong::Answer);
    let left = Left { archives: 1, notes: 1, erasures: 1, old_colds: 1, recoveries: 1, ..NOTHING };
    found(Flaw::ErasedShown, of(left), Wrong::Recovery);
}
