//! What must hold in every state.

use crate::effects::whole;
use crate::reads;
use crate::rules::Rules;
use crate::state::{IDS, Kind, NUMBERS, State, Wrong, has};

/// The first promise that a state breaks.
pub fn broken(rules: &Rules, state: &State) -> Option<Wrong> {
    let State { hot, cold, ghost, .. } = state;
    if ghost.wrong.is_some() {
        return ghost.wrong;
    }
    if !reads::answered_right(rules, state) {
        return Some(Wrong::Answer);
    }
    // Databases that do not fit answer nobody until they are recovered.
    if state.fits() {
        let visible = cold.visible(hot.mark.epoch);
        if cold.twice(hot.mark.epoch) || whole(rules, &hot.rows, &visible) != Some(ghost.truth) {
            return Some(Wrong::Partition);
        }
        let seen = |id: usize| hot.rows[id] != 0 || visible[id] != 0;
        if (0..IDS).any(|id| has(ghost.erased, id) && seen(id)) {
            return Some(Wrong::Revived);
        }
    }
    if !ghost.restored && !state.fits() {
        return Some(Wrong::Unfit);
    }
    for epoch in cold.floor..=cold.claimed.min(NUMBERS as u8 - 1) {
        let rows = cold.visible(epoch);
        if cold.counted(epoch) != rows.iter().filter(|row| **row != 0).count() as i8 {
            return Some(Wrong::Count);
        }
    }
    for number in cold.floor + 1..NUMBERS as u8 {
        let entry = cold.journal[usize::from(number)];
        if entry.kind == Kind::Archive && cold.of(number).0 == 0 {
            return Some(Wrong::Journal);
        }
    }
    let kept = |id: usize| {
        let enough = |content: u8| content != 0 && content >= ghost.salvage[id];
        let stored = cold.versions[id].iter().any(|version| version.from != 0 && enough(version.content));
        let gone = has(ghost.erased | hot.erasures | cold.erased(), id);
        stored || enough(hot.rows[id]) || has(hot.fresh, id) || gone
    };
    let owed = state.token == 0 && (0..IDS).any(|id| ghost.salvage[id] != 0 && !kept(id));
    owed.then_some(Wrong::Lost)
}
