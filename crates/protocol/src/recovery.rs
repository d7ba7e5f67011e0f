//! `archive recover`: one transaction of cold between the two of hot, and what it must achieve.
//!
//! Two rules are stricter than the first design, because the explorer found what happens without them. The content of a
//! row that hot holds is only overwritten from a batch that is confirmed and was never quarantined: another batch may
//! be an interrupted move whose rows were edited since. And an old cold may have been backed up during a restore that
//! never was committed, whose number hot has passed since: the rows it closed are restored where hot lacks them.

use crate::effects::{asks_hot, combined, confirm_and_purge, confirm_up_to, interrupted, proves};
use crate::moves::Actor;
use crate::rules::{Action, End, Flaw, Rules};
use crate::state::{
    Cold, Entry, Erasure, Hot, HotSnapshot, IDS, Invariant, Kind, Mover, Rows, State, Step, Version, has,
    present,
};

/// Returns the first and the last move that cold does not have, when it lacks the one of hot's epoch.
pub fn lost(state: &State) -> (u8, u8) {
    let epoch = state.hot.snapshot.epoch;
    let known = |number: &u8| state.cold.journal[usize::from(*number)].kind != Kind::None;
    ((1..epoch).rev().find(known).unwrap_or(0) + 1, epoch)
}

/// Steps 3 to 6, in one transaction of cold. Consistent databases are settled as by any move.
pub fn recover(actor: &mut Actor<'_>) {
    if !actor.reaches_cold() {
        return;
    }
    let (rules, me, before) = (actor.rules, actor.me(), actor.before);
    let epoch = me.snapshot.epoch;
    let loses = !proves(rules, before, me.snapshot);
    let mut after = *before;
    let joins = before.is_cut() && epoch == 0;
    let (mut due, mut unknown) = (loses || joins, loses || joins);
    for number in before.cold.above(epoch) {
        let entry = before.cold.journal[usize::from(number)];
        if entry.confirmed {
            due = true;
        } else if matches!(entry.kind, Kind::Recover | Kind::AcceptLoss) {
            // Interrupted, it starts again.
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
        return actor.stop(End::RecoveryRequired);
    }
    let mover = if joins {
        join(rules, &before.hot, &mut after.cold, me)
    } else {
        work(rules, &before.hot, &mut after.cold, me, loses)
    };
    let kind = if loses { Kind::AcceptLoss } else { Kind::Recover };
    *after.cold.entry(me.number) = Entry { kind, token: after.token, ..Entry::default() };
    after.movers[actor.nth] = Mover { token: after.token, kind, ..mover };
    actor.go(Action::Recover, after, Step::Copied);
}

/// Joins a hot that belongs to no pair. Every move counts as committed, and the rows decide: what hot holds leaves cold, what
/// cold shows stays there, and what a move gave to hot and neither shows comes back.
fn join(rules: &Rules, hot: &Hot, cold: &mut Cold, mut me: Mover) -> Mover {
    me.erased = hot.erasures | cold.erased();
    for id in 0..IDS {
        let Some(version) = cold.newest(id) else { continue };
        let held = hot.rows[id] != 0;
        let batch = cold.journal[usize::from(version.from)];
        let closer = cold.journal[usize::from(version.to)].kind;
        let given_back = matches!(closer, Kind::Restore | Kind::Recover | Kind::AcceptLoss);
        if !version.open() {
            if !held && given_back && !rules.has(Flaw::RestoredForgotten) {
                me.taken[id] = version.content;
            }
        } else if held {
            // An unconfirmed copy may be older than the row.
            if batch.confirmed && !batch.quarantined && version.content != hot.rows[id] {
                me.taken[id] = version.content;
            }
            if !rules.has(Flaw::JoinedBlindly) {
                cold.close(id, me.number, true);
            }
        }
    }
    quarantine(cold, 0);
    me.snapshot.cold_watermark = cold.newest_key();
    me
}

/// Moves above an epoch count as committed from now on, although it is unknown whether hot committed them.
fn quarantine(cold: &mut Cold, epoch: u8) {
    for number in cold.above(epoch) {
        let entry = cold.entry(number);
        entry.quarantined |= entry.kind == Kind::Archive && !entry.confirmed;
    }
}

/// Changes cold, and returns the mover with its work in hot.
fn work(rules: &Rules, hot: &Hot, cold: &mut Cold, mut me: Mover, loses: bool) -> Mover {
    let HotSnapshot { epoch, .. } = me.snapshot;
    // Rows that stay away: their erasure is known to either database, even if it was interrupted.
    me.erased = if rules.has(Flaw::ErasedRevived) { 0 } else { hot.erasures | cold.erased() };
    if loses {
        for id in (0..IDS).filter(|id| has(hot.erasures & me.erased, *id)) {
            cold.erasures[id] = Erasure::Requested;
        }
    }
    me.taken = (0..IDS).fold(Rows::default(), |mut rows, id| {
        rows[id] = brought_back(rules, hot, cold, (id, epoch), loses);
        rows
    });
    for id in 0..IDS {
        let held = hot.rows[id] != 0 || me.taken[id] != 0;
        // No move has taken an adopted row out of hot: it stays in cold, unless hot holds it.
        let leaves =
            |version: &Version| !cold.is_adopted(*version) || (held && !rules.has(Flaw::AdoptedLeftOpen));
        let mut open = cold.versions[id].iter().filter(|version| version.open() && version.from > epoch);
        let later = open.any(leaves);
        let gone = loses && cold.erasures[id] == Erasure::Requested && !rules.has(Flaw::ErasedShown);
        if later || gone || (loses && held && !rules.has(Flaw::LossAcceptedBlindly)) {
            cold.close(id, me.number, true);
        }
    }
    quarantine(cold, epoch);
    if rules.has(Flaw::ConfirmedByRecovery) {
        confirm_up_to(cold, me.number - 1);
    }
    me.snapshot.cold_watermark = cold.newest_key();
    me
}

/// Returns the content that hot gets of a row from its newest version among those that began or ended after hot's
/// epoch: the row where hot lacks it, its later content when hot certainly had it.
fn brought_back(rules: &Rules, hot: &Hot, cold: &Cold, (id, epoch): (usize, u8), loses: bool) -> u8 {
    let newest = |wanted: &dyn Fn(&Version) -> bool| {
        let versions = cold.versions[id].iter().copied();
        versions.filter(|version| version.from != 0 && wanted(version)).max_by_key(|version| version.from)
    };
    // Closed by a restore that hot may never have committed, although hot has passed its number.
    let given_back = |version: &Version| {
        let entry = cold.journal[usize::from(version.to)];
        version.to <= epoch && entry.kind == Kind::Restore && !entry.confirmed
    };
    let later = newest(&|version| version.later(epoch));
    let Some(version) = later.or_else(|| newest(&given_back).filter(|_| loses)) else { return 0 };
    let batch = cold.journal[usize::from(version.from)];
    let certainly_archived = (later.is_some() && !loses && batch.confirmed && !batch.quarantined)
        || rules.has(Flaw::WritesOverwritten);
    let stays = cold.is_adopted(version) && version.open();
    let takes = (hot.rows[id] == 0 && !stays)
        || (certainly_archived && hot.rows[id] != 0 && hot.rows[id] != version.content);
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

/// Checks what a recovery achieved, at its commit in hot. From then on its result is the logical table.
pub fn check_result(before: &State, after: &mut State, me: Mover) {
    if !after.is_consistent() {
        // Cold was reverted in the meantime. Another recovery will follow, and find these rows in hot.
        for id in 0..IDS {
            if after.hot.rows[id] != 0 || has(after.hot.erasures, id) {
                after.ghost.truth[id] = after.hot.rows[id];
            }
        }
        return;
    }
    let visible = after.cold.visible(after.hot.snapshot.epoch);
    let shown = combined(&Rules::default(), &after.hot.rows, &visible);
    let owed =
        shown.is_some_and(|shown| (0..IDS).all(|id| restored_correctly(before, me.kind, id, shown[id])));
    if !owed {
        after.ghost.broken = Some(Invariant::Recovery);
    }
    after.ghost.truth = shown.unwrap_or_default();
    after.ghost.recoverable = Rows::default();
}

/// Returns whether an older cold is right that a row has left it: the move that closed it is confirmed, or is a
/// recovery that is repeated before anything else happens.
fn certainly_closed(cold: &Cold, version: Version, epoch: u8) -> bool {
    let entry = cold.journal[usize::from(version.to)];
    let recovery = matches!(entry.kind, Kind::Recover | Kind::AcceptLoss);
    version.to != 0 && version.to <= epoch && (entry.confirmed || recovery)
}

fn restored_correctly(before: &State, kind: Kind, id: usize, shown: u8) -> bool {
    let State { hot, cold, ghost, .. } = before;
    let fresh = has(hot.fresh, id);
    let (truth, recoverable) = (ghost.truth[id], ghost.recoverable[id]);
    if has(ghost.erased | hot.erasures, id) {
        return shown == 0;
    }
    if has(cold.erased(), id) {
        // It will be erased; until then it may be visible.
        return true;
    }
    match kind {
        // Written since: as it was written, or as it was certainly archived. Otherwise not older than hot's and cold's
        // content.
        Kind::Recover if fresh => truth == 0 || shown == truth || certainly_archived(cold, id, shown),
        Kind::Recover => shown >= truth && shown >= recoverable,
        _ if hot.rows[id] != 0 => shown == truth,
        // Rows lost with cold are lost; a row with any remaining version is kept.
        _ => {
            let known = |version: Version| !certainly_closed(cold, version, hot.snapshot.epoch);
            !cold.newest(id).is_some_and(known) || fresh || (truth == 0 && recoverable == 0) || shown != 0
        }
    }
}

/// Returns whether a batch that hot has certainly committed had a row with this content.
fn certainly_archived(cold: &Cold, id: usize, content: u8) -> bool {
    cold.versions[id].iter().any(|version| {
        let batch = cold.journal[usize::from(version.from)];
        version.from != 0 && version.content == content && batch.confirmed && !batch.quarantined
    })
}
