//! A real mover that takes one step of the model at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use thermocline::archive::{BlockSizes, Mover, Outcome, Plan, Report};
use thermocline::clock::{Clock, DAY};
use thermocline::resources::messages;
use thermocline::tier::{Engine, Tier};
use thermocline_protocol::rules::{Action, End};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinHandle;

use super::gate::{Call, Gate, Gated, Verdict};

/// So small that two rows split a block.
const SIZES: BlockSizes = BlockSizes { most: [1, 2], part: [1, 1] };

/// A mover that waits at its next call.
pub struct Driven {
    /// Rows of its batch.
    pub most: usize,
    task: JoinHandle<Report>,
    calls: UnboundedReceiver<Call>,
    gate: Arc<Gate>,
    waiting: Option<Call>,
}

impl Driven {
    /// Starts a run of one batch of at most `most` rows; it has claimed its number.
    pub async fn claim(hot: Arc<dyn Engine>, cold: Arc<dyn Engine>, clock: Clock, most: usize) -> Self {
        let (gate, calls) = Gate::new();
        let gated = |inner| Gated { inner, gate: Arc::clone(&gate) };
        let (hot, cold) = (gated(hot), gated(cold));
        let task = tokio::spawn(async move {
            let mover =
                Mover { hot: &hot, cold: &cold, clock: &clock, name: "model".to_owned(), sizes: SIZES };
            let plan = Plan { older_than: DAY, batch: most as i64, ..Plan::default() };
            let stop = AtomicBool::new(false);
            let mut once = |report: &Report| stop.store(report.batches > 0, Ordering::Relaxed);
            mover.run(&messages::archive::FAMILY, &plan, &stop, &mut once).await
        });
        let mut driven = Self { most, task, calls, gate, waiting: None };
        driven.until(|call| call.is(Tier::Hot, "session")).await;
        driven
    }

    /// Lets calls pass until one of a kind waits.
    async fn until(&mut self, reached: impl Fn(&Call) -> bool) {
        loop {
            if let Some(call) = self.waiting.take() {
                call.decide(Verdict::Pass);
            }
            let call = tokio::select! {
                call = self.calls.recv() => call.expect("the gate is there"),
                report = &mut self.task => panic!("the mover ended: {report:?}"),
            };
            let there = reached(&call);
            self.waiting = Some(call);
            if there {
                return;
            }
        }
    }

    /// Takes a step of the model.
    pub async fn step(&mut self, action: Action) {
        let cold_begins = |call: &Call| call.is(Tier::Cold, "begin");
        match action {
            Action::Lock | Action::Take(_) | Action::Commit | Action::Ask => self.until(cold_begins).await,
            Action::Settle => self.until(|call| call.is(Tier::Hot, "messages.due")).await,
            Action::Copy => self.until(|call| call.is(Tier::Hot, "archive.raise")).await,
            Action::CommitUnanswered | Action::CommitLost => {
                self.until(|call| call.is(Tier::Hot, "commit")).await;
                let lost = action == Action::CommitLost;
                let verdict = if lost { Verdict::Lost } else { Verdict::Unanswered };
                self.waiting.take().expect("the commit").decide(verdict);
                self.until(|call| call.is(Tier::Hot, "session")).await;
            }
            Action::LoseHot => self.gate.lose_hot().await,
            other => panic!("{other} is no step of a mover"),
        }
    }

    /// Lets it run to its end, which has to be this one.
    pub async fn ends(mut self, end: End) {
        let report = loop {
            if let Some(call) = self.waiting.take() {
                call.decide(Verdict::Pass);
            }
            tokio::select! {
                call = self.calls.recv() => self.waiting = call,
                report = &mut self.task => break report.expect("a report"),
            }
        };
        let error = report.error.as_deref().unwrap_or_default();
        let fits = match end {
            End::Done => report.batches == 1 && report.error.is_none(),
            End::Nothing => report.outcome == Outcome::Done && report.batches == 0,
            End::Overtaken => error.contains("another mover"),
            End::RecoverDue => error.contains("archive recover"),
            End::Failed => error.contains("unavailable"),
        };
        assert!(fits, "{end:?} was expected: {report:?}");
    }

    /// The process is gone, and its connections with it.
    pub async fn crash(self) {
        self.task.abort();
        let ended = self.task.await;
        assert!(ended.is_err_and(|error| error.is_cancelled()), "it was still at work");
    }
}
