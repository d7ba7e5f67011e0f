//! The steps of a move, as `archive/batch.rs` takes them; restore and erase share all but their work.
//!
//! A transaction of cold is one step: it holds the claim row from its first statement to its commit. What the code does
//! between two steps without changing anything others see (reading the copy back, preparing the raise) belongs to the
//! step before. A cold commit whose answer is lost ends the mover, so it is a crash after the step.

use crate::effects::{asks_hot, committed, confirm_and_purge, confirm_up_to, interrupted, proves};
use crate::recovery;
use crate::rules::{Action, End, Flaw, Happening, Rules};
use crate::state::{
    DAMAGED, Entry, IDS, Ids, KEYS, Kind, Mark, Mover, Note, Rows, State, Step, Wrong, has, present,
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
    pub fn end(&mut self, end: End, mut after: State) {
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
                Kind::Recover | Kind::AcceptLoss => recovery::recover(self),
                _ => self.settle(),
            },
            Step::Settled | Step::Copied if !me.open => self.stop(End::Failed),
            // What goes back, and what is to be erased, cold has to say.
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
        let State { hot, cold, left, .. } = *self.before;
        // The loop looks whether anything is due before it claims.
        let due = hot.rows != Rows::default();
        let stored = cold.visible(hot.mark.epoch) != Rows::default();
        for (kind, may) in [
            // Whoever moves anything looks first whether something is to be erased.
            (Kind::Erase, left.erasures > 0 && cold.erasing() != 0),
            (Kind::Archive, left.archives > 0 && due),
            (Kind::Restore, left.restores > 0 && stored),
            (Kind::Recover, left.recoveries > 0 && cold.proves(hot.mark)),
            (Kind::AcceptLoss, left.recoveries > 0 && !cold.proves(hot.mark)),
        ] {
            if may {
                self.claim_for(kind);
            }
        }
    }

    fn claim_for(&mut self, kind: Kind) {
        let mut after = *self.before;
        let left = match kind {
            Kind::Restore => &mut after.left.restores,
            Kind::Erase => &mut after.left.erasures,
            Kind::Recover | Kind::AcceptLoss => &mut after.left.recoveries,
            Kind::Archive | Kind::None => &mut after.left.archives,
        };
        *left -= 1;
        // Cold may count from an older time than hot.
        let recovers = matches!(kind, Kind::Recover | Kind::AcceptLoss);
        let least = if recovers { after.hot.mark.epoch } else { 0 };
        let accepted = if kind == Kind::AcceptLoss { recovery::lost(self.before) } else { (0, 0) };
        after.cold.claimed = after.cold.claimed.max(least) + 1;
        let number = after.cold.claimed;
        after.movers[self.nth] =
            Mover { kind, step: Step::Claimed, number, cold: true, accepted, ..Mover::default() };
        self.emit(Action::Claim(kind, number), after);
    }

    /// Step 2. Waits for whoever holds the state row.
    fn lock(&mut self) {
        let me = self.me();
        if self.before.state_row_locked() && !self.rules.has(Flaw::NoStateFence) {
            return;
        }
        let mark = self.before.hot.mark;
        let recovers = matches!(me.kind, Kind::Recover | Kind::AcceptLoss);
        if me.number <= mark.epoch && !recovers {
            let end = if self.before.cold.claimed > me.number { End::Overtaken } else { End::RecoverDue };
            return self.stop(end);
        }
        let mut after = *self.before;
        after.movers[self.nth].open = true;
        after.movers[self.nth].mark = mark;
        self.go(Action::Lock, after, Step::Locked);
    }

    fn has_cold(&self) -> bool {
        self.me().cold || self.rules.has(Flaw::Reconnected)
    }

    /// Whether a step in cold can be taken at all; otherwise the mover has ended.
    pub fn reaches_cold(&mut self) -> bool {
        let me = self.me();
        if !self.has_cold() {
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
        confirm_and_purge(&mut after, me.mark.epoch);
        for number in self.before.cold.above(me.mark.epoch) {
            let entry = self.before.cold.journal[usize::from(number)];
            if entry.confirmed && !self.rules.has(Flaw::ConfirmedUndone) {
                return self.stop(End::RecoverDue);
            }
            if self.rules.has(Flaw::NoUndo) {
                continue;
            }
            if !me.open && asks_hot(entry) {
                return self.stop(End::Failed);
            }
            let fits = interrupted(self.rules, &after, number);
            if !fits && !self.rules.has(Flaw::UnheldUndone) {
                return self.stop(End::RecoverDue);
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
            let erased = cold.noted(|note| note == Note::Pending);
            if erased == 0 {
                return self.stop(End::Nothing);
            }
            let mut rows = hot.rows;
            (0..IDS).filter(|id| !has(erased, *id)).for_each(|id| rows[id] = 0);
            return self.take_rows(rows, erased);
        }
        let from = match me.kind {
            Kind::Restore => cold.visible(me.mark.epoch),
            _ => hot.rows,
        };
        let locked = self.before.locked();
        let mut ids: Vec<usize> = present(&from).filter(|id| !has(locked, *id)).collect();
        if ids.is_empty() {
            return self.stop(End::Nothing);
        }
        // A corrected price that comes back finds its place taken: it is locked, and only closed in cold.
        let row = |id: usize| if hot.rows[id] == 0 { from[id] } else { hot.rows[id] };
        let rows = |ids: &[usize]| {
            ids.iter().fold(Rows::default(), |mut rows, id| {
                rows[*id] = row(*id);
                rows
            })
        };
        if me.kind == Kind::Restore {
            // Whatever an operator chooses.
            for chosen in 1_u8..1 << ids.len() {
                if chosen.count_ones() as usize <= self.rules.most {
                    let places = (0..ids.len()).filter(|place| has(chosen, *place));
                    let ids: Vec<usize> = places.map(|place| ids[place]).collect();
                    self.take_rows(rows(&ids), 0);
                }
            }
            return;
        }
        // Oldest first.
        ids.sort_unstable_by_key(|id| KEYS[*id]);
        for most in 1..=ids.len().min(self.rules.most) {
            self.take_rows(rows(&ids[..most]), 0);
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
                        after.ghost.wrong = Some(Wrong::SecondVersion);
                    }
                    cold.add(id, me.number, me.taken[id], counted);
                }
            }
            Kind::Restore => {
                present(&me.taken).for_each(|id| cold.close(id, me.number, counted));
                // Looked at here and not at the commit: by then cold may be another one.
                if cold.newest_key() == 0 {
                    after.movers[self.nth].mark.newest = 0;
                }
            }
            Kind::Erase => {
                for id in (0..IDS).filter(|id| has(me.erased, *id)) {
                    cold.close(id, me.number, counted);
                    if matches!(cold.notes[id], Note::Pending | Note::With(_)) {
                        cold.notes[id] = Note::With(me.number);
                    }
                }
                if cold.newest_key() == 0 {
                    after.movers[self.nth].mark.newest = 0;
                }
            }
            Kind::Recover | Kind::AcceptLoss => unreachable!("a recovery is one transaction of cold"),
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
        if !self.has_cold() {
            return self.stop(End::Done);
        }
        let mut after = *self.before;
        confirm_up_to(&mut after.cold, me.number);
        self.end(End::Done, after);
    }
}
