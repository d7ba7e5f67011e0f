//! `archive recover`: one transaction of cold between the two of hot, and what it owes.
//!
//! Two rules are stricter than the sketch of the design, because the explorer found what happens without them. Content is
//! brought back over a row that hot holds only out of a batch that is confirmed and that no recovery found unconfirmed:
//! such a one may be a move that was interrupted, whose rows were edited since. And an old cold may have been saved in the
//! middle of a restore that never was committed, with a number that hot has left behind since: what it closed is brought
//! back where hot lacks it.

use crate::effects::{asks_hot, confirm_and_purge, confirm_up_to, interrupted, proves, whole};
use crate::moves::Actor;
use crate::rules::{Action, End, Flaw, Rules};
use crate::state::{
    Cold, Entry, Hot, IDS, Kind, Mark, Mover, Note, Rows, State, Step, Version, Wrong, has, present,
};

/// The moves that cold does not know, first and last, when it does not know the one that hot stands at.
pub fn lost(state: &State) -> (u8, u8) {
    let epoch = state.hot.mark.epoch;
    let known = |number: &u8| state.cold.journal[usize::from(*number)].kind != Kind::None;
    ((1..epoch).rev().find(known).unwrap_or(0) + 1, epoch)
}

/// Steps 3 to 6, in one transaction of cold. What fits is settled as by any move.
pub fn recover(actor: &mut Actor<'_>) {
    if !actor.reaches_cold() {
        return;
    }
    let (rules, me, before) = (actor.rules, actor.me(), actor.before);
    let epoch = me.mark.epoch;
    let loses = !proves(rules, before, me.mark);
    let mut after = *before;
    let (mut due, mut unknown) = (loses, loses);
    for number in before.cold.above(epoch) {
        let entry = before.cold.journal[usize::from(number)];
        if entry.confirmed {
            due = true;
        } else if matches!(entry.kind, Kind::Recover | Kind::AcceptLoss) {
            // Interrupted, it begins anew.
            after.cold.undo(number);
            due = true;
            continue;
        } else if !me.open && asks_hot(entry) {
            return actor.stop(End::Failed);
        } else {
            due |= !interrupted(rules, &after, number);
        }
        unknown = true;
    }
    if !(due && unknown) {
        confirm_and_purge(&mut after, epoch);
        after.cold.above(epoch).for_each(|number| after.cold.undo(number));
        return actor.end(if me.open { End::Nothing } else { End::Failed }, after);
    }
    if !me.open {
        return actor.stop(End::Failed);
    }
    let refused = if me.kind == Kind::AcceptLoss { loses && lost(before) != me.accepted } else { loses };
    if refused {
        return actor.stop(End::RecoverDue);
    }
    let mover = work(rules, &before.hot, &mut after.cold, me, loses);
    let kind = if loses { Kind::AcceptLoss } else { Kind::Recover };
    *after.cold.entry(me.number) = Entry { kind, token: after.token, ..Entry::default() };
    after.movers[actor.nth] = Mover { token: after.token, kind, ..mover };
    actor.go(Action::Recover, after, Step::Copied);
}

/// What becomes of cold, and what the mover has to do to hot.
fn work(rules: &Rules, hot: &Hot, cold: &mut Cold, mut me: Mover, loses: bool) -> Mover {
    let Mark { epoch, .. } = me.mark;
    // Rows that stay away: whichever database knows of the erasure, and also when it was interrupted.
    me.erased = if rules.has(Flaw::ErasedRevived) { 0 } else { hot.erasures | cold.erased() };
    if loses {
        for id in (0..IDS).filter(|id| has(hot.erasures & me.erased, *id)) {
            cold.notes[id] = Note::Pending;
        }
    }
    me.taken = (0..IDS).fold(Rows::default(), |mut rows, id| {
        rows[id] = brought_back(rules, hot, cold, (id, epoch), loses);
        rows
    });
    for id in 0..IDS {
        let later = cold.versions[id].iter().any(|version| version.open() && version.from > epoch);
        let held = hot.rows[id] != 0 || me.taken[id] != 0;
        let gone = loses && cold.notes[id] == Note::Pending && !rules.has(Flaw::ErasedShown);
        if later || gone || (loses && held && !rules.has(Flaw::LossAcceptedBlindly)) {
            cold.close(id, me.number, true);
        }
    }
    // Whatever is above hot's epoch counts as committed from now on, and nobody knows whether hot ever did it.
    for number in cold.above(epoch) {
        let entry = cold.entry(number);
        entry.doubtful |= entry.kind == Kind::Archive && !entry.confirmed;
    }
    if rules.has(Flaw::ConfirmedByRecovery) {
        confirm_up_to(cold, me.number - 1);
    }
    me.mark.newest = cold.newest_key();
    me
}

/// What hot gets of a row, of its newest version among those that came to cold or left it after hot's epoch: the row where
/// hot lacks it, its later content when hot surely had it so.
fn brought_back(rules: &Rules, hot: &Hot, cold: &Cold, (id, epoch): (usize, u8), loses: bool) -> u8 {
    let newest = |wanted: &dyn Fn(&Version) -> bool| {
        let versions = cold.versions[id].iter().copied();
        versions.filter(|version| version.from != 0 && wanted(version)).max_by_key(|version| version.from)
    };
    // Of a restore that hot has perhaps never committed, though it has left its number behind.
    let given_back = |version: &Version| {
        let entry = cold.journal[usize::from(version.to)];
        version.to <= epoch && entry.kind == Kind::Restore && !entry.confirmed
    };
    let later = newest(&|version| version.later(epoch));
    let Some(version) = later.or_else(|| newest(&given_back).filter(|_| loses)) else { return 0 };
    let batch = cold.journal[usize::from(version.from)];
    let sure = (later.is_some() && !loses && batch.confirmed && !batch.doubtful)
        || rules.has(Flaw::WritesOverwritten);
    let takes = hot.rows[id] == 0 || (sure && hot.rows[id] != version.content);
    if takes { version.content } else { 0 }
}

/// Step 7: hot holds what was taken, and nothing that is erased.
pub fn commit(hot: &mut Hot, me: Mover) {
    for id in present(&me.taken) {
        hot.rows[id] = me.taken[id];
    }
    hot.erasures |= me.erased;
    for id in (0..IDS).filter(|id| has(me.erased, *id)) {
        hot.rows[id] = 0;
    }
    hot.fresh = 0;
}

/// What a recovery owes, at the commit in hot that ends it; from then on what it made is the logical table.
pub fn judge(before: &State, after: &mut State, me: Mover) {
    if !after.fits() {
        // Cold was restored in the meantime. Another recovery will follow, and find these rows in hot.
        for id in 0..IDS {
            if after.hot.rows[id] != 0 || has(after.hot.erasures, id) {
                after.ghost.truth[id] = after.hot.rows[id];
            }
        }
        return;
    }
    let visible = after.cold.visible(after.hot.mark.epoch);
    let shown = whole(&Rules::default(), &after.hot.rows, &visible);
    let owed = shown.is_some_and(|shown| (0..IDS).all(|id| paid(before, me.kind, id, shown[id])));
    if !owed {
        after.ghost.wrong = Some(Wrong::Recovery);
    }
    after.ghost.truth = shown.unwrap_or_default();
    after.ghost.salvage = Rows::default();
}

/// Whether an older cold is right that a row has left it: hot knows the number that closed it, which is confirmed, or that
/// of a recovery, which is made again before anything else happens.
fn surely_closed(cold: &Cold, version: Version, epoch: u8) -> bool {
    let entry = cold.journal[usize::from(version.to)];
    let recovery = matches!(entry.kind, Kind::Recover | Kind::AcceptLoss);
    version.to != 0 && version.to <= epoch && (entry.confirmed || recovery)
}

fn paid(before: &State, kind: Kind, id: usize, shown: u8) -> bool {
    let State { hot, cold, ghost, .. } = before;
    let fresh = has(hot.fresh, id);
    let (truth, salvage) = (ghost.truth[id], ghost.salvage[id]);
    if has(ghost.erased | hot.erasures, id) {
        return shown == 0;
    }
    if has(cold.erased(), id) {
        // It goes; until then it may be there.
        return true;
    }
    match kind {
        // Written since: as it was written, or as the archive surely had it. Otherwise nothing older than what hot has and
        // than what cold had.
        Kind::Recover if fresh => truth == 0 || shown == truth || sure(cold, id, shown),
        Kind::Recover => shown >= truth && shown >= salvage,
        _ if hot.rows[id] != 0 => shown == truth,
        // Cold has lost what it has lost; what any version of it still tells is kept.
        _ => {
            let known = |version: Version| !surely_closed(cold, version, hot.mark.epoch);
            !cold.newest(id).is_some_and(known) || fresh || (truth == 0 && salvage == 0) || shown != 0
        }
    }
}

/// Whether some batch that hot has surely committed had a row so.
fn sure(cold: &Cold, id: usize, content: u8) -> bool {
    cold.versions[id].iter().any(|version| {
        let batch = cold.journal[usize::from(version.from)];
        version.from != 0 && version.content == content && batch.confirmed && !batch.doubtful
    })
}
