//! Random runs of the model on real databases: after every step both must be in the same state, and every list must be
//! that of the model's logical table.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use thermocline::tier::{Sqlite, Tier};
use thermocline_protocol::explore::next;
use thermocline_protocol::invariants;
use thermocline_protocol::rules::{Action, End, Event, Flaw, Rules};
use thermocline_protocol::state::{Budget, Kind, State, Step};

use super::NOTHING;
use super::databases::{Databases, RealPair};
use crate::support::bounds::{bound, is_fast_lane};
use crate::support::dice::Dice;
use crate::support::postgres;

/// Longest run, in steps.
const LONGEST: usize = 90;

/// Number of runs on files unless `THERMOCLINE_TEST_WAYS` is set; a fifth of them run on PostgreSQL.
const WAYS: u64 = 50;

/// The events that runs of each sort may have.
const BUDGETS: [Budget; 5] = [
    Budget {
        archives: 4,
        crashes: 2,
        lost_sessions: 1,
        lost_answers: 2,
        inserts: 1,
        edits: 2,
        deletes: 1,
        ..NOTHING
    },
    Budget {
        archives: 4,
        restores: 3,
        vacuums: 2,
        crashes: 1,
        lost_sessions: 1,
        lost_answers: 1,
        inserts: 1,
        ..NOTHING
    },
    Budget {
        archives: 3,
        restores: 1,
        erasure_requests: 2,
        erasures: 5,
        vacuums: 1,
        crashes: 2,
        lost_answers: 1,
        ..NOTHING
    },
    Budget {
        archives: 3,
        restores: 1,
        erasure_requests: 1,
        erasures: 2,
        recoveries: 3,
        hot_reverts: 1,
        crashes: 1,
        edits: 1,
        ..NOTHING
    },
    Budget {
        archives: 3,
        restores: 1,
        erasure_requests: 1,
        erasures: 2,
        recoveries: 3,
        hot_reverts: 1,
        cold_reverts: 1,
        crashes: 1,
        ..NOTHING
    },
];

/// The events of runs in which hot loses its state, or all of it.
const CUT: Budget = Budget {
    archives: 3,
    restores: 2,
    erasure_requests: 1,
    erasures: 2,
    recoveries: 3,
    cuts: 1,
    crashes: 1,
    edits: 1,
    deletes: 1,
    ..NOTHING
};

/// The model as it applies to the real code: SQLite files have one writer.
const fn real(budget: Budget) -> Rules {
    Rules {
        budget,
        corrections: false,
        replica: true,
        originals: false,
        file_lock: true,
        max_batch: 2,
        flaw: None,
    }
}

/// Chooses the steps of a run.
#[derive(Clone, Copy)]
enum Choice<'a> {
    /// At random, with this seed.
    Random(u64),
    /// These steps.
    Known(&'a [Action]),
}

impl Choice<'_> {
    /// Picks the next of the possible steps.
    fn pick(&mut self, trace: usize, model: &State, out: &[(Event, State)]) -> Option<usize> {
        match self {
            Self::Random(seed) => {
                let weights: Vec<u64> = out.iter().map(|(event, _)| weight(model, event.action)).collect();
                if weights.is_empty() {
                    return None;
                }
                *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let mut left = Dice(*seed >> 16).roll(weights.iter().sum());
                weights.iter().position(|weight| left.checked_sub(*weight).map(|less| left = less).is_none())
            }
            Self::Known(actions) => {
                let action = actions.get(trace)?;
                let nth = out.iter().position(|(event, _)| event.action == *action);
                assert!(nth.is_some(), "the model cannot go on with {action}");
                nth
            }
        }
    }
}

/// Returns the weight of a step: moves should complete now and then, and not all steps should be reads.
fn weight(model: &State, action: Action) -> u64 {
    let at_work = model.movers.iter().any(|mover| mover.step != Step::Idle);
    let recovers = |kind: Kind| matches!(kind, Kind::Recover | Kind::AcceptLoss);
    match action {
        Action::Claim(..) if at_work => 1,
        Action::Claim(kind, _) if recovers(kind) && !model.is_consistent() => 40,
        Action::Claim(kind, _) if !recovers(kind) => 8,
        Action::DropState | Action::RebuildHot => 3,
        Action::Claim(..) | Action::RevertHot | Action::RevertCold | Action::Replicate => 1,
        Action::CommitUnanswered | Action::CommitLost | Action::RaiseOldestReadable | Action::Sweep => 6,
        Action::BackupHot | Action::BackupCold => 4,
        // Continues a move.
        Action::Lock
        | Action::Settle
        | Action::Recover
        | Action::Take(_)
        | Action::Copy
        | Action::Commit
        | Action::ResolveCommit
        | Action::Stop(_) => 20,
        _ => 2,
    }
}

/// Statistics of a set of runs.
#[derive(Default)]
struct Coverage {
    ways: usize,
    /// Number of steps of each sort.
    steps: BTreeMap<String, usize>,
}

impl Coverage {
    fn step(&mut self, kind: Kind, action: Action) {
        let of = |kind: Kind, what: &str| format!("{kind:?} {what}");
        let name = match action {
            Action::Claim(kind, _) => of(kind, "claim"),
            Action::Take(_) => of(kind, "take"),
            Action::Stop(end) => of(kind, &format!("{end:?}")),
            Action::Copy | Action::Recover | Action::Commit | Action::Crash => {
                of(kind, &format!("{action:?}"))
            }
            Action::Edit(_) => "edit".to_owned(),
            Action::Delete(_) => "delete".to_owned(),
            Action::RequestErasure(_) => "requesterasure".to_owned(),
            other => format!("{other:?}"),
        };
        *self.steps.entry(name.to_lowercase()).or_default() += 1;
    }

    /// Fails unless the runs had all these steps.
    fn has(&self, wanted: &[&str]) {
        let missing: Vec<_> = wanted.iter().filter(|name| !self.steps.contains_key(**name)).collect();
        assert!(missing.is_empty(), "no way met {missing:?}: {self}");
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps = self.steps.values().sum::<usize>();
        write!(f, "{} ways of {steps} steps:", self.ways)?;
        let mut between = "";
        self.steps.iter().try_for_each(|(name, n)| {
            write!(f, "{between} {name} {n}")?;
            between = ",";
            Ok(())
        })
    }
}

/// Steps that the runs on files must have.
const ALL_STEPS: &[&str] = &[
    "archive claim",
    "archive take",
    "archive copy",
    "archive commit",
    "archive crash",
    "archive done",
    "archive failed",
    "archive overtaken",
    "archive recoveryrequired",
    "restore claim",
    "restore take",
    "restore copy",
    "restore commit",
    "restore crash",
    "restore done",
    "restore failed",
    "restore overtaken",
    "erase claim",
    "erase take",
    "erase copy",
    "erase commit",
    "erase crash",
    "erase done",
    "erase nothing",
    "erase failed",
    "erase overtaken",
    "recover claim",
    "recover recover",
    "recover commit",
    "recover crash",
    "recover done",
    "recover nothing",
    "recover overtaken",
    "acceptloss claim",
    "acceptloss recover",
    "acceptloss commit",
    "acceptloss done",
    "lock",
    "settle",
    "commitunanswered",
    "commitlost",
    "resolvecommit",
    "losehot",
    "insert",
    "edit",
    "delete",
    "requesterasure",
    "backuphot",
    "reverthot",
    "backupcold",
    "revertcold",
    "compare",
    "replicate",
    "raiseoldestreadable",
    "sweep",
    "readhot",
    "speculatecold",
];

/// Steps that the fewer runs on PostgreSQL must have.
const MOST_STEPS: &[&str] = &[
    "archive done",
    "restore done",
    "erase done",
    "erase nothing",
    "recover done",
    "acceptloss done",
    "archive failed",
    "archive overtaken",
    "commitlost",
    "commitunanswered",
    "reverthot",
    "revertcold",
    "sweep",
];

/// The steps of a run so far, printed when it fails.
#[derive(Default)]
struct Trace(Vec<Event>);

impl Drop for Trace {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.iter().for_each(|event| println!("{event}"));
        }
    }
}

/// Performs one run, until nothing more can happen at most.
async fn perform(
    databases: Databases,
    rules: Rules,
    mut choice: Choice<'_>,
    coverage: &mut Coverage,
) -> Vec<Action> {
    let mut model = State::start(rules.budget, rules.replica);
    let mut real = RealPair::new(databases, model.hot.rows).await;
    let (mut trace, mut out) = (Trace::default(), Vec::new());
    while trace.0.len() < LONGEST {
        next(&rules, &model, &mut out);
        let mut possible = Vec::new();
        for (event, after) in out.drain(..) {
            let is_possible = match event.action {
                Action::Take(ids) => real.would_take(event.mover.expect("a mover"), ids, &model).await,
                // A process that archives or restores first erases what is to be erased.
                Action::Claim(Kind::Archive | Kind::Restore, _) if model.cold.erasing() != 0 => false,
                Action::Claim(_, number) => !real.moves(number),
                // The request continues or ends; new ones do not begin for ever.
                Action::ReadHot | Action::SpeculateCold | Action::Replicate => trace.0.len() < LONGEST / 2,
                _ => true,
            };
            if is_possible {
                possible.push((event, after));
            }
        }
        let Some(nth) = choice.pick(trace.0.len(), &model, &possible) else { break };
        let (event, after) = possible.swap_remove(nth);
        let kind = |state: &State| {
            let mover = state.movers.iter().find(|mover| Some(mover.number) == event.mover);
            mover.map_or(Kind::None, |mover| mover.kind)
        };
        coverage.step(kind(&model), event.action);
        trace.0.push(event);
        let most = if let Choice::Random(seed) = choice { 1 + Dice(seed).roll(2) as usize } else { 1 };
        real.take(event, most, &model, &after).await;
        model = after;
        real.check(&rules, &model).await;
        // A run can be longer than the explored bounds, and so the first to break a promise.
        let broken = invariants::broken(&rules, &model).filter(|_| rules.flaw.is_none());
        assert_eq!(broken, None, "the model breaks a promise");
    }
    coverage.ways += 1;
    real.crash().await;
    trace.0.iter().map(|event| event.action).collect()
}

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(future)
}

async fn open(tier: Tier, folder: &Path, name: &str) -> Arc<Sqlite> {
    Arc::new(Sqlite::open(thermocline::schema::of(tier), &folder.join(name)).await.expect("a file"))
}

/// Performs a run on new files.
async fn perform_on_files(rules: Rules, choice: Choice<'_>, coverage: &mut Coverage) -> Vec<Action> {
    let folder = tempfile::tempdir().expect("a folder");
    let hot = open(Tier::Hot, folder.path(), "hot").await;
    let cold = open(Tier::Cold, folder.path(), "cold").await;
    let replica = open(Tier::Cold, folder.path(), "replica").await;
    perform(Databases { hot, cold, replica }, rules, choice, coverage).await
}

#[test]
fn random_runs_on_sqlite() {
    let mut coverage = Coverage::default();
    for seed in 0..bound("THERMOCLINE_TEST_WAYS", WAYS, 5) {
        let rules = real(BUDGETS[seed as usize % BUDGETS.len()]);
        run(perform_on_files(rules, Choice::Random(seed), &mut coverage));
    }
    println!("SQLite: {coverage}");
    if !is_fast_lane() {
        coverage.has(ALL_STEPS);
    }
}

#[test]
fn random_runs_of_a_hot_that_is_cut_off() {
    let mut coverage = Coverage::default();
    for seed in 0..bound("THERMOCLINE_TEST_WAYS", WAYS, 10) {
        run(perform_on_files(real(CUT), Choice::Random(seed), &mut coverage));
    }
    println!("SQLite, cut: {coverage}");
    if !is_fast_lane() {
        coverage.has(&["dropstate", "rebuildhot", "recover recover", "recover commit", "recover done"]);
    }
}

#[test]
fn random_runs_on_postgres() {
    let mut coverage = Coverage::default();
    let ways = bound("THERMOCLINE_TEST_WAYS", WAYS, 5) / 5;
    for seed in 1_000..1_000 + ways {
        let folder = tempfile::tempdir().expect("a folder");
        let rules = real(BUDGETS[seed as usize % BUDGETS.len()]);
        let trace = run(async {
            let (cold, _cold) = postgres::cold().await?;
            let (replica, _replica) = postgres::cold().await?;
            let hot = open(Tier::Hot, folder.path(), "hot").await;
            let databases = Databases { hot, cold: Arc::new(cold), replica: Arc::new(replica) };
            Some(perform(databases, rules, Choice::Random(seed), &mut coverage).await)
        });
        if trace.is_none() {
            return;
        }
    }
    println!("PostgreSQL: {coverage}");
    if !is_fast_lane() {
        coverage.has(MOST_STEPS);
    }
}

/// Performs a given run on files; `life` must allow it.
fn follow(budget: Budget, choice: &[Action], flaw: Option<Flaw>) {
    let rules = Rules { flaw, ..real(budget) };
    let trace = run(perform_on_files(rules, Choice::Known(choice), &mut Coverage::default()));
    assert_eq!(trace, choice);
}

/// Returns the steps of one move from its claim to its commit.
fn moves(kind: Kind, number: u8, taken: u8) -> [Action; 6] {
    let [lock, settle, copy, commit] = [Action::Lock, Action::Settle, Action::Copy, Action::Commit];
    [Action::Claim(kind, number), lock, settle, Action::Take(taken), copy, commit]
}

const DONE: Action = Action::Stop(End::Done);

/// A row is deleted between a crash and the next claim, which looks like an old backup of hot.
fn deleted_in_between() -> Vec<Action> {
    let [moved @ .., _] = moves(Kind::Archive, 1, 0b001);
    [&moved[..], &[Action::Crash, Action::Delete(0)]].concat()
}

const QUARANTINE: Budget = Budget { archives: 2, crashes: 1, deletes: 1, recoveries: 1, ..NOTHING };

/// A row deleted after a crash cannot be distinguished from one that a restored hot never had: the mover stops, and a
/// recovery restores the row.
#[test]
fn a_row_deleted_between_a_crash_and_the_next_claim_stops_the_mover() {
    let stops = [Action::Claim(Kind::Archive, 2), Action::Lock, Action::Stop(End::RecoveryRequired)];
    follow(QUARANTINE, &[&deleted_in_between()[..], &stops].concat(), None);
}

fn recovered_in_between() -> Vec<Action> {
    let recovers = [Action::Claim(Kind::Recover, 2), Action::Lock, Action::Recover, Action::Commit, DONE];
    [&deleted_in_between()[..], &recovers].concat()
}

/// Cold confirms the moves that a recovery takes for committed only after hot has committed the recovery: otherwise
/// readers would take hot for outdated.
#[test]
fn readers_are_answered_until_a_recovery_is_committed() {
    follow(QUARANTINE, &recovered_in_between(), None);
}

#[test]
#[should_panic(expected = "failed: cold")]
fn a_model_that_confirms_before_a_recovery_diverges() {
    follow(QUARANTINE, &recovered_in_between(), Some(Flaw::ConfirmedByRecovery));
}

const ERASED: Budget =
    Budget { archives: 1, erasure_requests: 1, erasures: 3, cold_reverts: 1, recoveries: 1, ..NOTHING };

/// A row is archived, cold backed up, the row erased, and cold restored from the backup.
fn erased_and_restored() -> Vec<Action> {
    let archived = moves(Kind::Archive, 1, 0b001);
    let erased = moves(Kind::Erase, 2, 0);
    let noted = [DONE, Action::BackupCold, Action::RequestErasure(0)];
    let recovers = [Action::Claim(Kind::AcceptLoss, 3), Action::Lock, Action::Recover, Action::Commit, DONE];
    let again = moves(Kind::Erase, 4, 0);
    let purged = [Action::Claim(Kind::Erase, 5), Action::Lock, Action::Settle, Action::Stop(End::Nothing)];
    [&archived[..], &noted, &erased, &[Action::RevertCold, DONE], &recovers, &again, &[DONE], &purged]
        .concat()
}

/// The recovery closes rows that hot knows to be erased: a process that dies before they are removed from cold must not
/// leave them visible.
#[test]
fn erased_rows_are_not_read_after_a_recovery() {
    follow(ERASED, &erased_and_restored(), None);
}

#[test]
#[should_panic(expected = "failed: cold")]
fn a_model_that_shows_erased_rows_diverges() {
    follow(ERASED, &erased_and_restored(), Some(Flaw::ErasedShown));
}

/// An interrupted erasure is always repeated, so a mover that has lost hot undoes it without asking hot.
#[test]
fn an_interrupted_erasure_is_undone_without_hot() {
    let [erased @ .., _] = moves(Kind::Erase, 1, 0b010);
    let again = [
        Action::Claim(Kind::Erase, 2),
        Action::Lock,
        Action::LoseHot,
        Action::Settle,
        Action::Stop(End::Failed),
    ];
    let budget = Budget { erasure_requests: 1, erasures: 2, crashes: 1, lost_sessions: 1, ..NOTHING };
    follow(budget, &[&[Action::RequestErasure(1)], &erased[..], &[Action::Crash], &again].concat(), None);
}

/// Shows the strength of the comparison: a model with a planted mistake diverges from the real code.
fn diverges(flaw: Flaw, budget: usize) {
    for seed in 0..40 {
        let rules = Rules { flaw: Some(flaw), ..real(BUDGETS[budget]) };
        run(perform_on_files(rules, Choice::Random(seed), &mut Coverage::default()));
    }
}

#[test]
#[should_panic(expected = "failed: cold")]
fn a_model_without_undo_diverges() {
    diverges(Flaw::NoUndo, 1);
}

#[test]
#[should_panic(expected = "failed: cold")]
fn a_model_without_counts_diverges() {
    diverges(Flaw::CountForgotten, 0);
}

#[test]
#[should_panic(expected = "failed: hot")]
fn a_model_without_the_newest_key_diverges() {
    diverges(Flaw::NewestForgotten, 0);
}

#[test]
#[should_panic(expected = "failed: hot")]
fn a_model_that_restores_erased_rows_diverges() {
    diverges(Flaw::ErasedRevived, 3);
}

const REBUILT: Budget = Budget { archives: 1, restores: 1, cuts: 1, recoveries: 1, ..NOTHING };

/// A row is archived and restored, and hot is built anew: only cold still has the row, closed.
fn restored_and_rebuilt() -> Vec<Action> {
    let [archived, restored] = [moves(Kind::Archive, 1, 0b001), moves(Kind::Restore, 2, 0b001)];
    let joins = [Action::Claim(Kind::Recover, 3), Action::Lock, Action::Recover, Action::Commit, DONE];
    [&archived[..], &[DONE], &restored, &[DONE, Action::RebuildHot], &joins].concat()
}

#[test]
fn a_hot_that_is_built_anew_gets_restored_rows_back() {
    follow(REBUILT, &restored_and_rebuilt(), None);
}

#[test]
#[should_panic(expected = "failed: hot")]
fn a_model_that_forgets_restored_rows_diverges() {
    follow(REBUILT, &restored_and_rebuilt(), Some(Flaw::RestoredForgotten));
}

#[test]
#[should_panic(expected = "failed: cold")]
fn a_model_that_accepts_a_loss_blindly_diverges() {
    diverges(Flaw::LossAcceptedBlindly, 4);
}
