//! A disk that is full: the mover stops and says which, and goes on when there is room again.

use std::process::Command;

use thermocline::tier::Tier;

use super::faults::check;
use super::files::Ended;
use super::life::Life;
use super::{Pair, run};
use crate::support::postgres::{self, Cluster};
use crate::support::small_disk::SmallDisk;

const ARCHIVE: &str = "archive run --older-than 1d --patience 0s --batch 12 --resource messages";

/// A small disk, or a word on why there is none.
fn small_disk(size: u32) -> Option<SmallDisk> {
    SmallDisk::of(size)
        .inspect_err(|reason| eprintln!("skipped, no small file system can be mounted: {reason}"))
        .ok()
}

/// The mover has stopped; what it said.
fn stopped(ended: &Ended) -> &str {
    assert_eq!(ended.status, Some(1), "{ended:?}");
    ended.err.lines().find(|line| line.starts_with("error: ")).expect("an error")
}

/// The file of one tier has room for less and less, in KiB; a reader has both open all the while.
fn a_full_file(tier: Tier, rooms: [u64; 4]) {
    let Some(disk) = small_disk(8) else { return };
    let life = Life::in_folder(tier, disk.path());
    let reader: Pair = run(life.open());
    for left in rooms {
        disk.fill(left);
        let ended = Ended::of(life.command(ARCHIVE).output().expect("the program"));
        let said = stopped(&ended);
        let expected = format!("the {tier} tier is unavailable: ");
        assert!(said.contains(&expected) && said.contains("full"), "{left} KiB: {said}");
        run(check(&reader, &life.rows, "messages", &format!("{left} KiB are left in {tier}")));
    }
    disk.clear();
    life.done(ARCHIVE);
    run(async {
        check(&reader, &life.rows, "messages", "there is room").await;
        reader.close().await;
        life.check_whole("messages").await;
    });
}

#[test]
fn a_full_hot_file_stops_the_mover_until_there_is_room() {
    a_full_file(Tier::Hot, [80, 40, 20, 0]);
}

#[test]
fn a_full_cold_file_stops_the_mover_until_there_is_room() {
    a_full_file(Tier::Cold, [320, 160, 20, 0]);
}

/// Where no disk can be made: no file of the process may grow beyond a limit.
#[test]
fn a_limit_on_files_stops_the_mover_until_it_is_gone() {
    let life = Life::embedded();
    for blocks in [80, 120, 200] {
        let mut command = Command::new("sh");
        // The signal would kill it, which is another test.
        let script = format!("trap '' XFSZ; ulimit -f {blocks} && exec \"$0\" \"$@\"");
        let program = life.command(ARCHIVE);
        command.arg("-c").arg(script).arg(program.get_program()).args(program.get_args());
        command.current_dir(life.program.path()).env_clear();
        command.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let ended = Ended::of(command.output().expect("a shell"));
        let said = stopped(&ended);
        assert!(said.contains("tier is unavailable: ") && said.contains("disk"), "{blocks}: {said}");
        run(life.check("messages"));
    }
    life.done(ARCHIVE);
    run(life.check_whole("messages"));
}

/// A server whose data and log are on the full disk: it refuses, or it dies of it.
#[test]
fn a_full_postgres_stops_the_mover_until_there_is_room() {
    let Some(disk) = small_disk(160) else { return };
    let mut cluster = match Cluster::start_in(disk.path().to_owned()) {
        Ok(cluster) => cluster,
        Err(reason) => {
            assert!(std::env::var_os("CI").is_none(), "no PostgreSQL: {reason}");
            return eprintln!("skipped, no PostgreSQL: {reason}");
        }
    };
    let life = Life::beside(run(postgres::make(&cluster.url())));
    for left in [200, 0] {
        disk.fill(left);
        // To and fro, until the room in what the server has already taken is used up.
        let there_and_back = [ARCHIVE, "archive restore --all --resource messages", "archive resume"];
        let mut commands = there_and_back.iter().cycle();
        let said = loop {
            let command = commands.next().expect("another one");
            let ended = Ended::of(life.command(command).output().expect("the program"));
            if ended.status != Some(0) {
                break stopped(&ended).to_owned();
            }
        };
        println!("{left} KiB were left: {said}");
        assert!(said.contains("cold tier is unavailable: "), "{said}");
        disk.clear();
        // It may be about to die, or to come back by itself.
        cluster.revive().expect("it starts again");
        run(life.check("messages"));
        life.done("archive resume");
        life.done(ARCHIVE);
        run(life.check_whole("messages"));
    }
    drop(life);
    cluster.crash().expect("it ends");
}
