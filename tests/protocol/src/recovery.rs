//! `archive recover`: the steps in which it differs from other moves, and what it owes.
//!
//! Two rules are stricter than the sketch of the design, because the explorer found what happens without them. Content
//! is brought back over a row that hot holds only out of a batch that no recovery found unconfirmed: such a one may be a move
//! that was interrupted, whose rows were edited since. And an old cold may have been saved in the middle of a move that never
//! was committed, with a number that hot has left behind since: its restores and erasures that did not happen are undone
//! first, or the next mover takes them for confirmed.

use crate::effects::{interrupted, proves, readable, undo, whole};
use crate::moves::Actor;
use crate::rules::{Action, End, Flaw, Rules};
use crate::state::{Cold, Hot, IDS, Ids, Kind, Mover, Rows, State, Step, Version, Wrong, has};

/// Step 3 of a hot that is older than cold.
pub fn settle_recover(actor: &mut Actor<'_>) {
    if !actor.reaches_cold() {
        return;
    }
    let epoch = actor.me().mark.epoch;
    if !proves(actor.rules, actor.before, actor.me().mark) {
        return actor.stop(End::RecoverDue);
    }
    let mut after = *actor.before;
    // A recovery that was interrupted begins anew.
    for number in after.cold.above(epoch) {
        let entry = after.cold.journal[usize::from(number)];
        if entry.kind == Kind::Recover && !entry.confirmed {
            undo(&mut after.cold, number);
        } else if !entry.confirmed {
            after.cold.entry(number).doubtful = true;
        }
    }
    if after.cold.above(epoch).next().is_none() {
        return actor.stop(End::Nothing);
    }
    actor.go(Action::Settle, after, Step::Settled);
}

/// Step 3 of a cold that is older than hot.
pub fn settle_loss(actor: &mut Actor<'_>) {
    if !actor.reaches_cold() {
        return;
    }
    let mark = actor.me().mark;
    if proves(actor.rules, actor.before, mark) {
        return actor.stop(End::Nothing);
    }
    let mut after = *actor.before;
    for number in after.cold.above(0) {
        let entry = after.cold.journal[usize::from(number)];
        let happened = match entry.kind {
            Kind::AcceptLoss => false,
            Kind::Erase => has(after.hot.erasures, usize::from(entry.target)),
            Kind::Restore => !interrupted(actor.rules, &after, number),
            // Rows that are in both are closed all the same.
            Kind::Archive | Kind::Recover | Kind::None => true,
        };
        if !entry.confirmed && !happened {
            undo(&mut after.cold, number);
        }
    }
    actor.go(Action::Settle, after, Step::Settled);
}

/// Rows that stay away: whichever database knows of the erasure, and also when it was interrupted.
fn erased(rules: &Rules, hot: &Hot, cold: &Cold) -> Ids {
    if rules.has(Flaw::ErasedRevived) { 0 } else { hot.erasures | cold.erasures }
}

/// Whether an older cold is right that a row has left it: the number that closed it is confirmed, and hot knows it.
fn surely_closed(cold: &Cold, version: Version, epoch: u8) -> bool {
    version.to != 0 && version.to <= epoch && cold.journal[usize::from(version.to)].confirmed
}

/// Step 4: of each row that came to cold or left it after hot's epoch the newest version, where hot lacks it.
pub fn take_recover(actor: &mut Actor<'_>) {
    let State { hot, cold, .. } = actor.before;
    let epoch = actor.me().mark.epoch;
    let gone = erased(actor.rules, hot, cold);
    let mut rows = Rows::default();
    for (id, row) in rows.iter_mut().enumerate() {
        let later = cold.versions[id].iter().any(|version| version.later(epoch));
        let Some(newest) = cold.newest(id).filter(|_| later && !has(gone, id)) else { continue };
        let written = has(hot.fresh, id) && !actor.rules.has(Flaw::WritesOverwritten);
        let batch = cold.journal[usize::from(newest.from)];
        let sure = (batch.confirmed && !batch.doubtful) || actor.rules.has(Flaw::WritesOverwritten);
        if hot.rows[id] == 0 || (sure && !written && hot.rows[id] != newest.content) {
            *row = newest.content;
        }
    }
    actor.take_rows(rows);
}

/// Step 5: everything after hot's epoch is closed, for hot holds it again.
pub fn copy_recover(rules: &Rules, before: &State, cold: &mut Cold, me: Mover) {
    let gone = erased(rules, &before.hot, &before.cold);
    for id in 0..IDS {
        if has(gone, id) || cold.newest(id).is_some_and(|version| version.later(me.mark.epoch)) {
            cold.close(id, me.number, true);
        }
    }
    cold.erasures |= gone;
}

/// Step 7: hot holds what was taken, and nothing that is erased.
pub fn commit(rules: &Rules, cold: &Cold, hot: &mut Hot, me: Mover) {
    let gone = erased(rules, hot, cold);
    for id in 0..IDS {
        if has(gone, id) {
            hot.rows[id] = 0;
        } else if me.taken[id] != 0 {
            hot.rows[id] = me.taken[id];
        }
    }
    hot.erasures |= gone;
    hot.fresh = 0;
}

/// Step 5 of a cold that is older: what hot holds is closed, what is in neither is opened again unless that is known to
/// be right, and what was erased is blanked.
pub fn copy_loss(rules: &Rules, before: &State, cold: &mut Cold, me: Mover) {
    let gone = erased(rules, &before.hot, &before.cold);
    for id in 0..IDS {
        let held = before.hot.rows[id] != 0 && !rules.has(Flaw::LossAcceptedBlindly);
        if held || has(gone, id) {
            cold.close(id, me.number, true);
        } else if let Some(newest) = cold.newest(id)
            && before.hot.rows[id] == 0
            && !newest.open()
            && !surely_closed(cold, newest, me.mark.epoch)
        {
            cold.add(id, me.number, newest.content, true);
        }
        if has(gone, id) {
            cold.blank(id);
        }
    }
    cold.erasures |= gone;
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

fn paid(before: &State, kind: Kind, id: usize, shown: u8) -> bool {
    let State { hot, cold, ghost, .. } = before;
    let fresh = has(hot.fresh, id);
    let (truth, salvage) = (ghost.truth[id], ghost.salvage[id]);
    if has(ghost.erased | hot.erasures | cold.erasures, id) {
        return shown == 0;
    }
    if shown != 0 && !readable(shown) {
        return false;
    }
    match kind {
        // Written since: as it was written. Otherwise nothing older than what hot has and than what cold had.
        Kind::Recover if fresh => truth == 0 || shown == truth,
        Kind::Recover => shown >= truth && shown >= salvage,
        _ if hot.rows[id] != 0 => shown == truth,
        // Cold has lost what it has lost; what any version of it still tells is kept.
        _ => {
            let known =
                |version: Version| readable(version.content) && !surely_closed(cold, version, hot.mark.epoch);
            !cold.newest(id).is_some_and(known) || fresh || (truth == 0 && salvage == 0) || shown != 0
        }
    }
}
