//! Random ways through the model, gone on real databases: after every step both must be in the same state, and every
//! list must be the one of the model's logical table.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use thermocline::tier::{Sqlite, Tier};
use thermocline_protocol::explore::next;
use thermocline_protocol::promises;
use thermocline_protocol::rules::{Action, End, Flaw, Happening, Rules};
use thermocline_protocol::state::{Kind, Left, State, Step};

use super::NOTHING;
use super::real::{Databases, Real};
use crate::moving::{Dice, setting};
use crate::support::postgres;

/// No way is longer.
const LONGEST: usize = 90;

/// How many ways are gone on files unless `THERMOCLINE_TEST_WAYS` says it; on PostgreSQL a fifth of them.
const WAYS: u64 = 50;

/// What may happen on a way of each sort.
const LIVES: [Left; 5] = [
    Left { archives: 4, crashes: 2, zombies: 1, answers: 2, inserts: 1, edits: 2, deletes: 1, ..NOTHING },
    Left { archives: 4, restores: 3, vacuums: 2, crashes: 1, zombies: 1, answers: 1, inserts: 1, ..NOTHING },
    Left { archives: 3, restores: 1, notes: 2, erasures: 5, vacuums: 1, crashes: 2, answers: 1, ..NOTHING },
    Left {
        archives: 3,
        restores: 1,
        notes: 1,
        erasures: 2,
        recoveries: 3,
        old_hots: 1,
        crashes: 1,
        edits: 1,
        ..NOTHING
    },
    Left {
        archives: 3,
        restores: 1,
        notes: 1,
        erasures: 2,
        recoveries: 3,
        old_hots: 1,
        old_colds: 1,
        crashes: 1,
        ..NOTHING
    },
];

/// The model as the real code has it: the files of SQLite have one writer.
const fn real(left: Left) -> Rules {
    Rules { left, corrections: false, replica: true, file_lock: true, most: 2, flaw: None }
}

/// Which way is gone.
#[derive(Clone, Copy)]
enum Way<'a> {
    /// Any, by the roll of dice.
    Random(u64),
    /// This one.
    Known(&'a [Action]),
}

impl Way<'_> {
    /// Picks the next of what can happen in a state, after so many steps.
    fn pick(&mut self, gone: usize, model: &State, out: &[(Happening, State)]) -> Option<usize> {
        match self {
            Self::Random(seed) => {
                let weights: Vec<u64> =
                    out.iter().map(|(happening, _)| weight(model, happening.action)).collect();
                if weights.is_empty() {
                    return None;
                }
                *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let mut left = Dice(*seed >> 16).roll(weights.iter().sum());
                weights.iter().position(|weight| left.checked_sub(*weight).map(|less| left = less).is_none())
            }
            Self::Known(actions) => {
                let action = actions.get(gone)?;
                let nth = out.iter().position(|(happening, _)| happening.action == *action);
                assert!(nth.is_some(), "the model cannot go on with {action}");
                nth
            }
        }
    }
}

/// How much of a way goes to a step: moves are to come to their ends now and then, and reads are not to be all.
fn weight(model: &State, action: Action) -> u64 {
    let at_work = model.movers.iter().any(|mover| mover.step != Step::Idle);
    let recovers = |kind: Kind| matches!(kind, Kind::Recover | Kind::AcceptLoss);
    match action {
        Action::Claim(..) if at_work => 1,
        Action::Claim(kind, _) if recovers(kind) && !model.fits() => 40,
        Action::Claim(kind, _) if !recovers(kind) => 8,
        Action::Claim(..) | Action::RestoreHot | Action::RestoreCold | Action::Replicate => 1,
        Action::CommitUnanswered | Action::CommitLost | Action::RaiseFloor | Action::Sweep => 6,
        Action::BackupHot | Action::BackupCold => 4,
        // Going on with a move.
        Action::Lock
        | Action::Settle
        | Action::Recover
        | Action::Take(_)
        | Action::Copy
        | Action::Commit
        | Action::Ask
        | Action::Stop(_) => 20,
        _ => 2,
    }
}

/// What a set of ways has met.
#[derive(Default)]
struct Met {
    ways: usize,
    /// How often each sort of step was taken.
    steps: BTreeMap<String, usize>,
}

impl Met {
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
            Action::Note(_) => "note".to_owned(),
            other => format!("{other:?}"),
        };
        *self.steps.entry(name.to_lowercase()).or_default() += 1;
    }

    /// Refuses to have proved little.
    fn has(&self, wanted: &[&str]) {
        let missing: Vec<_> = wanted.iter().filter(|name| !self.steps.contains_key(**name)).collect();
        assert!(missing.is_empty(), "no way met {missing:?}: {self}");
    }
}

impl fmt::Display for Met {
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

/// What the ways on files have to have met.
const EVERYTHING: &[&str] = &[
    "archive claim",
    "archive take",
    "archive copy",
    "archive commit",
    "archive crash",
    "archive done",
    "archive failed",
    "archive overtaken",
    "archive recoverdue",
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
    "ask",
    "losehot",
    "insert",
    "edit",
    "delete",
    "note",
    "backuphot",
    "restorehot",
    "backupcold",
    "restorecold",
    "compare",
    "replicate",
    "raisefloor",
    "sweep",
    "readhot",
    "guesscold",
];

/// What the fewer ways on PostgreSQL have to have met.
const MOST: &[&str] = &[
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
    "restorehot",
    "restorecold",
    "sweep",
];

/// A way so far, which is told when it ends badly.
#[derive(Default)]
struct Gone(Vec<Happening>);

impl Drop for Gone {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.iter().for_each(|happening| println!("{happening}"));
        }
    }
}

/// Goes one way, at most to where nothing more can happen.
async fn go(databases: Databases, rules: Rules, mut way: Way<'_>, met: &mut Met) -> Vec<Action> {
    let mut model = State::start(rules.left, rules.replica);
    let mut real = Real::new(databases, model.hot.rows).await;
    let (mut gone, mut out) = (Gone::default(), Vec::new());
    while gone.0.len() < LONGEST {
        next(&rules, &model, &mut out);
        let mut possible = Vec::new();
        for (happening, after) in out.drain(..) {
            let is_possible = match happening.action {
                Action::Take(ids) => real.would_take(happening.mover.expect("a mover"), ids, &model).await,
                // Whoever archives or restores erases first what is to be erased.
                Action::Claim(Kind::Archive | Kind::Restore, _) if model.cold.erasing() != 0 => false,
                Action::Claim(_, number) => !real.moves(number),
                // The request goes on or ends; nothing new begins for ever.
                Action::ReadHot | Action::GuessCold | Action::Replicate => gone.0.len() < LONGEST / 2,
                _ => true,
            };
            if is_possible {
                possible.push((happening, after));
            }
        }
        let Some(nth) = way.pick(gone.0.len(), &model, &possible) else { break };
        let (happening, after) = possible.swap_remove(nth);
        let kind = |state: &State| {
            let mover = state.movers.iter().find(|mover| Some(mover.number) == happening.mover);
            mover.map_or(Kind::None, |mover| mover.kind)
        };
        met.step(kind(&model), happening.action);
        gone.0.push(happening);
        let most = if let Way::Random(seed) = way { 1 + Dice(seed).roll(2) as usize } else { 1 };
        real.take(happening, most, &model, &after).await;
        model = after;
        real.check(&rules, &model).await;
        // Longer than the explored ones, a way may be the first to meet it.
        let broken = promises::broken(&rules, &model).filter(|_| rules.flaw.is_none());
        assert_eq!(broken, None, "the model breaks a promise");
    }
    met.ways += 1;
    real.crash().await;
    gone.0.iter().map(|happening| happening.action).collect()
}

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(future)
}

async fn open(tier: Tier, folder: &Path, name: &str) -> Arc<Sqlite> {
    Arc::new(Sqlite::open(thermocline::schema::of(tier), &folder.join(name)).await.expect("a file"))
}

/// A way on fresh files.
async fn go_on_files(rules: Rules, way: Way<'_>, met: &mut Met) -> Vec<Action> {
    let folder = tempfile::tempdir().expect("a folder");
    let hot = open(Tier::Hot, folder.path(), "hot").await;
    let cold = open(Tier::Cold, folder.path(), "cold").await;
    let replica = open(Tier::Cold, folder.path(), "replica").await;
    go(Databases { hot, cold, replica }, rules, way, met).await
}

#[test]
fn sqlite_goes_every_way_the_model_goes() {
    let mut met = Met::default();
    for seed in 0..setting("THERMOCLINE_TEST_WAYS", WAYS) {
        let rules = real(LIVES[seed as usize % LIVES.len()]);
        run(go_on_files(rules, Way::Random(seed), &mut met));
    }
    println!("SQLite: {met}");
    met.has(EVERYTHING);
}

#[test]
fn postgres_goes_every_way_the_model_goes() {
    let mut met = Met::default();
    let ways = setting("THERMOCLINE_TEST_WAYS", WAYS) / 5;
    for seed in 1_000..1_000 + ways {
        let folder = tempfile::tempdir().expect("a folder");
        let rules = real(LIVES[seed as usize % LIVES.len()]);
        let gone = run(async {
            let (cold, _cold) = postgres::cold().await?;
            let (replica, _replica) = postgres::cold().await?;
            let hot = open(Tier::Hot, folder.path(), "hot").await;
            let databases = Databases { hot, cold: Arc::new(cold), replica: Arc::new(replica) };
            Some(go(databases, rules, Way::Random(seed), &mut met).await)
        });
        if gone.is_none() {
            return;
        }
    }
    println!("PostgreSQL: {met}");
    met.has(MOST);
}

/// Goes a known way on files; `life` has to allow it.
fn goes(life: Left, way: &[Action], flaw: Option<Flaw>) {
    let rules = Rules { flaw, ..real(life) };
    let gone = run(go_on_files(rules, Way::Known(way), &mut Met::default()));
    assert_eq!(gone, way);
}

/// One move from its claim to its commit.
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

const IN_DOUBT: Left = Left { archives: 2, crashes: 1, deletes: 1, recoveries: 1, ..NOTHING };

/// Nothing tells a row that was deleted after a crash from one that a restored hot never had: the mover stops, and
/// whoever recovers then brings the row back.
#[test]
fn a_row_deleted_between_a_crash_and_the_next_claim_stops_the_mover() {
    let stops = [Action::Claim(Kind::Archive, 2), Action::Lock, Action::Stop(End::RecoverDue)];
    goes(IN_DOUBT, &[&deleted_in_between()[..], &stops].concat(), None);
}

fn recovered_in_between() -> Vec<Action> {
    let recovers = [Action::Claim(Kind::Recover, 2), Action::Lock, Action::Recover, Action::Commit, DONE];
    [&deleted_in_between()[..], &recovers].concat()
}

/// Cold confirms what a recovery takes for committed when hot has committed the recovery: confirmed before, it would tell
/// every reader that hot is older.
#[test]
fn readers_are_answered_until_a_recovery_is_committed() {
    goes(IN_DOUBT, &recovered_in_between(), None);
}

#[test]
#[should_panic(expected = "failed: cold")]
fn a_model_that_confirms_before_a_recovery_parts_from_the_code() {
    goes(IN_DOUBT, &recovered_in_between(), Some(Flaw::ConfirmedByRecovery));
}

const ERASED: Left = Left { archives: 1, notes: 1, erasures: 3, old_colds: 1, recoveries: 1, ..NOTHING };

/// A row is archived, cold saved, the row erased, and cold restored.
fn erased_and_restored() -> Vec<Action> {
    let archived = moves(Kind::Archive, 1, 0b001);
    let erased = moves(Kind::Erase, 2, 0);
    let noted = [DONE, Action::BackupCold, Action::Note(0)];
    let recovers = [Action::Claim(Kind::AcceptLoss, 3), Action::Lock, Action::Recover, Action::Commit, DONE];
    let again = moves(Kind::Erase, 4, 0);
    let purged = [Action::Claim(Kind::Erase, 5), Action::Lock, Action::Settle, Action::Stop(End::Nothing)];
    [&archived[..], &noted, &erased, &[Action::RestoreCold, DONE], &recovers, &again, &[DONE], &purged]
        .concat()
}

/// The recovery closes what hot knows to be erased: a process that dies before it is taken out of cold must not leave it
/// to the readers.
#[test]
fn nobody_reads_an_erased_row_after_a_recovery() {
    goes(ERASED, &erased_and_restored(), None);
}

#[test]
#[should_panic(expected = "failed: cold")]
fn a_model_that_shows_erased_rows_parts_from_the_code() {
    goes(ERASED, &erased_and_restored(), Some(Flaw::ErasedShown));
}

/// Whatever hot has done, what is to be erased is erased again: a mover that has lost hot takes it back without asking.
#[test]
fn an_interrupted_erasure_is_taken_back_without_hot() {
    let [erased @ .., _] = moves(Kind::Erase, 1, 0b010);
    let again = [
        Action::Claim(Kind::Erase, 2),
        Action::Lock,
        Action::LoseHot,
        Action::Settle,
        Action::Stop(End::Failed),
    ];
    let life = Left { notes: 1, erasures: 2, crashes: 1, zombies: 1, ..NOTHING };
    goes(life, &[&[Action::Note(1)], &erased[..], &[Action::Crash], &again].concat(), None);
}

/// What the comparison is worth: a model that leaves something out parts from the real code.
fn parts(flaw: Flaw, life: usize) {
    for seed in 0..40 {
        let rules = Rules { flaw: Some(flaw), ..real(LIVES[life]) };
        run(go_on_files(rules, Way::Random(seed), &mut Met::default()));
    }
}

#[test]
#[should_panic(expected = "failed: cold")]
fn a_model_without_undo_parts_from_the_code() {
    parts(Flaw::NoUndo, 1);
}

#[test]
#[should_panic(expected = "failed: cold")]
fn a_model_without_counts_parts_from_the_code() {
    parts(Flaw::CountForgotten, 0);
}

#[test]
#[should_panic(expected = "failed: hot")]
fn a_model_without_the_newest_key_parts_from_the_code() {
    parts(Flaw::NewestForgotten, 0);
}

#[test]
#[should_panic(expected = "failed: hot")]
fn a_model_that_brings_erased_rows_back_parts_from_the_code() {
    parts(Flaw::ErasedRevived, 3);
}

#[test]
#[should_panic(expected = "failed: cold")]
fn a_model_that_accepts_a_loss_blindly_parts_from_the_code() {
    parts(Flaw::LossAcceptedBlindly, 4);
}
