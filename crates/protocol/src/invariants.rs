//! Invariants of every state.

use crate::effects::combined;
use crate::reads;
use crate::rules::Rules;
use crate::state::{IDS, Invariant, Kind, NUMBERS, State, has};

/// Returns the first invariant that a state breaks.
pub fn broken(rules: &Rules, state: &State) -> Option<Invariant> {
    let State { hot, cold, ghost, .. } = state;
    if ghost.broken.is_some() {
        return ghost.broken;
    }
    if !reads::answers_correctly(rules, state) {
        return Some(Invariant::Answer);
    }
    // Inconsistent databases answer no request until they are recovered.
    if state.is_consistent() {
        let visible = cold.visible(hot.snapshot.epoch);
        if cold.has_duplicates(hot.snapshot.epoch)
            || combined(rules, &hot.rows, &visible) != Some(ghost.truth)
        {
            return Some(Invariant::Partition);
        }
        let seen = |id: usize| hot.rows[id] != 0 || visible[id] != 0;
        if (0..IDS).any(|id| has(ghost.erased, id) && seen(id)) {
            return Some(Invariant::NoRevival);
        }
    }
    if !ghost.reverted && !state.is_consistent() {
        return Some(Invariant::Consistency);
    }
    for epoch in cold.oldest_readable_epoch..=cold.claimed.min(NUMBERS as u8 - 1) {
        let rows = cold.visible(epoch);
        if cold.counted(epoch) != rows.iter().filter(|row| **row != 0).count() as i8 {
            return Some(Invariant::Count);
        }
    }
    for number in cold.oldest_readable_epoch + 1..NUMBERS as u8 {
        let entry = cold.journal[usize::from(number)];
        if entry.kind == Kind::Archive && cold.of(number).0 == 0 {
            return Some(Invariant::Journal);
        }
    }
    let kept = |id: usize| {
        let enough = |content: u8| content != 0 && content >= ghost.recoverable[id];
        let stored = cold.versions[id].iter().any(|version| version.from != 0 && enough(version.content));
        let gone = has(ghost.erased | hot.erasures | cold.erased(), id);
        stored || enough(hot.rows[id]) || has(hot.fresh, id) || gone
    };
    let owed = state.token == 0 && (0..IDS).any(|id| ghost.recoverable[id] != 0 && !kept(id));
    owed.then_some(Invariant::NoLoss)
}
