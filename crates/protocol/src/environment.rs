//! Everything besides the movers: the platform writes, requests are answered, databases are backed up and reverted,
//! cold is vacuumed.

use crate::moves::Out;
use crate::reads;
use crate::rules::{Action, Event, Flaw, Rules};
use crate::state::{
    Cold, Erasure, Hot, HotSnapshot, IDS, Ids, Invariant, Kind, NUMBERS, Phase, Reader, Rows, State, Version,
    has,
};

/// Adds every possible event except the movers' steps.
pub fn events(rules: &Rules, before: &State, out: &mut Out) {
    let mut emit = |action, after| out.push((Event { mover: None, action }, after));
    write(rules, before, &mut emit);
    request_erasures(before, &mut emit);
    revert(rules, before, &mut emit);
    cut(before, &mut emit);
    vacuum(rules, before, &mut emit);
    read(rules, before, &mut emit);
    if before.late != 0 {
        emit(Action::CommitPart, State { late: 0, ..*before });
    }
    if let Some(replica) = before.replica
        && replica != before.cold
    {
        emit(Action::Replicate, State { replica: Some(before.cold), ..*before });
    }
}

/// Inserts, edits and deletes in hot. Rows that an open move has locked wait.
fn write(rules: &Rules, before: &State, emit: &mut impl FnMut(Action, State)) {
    if rules.file_lock && before.state_row_locked() {
        return;
    }
    let locked = before.locked();
    let mark_fresh = |after: &mut State, id: usize| {
        // Only a recovery of a reverted hot needs this.
        after.hot.fresh |= Ids::from(after.ghost.reverted) << id;
    };
    // The ids of a hot without a pair are not reserved yet: its platform has to wait.
    if before.budget.inserts > 0 && !before.is_cut() {
        let id = IDS - 1;
        let mut after = *before;
        after.budget.inserts -= 1;
        (after.hot.rows[id], after.ghost.truth[id]) = (1, 1);
        mark_fresh(&mut after, id);
        emit(Action::Insert, after);
    }
    for id in (0..IDS).filter(|id| !has(locked, *id)) {
        let corrects = rules.corrections && before.ghost.truth[id] != 0;
        if before.budget.edits > 0 && (before.hot.rows[id] != 0 || corrects) {
            let mut after = *before;
            after.budget.edits -= 1;
            after.content += 1;
            (after.hot.rows[id], after.ghost.truth[id]) = (after.content, after.content);
            mark_fresh(&mut after, id);
            emit(Action::Edit(id as u8), after);
        }
        if before.budget.deletes > 0 && before.hot.rows[id] != 0 {
            let mut after = *before;
            after.budget.deletes -= 1;
            (after.hot.rows[id], after.ghost.truth[id]) = (0, 0);
            mark_fresh(&mut after, id);
            emit(Action::Delete(id as u8), after);
        }
    }
}

/// A user of cold requests the erasure of a row; the next mover performs it.
fn request_erasures(before: &State, emit: &mut impl FnMut(Action, State)) {
    for id in (0..IDS).filter(|id| before.budget.erasure_requests > 0 && before.ghost.truth[*id] != 0) {
        let mut after = *before;
        after.budget.erasure_requests -= 1;
        after.cold.erasures[id] = Erasure::Requested;
        emit(Action::RequestErasure(id as u8), after);
    }
}

/// Hot and cold are each backed up once and reverted to the backup once. A reverted database has lost its sessions,
/// which movers notice when they use them.
fn revert(rules: &Rules, before: &State, emit: &mut impl FnMut(Action, State)) {
    if before.budget.hot_reverts > 0 {
        if let Some((hot, truth)) = before.hot_backup {
            let mut after = *before;
            after.budget.hot_reverts -= 1;
            after.ghost.reverted = true;
            after.hot_backup = None;
            after.ghost.recoverable = recoverable(&before.cold, before.hot.snapshot);
            after.hot = Hot { fresh: 0, ..hot };
            after.ghost.erased &= hot.erasures | before.cold.noted(|erasure| erasure == Erasure::Completed);
            after.ghost.truth = truth;
            for id in (0..IDS).filter(|id| has(after.ghost.erased, *id)) {
                after.ghost.truth[id] = 0;
            }
            for mover in &mut after.movers {
                mover.open = false;
            }
            after.checked = rules.has(Flaw::NoCheck);
            emit(Action::RevertHot, after);
        } else {
            emit(Action::BackupHot, State { hot_backup: Some((before.hot, before.ghost.truth)), ..*before });
        }
    }
    if before.budget.cold_reverts > 0 {
        if let Some(cold) = before.cold_backup {
            let mut after = *before;
            after.budget.cold_reverts -= 1;
            after.ghost.reverted = true;
            after.cold_backup = None;
            (after.cold, after.late) = (cold, 0);
            after.replica = before.replica.map(|_| cold);
            after.token += 1;
            for (id, owed) in after.ghost.recoverable.iter_mut().enumerate() {
                *owed = (*owed).min(cold.newest(id).map_or(0, |version| certain_content(&cold, version)));
            }
            // An erasure that is only requested in the backup has to be performed again.
            let done = cold.noted(|erasure| erasure == Erasure::Completed);
            let erased = after.ghost.erased & (after.hot.erasures | done);
            for id in (0..IDS).filter(|id| has(after.ghost.erased & !erased, *id)) {
                after.ghost.truth[id] = after.hot.rows[id];
            }
            after.ghost.erased = erased;
            for mover in &mut after.movers {
                mover.cold = false;
            }
            emit(Action::RevertCold, after);
        } else {
            emit(Action::BackupCold, State { cold_backup: Some(before.cold), ..*before });
        }
    }
}

/// The state of hot is dropped and made anew, or all of hot is. The sessions of movers end.
fn cut(before: &State, emit: &mut impl FnMut(Action, State)) {
    // A move that holds the state row keeps it from being dropped.
    if before.budget.cuts == 0 || before.hot.unpaired || before.state_row_locked() {
        return;
    }
    let mut after = *before;
    after.budget.cuts -= 1;
    after.ghost.reverted = true;
    after.ghost.recoverable = recoverable(&before.cold, before.hot.snapshot);
    // Only cold knows still which rows were erased.
    after.ghost.erased &= before.cold.noted(|erasure| erasure == Erasure::Completed);
    after.checked = false;
    after.hot = Hot { rows: before.hot.rows, unpaired: true, ..Hot::default() };
    emit(Action::DropState, after);
    after.hot.rows = Rows::default();
    for id in 0..IDS {
        let newest = before.cold.newest(id).map_or(0, |version| version.content);
        after.ghost.truth[id] = if has(before.cold.erased(), id) { 0 } else { newest };
    }
    after.ghost.recoverable = after.ghost.truth;
    emit(Action::RebuildHot, after);
}

/// Returns what a recovery of hot must restore: the rows of cold, with their content if their batch is confirmed. Of an
/// unconfirmed batch it is unknown whether hot's row is newer.
fn recoverable(cold: &Cold, snapshot: HotSnapshot) -> Rows {
    let mut rows = Rows::default();
    for (row, versions) in rows.iter_mut().zip(&cold.versions) {
        for version in versions.iter().filter(|version| version.visible(snapshot.epoch)) {
            *row = certain_content(cold, *version);
        }
    }
    rows
}

fn certain_content(cold: &Cold, version: Version) -> u8 {
    let batch = cold.journal[usize::from(version.from)];
    if batch.confirmed && !batch.quarantined { version.content } else { 1 }
}

/// First raises the oldest readable epoch, to what is confirmed and what no backup of hot needs; then removes the
/// versions that end there and merges the counts up to it. The code decides by time what is needed: `--keep` must be
/// longer than the age of the oldest backup that may be used, which here is every backup.
fn vacuum(rules: &Rules, before: &State, emit: &mut impl FnMut(Action, State)) {
    // It locks the claim row, which the part of a commit holds.
    if before.late != 0 {
        return;
    }
    let confirmed = before.cold.confirmed();
    let needed = before.hot_backup.map_or(NUMBERS as u8, |(hot, _)| hot.snapshot.epoch);
    let bound = confirmed.min(needed).min(before.hot.snapshot.epoch);
    let in_journal = |number: &u8| before.cold.journal[usize::from(*number)].kind != Kind::None;
    let oldest_readable_epoch = (1..=bound).rev().find(in_journal).unwrap_or(0);
    let ends = |upto: u8| {
        let closed = move |version: &Version| version.to != 0 && version.to <= upto;
        before.cold.versions.iter().flatten().any(closed)
    };
    if before.budget.vacuums > 0
        && oldest_readable_epoch > before.cold.oldest_readable_epoch
        && ends(oldest_readable_epoch)
    {
        let mut after = *before;
        after.budget.vacuums -= 1;
        after.cold.oldest_readable_epoch = oldest_readable_epoch;
        emit(Action::RaiseOldestReadable, after);
    }
    // An erasure has raised the oldest readable epoch too, perhaps above what may be removed.
    let upto = if rules.has(Flaw::ReadableVacuumed) {
        oldest_readable_epoch
    } else {
        before.cold.oldest_readable_epoch.min(oldest_readable_epoch)
    };
    if ends(upto) {
        let mut after = *before;
        for versions in &mut after.cold.versions {
            for version in versions.iter_mut().filter(|version| version.to != 0 && version.to <= upto) {
                *version = Version::default();
            }
            versions.sort_unstable();
        }
        let (old, new) = after.cold.counts.split_at_mut(usize::from(upto));
        new[0] += old.iter().sum::<i8>();
        old.fill(0);
        emit(Action::Sweep, after);
    }
}

/// The statements of one request of any kind: [`reads`] checks its possible answers.
fn read(rules: &Rules, before: &State, emit: &mut impl FnMut(Action, State)) {
    if !before.checked {
        if before.is_consistent() {
            emit(Action::Compare, State { checked: true, ..*before });
        }
        return;
    }
    let reader = before.reader;
    match reader.phase {
        Phase::HotRead => emit(Action::EndRequest, State { reader: Reader::default(), ..*before }),
        Phase::Idle | Phase::Speculated => {
            let mut after = *before;
            let State { hot, ghost, .. } = *before;
            if reader.phase == Phase::Speculated {
                let same = reader.snapshot == hot.snapshot || rules.has(Flaw::SpeculationTrusted);
                if same
                    && !reads::is_correct(rules, (&hot.rows, hot.snapshot), &reader.rows, None, &ghost.truth)
                {
                    after.ghost.broken = Some(Invariant::Answer);
                }
            }
            after.seen = hot.snapshot;
            after.reader =
                Reader { phase: Phase::HotRead, snapshot: hot.snapshot, rows: hot.rows, truth: ghost.truth };
            emit(Action::ReadHot, after);
        }
    }
    // Speculation is only worthwhile when cold is needed. It asks the primary: a replica adds no other answer.
    let (idle, seen) = (reader.phase == Phase::Idle, before.seen);
    let speculated = if idle && seen.cold_watermark != 0 {
        reads::cold_answer(rules, before, &before.cold, seen)
    } else {
        None
    };
    if let Some((rows, _)) = speculated {
        let reader = Reader { phase: Phase::Speculated, snapshot: seen, rows, truth: Rows::default() };
        emit(Action::SpeculateCold, State { reader, ..*before });
    }
}
