//! Kills the program at each step of each kind of move, on each pair of engines.
//!
//! After each kill every list must be unchanged, whichever tier holds the rows; after the next run the tables too,
//! counts included. The test fails when a command does not reach a step, or when a step of the sources is missing here.

use std::os::unix::process::ExitStatusExt as _;

use thermocline::clock::{Clock, DAY, Timestamp};

use super::expected_lists::Reader;
use super::fault_injection::now;
use super::fixture::Fixture;
use super::logical_table::Table;
use super::program::Ended;
use super::purge::forget_before;
use super::{COLD, HOT, copy_file, run, scratch};
use crate::support::bounds::bound;
use crate::support::fail_points::{self, DIE_AT, MOVE};
use crate::support::postgres;
use crate::support::waiting::output;

/// The step at which a move has proven its copy.
const PROVEN: &str = "proven";
/// The next move has undone an interrupted one, and has not committed that.
const UNDONE: &str = "undone";
/// The steps of a move that finds nothing to do.
const GIVING_UP: [&str; 2] = ["giving-up", "given-up"];
/// The steps before and after an erasure's move.
const ERASURE: [&str; 3] = ["noting", "noted", "purged"];
/// The step of a purge beside those of every move.
const PURGE: [&str; 1] = ["noted-purge"];
/// The steps of an export.
const EXPORT: [&str; 5] =
    ["export-begun", "export-writing", "export-written", "export-named", "export-added"];
const VACUUM: [&str; 9] = [
    "raising-floor",
    "raised-floor",
    "removing",
    "removed",
    "folding",
    "folded",
    "signing",
    "signed",
    "analyzed",
];
const RESOURCES: [&str; 3] = ["messages", "posts", "prices"];
/// The steps that a recovery does not have: it settles nothing and proves nothing.
const NOT_OF_RECOVERY: [&str; 2] = ["settling", "settled"];

impl Fixture {
    /// Runs a command, which must die when it reaches a step for the nth time.
    fn killed(&self, args: &str, step: &str, nth: u32) {
        let at = format!("{step}:{nth}");
        let output = output(self.command(args).env(DIE_AT, &at));
        let signal = output.status.signal();
        assert_eq!(signal, Some(9), "{}, {args}: {at} was not come to: {:?}", self.name, Ended::of(output));
    }

    /// Kills a command at a step, then checks every list of the resource.
    fn survives(&self, resource: &str, args: &str, step: &str, nth: u32) {
        if step == UNDONE {
            self.killed(args, "committed-in-cold", nth);
            self.killed(args, UNDONE, 1);
        } else {
            self.killed(args, step, nth);
        }
        run(self.check(resource));
    }

    /// Erases rows of both tiers with a command that is killed at a step and run again.
    fn survives_erasing(&mut self, resource: &str, nth: i64, step: &str) {
        let mut after = self.rows.clone();
        let ids = match resource {
            "messages" => {
                let ids = [1 + nth, 10_000 + nth];
                after.messages.retain(|row| !ids.contains(&row.id));
                ids
            }
            "posts" => {
                let ids = [1 + nth / 3, 10_000 + nth];
                for id in ids {
                    after.forget_post(id);
                }
                ids
            }
            _ => {
                // Days that no test corrects.
                let day = now().plus((nth / 3 - 40) * DAY).date();
                after.prices.remove(&(1, day)).expect("a price");
                after.prices.remove(&(2, now().plus((-100 - nth) * DAY).date())).expect("a price");
                [1_000_000 + Timestamp::midnight(day).micros() / DAY, 4_000_000 + nth]
            }
        };
        let args = format!("archive erase --resource {resource} --id {} --id {}", ids[0], ids[1]);
        if step == UNDONE {
            self.killed(&args, "committed-in-cold", 1);
            self.killed(&args, UNDONE, 1);
        } else {
            self.killed(&args, step, 1);
        }
        run(self.check_either(resource, &after, step));
        self.done(&args);
        self.rows = after;
        run(self.check_whole(resource));
    }

    /// Purges old rows with a command that is killed at a step and run again.
    fn survives_purging(&mut self, resource: &str, before: Timestamp, step: &str) {
        let mut after = self.rows.clone();
        forget_before(&mut after, resource, before);
        let days = (Clock::system().now().date() - before.date()).num_days();
        let args = format!("archive purge --older-than {days}d --rows 2000 --yes --resource {resource}");
        if step == UNDONE {
            self.killed(&args, "committed-in-cold", 1);
            self.killed(&args, UNDONE, 1);
        } else {
            self.killed(&args, step, 1);
        }
        run(self.check_either(resource, &after, step));
        self.done(&args);
        self.rows = after;
        run(self.check_whole(resource));
    }

    /// Goes through these steps of a purge, each with the next resource.
    fn purges(&mut self, steps: &[&str]) {
        self.done("archive run --older-than 1d");
        for (place, step) in steps.iter().enumerate() {
            let before = Timestamp::midnight(now().plus((place as i64 * 2 - 38) * DAY).date());
            self.survives_purging(RESOURCES[place % RESOURCES.len()], before, step);
        }
        self.done("archive verify");
    }

    /// Goes through the steps of an export: after each kill every file that has its name is whole, and the next run goes on.
    fn exports(&self) {
        self.done("archive run --older-than 1d");
        for (place, step) in EXPORT.iter().enumerate() {
            let folder = format!("copy-{place}");
            let args = format!("archive export --resource posts --rows 7 {folder}");
            let kills = if *step == "export-begun" { 1 } else { 2 };
            for nth in 1..=kills {
                self.killed(&args, step, nth);
                let verify = format!("archive export --verify --resource posts --json {folder}");
                let seen = Ended::of(output(&mut self.command(&verify)));
                let seen: serde_json::Value = serde_json::from_str(&seen.out).expect("a report");
                for fault in seen[0]["faults"].as_array().expect("faults") {
                    let (file, problem) = (fault["file"].as_str(), fault["problem"].as_str());
                    let (file, problem) = (file.expect("a file"), problem.expect("a problem"));
                    let expected = file == "manifest.json" || problem == "is not in the manifest";
                    assert!(expected, "{}, {step}: {seen}", self.name);
                }
            }
            self.done(&args);
            self.done(&format!("archive export --verify {folder}"));
        }
    }

    /// Checks that a resource is as before or as after.
    async fn check_either(&self, resource: &str, after: &Table, step: &str) {
        let pair = self.open().await;
        let reader = Reader::new(&*pair.hot, &*pair.cold);
        if let Err(before) = self.rows.check(resource, &reader).await {
            let after = after.check(resource, &reader).await;
            assert!(after.is_ok(), "{}, erasing at {step}: neither {before} nor {after:?}", self.name);
        }
        pair.close().await;
    }

    /// Archives a resource, erases some rows and restores the rest. Each command is killed at this step, if it has it,
    /// and run again.
    fn turn(&mut self, nth: i64, resource: &str, step: &str) {
        let has = |steps: &[&[&str]]| steps.iter().any(|steps| steps.contains(&step));
        let archive = format!("archive run --older-than 1d --patience 0s --batch 15 --resource {resource}");
        let restore = format!("archive restore --all --rows 20 --resource {resource}");
        if has(&[&MOVE, &[PROVEN, UNDONE]]) {
            self.survives(resource, &archive, step, 2);
        }
        self.done(&archive);
        run(self.check_whole(resource));
        run(self.write_late(resource, nth));
        if has(&[&MOVE, &[UNDONE], &GIVING_UP, &ERASURE]) {
            self.survives_erasing(resource, nth, step);
        }
        if has(&[&MOVE, &[PROVEN, UNDONE], &GIVING_UP]) {
            self.survives(resource, &restore, step, if GIVING_UP.contains(&step) { 1 } else { 2 });
        }
        self.done(&restore);
        self.done("archive resume");
        run(self.check_whole(resource));
    }

    /// Goes through the steps of moves once, then through those of vacuum, which then has much to sweep.
    fn turns(&mut self) {
        self.turns_of(&[&MOVE[..], &[PROVEN, UNDONE], &GIVING_UP, &ERASURE].concat());
        self.sweeps();
    }

    /// Goes through these steps, each with the next resource, or with all of them when more is requested.
    fn turns_of(&mut self, steps: &[&str]) {
        let mut nth = 0;
        for (place, step) in steps.iter().enumerate() {
            for resource in of_turn(place) {
                self.turn(nth, resource, step);
                nth += 1;
            }
        }
        self.done("archive verify");
    }

    /// Goes through the steps of vacuum.
    fn sweeps(&self) {
        for step in VACUUM {
            self.killed("archive vacuum --keep 0s", step, 1);
            for resource in RESOURCES {
                run(self.check_whole(resource));
            }
        }
        self.done("archive vacuum --keep 0s");
        self.done("archive verify");
    }

    /// Returns the lost moves of a resource as the command takes them; `None` when the databases are consistent.
    fn accepted(&self, resource: &str) -> Option<String> {
        let seen = self.done(&format!("archive recover --dry-run --json --resource {resource}")).out;
        let seen: serde_json::Value = serde_json::from_str(&seen).expect("a report");
        let unknown = seen[0]["unknown_to_hot"].as_array().expect("moves");
        match seen[0]["lost"].as_array() {
            Some(lost) => Some(format!(" --accept-loss {resource}:{}-{}", lost[0], lost[1])),
            None => (!unknown.is_empty()).then(String::new),
        }
    }

    /// Recovers an inconsistent pair with a command that is killed at a step and run again.
    fn survives_recovering(&self, resource: &str, step: &str) {
        // The recovery looks first, which is a move of its own that is given up.
        let nth = if ["claiming", "claimed", "locked"].contains(&step) { 2 } else { 1 };
        let recover = format!("archive recover --yes --resource {resource}");
        let accepted = self.accepted(resource).expect("a recovery is due");
        self.killed(&(recover.clone() + &accepted), step, nth);
        // The recovery may have committed before it died; then the next move only confirms it.
        self.done(&match self.accepted(resource) {
            Some(accepted) => recover + &accepted,
            None => format!("archive run --older-than 1d --max-rows 1 --resource {resource}"),
        });
        run(self.check_whole(resource));
    }

    /// Replaces hot by a backup that is older than moves to cold.
    fn hot_goes_back(&self, resource: &str, step: &str) {
        let backup = scratch();
        copy_file(self.program.path(), backup.path(), HOT);
        self.done(&format!("archive run --older-than 1d --batch 30 --resource {resource}"));
        copy_file(backup.path(), self.program.path(), HOT);
        self.survives_recovering(resource, step);
    }

    /// Replaces cold by a backup that is older than moves to hot, so that no rows are lost.
    fn cold_goes_back(&mut self, resource: &str, step: &str) {
        self.done(&format!("archive run --older-than 1d --batch 30 --resource {resource}"));
        let backup = scratch();
        let mut copied = None;
        match &self.database {
            Some(database) => copied = Some(run(postgres::copy(database))),
            None => copy_file(self.program.path(), backup.path(), COLD),
        }
        self.done(&format!("archive restore --all --rows 50 --resource {resource}"));
        self.done("archive resume");
        match copied {
            Some(copied) => {
                self.program.cold = copied.to_string();
                self.database = Some(copied);
            }
            None => copy_file(backup.path(), self.program.path(), COLD),
        }
        self.survives_recovering(resource, step);
    }

    /// Goes through the steps of a recovery, each with the next resource.
    fn recoveries(&mut self) {
        let steps = MOVE.iter().filter(|step| !NOT_OF_RECOVERY.contains(step));
        for (place, step) in steps.enumerate() {
            for resource in of_turn(place) {
                if self.hot_is_file() {
                    self.hot_goes_back(resource, step);
                }
                self.cold_goes_back(resource, step);
            }
        }
    }
}

fn is_asked_for_more() -> bool {
    bound("THERMOCLINE_TEST_KILLS", 0, 0) > 0
}

/// Returns the resources to kill at the step in this place.
fn of_turn(place: usize) -> Vec<&'static str> {
    if is_asked_for_more() { RESOURCES.to_vec() } else { vec![RESOURCES[place % RESOURCES.len()]] }
}

/// Returns whether the program has fail points. Release builds have none.
fn steps_are_there() -> bool {
    let there = cfg!(debug_assertions);
    if !there {
        eprintln!("skipped, this build has no steps to die at");
    }
    there
}

#[test]
fn files_survive_a_kill_at_any_step() {
    if steps_are_there() {
        Fixture::embedded().turns();
    }
}

#[test]
fn a_postgres_survives_a_kill_at_any_step() {
    if let Some(mut fixture) = steps_are_there().then(Fixture::mixed).flatten() {
        fixture.turns();
    }
}

#[test]
fn a_hot_postgres_survives_a_kill_at_any_step() {
    let Some(mut fixture) = steps_are_there().then(Fixture::on_postgres).flatten() else { return };
    if is_asked_for_more() {
        fixture.turns();
        fixture.recoveries();
    } else {
        // The tests with files go through every step.
        fixture.turns_of(&["committed-in-cold", "raised", "committed-in-hot"]);
    }
}

#[test]
fn both_servers_survive_a_kill_at_any_step() {
    let Some(mut fixture) = steps_are_there().then(Fixture::real).flatten() else { return };
    if is_asked_for_more() {
        fixture.turns();
        fixture.recoveries();
    } else {
        // A server may be slow; the tests with files go through every step.
        fixture.turns_of(&["committed-in-cold", "committed-in-hot"]);
    }
    fixture.end();
}

#[test]
fn a_recovery_of_files_survives_a_kill_at_any_step() {
    if steps_are_there() {
        Fixture::embedded().recoveries();
    }
}

#[test]
fn a_recovery_of_a_postgres_survives_a_kill_at_any_step() {
    if let Some(mut fixture) = steps_are_there().then(Fixture::mixed).flatten() {
        fixture.recoveries();
    }
}

#[test]
fn purges_and_exports_of_files_survive_a_kill_at_any_step() {
    if steps_are_there() {
        let mut fixture = Fixture::embedded();
        fixture.exports();
        let of_moves = MOVE.into_iter().filter(|step| *step != "worked-in-hot");
        fixture.purges(&of_moves.chain(PURGE).chain(["purged", UNDONE]).collect::<Vec<_>>());
    }
}

#[test]
fn purges_and_exports_of_a_postgres_survive_a_kill_at_any_step() {
    if let Some(mut fixture) = steps_are_there().then(Fixture::mixed).flatten() {
        fixture.exports();
        // The test with files goes through every step.
        fixture.purges(&["noted-purge", "committed-in-hot", "purged", UNDONE]);
    }
}

#[test]
fn every_fail_point_of_the_sources_is_tested() {
    let tried = [&MOVE[..], &[PROVEN, UNDONE], &GIVING_UP, &ERASURE, &PURGE, &EXPORT, &VACUUM].concat();
    assert_eq!(fail_points::of_moves(), tried.into_iter().map(str::to_owned).collect());
}

/// Release builds have no fail points: this test shows that they do not.
#[test]
fn release_builds_have_no_fail_points() {
    let manifest = include_str!("../../Cargo.toml");
    assert!(!manifest.contains("debug-assertions"), "a release must not have the steps");
    let fixture = Fixture::embedded();
    let status = output(fixture.command("archive run --older-than 1d").env(DIE_AT, "claimed")).status;
    assert_eq!(status.code(), if cfg!(debug_assertions) { None } else { Some(0) });
}
