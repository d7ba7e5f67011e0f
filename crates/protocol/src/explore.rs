//! Breadth-first exploration of every interleaving.
//!
//! Only the states of one depth are kept as a whole. Of the others a 128-bit fingerprint is kept, with that of the
//! state it was reached from; a trace is reconstructed by repeating the steps between them. Two states with the same
//! fingerprint would be taken for one: at a million states the odds are one in 10^26.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::{BuildHasherDefault, Hash, Hasher};

use crate::moves::{Actor, Out};
use crate::quiescence::{self, Rest};
use crate::rules::{Event, Rules};
use crate::state::{Invariant, State, Step};
use crate::{environment, invariants};

/// The result of an exploration.
#[derive(Debug)]
pub struct Explored {
    pub states: usize,
    pub steps: usize,
    pub depth: usize,
    /// Number of states without a running process, each of which was made quiescent.
    pub ends: usize,
    /// Number of these that needed a recovery.
    pub recovered: usize,
    pub violation: Option<Violation>,
}

/// A broken invariant, and the shortest trace to it. If the last state cannot become quiescent, the trace continues
/// with the attempt.
#[derive(Debug)]
pub struct Violation {
    pub invariant: Invariant,
    pub trace: Vec<Event>,
}

impl fmt::Display for Explored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { states, steps, depth, ends, recovered, violation } = self;
        write!(
            f,
            "{states} states, {steps} steps, depth {depth}; {ends} ends, {recovered} of them recovered"
        )?;
        let Some(Violation { invariant, trace }) = violation else { return Ok(()) };
        write!(f, "; {invariant:?} broken after {} steps:", trace.len())?;
        trace.iter().try_for_each(|event| write!(f, "\n  {event}"))
    }
}

type Fingerprint = u128;

/// A hasher for fingerprints, which are hashes already.
#[derive(Default)]
struct Prehashed(u64);

impl Hasher for Prehashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        let mut half = [0; 8];
        half.copy_from_slice(&bytes[..8]);
        self.0 = u64::from_le_bytes(half);
    }
}

/// Collects the bytes of a state.
#[derive(Default)]
struct ByteBuffer(Vec<u8>);

impl Hasher for ByteBuffer {
    fn finish(&self) -> u64 {
        0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }
}

fn fingerprint(state: &State, bytes: &mut ByteBuffer) -> Fingerprint {
    bytes.0.clear();
    state.hash(bytes);
    let mut half = [0; 16];
    half.copy_from_slice(&blake3::hash(&bytes.0).as_bytes()[..16]);
    u128::from_le_bytes(half)
}

/// Returns all possible events with the states after them.
pub fn next(rules: &Rules, state: &State, out: &mut Out) {
    out.clear();
    for nth in 0..state.movers.len() {
        // Two idle movers are alike: only the first one claims.
        if nth == 0 || state.movers[nth].step != Step::Idle || state.movers[0].step != Step::Idle {
            Actor { rules, before: state, nth, out }.act();
        }
    }
    environment::events(rules, state, out);
    for (_, after) in out {
        *after = after.canonical();
    }
}

/// Explores everything that `rules` allow, until an invariant is broken.
pub fn explore(rules: &Rules) -> Explored {
    let mut bytes = ByteBuffer::default();
    let start = if rules.originals {
        State::beside_originals(rules.budget)
    } else {
        State::start(rules.budget, rules.replica)
    };
    let first = fingerprint(&start, &mut bytes);
    let mut seen: HashMap<Fingerprint, Fingerprint, BuildHasherDefault<Prehashed>> = HashMap::default();
    let mut ended: HashSet<Fingerprint, BuildHasherDefault<Prehashed>> = HashSet::default();
    seen.insert(first, first);
    let mut level = vec![(first, start)];
    let (mut out, mut steps) = (Vec::new(), Vec::new());
    let mut explored = Explored { states: 0, steps: 0, depth: 0, ends: 0, recovered: 0, violation: None };
    while !level.is_empty() {
        let mut deeper = Vec::new();
        for (from, state) in &level {
            let mut broken = invariants::broken(rules, state);
            steps.clear();
            let alone = quiescence::alone(state);
            if broken.is_none() && ended.insert(fingerprint(&alone, &mut bytes)) {
                match quiescence::settles(rules, &alone, &mut steps) {
                    Ok(rest) => explored.recovered += usize::from(rest == Rest::Recovered),
                    Err(found) => broken = Some(found),
                }
            }
            if let Some(invariant) = broken {
                let mut trace = trace(rules, &start, &seen, *from);
                trace.append(&mut steps);
                explored.violation = Some(Violation { invariant, trace });
                explored.states = seen.len();
                return explored;
            }
            next(rules, state, &mut out);
            explored.steps += out.len();
            for (_, after) in &out {
                let after_fingerprint = fingerprint(after, &mut bytes);
                if let std::collections::hash_map::Entry::Vacant(entry) = seen.entry(after_fingerprint) {
                    entry.insert(*from);
                    deeper.push((after_fingerprint, *after));
                }
            }
        }
        level = deeper;
        explored.depth += 1;
    }
    (explored.states, explored.ends) = (seen.len(), ended.len());
    explored
}

/// Returns the events from the start to a state.
fn trace(
    rules: &Rules,
    start: &State,
    seen: &HashMap<Fingerprint, Fingerprint, BuildHasherDefault<Prehashed>>,
    last: Fingerprint,
) -> Vec<Event> {
    let mut way = vec![last];
    while let Some(from) = seen.get(&way[way.len() - 1]).filter(|from| Some(*from) != way.last()) {
        way.push(*from);
    }
    let (mut state, mut out, mut bytes) = (*start, Vec::new(), ByteBuffer::default());
    let mut trace = Vec::new();
    for to in way.iter().rev().skip(1) {
        next(rules, &state, &mut out);
        let step = out.iter().find(|(_, after)| fingerprint(after, &mut bytes) == *to);
        let (event, after) = step.expect("the step was taken before");
        trace.push(*event);
        state = *after;
    }
    trace
}
