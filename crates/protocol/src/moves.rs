//! The steps of a move; restore and erase share all but their work.
//!
//! A transaction of cold is one step: it holds the claim row from its first statement to its commit. Work between two
//! steps that others cannot see (reading the copy back, preparing to raise the epoch) belongs to the step before. A
//! cold commit whose answer is lost ends the mover, so it is a crash after the step.

use crate::adoption;
use crate::effects::{asks_hot, committed, confirm_and_purge, confirm_up_to, interrupted, proves};
use crate::recovery;
use crate::rules::{Action, End, Event, Flaw, Rules};
use crate::state::{
    DAMAGED, Entry, Erasure, HotSnapshot, IDS, Ids, Invariant, Kind, Mover, Rows, State, Step, has, present,
};

/// Collects every possible event.
pub type Out = Vec<(Event, State)>;

/// A mover in a state, whose possible steps are wanted.
pub struct Actor<'a> {
    pub rules: &'a Rules,
    pub before: &'a State,
    pub nth: usize,
    pub out: &'a mut Out,
}

impl Actor<'_> {
    pub fn me(&self) -> Mover {
        self.before.movers[self.nth]
    }

    /// Adds an event that leads to this state.
    pub fn emit(&mut self, action: Action, after: State) {
        let number = after.movers[self.nth].number.max(self.me().number);
        self.out.push((Event { mover: Some(number), action }, after));
    }

    /// Ends the mover and its transactions.
    pub fn end(&mut self, end: End, mut after: State) {
        after.movers[self.nth] = Mover::default();
        self.emit(Action::Stop(end), after);
    }

    pub fn stop(&mut self, end: End) {
        self.end(end, *self.before);
    }

    /// Goes on to `step` in a state that is otherwise `after`.
    pub fn go(&mut self, action: Action, mut after: State, step: Step) {
        after.movers[self.nth].step = step;
        self.emit(action, after);
    }

    /// Adds every possible step of this mover.
    pub fn act(&mut self) {
        let me = self.me();
        if me.step == Step::Idle {
            return self.claim();
        }
        if self.before.budget.crashes > 0 {
            let mut after = *self.before;
            after.budget.crashes -= 1;
            after.movers[self.nth] = Mover::default();
            self.emit(Action::Crash, after);
        }
        if me.open && self.before.budget.lost_sessions > 0 {
            let mut after = *self.before;
            after.budget.lost_sessions -= 1;
            after.movers[self.nth].open = false;
            self.emit(Action::LoseHot, after);
        }
        match me.step {
            Step::Idle => {}
            _ if me.kind == Kind::Adopt => adoption::act(self),
            Step::Claimed => self.lock(),
            Step::Locked => match me.kind {
                Kind::Recover | Kind::AcceptLoss => recovery::recover(self),
                _ => self.settle(),
            },
            Step::Settled | Step::Copied if !me.open => self.stop(End::Failed),
            // Cold knows which rows to restore or erase.
            Step::Settled if me.kind != Kind::Archive && !self.has_cold() => self.stop(End::Failed),
            Step::Settled => self.take(),
            Step::Taken => self.copy(),
            Step::Copied => self.commit(),
            Step::Unanswered => self.ask(),
            Step::Moved => self.confirm(),
        }
    }

    /// Step 1.
    fn claim(&mut self) {
        if self.before.late != 0 {
            return;
        }
        let State { hot, cold, budget, .. } = *self.before;
        // The loop checks whether any row is due before it claims.
        let due = hot.rows != Rows::default();
        let stored = cold.visible(hot.snapshot.epoch) != Rows::default();
        let unfinished = cold.adoption.is_unfinished();
        let alone = self.before.movers.iter().all(|mover| mover.kind != Kind::Adopt);
        if budget.adoptions > 0 && unfinished && alone {
            self.claim_for(Kind::Adopt);
        }
        if unfinished && !self.rules.has(Flaw::AdoptionDisturbed) {
            return;
        }
        for (kind, may) in [
            // Every run first performs the requested erasures.
            (Kind::Erase, budget.erasures > 0 && cold.erasing() != 0),
            (Kind::Archive, budget.archives > 0 && due),
            (Kind::Restore, budget.restores > 0 && stored),
            (Kind::Recover, budget.recoveries > 0 && cold.proves(hot.snapshot)),
            (Kind::AcceptLoss, budget.recoveries > 0 && !cold.proves(hot.snapshot)),
        ] {
            if may {
                self.claim_for(kind);
            }
        }
    }

    fn claim_for(&mut self, kind: Kind) {
        let mut after = *self.before;
        let budget = match kind {
            Kind::Restore => &mut after.budget.restores,
            Kind::Adopt => &mut after.budget.adoptions,
            Kind::Erase => &mut after.budget.erasures,
            Kind::Recover | Kind::AcceptLoss => &mut after.budget.recoveries,
            Kind::Archive | Kind::None => &mut after.budget.archives,
        };
        *budget -= 1;
        // Cold may count from an earlier time than hot.
        let recovers = matches!(kind, Kind::Recover | Kind::AcceptLoss);
        let least = if recovers { after.hot.snapshot.epoch } else { 0 };
        let accepted = if kind == Kind::AcceptLoss { recovery::lost(self.before) } else { (0, 0) };
        after.cold.claimed = after.cold.claimed.max(least) + 1;
        let number = after.cold.claimed;
        after.movers[self.nth] =
            Mover { kind, step: Step::Claimed, number, cold: true, accepted, ..Mover::default() };
        self.emit(Action::Claim(kind, number), after);
    }

    /// Step 2. Waits for the holder of the state row.
    fn lock(&mut self) {
        let me = self.me();
        if self.before.state_row_locked() && !self.rules.has(Flaw::NoStateFence) {
            return;
        }
        let snapshot = self.before.hot.snapshot;
        let recovers = matches!(me.kind, Kind::Recover | Kind::AcceptLoss);
        if me.number <= snapshot.epoch && !recovers {
            let end =
                if self.before.cold.claimed > me.number { End::Overtaken } else { End::RecoveryRequired };
            return self.stop(end);
        }
        let mut after = *self.before;
        after.movers[self.nth].open = true;
        after.movers[self.nth].snapshot = snapshot;
        self.go(Action::Lock, after, Step::Locked);
    }

    fn has_cold(&self) -> bool {
        self.me().cold || self.rules.has(Flaw::Reconnected)
    }

    /// Returns whether a step in cold is possible; otherwise the mover has ended, or waits for the part of a commit, which holds the
    /// claim row.
    pub fn reaches_cold(&mut self) -> bool {
        let me = self.me();
        if !self.has_cold() {
            self.stop(End::Failed);
            return false;
        }
        if self.before.late != 0 {
            return false;
        }
        if self.before.cold.claimed != me.number && !self.rules.has(Flaw::NoClaimFence) {
            self.stop(End::Overtaken);
            return false;
        }
        true
    }

    /// Step 3.
    fn settle(&mut self) {
        if !self.reaches_cold() {
            return;
        }
        let me = self.me();
        if !proves(self.rules, self.before, me.snapshot) && !self.rules.has(Flaw::OldColdAccepted) {
            return self.stop(End::RecoveryRequired);
        }
        if self.before.is_cut() && me.snapshot.epoch == 0 {
            return self.stop(End::RecoveryRequired);
        }
        let mut after = *self.before;
        confirm_and_purge(&mut after, me.snapshot.epoch);
        for number in self.before.cold.above(me.snapshot.epoch) {
            let entry = self.before.cold.journal[usize::from(number)];
            if entry.confirmed && !self.rules.has(Flaw::ConfirmedUndone) {
                return self.stop(End::RecoveryRequired);
            }
            if self.rules.has(Flaw::NoUndo) {
                continue;
            }
            if !me.open && asks_hot(entry) {
                return self.stop(End::Failed);
            }
            let undoable = interrupted(self.rules, &after, number);
            if !undoable && !self.rules.has(Flaw::UnheldUndone) {
                return self.stop(End::RecoveryRequired);
            }
            after.cold.undo(number);
            if self.rules.has(Flaw::JournalKept) {
                *after.cold.entry(number) = entry;
            }
        }
        self.go(Action::Settle, after, Step::Settled);
    }

    /// Step 4.
    fn take(&mut self) {
        let me = self.me();
        let State { hot, cold, .. } = *self.before;
        if me.kind == Kind::Erase {
            let erased = cold.noted(|erasure| erasure == Erasure::Requested);
            if erased == 0 {
                return self.stop(End::Nothing);
            }
            let mut rows = hot.rows;
            (0..IDS).filter(|id| !has(erased, *id)).for_each(|id| rows[id] = 0);
            return self.take_rows(rows, erased);
        }
        let from = match me.kind {
            Kind::Restore => cold.visible(me.snapshot.epoch),
            _ => hot.rows,
        };
        let locked = self.before.locked();
        let ids: Vec<usize> = present(&from).filter(|id| !has(locked, *id)).collect();
        if ids.is_empty() {
            return self.stop(End::Nothing);
        }
        // A corrected price that is restored finds its place taken: it is locked, and only closed in cold.
        let row = |id: usize| if hot.rows[id] == 0 { from[id] } else { hot.rows[id] };
        let rows = |ids: &[usize]| {
            ids.iter().fold(Rows::default(), |mut rows, id| {
                rows[*id] = row(*id);
                rows
            })
        };
        // Any selection: of an operator, or the rows that were due when the batch before asked for them.
        for chosen in 1_u8..1 << ids.len() {
            if chosen.count_ones() as usize <= self.rules.max_batch {
                let places = (0..ids.len()).filter(|place| has(chosen, *place));
                let ids: Vec<usize> = places.map(|place| ids[place]).collect();
                self.take_rows(rows(&ids), 0);
            }
        }
    }

    fn take_rows(&mut self, rows: Rows, erased: Ids) {
        let mut after = *self.before;
        after.movers[self.nth].erased = erased;
        after.movers[self.nth].taken = rows;
        let ids = present(&rows).fold(0, |ids: Ids, id| ids | 1 << id);
        self.go(Action::Take(ids), after, Step::Taken);
    }

    /// Steps 5 and 6.
    fn copy(&mut self) {
        if self.rules.has(Flaw::EpochBeforeCopy) && self.me().open {
            let mut after = committed(self.rules, self.before, self.nth);
            after.movers[self.nth] = Mover::default();
            self.emit(Action::Commit, after);
        }
        if !self.reaches_cold() {
            return;
        }
        let me = self.me();
        let mut after = *self.before;
        let counted = !self.rules.has(Flaw::CountForgotten);
        let cold = &mut after.cold;
        let entry = Entry {
            kind: me.kind,
            confirmed: self.rules.has(Flaw::ConfirmedBeforeCommit),
            token: after.token,
            ..Entry::default()
        };
        match me.kind {
            Kind::Archive | Kind::None => {
                for id in present(&me.taken) {
                    if self.rules.corrections {
                        cold.close(id, me.number, counted);
                    }
                    if cold.holds(id) {
                        after.ghost.broken = Some(Invariant::SingleOpenVersion);
                    }
                    cold.add(id, me.number, me.taken[id], counted);
                }
            }
            Kind::Restore => {
                present(&me.taken).for_each(|id| cold.close(id, me.number, counted));
                // Checked here and not at the commit, because by then cold may be another one.
                if cold.newest_key() == 0 {
                    after.movers[self.nth].snapshot.cold_watermark = 0;
                }
            }
            Kind::Erase => {
                for id in (0..IDS).filter(|id| has(me.erased, *id)) {
                    cold.close(id, me.number, counted);
                    if matches!(cold.erasures[id], Erasure::Requested | Erasure::AppliedBy(_)) {
                        cold.erasures[id] = Erasure::AppliedBy(me.number);
                    }
                }
                if cold.newest_key() == 0 {
                    after.movers[self.nth].snapshot.cold_watermark = 0;
                }
            }
            Kind::Recover | Kind::AcceptLoss => unreachable!("a recovery is one transaction of cold"),
            Kind::Adopt => unreachable!("an adoption has steps of its own"),
        }
        *cold.entry(me.number) = entry;
        after.movers[self.nth].token = after.token;
        if me.kind == Kind::Archive && after.budget.damaged_copies > 0 {
            let mut damaged = after;
            damaged.budget.damaged_copies -= 1;
            for version in damaged.cold.versions.iter_mut().flatten() {
                if version.from == me.number {
                    version.content = DAMAGED;
                }
            }
            if self.rules.has(Flaw::CopyUnproven) {
                self.go(Action::CopyDamaged, damaged, Step::Copied);
            } else {
                // The copy differs when it is read back: hot is rolled back, and the next claim undoes the move.
                damaged.movers[self.nth] = Mover::default();
                self.emit(Action::CopyDamaged, damaged);
            }
        }
        if after.budget.late_parts > 0 {
            let mut late = after;
            late.budget.late_parts -= 1;
            late.late = me.number;
            self.go(Action::CopyInPart, late, Step::Copied);
        }
        self.go(Action::Copy, after, Step::Copied);
    }

    /// Step 7: answered; or unanswered and committed; or unanswered and not committed. The claim row is locked before, which waits
    /// for every part of the commit in cold.
    fn commit(&mut self) {
        if self.before.late != 0 && !self.rules.has(Flaw::PartNotAwaited) {
            return;
        }
        let after = committed(self.rules, self.before, self.nth);
        if after.budget.lost_answers > 0 {
            let mut unanswered = after;
            unanswered.budget.lost_answers -= 1;
            self.go(Action::CommitUnanswered, unanswered, Step::Unanswered);
            let mut lost = *self.before;
            lost.budget.lost_answers -= 1;
            lost.movers[self.nth].open = false;
            self.go(Action::CommitLost, lost, Step::Unanswered);
        }
        self.go(Action::Commit, after, Step::Moved);
    }

    /// After a commit without an answer the state row is locked and read.
    fn ask(&mut self) {
        let me = self.me();
        if self.rules.has(Flaw::AnswerAssumed) {
            let mut after = *self.before;
            after.cold.undo(me.number);
            return self.end(End::Failed, after);
        }
        if self.before.state_row_locked() {
            return;
        }
        let HotSnapshot { epoch, token, .. } = self.before.hot.snapshot;
        if epoch == me.number && token == me.token {
            self.go(Action::ResolveCommit, *self.before, Step::Moved);
        } else {
            self.stop(End::Failed);
        }
    }

    /// Not required, and not fenced: all entries up to its number were settled before.
    fn confirm(&mut self) {
        let me = self.me();
        if !self.has_cold() {
            return self.stop(End::Done);
        }
        if self.before.late != 0 {
            return;
        }
        let mut after = *self.before;
        confirm_up_to(&mut after.cold, me.number);
        self.end(End::Done, after);
    }
}
