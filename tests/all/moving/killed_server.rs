//! A cold server that is killed under the mover at any moment, and started again.

use std::process::Command;
use std::time::Duration;

use thermocline::tier::Begin;

use super::files::Ended;
use super::life::Life;
use super::{Dice, run, setting, sql};
use crate::support::postgres::{self, Cluster};

const RESOURCE: &str = "messages";

/// How a server ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// All of it at once; somebody has to start it again.
    Crash,
    /// One of its processes is killed, as where memory runs out, and it starts itself again.
    Backend,
}

/// How many batches cold has noted.
async fn batches(life: &Life) -> i64 {
    let pair = life.open().await;
    let count = sql("SELECT count(*) AS n FROM archive_batches");
    let n = pair.cold.fetch(&count, &[]).await.expect("a count")[0].int("n").expect("a count");
    pair.close().await;
    n
}

/// Kills the server's process for a client that is connected.
async fn kill_backend(life: &Life) {
    let pair = life.open().await;
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
fn a_killed_postgres_is_moved_to_when_it_is_back() {
    let mut cluster = match Cluster::start() {
        Ok(cluster) => cluster,
        Err(reason) => {
            assert!(std::env::var_os("CI").is_none(), "no PostgreSQL: {reason}");
            return eprintln!("skipped, no PostgreSQL: {reason}");
        }
    };
    let life = Life::beside(run(postgres::make(&cluster.url())));
    let mut dice = Dice(41);
    let rounds = 1 + setting("THERMOCLINE_TEST_KILLS", 0).min(20);
    for _ in 0..rounds {
        for (patience, end) in [("60s", End::Crash), ("0s", End::Crash), ("60s", End::Backend)] {
            let before = run(batches(&life));
            let args = format!(
                "archive run --older-than 1d --batch 2 --resource {RESOURCE} --patience {patience} --pause 5"
            );
            let child = life.command(&args).spawn().expect("the program");
            while run(batches(&life)) == before {
                std::thread::sleep(Duration::from_millis(2));
            }
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
                    run(kill_backend(&life));
                    ends(child, Some(0), end);
                }
            }
            run(life.check(RESOURCE));
            life.done(&format!("archive run --older-than 1d --resource {RESOURCE}"));
            run(life.check_whole(RESOURCE));
            life.done(&format!("archive restore --all --resource {RESOURCE}"));
            life.done("archive resume");
        }
    }
    run(life.check_whole(RESOURCE));
    drop(life);
    cluster.crash().expect("it ends");
}

/// A mover that waits for cold moves everything, one that does not says what it lacks.
fn ends(child: std::process::Child, expected: Option<i32>, end: End) {
    let ended = Ended::of(child.wait_with_output().expect("its output"));
    assert_eq!(ended.status, expected, "{end:?}: {ended:?}");
    let said = ended.err.contains("error: the cold tier is unavailable: ");
    assert_eq!(said, expected == Some(1), "{end:?}: {ended:?}");
}
