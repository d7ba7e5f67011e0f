//! Coming to rest: whatever has happened, when everybody is gone and a mover runs alone to its end, with a recovery
//! where it asks for one, all rows are in cold, once, and every list is answered.

use crate::effects::whole;
use crate::moves::Actor;
use crate::promises;
use crate::reads;
use crate::rules::{Action, End, Happening, Rules};
use crate::state::{Kind, Left, Mark, Mover, NUMBERS, Reader, Rows, State, Step, Wrong};

/// How a state came to rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// By moving alone.
    Moved,
    /// An operator had to recover.
    Recovered,
}

/// The state without anybody in it and without a future: what [`settles`] depends on.
pub fn alone(state: &State) -> State {
    State {
        movers: [Mover::default(); 2],
        reader: Reader::default(),
        seen: Mark::default(),
        replica: None,
        hot_backup: None,
        cold_backup: None,
        left: Left::default(),
        ..*state
    }
}

/// Runs one move to its end: an archive, or whichever recovery cold's journal asks for.
fn run(rules: &Rules, state: &mut State, kind: Kind, steps: &mut Vec<Happening>) -> Result<End, Wrong> {
    state.left = match kind {
        Kind::Archive => Left { archives: 1, ..Left::default() },
        Kind::Erase => Left { erasures: 1, ..Left::default() },
        _ => Left { recoveries: 1, ..Left::default() },
    };
    let mut out = Vec::new();
    loop {
        out.clear();
        Actor { rules, before: state, nth: 0, out: &mut out }.act();
        // The last one is the one that gets furthest: the largest batch, the answered commit.
        let Some((happening, after)) = out.pop() else { return Ok(End::Nothing) };
        steps.push(happening);
        *state = after;
        if let Some(wrong) = promises::broken(rules, state) {
            return Err(wrong);
        }
        if let Action::Stop(end) = happening.action {
            state.left = Left::default();
            return Ok(end);
        }
    }
}

/// Lets a world that nobody is in come to rest; `steps` becomes the way it took.
pub fn settles(rules: &Rules, state: &State, steps: &mut Vec<Happening>) -> Result<Rest, Wrong> {
    let mut state = *state;
    steps.clear();
    let mut rest = Rest::Moved;
    while usize::from(state.cold.claimed) < NUMBERS - 1 {
        let erases = state.cold.erasing() != 0;
        let kind = if erases { Kind::Erase } else { Kind::Archive };
        let end = run(rules, &mut state, kind, steps)?;
        if end == End::RecoverDue || !state.fits() {
            rest = Rest::Recovered;
            // Of an interrupted recovery alone there is nothing to do but to take it back.
            if !matches!(run(rules, &mut state, Kind::Recover, steps)?, End::Done | End::Nothing) {
                return Err(Wrong::Stuck);
            }
        } else if state.hot.rows == Rows::default() && state.cold.erasing() == 0 {
            return if rested(rules, &state) { Ok(rest) } else { Err(Wrong::Stuck) };
        }
    }
    Err(Wrong::Stuck)
}

fn rested(rules: &Rules, state: &State) -> bool {
    let visible = state.cold.visible(state.hot.mark.epoch);
    state.movers[0].step == Step::Idle
        && whole(rules, &state.hot.rows, &visible) == Some(state.ghost.truth)
        && reads::answers(rules, state)
}
