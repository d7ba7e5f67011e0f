//! Adopting a platform's own archive: its rows become versions of one move, which no mover may undo, while the platform writes
//! to hot. All batches of the copy are one.
//!
//! One process adopts at a time, since it holds the lock of migrations; its crash frees the lock. Until it is done no command
//! moves anything. The platform deletes no row meanwhile: the archive would show it again. What hot held already leaves it by
//! ordinary moves.

use crate::cold::Adoption;
use crate::effects::confirm_up_to;
use crate::moves::Actor;
use crate::rules::{Action, End, Flaw};
use crate::state::{Entry, HotSnapshot, IDS, Kind, Step, has, present};

/// Adds the next step of a mover that adopts.
pub fn act(actor: &mut Actor<'_>) {
    match actor.me().step {
        Step::Claimed => copy(actor),
        Step::Copied => raise(actor),
        _ => confirm(actor),
    }
}

/// Copies the rows that hot does not hold, in one transaction of cold, or goes on with the copy of an earlier process.
fn copy(actor: &mut Actor<'_>) {
    if !actor.reaches_cold() {
        return;
    }
    let (me, mut after) = (actor.me(), *actor.before);
    if after.cold.adoption == Adoption::Found {
        let (held, originals) = (after.hot.rows, after.cold.originals);
        let copied = |id: &usize| held[*id] == 0 || actor.rules.has(Flaw::HeldCopied);
        let copied: Vec<usize> = present(&originals).filter(copied).collect();
        if copied.is_empty() {
            after.cold.adoption = Adoption::Done;
            return actor.end(End::Done, after);
        }
        for id in copied {
            after.cold.add(id, me.number, originals[id], true);
        }
        *after.cold.entry(me.number) = Entry { kind: Kind::Adopt, token: after.token, ..Entry::default() };
        after.cold.adoption = Adoption::Copied(me.number);
    }
    actor.go(Action::Copy, after, Step::Copied);
}

/// Raises hot's epoch: every copy becomes visible. A hot that holds a copied row has come back from a backup meanwhile; then the
/// copy begins anew.
fn raise(actor: &mut Actor<'_>) {
    let (rules, before) = (actor.rules, actor.before);
    let Adoption::Copied(number) = before.cold.adoption else { return actor.stop(End::Failed) };
    if before.hot.snapshot.epoch >= number {
        return actor.go(Action::ResolveCommit, *before, Step::Moved);
    }
    let mut after = *before;
    let (copied, _) = before.cold.of(number);
    let overlaps = present(&before.hot.rows).any(|id| has(copied, id));
    if overlaps && !rules.has(Flaw::OverlapIgnored) && !rules.has(Flaw::HeldCopied) {
        after.cold.undo(number);
        after.cold.adoption = Adoption::Found;
        after.cold.claimed += 1;
        after.movers[actor.nth].number = after.cold.claimed;
        return actor.go(Action::StartAgain, after, Step::Claimed);
    }
    let token = before.cold.journal[usize::from(number)].token;
    let cold_watermark = before.cold.newest_key().max(before.hot.snapshot.cold_watermark);
    after.hot.snapshot = HotSnapshot { epoch: number, token, cold_watermark };
    for id in (0..IDS).filter(|id| before.hot.rows[*id] == 0 && before.cold.originals[*id] != 0) {
        after.ghost.truth[id] = before.cold.originals[id];
    }
    actor.go(Action::Commit, after, Step::Moved);
}

/// Confirms the copy. Readers of older epochs ask hot again.
fn confirm(actor: &mut Actor<'_>) {
    let mut after = *actor.before;
    if let Adoption::Copied(number) = after.cold.adoption
        && after.hot.snapshot.epoch >= number
    {
        confirm_up_to(&mut after.cold, number);
        after.cold.oldest_readable_epoch = after.cold.oldest_readable_epoch.max(number);
        after.cold.adoption = Adoption::Done;
    }
    actor.end(End::Done, after);
}
