//! The protocol with one rule left out: each mistake must break an invariant, and the shortest trace is printed.

use thermocline_protocol::rules::{Flaw, Rules};
use thermocline_protocol::state::{Budget, Invariant};

use super::{NOTHING, explored};

/// Checks that the explorer finds each mistake by breaking the expected invariant, and nothing without a mistake.
fn found(rules: Rules, mistakes: &[(Flaw, Invariant)]) {
    let rules = Rules { max_batch: 2, ..rules };
    let correct = explored(&format!("without {mistakes:?}"), &rules);
    assert!(correct.violation.is_none(), "{correct}");
    for (flaw, invariant) in mistakes {
        let explored = explored(&format!("{flaw:?}"), &Rules { flaw: Some(*flaw), ..rules });
        let violation = explored.violation.unwrap_or_else(|| panic!("{flaw:?} was not found"));
        assert_eq!(violation.invariant, *invariant, "{flaw:?}");
    }
}

fn of(budget: Budget) -> Rules {
    Rules { budget, ..Rules::default() }
}

#[test]
fn mistakes_of_order_and_fences() {
    use Invariant::{Consistency, Count, Journal, Partition, SingleOpenVersion};
    let two = Budget { archives: 2, ..NOTHING };
    found(
        of(Budget { archives: 1, ..NOTHING }),
        &[(Flaw::EpochBeforeCopy, Consistency), (Flaw::ConfirmedBeforeCommit, Consistency)],
    );
    found(of(two), &[(Flaw::NoStateFence, Consistency), (Flaw::CountForgotten, Count)]);
    found(
        of(Budget { crashes: 1, ..two }),
        &[(Flaw::NoUndo, SingleOpenVersion), (Flaw::JournalKept, Journal)],
    );
    found(of(Budget { lost_sessions: 1, ..two }), &[(Flaw::NoClaimFence, SingleOpenVersion)]);
    found(of(Budget { lost_answers: 1, ..two }), &[(Flaw::AnswerAssumed, Consistency)]);
    found(of(Budget { damaged_copies: 1, ..two }), &[(Flaw::CopyUnproven, Partition)]);
    found(of(Budget { late_parts: 1, ..two }), &[(Flaw::PartNotAwaited, Invariant::Answer)]);
}

#[test]
fn mistakes_of_readers() {
    use Invariant::{Answer, Journal};
    let two = Budget { archives: 2, ..NOTHING };
    found(of(Budget { inserts: 1, ..two }), &[(Flaw::LateRowsMissed, Answer)]);
    found(of(two), &[(Flaw::NewestForgotten, Answer), (Flaw::SpeculationTrusted, Answer)]);
    found(Rules { replica: true, ..of(two) }, &[(Flaw::ProofIgnored, Answer)]);
    let back = Budget { archives: 1, restores: 1, vacuums: 1, ..NOTHING };
    found(of(back), &[(Flaw::ReadableVacuumed, Journal)]);
}

#[test]
fn mistakes_of_recovery() {
    use Invariant::{Answer, Consistency, NoLoss, Partition, Recovery};
    let two = Budget { archives: 2, recoveries: 1, ..NOTHING };
    let old_hot = Budget { hot_reverts: 1, ..two };
    found(of(Budget { edits: 1, ..old_hot }), &[(Flaw::ConfirmedUndone, NoLoss)]);
    found(of(Budget { inserts: 1, archives: 1, ..old_hot }), &[(Flaw::UnheldUndone, NoLoss)]);
    let quarantine = Budget { archives: 1, edits: 1, deletes: 1, crashes: 1, recoveries: 1, ..NOTHING };
    found(of(quarantine), &[(Flaw::WritesOverwritten, Recovery), (Flaw::ConfirmedByRecovery, Consistency)]);
    let old_cold = Budget { cold_reverts: 1, ..two };
    found(of(old_cold), &[(Flaw::OldColdAccepted, Partition)]);
    found(of(Budget { archives: 3, ..old_cold }), &[(Flaw::Reconnected, Partition)]);
    found(of(Budget { archives: 1, restores: 1, ..old_cold }), &[(Flaw::LossAcceptedBlindly, Recovery)]);
    found(of(Budget { hot_reverts: 1, ..old_cold }), &[(Flaw::TokenIgnored, Answer)]);
}

#[test]
fn mistakes_of_joining() {
    let cut = Budget { archives: 1, cuts: 1, recoveries: 1, ..NOTHING };
    found(of(Budget { restores: 1, ..cut }), &[(Flaw::RestoredForgotten, Invariant::Recovery)]);
    found(of(Budget { crashes: 1, ..cut }), &[(Flaw::JoinedBlindly, Invariant::Recovery)]);
}

#[test]
fn mistakes_of_erasures() {
    use Invariant::{Answer, NoRevival, Recovery};
    let budget =
        Budget { archives: 1, erasure_requests: 1, erasures: 2, hot_reverts: 1, recoveries: 1, ..NOTHING };
    found(of(budget), &[(Flaw::ErasedRevived, NoRevival), (Flaw::NoCheck, Answer)]);
    let budget =
        Budget { archives: 1, erasure_requests: 1, erasures: 1, cold_reverts: 1, recoveries: 1, ..NOTHING };
    found(of(budget), &[(Flaw::ErasedShown, Recovery)]);
}

#[test]
fn mistakes_of_adoption() {
    use Invariant::{Consistency, Partition, Recovery};
    let adopting = |budget| Rules { originals: true, ..of(budget) };
    found(adopting(Budget { adoptions: 1, ..NOTHING }), &[(Flaw::HeldCopied, Partition)]);
    let disturbed = Budget { adoptions: 1, archives: 1, ..NOTHING };
    found(adopting(disturbed), &[(Flaw::AdoptionDisturbed, Consistency)]);
    let old_hot = Budget { adoptions: 2, hot_reverts: 1, recoveries: 1, ..NOTHING };
    found(adopting(old_hot), &[(Flaw::OverlapIgnored, Partition), (Flaw::AdoptedLeftOpen, Recovery)]);
}
