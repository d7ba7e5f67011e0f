//! Effects of the transactions of a move, whichever process performs them.

use crate::recovery;
use crate::rules::{Flaw, Rules};
use crate::state::{Cold, Entry, HotSnapshot, IDS, KEYS, Kind, Rows, State, has, present};

/// Returns whether cold's journal has the move of a snapshot.
pub fn proves(rules: &Rules, state: &State, snapshot: HotSnapshot) -> bool {
    let known = state.cold.journal[usize::from(snapshot.epoch)].kind != Kind::None;
    state.cold.proves(snapshot) || (rules.has(Flaw::TokenIgnored) && known)
}

/// Confirms all moves up to `epoch`, which hot has committed.
pub fn confirm_up_to(cold: &mut Cold, epoch: u8) {
    for entry in cold.journal[..=usize::from(epoch)].iter_mut().filter(|entry| entry.kind != Kind::None) {
        entry.confirmed = true;
    }
}

/// The first step of every move: confirms what hot has committed and completes erasures, which only then are reported
/// as done.
pub fn confirm_and_purge(state: &mut State, epoch: u8) {
    confirm_up_to(&mut state.cold, epoch);
    state.ghost.erased |= state.cold.purge(epoch);
}

/// Returns whether an unconfirmed batch can only be judged by asking hot for its rows.
pub fn asks_hot(entry: Entry) -> bool {
    matches!(entry.kind, Kind::Archive | Kind::Restore) && !entry.quarantined
}

/// Returns whether an unconfirmed batch above hot's epoch looks like one that hot has not committed.
pub fn interrupted(rules: &Rules, state: &State, number: u8) -> bool {
    let (brought, closed) = state.cold.of(number);
    let entry = state.cold.journal[usize::from(number)];
    let held = |id: &usize| state.hot.rows[*id] != 0;
    match entry.kind {
        // A recovery has taken it for committed.
        Kind::Archive if entry.quarantined => false,
        Kind::Archive => (0..IDS).filter(|id| has(brought, *id)).all(|id| held(&id)),
        // A correction is another row than the one it corrects, and is not a restored one.
        Kind::Restore => {
            let back =
                |id: &usize| !rules.corrections || state.cold.closed_with(*id, number) == state.hot.rows[*id];
            !(0..IDS).filter(|id| has(closed, *id)).any(|id| held(&id) && back(&id))
        }
        // The request stays, and the row is erased again; the platform's own archive has the rows.
        Kind::Erase | Kind::Adopt => true,
        // Only the next recovery continues a recovery.
        Kind::Recover | Kind::AcceptLoss | Kind::None => false,
    }
}

/// Returns the state after the hot commit of a move.
pub fn committed(rules: &Rules, before: &State, nth: usize) -> State {
    let mut after = *before;
    let me = before.movers[nth];
    let hot = &mut after.hot;
    // No row of cold is newer. A restore, an erasure and a recovery have checked what they leave.
    let mut newest = me.snapshot.cold_watermark;
    match me.kind {
        Kind::Archive | Kind::Adopt | Kind::None => {
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
        newest = before.hot.snapshot.cold_watermark;
    }
    hot.snapshot = HotSnapshot { epoch: me.number, token: me.token, cold_watermark: newest };
    after.movers[nth].open = false;
    if matches!(me.kind, Kind::Recover | Kind::AcceptLoss) {
        recovery::check_result(before, &mut after, me);
    }
    after
}

/// Returns the rows of hot and cold together, hot taking precedence; `None` where a row is in both without being a
/// correction.
pub fn combined(rules: &Rules, hot: &Rows, cold: &Rows) -> Option<Rows> {
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
