//! Liveness: from every state, with all processes gone, a single mover (with a recovery where it is required) archives
//! all rows, once, and every list is answered.

use crate::effects::combined;
use crate::invariants;
use crate::moves::Actor;
use crate::reads;
use crate::rules::{Action, End, Event, Rules};
use crate::state::{Budget, HotSnapshot, Invariant, Kind, Mover, NUMBERS, Reader, Rows, State, Step};

/// How a state became quiescent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// By moves alone.
    Moved,
    /// With a recovery by an operator.
    Recovered,
}

/// Returns the state without running processes and further events: all that [`settles`] depends on.
pub fn alone(state: &State) -> State {
    State {
        movers: [Mover::default(); 2],
        reader: Reader::default(),
        seen: HotSnapshot::default(),
        replica: None,
        hot_backup: None,
        cold_backup: None,
        // A server commits its part by itself.
        late: 0,
        budget: Budget::default(),
        ..*state
    }
}

/// Runs one move to its end.
fn run(rules: &Rules, state: &mut State, kind: Kind, steps: &mut Vec<Event>) -> Result<End, Invariant> {
    state.budget = match kind {
        Kind::Archive => Budget { archives: 1, ..Budget::default() },
        Kind::Adopt => Budget { adoptions: 1, ..Budget::default() },
        Kind::Erase => Budget { erasures: 1, ..Budget::default() },
        _ => Budget { recoveries: 1, ..Budget::default() },
    };
    let mut out = Vec::new();
    loop {
        out.clear();
        Actor { rules, before: state, nth: 0, out: &mut out }.act();
        // The last one gets furthest: the largest batch, the answered commit.
        let Some((event, after)) = out.pop() else { return Ok(End::Nothing) };
        steps.push(event);
        *state = after;
        if let Some(invariant) = invariants::broken(rules, state) {
            return Err(invariant);
        }
        if let Action::Stop(end) = event.action {
            state.budget = Budget::default();
            return Ok(end);
        }
    }
}

/// Makes a state without processes quiescent, and records its events in `steps`.
pub fn settles(rules: &Rules, state: &State, steps: &mut Vec<Event>) -> Result<Rest, Invariant> {
    let mut state = *state;
    steps.clear();
    let mut rest = Rest::Moved;
    while usize::from(state.cold.claimed) < NUMBERS - 1 {
        let erases = state.cold.erasing() != 0;
        let unfinished = state.cold.adoption.is_unfinished();
        let kind = match (unfinished, erases) {
            (true, _) => Kind::Adopt,
            (false, true) => Kind::Erase,
            (false, false) => Kind::Archive,
        };
        let end = run(rules, &mut state, kind, steps)?;
        if end == End::RecoveryRequired || !state.is_consistent() {
            rest = Rest::Recovered;
            // An interrupted recovery alone is only undone.
            if !matches!(run(rules, &mut state, Kind::Recover, steps)?, End::Done | End::Nothing) {
                return Err(Invariant::Progress);
            }
        } else if !unfinished && state.hot.rows == Rows::default() && state.cold.erasing() == 0 {
            return if is_quiescent(rules, &state) { Ok(rest) } else { Err(Invariant::Progress) };
        }
    }
    Err(Invariant::Progress)
}

fn is_quiescent(rules: &Rules, state: &State) -> bool {
    let visible = state.cold.visible(state.hot.snapshot.epoch);
    state.movers[0].step == Step::Idle
        && combined(rules, &state.hot.rows, &visible) == Some(state.ghost.truth)
        && reads::is_answerable(rules, state)
}
