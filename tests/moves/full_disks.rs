//! A full disk stops the mover with an error that names the tier; it continues when there is space again.

use std::process::Command;

use thermocline::tier::Tier;

use super::fault_injection::check;
use super::fixture::Fixture;
use super::program::Ended;
use super::{Pair, run};
use crate::support::postgres::{self, Cluster};
use crate::support::small_disk::SmallDisk;
use crate::support::waiting::output;

const ARCHIVE: &str = "archive run --older-than 1d --patience 0s --batch 12 --resource messages";

/// Returns a small disk, or `None` and prints why there is none.
fn small_disk(size: u32) -> Option<SmallDisk> {
    SmallDisk::of(size)
        .inspect_err(|reason| eprintln!("skipped, no small file system can be mounted: {reason}"))
        .ok()
}

/// Returns the error output of a mover that has stopped.
fn stopped(ended: &Ended) -> &str {
    assert_eq!(ended.status, Some(1), "{ended:?}");
    ended.err.lines().find(|line| line.starts_with("error: ")).expect("an error")
}

/// Leaves less and less space (in KiB) for the file of one tier, while a reader keeps both files open.
fn a_full_file(tier: Tier, rooms: [u64; 4]) {
    let Some(disk) = small_disk(8) else { return };
    let fixture = Fixture::in_folder(tier, disk.path());
    let reader: Pair = run(fixture.open());
    for left in rooms {
        disk.fill(left);
        let ended = Ended::of(output(&mut fixture.command(ARCHIVE)));
        let said = stopped(&ended);
        let expected = format!("the {tier} tier is unavailable: ");
        assert!(said.contains(&expected) && said.contains("full"), "{left} KiB: {said}");
        run(check(&reader, &fixture.rows, "messages", &format!("{left} KiB are left in {tier}")));
    }
    disk.clear();
    fixture.done(ARCHIVE);
    run(async {
        check(&reader, &fixture.rows, "messages", "there is room").await;
        reader.close().await;
        fixture.check_whole("messages").await;
    });
}

#[test]
fn a_full_hot_disk_stops_the_mover_until_there_is_space() {
    a_full_file(Tier::Hot, [80, 40, 20, 0]);
}

#[test]
fn a_full_cold_disk_stops_the_mover_until_there_is_space() {
    a_full_file(Tier::Cold, [320, 160, 20, 0]);
}

/// Where no disk can be mounted: limits the size of the files that the process writes.
#[test]
fn a_file_size_limit_stops_the_mover_until_it_is_lifted() {
    let fixture = Fixture::embedded();
    for blocks in [80, 120, 200] {
        let mut command = Command::new("sh");
        // Ignores the signal, which would kill the process: that is another test.
        let script = format!("trap '' XFSZ; ulimit -f {blocks} && exec \"$0\" \"$@\"");
        let program = fixture.command(ARCHIVE);
        command.arg("-c").arg(script).arg(program.get_program()).args(program.get_args());
        command.current_dir(fixture.program.path()).env_clear();
        command.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let ended = Ended::of(output(&mut command));
        let said = stopped(&ended);
        assert!(said.contains("tier is unavailable: ") && said.contains("disk"), "{blocks}: {said}");
        run(fixture.check("messages"));
    }
    fixture.done(ARCHIVE);
    run(fixture.check_whole("messages"));
}

/// A server whose data and log are on the full disk: it rejects writes, or it crashes.
#[test]
fn a_full_postgres_disk_stops_the_mover_until_there_is_space() {
    let Some(disk) = small_disk(160) else { return };
    let mut cluster = match Cluster::start_in(disk.path().to_owned()) {
        Ok(cluster) => cluster,
        Err(reason) => {
            assert!(std::env::var_os("CI").is_none(), "no PostgreSQL: {reason}");
            return eprintln!("skipped, no PostgreSQL: {reason}");
        }
    };
    let fixture = Fixture::beside(run(postgres::make(&cluster.url())));
    for left in [200, 0] {
        disk.fill(left);
        // Moves rows back and forth until the space that the server has already allocated is used up.
        let there_and_back = [ARCHIVE, "archive restore --all --resource messages", "archive resume"];
        let mut commands = there_and_back.iter().cycle();
        let said = loop {
            let command = commands.next().expect("another one");
            let ended = Ended::of(output(&mut fixture.command(command)));
            if ended.status != Some(0) {
                break stopped(&ended).to_owned();
            }
        };
        println!("{left} KiB were left: {said}");
        assert!(said.contains("cold tier is unavailable: "), "{said}");
        disk.clear();
        // The server may be about to end, or to recover by itself.
        cluster.revive().expect("it starts again");
        run(fixture.check("messages"));
        fixture.done("archive resume");
        fixture.done(ARCHIVE);
        run(fixture.check_whole("messages"));
    }
    drop(fixture);
    cluster.crash().expect("it ends");
}
