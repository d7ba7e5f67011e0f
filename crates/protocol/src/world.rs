//! What goes on around the movers: the platform writes, requests are answered, databases are saved and restored, cold is
//! vacuumed.

use crate::moves::Out;
use crate::reads;
use crate::rules::{Action, Flaw, Happening, Rules};
use crate::state::{
    Cold, Hot, IDS, Ids, Kind, Mark, NUMBERS, Note, Phase, Reader, Rows, State, Version, Wrong, has,
};

/// Everything that can happen next, but for the movers' steps.
pub fn happen(rules: &Rules, before: &State, out: &mut Out) {
    let mut emit = |action, after| out.push((Happening { mover: None, action }, after));
    write(rules, before, &mut emit);
    note(before, &mut emit);
    restore(rules, before, &mut emit);
    vacuum(rules, before, &mut emit);
    read(rules, before, &mut emit);
    if let Some(replica) = before.replica
        && replica != before.cold
    {
        emit(Action::Replicate, State { replica: Some(before.cold), ..*before });
    }
}

/// Inserts, edits and deletes in hot; rows that an open move has locked wait.
fn write(rules: &Rules, before: &State, emit: &mut impl FnMut(Action, State)) {
    if rules.file_lock && before.state_row_locked() {
        return;
    }
    let locked = before.locked();
    let note = |after: &mut State, id: usize| {
        // Matters only when a restored hot is to be recovered.
        after.hot.fresh |= Ids::from(after.ghost.restored) << id;
    };
    if before.left.inserts > 0 {
        let id = IDS - 1;
        let mut after = *before;
        after.left.inserts -= 1;
        (after.hot.rows[id], after.ghost.truth[id]) = (1, 1);
        note(&mut after, id);
        emit(Action::Insert, after);
    }
    for id in (0..IDS).filter(|id| !has(locked, *id)) {
        let corrects = rules.corrections && before.ghost.truth[id] != 0;
        if before.left.edits > 0 && (before.hot.rows[id] != 0 || corrects) {
            let mut after = *before;
            after.left.edits -= 1;
            after.content += 1;
            (after.hot.rows[id], after.ghost.truth[id]) = (after.content, after.content);
            note(&mut after, id);
            emit(Action::Edit(id as u8), after);
        }
        if before.left.deletes > 0 && before.hot.rows[id] != 0 {
            let mut after = *before;
            after.left.deletes -= 1;
            (after.hot.rows[id], after.ghost.truth[id]) = (0, 0);
            note(&mut after, id);
            emit(Action::Delete(id as u8), after);
        }
    }
}

/// Somebody says in cold that a row is to be erased; whoever moves next does it.
fn note(before: &State, emit: &mut impl FnMut(Action, State)) {
    for id in (0..IDS).filter(|id| before.left.notes > 0 && before.ghost.truth[*id] != 0) {
        let mut after = *before;
        after.left.notes -= 1;
        after.cold.notes[id] = Note::Pending;
        emit(Action::Note(id as u8), after);
    }
}

/// Backups of hot and of cold, each taken once and restored once. A restored database has lost its sessions, which
/// their movers notice when they use them.
fn restore(rules: &Rules, before: &State, emit: &mut impl FnMut(Action, State)) {
    if before.left.old_hots > 0 {
        if let Some((hot, truth)) = before.hot_backup {
            let mut after = *before;
            after.left.old_hots -= 1;
            after.ghost.restored = true;
            after.hot_backup = None;
            after.ghost.salvage = salvage(&before.cold, before.hot.mark);
            after.hot = Hot { fresh: 0, ..hot };
            after.ghost.erased &= hot.erasures | before.cold.noted(|note| note == Note::Done);
            after.ghost.truth = truth;
            for id in (0..IDS).filter(|id| has(after.ghost.erased, *id)) {
                after.ghost.truth[id] = 0;
            }
            for mover in &mut after.movers {
                mover.open = false;
            }
            after.checked = rules.has(Flaw::NoCheck);
            emit(Action::RestoreHot, after);
        } else {
            emit(Action::BackupHot, State { hot_backup: Some((before.hot, before.ghost.truth)), ..*before });
        }
    }
    if before.left.old_colds > 0 {
        if let Some(cold) = before.cold_backup {
            let mut after = *before;
            after.left.old_colds -= 1;
            after.ghost.restored = true;
            after.cold_backup = None;
            after.cold = cold;
            after.replica = before.replica.map(|_| cold);
            after.token += 1;
            for (id, owed) in after.ghost.salvage.iter_mut().enumerate() {
                *owed = (*owed).min(cold.newest(id).map_or(0, |version| sure_content(&cold, version)));
            }
            // One that is only noted there is to be made again.
            let done = cold.noted(|note| note == Note::Done);
            let erased = after.ghost.erased & (after.hot.erasures | done);
            for id in (0..IDS).filter(|id| has(after.ghost.erased & !erased, *id)) {
                after.ghost.truth[id] = after.hot.rows[id];
            }
            after.ghost.erased = erased;
            for mover in &mut after.movers {
                mover.cold = false;
            }
            emit(Action::RestoreCold, after);
        } else {
            emit(Action::BackupCold, State { cold_backup: Some(before.cold), ..*before });
        }
    }
}

/// What a recovery of hot has to bring back: the rows cold holds, with their content if their batch is confirmed. Of
/// an unconfirmed one nobody can tell whether hot's own row is the newer.
fn salvage(cold: &Cold, mark: Mark) -> Rows {
    let mut rows = Rows::default();
    for (row, versions) in rows.iter_mut().zip(&cold.versions) {
        for version in versions.iter().filter(|version| version.visible(mark.epoch)) {
            *row = sure_content(cold, *version);
        }
    }
    rows
}

fn sure_content(cold: &Cold, version: Version) -> u8 {
    let batch = cold.journal[usize::from(version.from)];
    if batch.confirmed && !batch.doubtful { version.content } else { 1 }
}

/// The floor is raised first, to what is confirmed and what no backup of hot still needs; then the versions that end
/// there go, and the counts up to it become one. The code tells what is needed by time: `--keep` has to be longer than
/// the age of the oldest backup that would be restored, which here is every backup.
fn vacuum(rules: &Rules, before: &State, emit: &mut impl FnMut(Action, State)) {
    let confirmed = before.cold.confirmed();
    let needed = before.hot_backup.map_or(NUMBERS as u8, |(hot, _)| hot.mark.epoch);
    let bound = confirmed.min(needed).min(before.hot.mark.epoch);
    let in_journal = |number: &u8| before.cold.journal[usize::from(*number)].kind != Kind::None;
    let floor = (1..=bound).rev().find(in_journal).unwrap_or(0);
    let ends = |upto: u8| {
        let closed = move |version: &Version| version.to != 0 && version.to <= upto;
        before.cold.versions.iter().flatten().any(closed)
    };
    if before.left.vacuums > 0 && floor > before.cold.floor && ends(floor) {
        let mut after = *before;
        after.left.vacuums -= 1;
        after.cold.floor = floor;
        emit(Action::RaiseFloor, after);
    }
    // An erasure has raised the floor too, perhaps above what may go.
    let upto = if rules.has(Flaw::VacuumAboveFloor) { floor } else { before.cold.floor.min(floor) };
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

/// The statements of one request, of any kind: [`reads`] tells what it would be answered.
fn read(rules: &Rules, before: &State, emit: &mut impl FnMut(Action, State)) {
    if !before.checked {
        if before.fits() {
            emit(Action::Compare, State { checked: true, ..*before });
        }
        return;
    }
    let reader = before.reader;
    match reader.phase {
        Phase::Asked => emit(Action::EndRequest, State { reader: Reader::default(), ..*before }),
        Phase::Idle | Phase::Guessed => {
            let mut after = *before;
            let State { hot, ghost, .. } = *before;
            if reader.phase == Phase::Guessed {
                let same = reader.mark == hot.mark || rules.has(Flaw::GuessTrusted);
                if same && !reads::right(rules, (&hot.rows, hot.mark), &reader.rows, None, &ghost.truth) {
                    after.ghost.wrong = Some(Wrong::Answer);
                }
            }
            after.seen = hot.mark;
            after.reader = Reader { phase: Phase::Asked, mark: hot.mark, rows: hot.rows, truth: ghost.truth };
            emit(Action::ReadHot, after);
        }
    }
    // Speculation pays only when cold is needed. The primary is asked: a replica adds no other answer.
    let (idle, seen) = (reader.phase == Phase::Idle, before.seen);
    let guessed = if idle && seen.newest != 0 { reads::ask(rules, before, &before.cold, seen) } else { None };
    if let Some((rows, _)) = guessed {
        let reader = Reader { phase: Phase::Guessed, mark: seen, rows, truth: Rows::default() };
        emit(Action::GuessCold, State { reader, ..*before });
    }
}
