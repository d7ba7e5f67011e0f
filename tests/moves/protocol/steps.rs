//! Real work on the two databases, one step of the model at a time.
//!
//! A step ends where the next call waits, so that all its visible effects have happened:
//!
//! | step | lets pass |
//! |---|---|
//! | claim | all until the hot session is opened |
//! | lock, take, answered commit, resolving a commit | all until a transaction of cold begins |
//! | settle | the end of a transaction of cold |
//! | copy, all of a recovery; an erasure request; raising the oldest readable epoch | a commit of cold, and reading the copy back |
//! | commit without an answer | all until the hot commit, whose outcome is chosen |

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use thermocline::archive::vacuum::Vacuum;
use thermocline::archive::{
    ArchiveOptions, BlockSizes, Consent, MoveError, Mover, Outcome, Recovery, RunReport, Selection,
};
use thermocline::clock::{Clock, DAY};
use thermocline::resources::messages::archive::FAMILY;
use thermocline::tier::{Engine, Tier};
use thermocline_protocol::rules::{Action, End};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinHandle;

use super::gate::{Gate, Gated, Verdict, WaitingCall};

/// So small that two rows split a block.
const SIZES: BlockSizes = BlockSizes { most: [1, 2], part: [1, 1] };

/// The work of a process.
#[derive(Clone, Debug)]
pub enum Work {
    /// Archives one batch of at most so many rows.
    Archive(usize),
    /// Restores one batch of at most so many rows.
    Restore(usize),
    /// A run that is stopped before its first batch, and so only erases what is to be erased.
    Erase,
    /// Erases a row, beginning with a request in cold.
    Note(i64),
    Recover(Consent),
    /// Vacuums everything that was finished by now.
    Vacuum,
}

/// The result of the work.
#[derive(Debug)]
enum Ended {
    Run(RunReport),
    Recovery(Result<Recovery, MoveError>),
    /// Not examined: the databases show it.
    Other,
}

impl Work {
    async fn run(self, hot: &dyn Engine, cold: &dyn Engine, clock: &Clock) -> Ended {
        let mover = Mover { hot, cold, clock, name: "model".to_owned(), sizes: SIZES };
        let stop = AtomicBool::new(matches!(self, Self::Erase));
        let mut once = |report: &RunReport| {
            if report.batches > 0 {
                stop.store(true, Ordering::Relaxed);
            }
        };
        match self {
            Self::Archive(_) | Self::Erase => {
                let batch = if let Self::Archive(most) = self { most as i64 } else { 1 };
                let plan = ArchiveOptions { rule: DAY.into(), batch, ..ArchiveOptions::default() };
                Ended::Run(mover.run(&FAMILY, &plan, &stop, &mut once).await)
            }
            Self::Restore(most) => {
                Ended::Run(mover.restore(&FAMILY, Selection::All, most as i64, &stop, &mut once).await)
            }
            Self::Recover(consent) => Ended::Recovery(mover.recover(&FAMILY, &consent).await),
            Self::Note(id) => {
                mover.erase(&FAMILY, "messages", &[id]).await.expect("it is erased");
                Ended::Other
            }
            Self::Vacuum => {
                Vacuum { cold, clock, family: &FAMILY, keep: 0 }.run(&stop).await.expect("it is swept");
                Ended::Other
            }
        }
    }
}

/// A process that waits at its next call.
pub struct Process {
    pub work: Work,
    task: JoinHandle<Ended>,
    calls: UnboundedReceiver<WaitingCall>,
    gate: Arc<Gate>,
    waiting: Option<WaitingCall>,
}

impl Process {
    /// Starts it; it waits at its first call.
    pub fn start(work: Work, hot: Arc<dyn Engine>, cold: Arc<dyn Engine>, clock: Clock) -> Self {
        let (gate, calls) = Gate::new();
        let gated = |inner| Gated { inner, gate: Arc::clone(&gate) };
        let (hot, cold, run) = (gated(hot), gated(cold), work.clone());
        let task = tokio::spawn(async move { run.run(&hot, &cold, &clock).await });
        Self { work, task, calls, gate, waiting: None }
    }

    /// Lets the waiting call pass, and waits for the next one or for the end.
    async fn next(&mut self) -> Result<&WaitingCall, Ended> {
        if let Some(call) = self.waiting.take() {
            call.decide(Verdict::Pass);
        }
        tokio::select! {
            biased;
            call = self.calls.recv() => Ok(self.waiting.insert(call.expect("the gate is there"))),
            ended = &mut self.task => Err(ended.expect("it does not panic")),
        }
    }

    /// Lets calls pass until one of a kind waits.
    async fn until(&mut self, tier: Tier, what: &str) {
        loop {
            match self.next().await {
                Ok(call) if call.is(tier, what) => return,
                Ok(_) => {}
                Err(ended) => panic!("{:?} ended before {what} of {tier}: {ended:?}", self.work),
            }
        }
    }

    /// Lets calls pass until a commit in cold has happened.
    async fn past_cold_commit(&mut self) {
        self.until(Tier::Cold, "commit").await;
        self.past().await;
    }

    /// Lets calls pass until a transaction in cold has ended.
    async fn past_cold_transaction(&mut self) {
        loop {
            match self.next().await {
                Ok(call) if call.is(Tier::Cold, "commit") || call.is(Tier::Cold, "rollback") => break,
                Ok(_) => {}
                Err(ended) => panic!("{:?} ended in a transaction of cold: {ended:?}", self.work),
            }
        }
        self.past().await;
    }

    /// Lets the end of a transaction in cold pass.
    async fn past(&mut self) {
        if let Err(ended) = self.next().await {
            panic!("{:?} ended with a transaction of cold: {ended:?}", self.work);
        }
    }

    /// Lets calls pass until one of a tier waits.
    async fn until_in(&mut self, tier: Tier) {
        while self.waiting.as_ref().is_some_and(|call| call.tier != tier) {
            if let Err(ended) = self.next().await {
                panic!("{:?} ended before it came to {}: {ended:?}", self.work, tier.name());
            }
        }
    }

    /// Takes a step of the model.
    pub async fn step(&mut self, action: Action) {
        match action {
            Action::Claim(..) => self.until(Tier::Hot, "session").await,
            Action::Lock | Action::Take(_) | Action::Commit | Action::ResolveCommit => {
                self.until(Tier::Cold, "begin").await;
            }
            // Rolled back if cold agreed with hot.
            Action::Settle => self.past_cold_transaction().await,
            Action::RequestErasure(_) | Action::RaiseOldestReadable => {
                self.past_cold_commit().await;
            }
            Action::Copy | Action::Recover => {
                self.past_cold_commit().await;
                // With the copy it is read back.
                self.until_in(Tier::Hot).await;
            }
            Action::CommitUnanswered | Action::CommitLost => {
                self.until(Tier::Hot, "commit").await;
                let lost = action == Action::CommitLost;
                let verdict = if lost { Verdict::Lost } else { Verdict::Unanswered };
                self.waiting.take().expect("the commit").decide(verdict);
                self.until(Tier::Hot, "session").await;
            }
            Action::LoseHot => self.lose(Tier::Hot).await,
            other => panic!("{other} is no step of a mover"),
        }
    }

    /// Ends its session of a tier, which it notices when it uses it.
    pub async fn lose(&self, tier: Tier) {
        self.gate.lose(tier).await;
    }

    /// Lets it run to its end, which must be this one. Where it would continue with another move it is killed, because
    /// that is another move of the model.
    pub async fn ends(mut self, end: End) {
        match (&self.work, end) {
            (Work::Erase, End::Nothing) => {
                self.past_cold_commit().await;
                return self.crash().await;
            }
            (Work::Erase | Work::Recover(_), End::Done) => {
                const CONFIRMS: [&str; 4] = ["begin", "journal.confirm", "journal.release", "commit"];
                while let Ok(call) = self.next().await {
                    if call.tier == Tier::Hot || !CONFIRMS.contains(&call.what) {
                        return self.crash().await;
                    }
                }
                panic!("{:?} forgot to look for what is to be erased", self.work);
            }
            // They retry.
            (Work::Erase | Work::Restore(_), End::Overtaken) => {
                self.until(Tier::Cold, "session").await;
                return self.crash().await;
            }
            _ => {}
        }
        let ended = loop {
            if let Err(ended) = self.next().await {
                break ended;
            }
        };
        assert!(ended.is(end), "{:?}: {end:?} was expected: {ended:?}", self.work);
    }

    /// Ends the process, and its connections with it.
    pub async fn crash(self) {
        self.task.abort();
        let ended = self.task.await;
        assert!(ended.is_err_and(|error| error.is_cancelled()), "it was still at work");
    }
}

impl Ended {
    fn is(&self, end: End) -> bool {
        let (error, done, nothing) = match self {
            Self::Run(report) => {
                let nothing =
                    report.batches == 0 && matches!(report.outcome, Outcome::Done | Outcome::Stopped);
                (report.error.clone(), report.batches == 1 && report.error.is_none(), nothing)
            }
            Self::Recovery(Err(error)) => (Some(error.to_string()), false, false),
            // Rejected: the loss was not accepted.
            Self::Recovery(Ok(Recovery { epoch: None, lost: Some(_), .. })) => {
                return end == End::RecoveryRequired;
            }
            Self::Recovery(Ok(recovery)) => (None, recovery.epoch.is_some(), !recovery.is_due()),
            Self::Other => return false,
        };
        let says = |text: &str| error.as_ref().is_some_and(|error| error.contains(text));
        match end {
            End::Done => done,
            End::Nothing => nothing,
            End::Overtaken => says("another mover"),
            End::RecoveryRequired => says("archive recover"),
            End::Failed => says("unavailable"),
        }
    }
}
