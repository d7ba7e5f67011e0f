//! Answers to requests, and whether they are the logical table of one instant.

use crate::effects::{combined, proves};
use crate::rules::{Flaw, Rules};
use crate::state::{Cold, HotSnapshot, IDS, KEYS, Phase, Rows, State, present};

/// Returns the answer of a cold server for a snapshot: its rows and their count; `None` if it must not be used.
pub fn cold_answer(rules: &Rules, state: &State, cold: &Cold, snapshot: HotSnapshot) -> Option<(Rows, i8)> {
    let behind = State { cold: *cold, ..*state };
    if !rules.has(Flaw::ProofIgnored) {
        if !proves(rules, &behind, snapshot) || snapshot.epoch < cold.oldest_readable_epoch {
            return None;
        }
        // Cold may have later moves than the request, but not later ones than hot has when it is asked again.
        if cold.confirmed() > snapshot.epoch.max(state.hot.snapshot.epoch) {
            return None;
        }
    }
    let rows = cold.visible(snapshot.epoch);
    Some((rows, cold.counted(snapshot.epoch)))
}

/// Returns whether every possible answer to the waiting request is correct. A rejection always is.
pub fn answers_correctly(rules: &Rules, state: &State) -> bool {
    let reader = state.reader;
    if reader.phase != Phase::HotRead {
        return true;
    }
    let late = state.late_part();
    let servers = state.replica.iter().chain([&state.cold]).chain(&late);
    let is_correct_with = |(rows, counted): (Rows, i8)| {
        is_correct(rules, (&reader.rows, reader.snapshot), &rows, Some(counted), &reader.truth)
    };
    servers
        .into_iter()
        .filter_map(|cold| cold_answer(rules, state, cold, reader.snapshot))
        .all(is_correct_with)
        && hot_answers_correctly(rules, (&reader.rows, reader.snapshot), &reader.truth)
}

/// Returns whether a request is answered at all.
pub fn is_answerable(rules: &Rules, state: &State) -> bool {
    cold_answer(rules, state, &state.cold, state.hot.snapshot).is_some()
}

/// Returns rows newest first, each with its content.
fn list(rows: &Rows) -> Vec<(usize, u8)> {
    let mut ids: Vec<usize> = present(rows).collect();
    ids.sort_unstable_by_key(|id| std::cmp::Reverse(KEYS[*id]));
    ids.into_iter().map(|id| (id, rows[id])).collect()
}

/// Checks what hot answers without cold: the newest rows, if enough of them are newer than every cold row; a row by its
/// id.
fn hot_answers_correctly(rules: &Rules, (hot, snapshot): (&Rows, HotSnapshot), truth: &Rows) -> bool {
    let (rows, all) = (list(hot), list(truth));
    let newer = rows.iter().filter(|(id, _)| KEYS[*id] >= snapshot.cold_watermark).count();
    let reached = if snapshot.cold_watermark == 0 { IDS } else { newer };
    let pages = (0..=reached).all(|take| rows[..take.min(rows.len())] == all[..take.min(all.len())]);
    // A row by its id is answered by hot alone when hot has it, or when cold is empty.
    let found = (0..IDS).all(|id| (hot[id] == 0 && snapshot.cold_watermark != 0) || hot[id] == truth[id]);
    pages && (found || rules.corrections)
}

/// Returns whether every list made of these hot and cold rows equals that of `truth`.
pub fn is_correct(
    rules: &Rules,
    (hot, snapshot): (&Rows, HotSnapshot),
    cold: &Rows,
    counted: Option<i8>,
    truth: &Rows,
) -> bool {
    if combined(rules, hot, cold).as_ref() != Some(truth) {
        return false;
    }
    let Some(counted) = counted.filter(|_| !rules.corrections) else { return true };
    let (rows, archived, all) = (list(hot), list(cold), list(truth));
    // The total.
    if rows.len() as i8 + counted != all.len() as i8 {
        return false;
    }
    // Pages: hot rows newer than every cold row, then late and cold rows together.
    let late = if rules.has(Flaw::LateRowsMissed) {
        0
    } else {
        rows.iter().filter(|(id, _)| KEYS[*id] < snapshot.cold_watermark).count()
    };
    (0..=all.len()).all(|offset| {
        let page = page(&rows, &archived, late, offset);
        page.as_slice() == all.get(offset..=offset).unwrap_or_default()
    })
}

/// Returns a page of one row at an offset, with the arithmetic of `federation/merge.rs`.
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
