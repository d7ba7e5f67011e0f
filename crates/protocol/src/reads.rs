//! What a request is answered, and whether that is the logical table of one instant.

use crate::effects::{proves, whole};
use crate::rules::{Flaw, Rules};
use crate::state::{Cold, IDS, KEYS, Mark, Phase, Rows, State, present};

/// What a cold server says at a mark: its rows and their counted number, or nothing that may be used.
pub fn ask(rules: &Rules, state: &State, cold: &Cold, mark: Mark) -> Option<(Rows, i8)> {
    let behind = State { cold: *cold, ..*state };
    if !rules.has(Flaw::ProofIgnored) {
        if !proves(rules, &behind, mark) || mark.epoch < cold.floor {
            return None;
        }
        // Cold may know of later moves than the reader, but not of later ones than hot says when it is asked again.
        if cold.confirmed() > mark.epoch.max(state.hot.mark.epoch) {
            return None;
        }
    }
    let rows = cold.visible(mark.epoch);
    Some((rows, cold.counted(mark.epoch)))
}

/// Whether everything the waiting request may be answered now is right. A refusal always is.
pub fn answered_right(rules: &Rules, state: &State) -> bool {
    let reader = state.reader;
    if reader.phase != Phase::Asked {
        return true;
    }
    let servers = state.replica.iter().chain([&state.cold]);
    let right_with = |(rows, counted): (Rows, i8)| {
        right(rules, (&reader.rows, reader.mark), &rows, Some(counted), &reader.truth)
    };
    servers.into_iter().filter_map(|cold| ask(rules, state, cold, reader.mark)).all(right_with)
        && alone_right(rules, (&reader.rows, reader.mark), &reader.truth)
}

/// Whether a request is answered at all.
pub fn answers(rules: &Rules, state: &State) -> bool {
    ask(rules, state, &state.cold, state.hot.mark).is_some()
}

/// Rows newest first, each with its content.
fn list(rows: &Rows) -> Vec<(usize, u8)> {
    let mut ids: Vec<usize> = present(rows).collect();
    ids.sort_unstable_by_key(|id| std::cmp::Reverse(KEYS[*id]));
    ids.into_iter().map(|id| (id, rows[id])).collect()
}

/// What hot answers without cold: the newest rows, if enough of them are newer than every cold row; a row by its id.
fn alone_right(rules: &Rules, (hot, mark): (&Rows, Mark), truth: &Rows) -> bool {
    let (rows, all) = (list(hot), list(truth));
    let newer = rows.iter().filter(|(id, _)| KEYS[*id] >= mark.newest).count();
    let reached = if mark.newest == 0 { IDS } else { newer };
    let pages = (0..=reached).all(|take| rows[..take.min(rows.len())] == all[..take.min(all.len())]);
    // A search by id is answered by hot alone when hot has the row, or cold nothing.
    let found = (0..IDS).all(|id| (hot[id] == 0 && mark.newest != 0) || hot[id] == truth[id]);
    pages && (found || rules.corrections)
}

/// Whether every list that is made of these hot and cold rows is the one of `truth`.
pub fn right(
    rules: &Rules,
    (hot, mark): (&Rows, Mark),
    cold: &Rows,
    counted: Option<i8>,
    truth: &Rows,
) -> bool {
    if whole(rules, hot, cold).as_ref() != Some(truth) {
        return false;
    }
    let Some(counted) = counted.filter(|_| !rules.corrections) else { return true };
    let (rows, archived, all) = (list(hot), list(cold), list(truth));
    // A total.
    if rows.len() as i8 + counted != all.len() as i8 {
        return false;
    }
    // Pages: hot rows newer than every cold row, then late and cold rows together.
    let late = if rules.has(Flaw::LateRowsMissed) {
        0
    } else {
        rows.iter().filter(|(id, _)| KEYS[*id] < mark.newest).count()
    };
    (0..=all.len()).all(|offset| {
        let page = page(&rows, &archived, late, offset);
        page.as_slice() == all.get(offset..=offset).unwrap_or_default()
    })
}

/// A page of one row at an offset, with the arithmetic of `federation/merge.rs`.
fn page(hot: &[(usize, u8)], cold: &[(usize, u8)], late: usize, offset: usize) -> Vec<(usize, u8)> {
    let newer = hot.len() - late;
    if offset < newer {
        return hot[offset..=offset].to_vec();
    }
    let above = offset - newer;
    let skip = above.saturating_sub(late);
    let mut rest: Vec<(usize, u8)> = hot[newer..].iter().chain(cold.iter().skip(skip)).copied().collect();
    rest.sort_by_key(|(id, _)| std::cmp::Reverse(KEYS[*id]));
    rest.into_iter().skip(above - skip).take(1).collect()
}
