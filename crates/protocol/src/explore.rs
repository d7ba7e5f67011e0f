//! Breadth first over every interleaving.
//!
//! Only the states of one depth are held whole. Of the others a 128-bit fingerprint is kept, with that of the state it was
//! reached from; a trace is found again by taking the steps between them. Two states that share a fingerprint would be
//! taken for one: at a million states the odds are one in 10^26.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::{BuildHasherDefault, Hash, Hasher};

use crate::moves::{Actor, Out};
use crate::rest::{self, Rest};
use crate::rules::{Happening, Rules};
use crate::state::{State, Step, Wrong};
use crate::{promises, world};

/// What was seen.
#[derive(Debug)]
pub struct Explored {
    pub states: usize,
    pub steps: usize,
    pub depth: usize,
    /// Worlds without anybody in them, each of which was let come to rest.
    pub rests: usize,
    /// Of these, those that needed a recovery.
    pub recovered: usize,
    pub violation: Option<Violation>,
}

/// A broken promise, and the shortest way to it; when the end of it is a state that cannot come to rest, the way on from
/// there, alone.
#[derive(Debug)]
pub struct Violation {
    pub wrong: Wrong,
    pub trace: Vec<Happening>,
}

impl fmt::Display for Explored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { states, steps, depth, rests, recovered, violation } = self;
        write!(
            f,
            "{states} states, {steps} steps, depth {depth}; {rests} ends, {recovered} of them recovered"
        )?;
        let Some(Violation { wrong, trace }) = violation else { return Ok(()) };
        write!(f, "; {wrong:?} after {} steps:", trace.len())?;
        trace.iter().try_for_each(|happening| write!(f, "\n  {happening}"))
    }
}

type Print = u128;

/// Fingerprints are hashes already.
#[derive(Default)]
struct Itself(u64);

impl Hasher for Itself {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        let mut half = [0; 8];
        half.copy_from_slice(&bytes[..8]);
        self.0 = u64::from_le_bytes(half);
    }
}

/// Gathers the bytes of a state.
#[derive(Default)]
struct Bytes(Vec<u8>);

impl Hasher for Bytes {
    fn finish(&self) -> u64 {
        0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }
}

fn print(state: &State, bytes: &mut Bytes) -> Print {
    bytes.0.clear();
    state.hash(bytes);
    let mut half = [0; 16];
    half.copy_from_slice(&blake3::hash(&bytes.0).as_bytes()[..16]);
    u128::from_le_bytes(half)
}

/// All that can happen next.
pub fn next(rules: &Rules, state: &State, out: &mut Out) {
    out.clear();
    for nth in 0..state.movers.len() {
        // Of two idle movers it does not matter which one claims.
        if nth == 0 || state.movers[nth].step != Step::Idle || state.movers[0].step != Step::Idle {
            Actor { rules, before: state, nth, out }.act();
        }
    }
    world::happen(rules, state, out);
    for (_, after) in out {
        *after = after.canonical();
    }
}

/// Explores everything that `rules` allow, until a promise is broken.
pub fn explore(rules: &Rules) -> Explored {
    let mut bytes = Bytes::default();
    let start = State::start(rules.left, rules.replica);
    let first = print(&start, &mut bytes);
    let mut seen: HashMap<Print, Print, BuildHasherDefault<Itself>> = HashMap::default();
    let mut rested: HashSet<Print, BuildHasherDefault<Itself>> = HashSet::default();
    seen.insert(first, first);
    let mut level = vec![(first, start)];
    let (mut out, mut steps) = (Vec::new(), Vec::new());
    let mut explored = Explored { states: 0, steps: 0, depth: 0, rests: 0, recovered: 0, violation: None };
    while !level.is_empty() {
        let mut deeper = Vec::new();
        for (from, state) in &level {
            let mut wrong = promises::broken(rules, state);
            steps.clear();
            let alone = rest::alone(state);
            if wrong.is_none() && rested.insert(print(&alone, &mut bytes)) {
                match rest::settles(rules, &alone, &mut steps) {
                    Ok(rest) => explored.recovered += usize::from(rest == Rest::Recovered),
                    Err(found) => wrong = Some(found),
                }
            }
            if let Some(wrong) = wrong {
                let mut trace = trace(rules, &start, &seen, *from);
                trace.append(&mut steps);
                explored.violation = Some(Violation { wrong, trace });
                explored.states = seen.len();
                return explored;
            }
            next(rules, state, &mut out);
            explored.steps += out.len();
            for (_, after) in &out {
                let after_print = print(after, &mut bytes);
                if let std::collections::hash_map::Entry::Vacant(entry) = seen.entry(after_print) {
                    entry.insert(*from);
                    deeper.push((after_print, *after));
                }
            }
        }
        level = deeper;
        explored.depth += 1;
    }
    (explored.states, explored.rests) = (seen.len(), rested.len());
    explored
}

/// The steps from the start to a state.
fn trace(
    rules: &Rules,
    start: &State,
    seen: &HashMap<Print, Print, BuildHasherDefault<Itself>>,
    last: Print,
) -> Vec<Happening> {
    let mut way = vec![last];
    while let Some(from) = seen.get(&way[way.len() - 1]).filter(|from| Some(*from) != way.last()) {
        way.push(*from);
    }
    let (mut state, mut out, mut bytes) = (*start, Vec::new(), Bytes::default());
    let mut trace = Vec::new();
    for to in way.iter().rev().skip(1) {
        next(rules, &state, &mut out);
        let step = out.iter().find(|(_, after)| print(after, &mut bytes) == *to);
        let (happening, after) = step.expect("the step was taken before");
        trace.push(*happening);
        state = *after;
    }
    trace
}
