//! The program killed at each step of each kind of move, on the engines there are.
//!
//! After every kill each list must be as it was, whichever tier has the rows; after the next run the tables too, to the
//! last count. A step that a command does not come to fails the test, and so does one of the sources that is missing here.

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;

use thermocline::clock::{DAY, Timestamp};
use thermocline::resources;

use super::faults::now;
use super::files::Ended;
use super::life::Life;
use super::lists::Reader;
use super::table::Table;
use super::{COLD, HOT, copy_file, run, scratch, setting};
use crate::support::postgres;

/// What ends the program: see `src/archive/fail_point.rs`.
const DIE_AT: &str = "THERMOCLINE_TEST_DIE_AT";

/// The steps of every move, in their order.
const MOVE: [&str; 13] = [
    "claiming",
    "claimed",
    "locked",
    "settling",
    "settled",
    "worked-in-hot",
    "worked-in-cold",
    "journalled",
    "committed-in-cold",
    "raised",
    "committed-in-hot",
    "confirming",
    "confirmed",
];
/// What a move proves.
const PROVEN: &str = "proven";
/// An interrupted move was taken back by the next one, and that is not committed.
const UNDONE: &str = "undone";
/// A move that finds nothing to do.
const GIVING_UP: [&str; 2] = ["giving-up", "given-up"];
/// What comes before an erasure's move, and after it.
const ERASURE: [&str; 3] = ["noting", "noted", "purged"];
const VACUUM: [&str; 7] =
    ["raising-floor", "raised-floor", "removing", "removed", "folding", "folded", "analyzed"];
/// A recovery settles nothing and proves nothing.
const NOT_OF_RECOVERY: [&str; 2] = ["settling", "settled"];

impl Life {
    /// Runs a command, which must die when it comes to a step for the nth time.
    fn killed(&self, args: &str, step: &str, nth: u32) {
        let at = format!("{step}:{nth}");
        let output = self.command(args).env(DIE_AT, &at).output().expect("the program");
        let signal = output.status.signal();
        assert_eq!(signal, Some(9), "{}, {args}: {at} was not come to: {:?}", self.name, Ended::of(output));
    }

    /// The same; then every list is as it should be.
    fn survives(&self, args: &str, step: &str, nth: u32) {
        if step == UNDONE {
            self.killed(args, "committed-in-cold", nth);
            self.killed(args, UNDONE, 1);
        } else {
            self.killed(args, step, nth);
        }
        run(self.check());
    }

    /// Rows of a resource, of both tiers, are erased by a command that is killed at a step and run again.
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
                ids.iter().for_each(|id| after.forget_post(*id));
                ids
            }
            _ => {
                // Days that nobody corrects.
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
        run(self.check_whole());
    }

    /// A resource is as it was, or as it will be.
    async fn check_either(&self, resource: &str, after: &Table, step: &str) {
        let pair = self.open().await;
        let reader = Reader::new(&*pair.hot, &*pair.cold);
        if let Err(before) = self.rows.check(resource, &reader).await {
            let after = after.check(resource, &reader).await;
            assert!(after.is_ok(), "{}, erasing at {step}: neither {before} nor {after:?}", self.name);
        }
        pair.close().await;
    }

    /// One turn: rows go to cold, some are erased, the rest comes back, cold is swept; each is killed at this step if it
    /// has it, and run again.
    fn turn(&mut self, nth: i64, resource: &str, step: &str) {
        let has = |steps: &[&[&str]]| steps.iter().any(|steps| steps.contains(&step));
        let archive = "archive run --older-than 1d --patience 0s --batch 15";
        let restore = format!("archive restore --all --rows 20 --resource {resource}");
        if has(&[&MOVE, &[PROVEN, UNDONE]]) {
            self.survives(&format!("{archive} --resource {resource}"), step, 2);
        }
        self.done(archive);
        run(self.check_whole());
        run(self.write_late(nth));
        if has(&[&MOVE, &[UNDONE], &GIVING_UP, &ERASURE]) {
            self.survives_erasing(resource, nth, step);
        }
        if has(&[&MOVE, &[PROVEN, UNDONE], &GIVING_UP]) {
            self.survives(&restore, step, if GIVING_UP.contains(&step) { 1 } else { 2 });
        }
        // So that the next turn finds its own resource in hot.
        self.done("archive restore --all");
        self.done("archive resume");
        run(self.check_whole());
        let vacuum = "archive vacuum --keep 0s";
        if let Some(step) = VACUUM.get(nth as usize) {
            self.survives(vacuum, step, 1);
        }
        self.done(vacuum);
        run(self.check_whole());
    }

    /// Each step once, of one resource after the other; of every resource when more is asked for.
    fn turns(&mut self) {
        let more = setting("THERMOCLINE_TEST_KILLS", 0) > 0;
        let steps = [&MOVE[..], &[PROVEN, UNDONE], &GIVING_UP, &ERASURE].concat();
        assert!(steps.len() >= VACUUM.len());
        let mut nth = 0;
        for (place, step) in steps.iter().enumerate() {
            let families = resources::families();
            let of: Vec<_> = if more { families.to_vec() } else { vec![families[place % families.len()]] };
            for family in of {
                self.turn(nth, family.resource, step);
                nth += 1;
            }
        }
        assert!(self.done("archive verify").err.is_empty());
    }

    /// The lost moves, as a command takes them; none when both databases fit.
    fn accepted(&self) -> Option<String> {
        let seen = self.done("archive recover --dry-run --json").out;
        let seen: serde_json::Value = serde_json::from_str(&seen).expect("a report");
        let mut args = String::new();
        let mut due = false;
        for one in seen.as_array().expect("reports") {
            let unknown = one["unknown_to_hot"].as_array().expect("moves");
            due |= !unknown.is_empty() || !one["lost"].is_null();
            if let Some(lost) = one["lost"].as_array() {
                let resource = one["resource"].as_str().expect("a name");
                args += &format!(" --accept-loss {resource}:{}-{}", lost[0], lost[1]);
            }
        }
        due.then_some(args)
    }

    /// A recovery of what does not fit, killed at a step and run again.
    fn survives_recovering(&self, step: &str) {
        // Each of the three resources is looked at first, which is a move of its own that is given up.
        let nth = if ["claiming", "claimed", "locked"].contains(&step) { 4 } else { 1 };
        let accepted = self.accepted().expect("a recovery is due");
        self.killed(&format!("archive recover --yes{accepted}"), step, nth);
        if let Some(accepted) = self.accepted() {
            self.done(&format!("archive recover --yes{accepted}"));
        }
        run(self.check_whole());
    }

    /// Hot comes back from a backup that is older than moves to cold.
    fn hot_goes_back(&self, step: &str) {
        let backup = scratch();
        copy_file(self.program.path(), backup.path(), HOT);
        self.done("archive run --older-than 1d --batch 30");
        copy_file(backup.path(), self.program.path(), HOT);
        self.survives_recovering(step);
    }

    /// Cold comes back from a backup that is older than moves to hot; so nothing is lost with them.
    fn cold_goes_back(&mut self, step: &str) {
        self.done("archive run --older-than 1d --batch 30");
        let backup = scratch();
        let mut copied = None;
        match &self.database {
            Some(database) => copied = Some(run(postgres::copy(database))),
            None => copy_file(self.program.path(), backup.path(), COLD),
        }
        self.done("archive restore --all --rows 50");
        self.done("archive resume");
        match copied {
            Some(copied) => {
                self.program.cold = copied.to_string();
                self.database = Some(copied);
            }
            None => copy_file(backup.path(), self.program.path(), COLD),
        }
        self.survives_recovering(step);
    }

    fn recoveries(&mut self) {
        for step in MOVE.iter().filter(|step| !NOT_OF_RECOVERY.contains(step)) {
            if self.hot_is_file() {
                self.hot_goes_back(step);
            }
            self.cold_goes_back(step);
        }
    }
}

/// The tests of a release have no step to die at, and say so.
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
        Life::embedded().turns();
    }
}

#[test]
fn a_postgres_survives_a_kill_at_any_step() {
    if let Some(mut life) = steps_are_there().then(Life::mixed).flatten() {
        life.turns();
    }
}

#[test]
fn both_servers_survive_a_kill_at_any_step() {
    if let Some(mut life) = steps_are_there().then(Life::real).flatten() {
        life.turns();
        life.recoveries();
        life.end();
    }
}

#[test]
fn a_recovery_of_files_survives_a_kill_at_any_step() {
    if steps_are_there() {
        Life::embedded().recoveries();
    }
}

#[test]
fn a_recovery_of_a_postgres_survives_a_kill_at_any_step() {
    if let Some(mut life) = steps_are_there().then(Life::mixed).flatten() {
        life.recoveries();
    }
}

/// The names of the steps in a file or in the files of a folder.
fn steps_in(path: &Path, found: &mut BTreeSet<String>) {
    if path.is_dir() {
        for entry in std::fs::read_dir(path).expect("a folder") {
            steps_in(&entry.expect("an entry").path(), found);
        }
    } else if path.extension().is_some_and(|extension| extension == "rs") {
        let source = std::fs::read_to_string(path).expect("a source");
        for rest in source.split("fail_point::reached(\"").skip(1) {
            found.insert(rest.split('"').next().expect("a name").to_owned());
        }
    }
}

#[test]
fn every_step_of_the_sources_is_died_at() {
    let mut found = BTreeSet::new();
    steps_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    let tried = [&MOVE[..], &[PROVEN, UNDONE], &GIVING_UP, &ERASURE, &VACUUM].concat();
    assert_eq!(found, tried.into_iter().map(str::to_owned).collect());
}

/// Releases are built without debug assertions, so without the facility; and whoever tests one sees that it is not there.
#[test]
fn a_release_does_not_die() {
    let manifest = include_str!("../../../Cargo.toml");
    assert!(!manifest.contains("debug-assertions"), "a release must not have the steps");
    let life = Life::embedded();
    let output = life.command("archive run --older-than 1d").env(DIE_AT, "claimed").output();
    let status = output.expect("the program").status;
    assert_eq!(status.code(), if cfg!(debug_assertions) { None } else { Some(0) });
}
