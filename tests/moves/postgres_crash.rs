//! Kills the cold server at random moments of a move, and starts it again.

use std::process::Command;
use std::time::Duration;

use thermocline::tier::Begin;

use super::fixture::Fixture;
use super::program::Ended;
use super::{run, sql};
use crate::support::bounds::bound;
use crate::support::dice::Dice;
use crate::support::postgres::{self, Cluster};
use crate::support::waiting::{finish, until_beside};

const RESOURCE: &str = "messages";

/// How the server ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The whole server ends and has to be started again.
    Crash,
    /// One of its processes is killed, as without memory, and the server restarts itself.
    Backend,
}

/// Returns the number of batches in cold's journal.
async fn batches(fixture: &Fixture) -> i64 {
    let pair = fixture.open().await;
    let count = sql("SELECT count(*) AS n FROM archive_batches");
    let n = pair.cold.fetch(&count, &[]).await.expect("a count")[0].int("n").expect("a count");
    pair.close().await;
    n
}

/// Kills the server process of a connected client.
async fn kill_backend(fixture: &Fixture) {
    let pair = fixture.open().await;
    let mut session = pair.cold.session().await.expect("a session");
    session.begin(Begin::Read).await.expect("a transaction");
    let own = sql("SELECT CAST(pg_backend_pid() AS BIGINT) AS pid");
    let pid = session.fetch(&own, &[]).await.expect("a process")[0].int("pid").expect("a number");
    let killed = Command::new("kill").args(["-KILL", &pid.to_string()]).status();
    assert!(killed.expect("kill").success());
    drop(session);
    pair.close().await;
}

#[test]
fn moves_continue_after_a_postgres_crash() {
    let mut cluster = match Cluster::start() {
        Ok(cluster) => cluster,
        Err(reason) => {
            assert!(std::env::var_os("CI").is_none(), "no PostgreSQL: {reason}");
            return eprintln!("skipped, no PostgreSQL: {reason}");
        }
    };
    let fixture = Fixture::beside(run(postgres::make(&cluster.url())));
    let mut dice = Dice(41);
    let rounds = 1 + bound("THERMOCLINE_TEST_KILLS", 0, 0).min(20);
    for _ in 0..rounds {
        for (patience, end) in [("60s", End::Crash), ("0s", End::Crash), ("60s", End::Backend)] {
            let before = run(batches(&fixture));
            let args = format!(
                "archive run --older-than 1d --batch 2 --resource {RESOURCE} --patience {patience} --pause 5"
            );
            let child = fixture.command(&args).spawn().expect("the program");
            let child = until_beside(child, "a batch moves", || run(batches(&fixture)) != before);
            std::thread::sleep(Duration::from_micros(dice.roll(40_000)));
            match end {
                End::Crash => {
                    cluster.crash().expect("it crashes");
                    if patience == "0s" {
                        ends(child, Some(1), end);
                        cluster.launch().expect("it starts again");
                    } else {
                        std::thread::sleep(Duration::from_millis(dice.roll(500)));
                        cluster.launch().expect("it starts again");
                        ends(child, Some(0), end);
                    }
                }
                End::Backend => {
                    run(kill_backend(&fixture));
                    ends(child, Some(0), end);
                }
            }
            run(fixture.check(RESOURCE));
            fixture.done(&format!("archive run --older-than 1d --resource {RESOURCE}"));
            run(fixture.check_whole(RESOURCE));
            fixture.done(&format!("archive restore --all --resource {RESOURCE}"));
            fixture.done("archive resume");
        }
    }
    run(fixture.check_whole(RESOURCE));
    drop(fixture);
    cluster.crash().expect("it ends");
}

/// Checks the exit code: a mover that waits for cold moves everything, one that does not wait names the tier.
fn ends(child: std::process::Child, expected: Option<i32>, end: End) {
    let ended = Ended::of(finish(child));
    assert_eq!(ended.status, expected, "{end:?}: {ended:?}");
    let said = ended.err.contains("error: the cold tier is unavailable: ");
    assert_eq!(said, expected == Some(1), "{end:?}: {ended:?}");
}
