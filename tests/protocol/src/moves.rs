//! The steps of a move, as `archive/batch.rs` takes them; restore and erase share all but their work.
//!
//! A transaction of cold is one step: it holds the claim row from its first statement to its commit. What the code does
//! between two steps without changing anything others see (reading the copy back, preparing the raise) belongs to the
//! step before. A cold commit whose answer is lost ends the mover, so it is a crash after the step.

use crate::effects::{committed, confirm_up_to, interrupted, proves, undo};
use crate::recovery;
use crate::rules::{Action, End, Flaw, Happening, Rules};
use crate::state::{
    DAMAGED, Entry, IDS, Ids, KEYS, Kind, Mark, Mover, Rows, State, Step, Wrong, has, present,
};

/// Everything that can happen next is pushed here.
pub type Out = Vec<(Happening, State)>;

/// One mover in a state, whose next steps are wanted.
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

    /// Something happens, and leaves the world in this state.
    pub fn emit(&mut self, action: Action, after: State) {
        let number = after.movers[self.nth].number.max(self.me().number);
        self.out.push((Happening { mover: Some(number), action }, after));
    }

    /// The mover is gone, its transactions with it.
    fn end(&mut self, end: End, mut after: State) {
        after.movers[self.nth] = Mover::default();
        self.emit(Action::Stop(end), after);
    }

    pub fn stop(&mut self, end: End) {
        self.end(end, *self.before);
    }

    /// Goes on to `step` in a world that is otherwise `after`.
    pub fn go(&mut self, action: Action, mut after: State, step: Step) {
        after.movers[self.nth].step = step;
        self.emit(action, after);
    }

    /// All that this mover can do next.
    pub fn act(&mut self) {
        let me = self.me();
        if me.step == Step::Idle {
            return self.claim();
        }
        if self.before.left.crashes > 0 {
            let mut after = *self.before;
            after.left.crashes -= 1;
            after.movers[self.nth] = Mover::default();
            self.emit(Action::Crash, after);
        }
        if me.open && self.before.left.zombies > 0 {
            let mut after = *self.before;
            after.left.zombies -= 1;
            after.movers[self.nth].open = false;
            self.emit(Action::LoseHot, after);
        }
        match me.step {
            Step::Idle => {}
            Step::Claimed => self.lock(),
            Step::Locked => match me.kind {
                Kind::Recover => recovery::settle_recover(self),
                Kind::AcceptLoss => recovery::settle_loss(self),
                _ => self.settle(),
            },
            Step::Settled | Step::Copied if !me.open => self.stop(End::Failed),
            Step::Settled => match me.kind {
                Kind::Recover => recovery::take_recover(self),
                Kind::AcceptLoss => self.take_rows(Rows::default()),
                _ => self.take(),
            },
            Step::Taken => self.copy(),
            Step::Copied => self.commit(),
            Step::Unanswered => self.ask(),
            Step::Moved => self.confirm(),
        }
    }

    /// Step 1.
    fn claim(&mut self) {
        let State { hot, cold, left, .. } = *self.before;
        // The loop looks whether anything is due before it claims.
        let due = hot.rows != Rows::default();
        let stored = cold.visible(hot.mark.epoch) != Rows::default();
        for (kind, may) in [
            (Kind::Archive, left.archives > 0 && due),
            (Kind::Restore, left.restores > 0 && stored),
            (Kind::Recover, left.recoveries > 0 && cold.proves(hot.mark)),
            (Kind::AcceptLoss, left.recoveries > 0 && !cold.proves(hot.mark)),
        ] {
            if may {
                self.claim_for(kind, 0);
            }
        }
        for target in (0..IDS).filter(|id| left.erasures > 0 && self.before.ghost.truth[*id] != 0) {
            self.claim_for(Kind::Erase, target);
        }
    }

    fn claim_for(&mut self, kind: Kind, target: usize) {
        let mut after = *self.before;
        let left = match kind {
            Kind::Restore => &mut after.left.restores,
            Kind::Erase => &mut after.left.erasures,
            Kind::Recover | Kind::AcceptLoss => &mut after.left.recoveries,
            Kind::Archive | Kind::None => &mut after.left.archives,
        };
        *left -= 1;
        let least = if kind == Kind::AcceptLoss { after.hot.mark.epoch } else { 0 };
        after.cold.claimed = after.cold.claimed.max(least) + 1;
        let number = after.cold.claimed;
        after.movers[self.nth] =
            Mover { kind, step: Step::Claimed, number, cold: true, target: target as u8, ..Mover::default() };
        self.emit(Action::Claim(kind, number), after);
    }

    /// Step 2. Waits for whoever holds the state row.
    fn lock(&mut self) {
        let me = self.me();
        if self.before.state_row_locked() && !self.rules.has(Flaw::NoStateFence) {
            return;
        }
        let mark = self.before.hot.mark;
        if me.number <= mark.epoch {
            let end = if self.before.cold.claimed > me.number { End::Overtaken } else { End::RecoverDue };
            return self.stop(end);
        }
        let mut after = *self.before;
        after.movers[self.nth].open = true;
        after.movers[self.nth].mark = mark;
        self.go(Action::Lock, after, Step::Locked);
    }

    /// Whether a step in cold can be taken at all; otherwise the mover has ended.
    pub fn reaches_cold(&mut self) -> bool {
        let me = self.me();
        if !me.cold && !self.rules.has(Flaw::Reconnected) {
            self.stop(End::Failed);
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
        if !proves(self.rules, self.before, me.mark) && !self.rules.has(Flaw::OldColdAccepted) {
            return self.stop(End::RecoverDue);
        }
        let mut after = *self.before;
        confirm_up_to(&mut after, me.mark.epoch);
        for number in self.before.cold.above(me.mark.epoch) {
            let entry = self.before.cold.journal[usize::from(number)];
            if entry.confirmed && !self.rules.has(Flaw::ConfirmedUndone) {
                return self.stop(End::RecoverDue);
            }
            if self.rules.has(Flaw::NoUndo) {
                continue;
            }
            if !me.open {
                // Hot is asked for the rows of the batch.
                return self.stop(End::Failed);
            }
            let fits = interrupted(self.rules, self.before, number);
            if !fits && !self.rules.has(Flaw::UnheldUndone) {
                return self.stop(End::RecoverDue);
            }
            undo(&mut after.cold, number);
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
            let mut rows = Rows::default();
            rows[usize::from(me.target)] = hot.rows[usize::from(me.target)];
            return self.take_rows(rows);
        }
        let from = match me.kind {
            Kind::Restore => cold.visible(me.mark.epoch),
            _ => hot.rows,
        };
        let locked = self.before.locked();
        let mut ids: Vec<usize> = present(&from).filter(|id| !has(locked, *id)).collect();
        // Oldest first; what is erased does not move.
        ids.retain(|id| !has(hot.erasures, *id));
        ids.sort_unstable_by_key(|id| KEYS[*id]);
        if ids.is_empty() {
            return self.stop(End::Nothing);
        }
        for most in 1..=ids.len().min(self.rules.most) {
            let mut rows = Rows::default();
            for id in &ids[..most] {
                // A corrected price that comes back finds its place taken: it is locked, and only closed in cold.
                rows[*id] = if hot.rows[*id] == 0 { from[*id] } else { hot.rows[*id] };
            }
            self.take_rows(rows);
        }
    }

    pub fn take_rows(&mut self, rows: Rows) {
        let mut after = *self.before;
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
        let mut entry = Entry {
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
                        after.ghost.wrong = Some(Wrong::SecondVersion);
                    }
                    cold.add(id, me.number, me.taken[id], counted);
                }
            }
            Kind::Restore => {
                present(&me.taken).for_each(|id| cold.close(id, me.number, counted));
                // Looked at here and not at the commit: by then cold may be another one.
                if cold.visible(me.number) == Rows::default() {
                    after.movers[self.nth].mark.newest = 0;
                }
            }
            Kind::Erase => {
                let target = usize::from(me.target);
                cold.close(target, me.number, counted);
                cold.erasures |= 1 << target;
                (entry.target, entry.held) = (me.target, me.taken[target] != 0);
            }
            Kind::Recover => recovery::copy_recover(self.rules, self.before, cold, me),
            Kind::AcceptLoss => recovery::copy_loss(self.rules, self.before, cold, me),
        }
        *cold.entry(me.number) = entry;
        after.movers[self.nth].token = after.token;
        if me.kind == Kind::Archive && after.left.damages > 0 {
            let mut damaged = after;
            damaged.left.damages -= 1;
            for version in damaged.cold.versions.iter_mut().flatten() {
                if version.from == me.number {
                    version.content = DAMAGED;
                }
            }
            if self.rules.has(Flaw::CopyUnproven) {
                self.go(Action::CopyDamaged, damaged, Step::Copied);
            } else {
                // Read back, it differs: hot is rolled back, and the next claim undoes it.
                damaged.movers[self.nth] = Mover::default();
                self.emit(Action::CopyDamaged, damaged);
            }
        }
        self.go(Action::Copy, after, Step::Copied);
    }

    /// Step 7: answered, or not answered and done, or not answered and not done.
    fn commit(&mut self) {
        let after = committed(self.rules, self.before, self.nth);
        if after.left.answers > 0 {
            let mut unanswered = after;
            unanswered.left.answers -= 1;
            self.go(Action::CommitUnanswered, unanswered, Step::Unanswered);
            let mut lost = *self.before;
            lost.left.answers -= 1;
            lost.movers[self.nth].open = false;
            self.go(Action::CommitLost, lost, Step::Unanswered);
        }
        self.go(Action::Commit, after, Step::Moved);
    }

    /// A commit without an answer: the state row is locked and read.
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
        let Mark { epoch, token, .. } = self.before.hot.mark;
        if epoch == me.number && token == me.token {
            self.go(Action::Ask, *self.before, Step::Moved);
        } else {
            self.stop(End::Failed);
        }
    }

    /// Not needed, and not fenced: whatever it finds up to its number was settled before.
    fn confirm(&mut self) {
        let me = self.me();
        if !me.cold && !self.rules.has(Flaw::Reconnected) {
            return self.stop(End::Done);
        }
        let mut after = *self.before;
        confirm_up_to(&mut after, me.number);
        self.end(End::Done, after);
    }
}
