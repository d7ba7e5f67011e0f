//! What the transactions of a move do, whoever runs them.

use crate::recovery;
use crate::rules::{Flaw, Rules};
use crate::state::{Cold, Entry, IDS, KEYS, Kind, Mark, Rows, State, has, present};

/// Whether cold's journal knows a mark.
pub fn proves(rules: &Rules, state: &State, mark: Mark) -> bool {
    let known = state.cold.journal[usize::from(mark.epoch)].kind != Kind::None;
    state.cold.proves(mark) || (rules.has(Flaw::TokenIgnored) && known)
}

/// Hot stands at `epoch` or above: whatever is numbered up to it has happened.
pub fn confirm_up_to(cold: &mut Cold, epoch: u8) {
    for entry in cold.journal[..=usize::from(epoch)].iter_mut().filter(|entry| entry.kind != Kind::None) {
        entry.confirmed = true;
    }
}

/// What every move does first with what hot has committed. An erasure ends here, and only then is it reported as done.
pub fn confirm_and_purge(state: &mut State, epoch: u8) {
    confirm_up_to(&mut state.cold, epoch);
    state.ghost.erased |= state.cold.purge(epoch);
}

/// Whether hot has to be asked for the rows of an unconfirmed batch to know what it is.
pub fn asks_hot(entry: Entry) -> bool {
    matches!(entry.kind, Kind::Archive | Kind::Restore) && !entry.doubtful
}

/// Whether an unconfirmed batch above hot's epoch looks like one that hot has not committed.
pub fn interrupted(rules: &Rules, state: &State, number: u8) -> bool {
    let (brought, closed) = state.cold.of(number);
    let entry = state.cold.journal[usize::from(number)];
    let held = |id: &usize| state.hot.rows[*id] != 0;
    match entry.kind {
        // A recovery has taken it for committed.
        Kind::Archive if entry.doubtful => false,
        Kind::Archive => (0..IDS).filter(|id| has(brought, *id)).all(|id| held(&id)),
        // A correction is another row than the one it corrects, and is not what came back.
        Kind::Restore => {
            let back =
                |id: &usize| !rules.corrections || state.cold.closed_with(*id, number) == state.hot.rows[*id];
            !(0..IDS).filter(|id| has(closed, *id)).any(|id| held(&id) && back(&id))
        }
        // What is to be erased stays noted, and is erased again.
        Kind::Erase => true,
        // A recovery is taken up again by the next one only.
        Kind::Recover | Kind::AcceptLoss | Kind::None => false,
    }
}

/// The world after the hot commit of a move.
pub fn committed(rules: &Rules, before: &State, nth: usize) -> State {
    let mut after = *before;
    let me = before.movers[nth];
    let hot = &mut after.hot;
    // No row of cold is newer; a restore, an erasure and a recovery have looked at what they leave.
    let mut newest = me.mark.newest;
    match me.kind {
        Kind::Archive | Kind::None => {
            for id in present(&me.taken) {
                hot.rows[id] = 0;
                newest = newest.max(KEYS[id]);
            }
        }
        Kind::Restore => {
            for id in present(&me.taken) {
                hot.rows[id] = me.taken[id];
            }
        }
        Kind::Erase => {
            for id in (0..IDS).filter(|id| has(me.erased, *id)) {
                (hot.rows[id], after.ghost.truth[id]) = (0, 0);
            }
            hot.erasures |= me.erased;
        }
        Kind::Recover | Kind::AcceptLoss => recovery::commit(hot, me),
    }
    if rules.has(Flaw::NewestForgotten) {
        newest = before.hot.mark.newest;
    }
    hot.mark = Mark { epoch: me.number, token: me.token, newest };
    after.movers[nth].open = false;
    if matches!(me.kind, Kind::Recover | Kind::AcceptLoss) {
        recovery::judge(before, &mut after, me);
    }
    after
}

/// What hot and cold show together, hot's rows before cold's; `None` where a row is in both that may not be.
pub fn whole(rules: &Rules, hot: &Rows, cold: &Rows) -> Option<Rows> {
    let mut rows = *hot;
    for id in present(cold) {
        if rows[id] == 0 {
            rows[id] = cold[id];
        } else if !rules.corrections {
            return None;
        }
    }
    Some(rows)
}
