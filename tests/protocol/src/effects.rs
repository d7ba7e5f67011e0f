//! What the transactions of a move do, whoever runs them.

use crate::recovery;
use crate::rules::{Flaw, Rules};
use crate::state::{BLANK, Cold, DAMAGED, IDS, KEYS, Kind, Mark, Rows, State, has, present};

/// Whether cold's journal knows a mark.
pub fn proves(rules: &Rules, state: &State, mark: Mark) -> bool {
    let known = state.cold.journal[usize::from(mark.epoch)].kind != Kind::None;
    state.cold.proves(mark) || (rules.has(Flaw::TokenIgnored) && known)
}

/// Hot stands at `epoch` or above: whatever is numbered up to it has happened. An erasure ends here: what it closed is
/// blanked in the transaction that confirms it, and only then is it reported as done.
pub fn confirm_up_to(state: &mut State, epoch: u8) {
    for number in 1..=epoch {
        let entry = state.cold.entry(number);
        if entry.kind == Kind::None || entry.confirmed {
            continue;
        }
        entry.confirmed = true;
        if entry.kind == Kind::Erase {
            let target = usize::from(entry.target);
            state.cold.blank(target);
            state.ghost.erased |= 1 << target;
        }
    }
}

/// Takes a move back, of whatever kind.
pub fn undo(cold: &mut Cold, number: u8) {
    let entry = *cold.entry(number);
    if entry.kind == Kind::Erase {
        cold.erasures &= !(1 << entry.target);
    }
    cold.undo(number);
}

/// Whether an unconfirmed batch above hot's epoch looks like one that hot has not committed.
pub fn interrupted(rules: &Rules, state: &State, number: u8) -> bool {
    let (brought, closed) = state.cold.of(number);
    let entry = state.cold.journal[usize::from(number)];
    let held = |id: &usize| state.hot.rows[*id] != 0;
    match entry.kind {
        Kind::Archive => (0..IDS).filter(|id| has(brought, *id)).all(|id| held(&id)),
        // A correction is another row than the one it corrects, and is not what came back.
        Kind::Restore => {
            let back =
                |id: &usize| !rules.corrections || state.cold.closed_with(*id, number) == state.hot.rows[*id];
            !(0..IDS).filter(|id| has(closed, *id)).any(|id| held(&id) && back(&id))
        }
        Kind::Erase => !entry.held || held(&usize::from(entry.target)),
        // A recovery is taken up again by the next one only.
        Kind::Recover | Kind::AcceptLoss | Kind::None => false,
    }
}

/// The world after the hot commit of a move.
pub fn committed(rules: &Rules, before: &State, nth: usize) -> State {
    let mut after = *before;
    let me = before.movers[nth];
    let hot = &mut after.hot;
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
            hot.rows[usize::from(me.target)] = 0;
            hot.erasures |= 1 << me.target;
            after.ghost.truth[usize::from(me.target)] = 0;
        }
        Kind::Recover | Kind::AcceptLoss => recovery::commit(rules, &before.cold, hot, me),
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

/// Whether a row holds something that can be read.
pub fn readable(content: u8) -> bool {
    content != 0 && content != BLANK && content <= DAMAGED
}
