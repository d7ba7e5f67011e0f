//! Kills at each step of an adoption. After each, the next run goes on, and every row is there.

use crate::platform::Platform;
use crate::program::said;
use crate::support::bounds::bound;
use crate::support::fail_points::{self, MOVE};

/// The step of every move that the repair of an adoption does not reach.
const NOT_OF_REPAIR: &str = "worked-in-hot";
/// The distance of the steps that are tried unless `THERMOCLINE_TEST_STRIDE` names another: 1 walks through all of them.
const STRIDE: u64 = 3;
/// The steps of other commands.
const ELSEWHERE: [&str; 5] =
    ["dropping-originals", "putting-back", "unpairing", "starting-again", "started-again"];

#[tokio::test(flavor = "multi_thread")]
async fn an_adoption_survives_a_kill_at_any_step() {
    let Some(platform) = Platform::with_a_past().await else { return };
    let mut steps: Vec<String> =
        fail_points::of_adoption().into_iter().filter(|step| !ELSEWHERE.contains(&step.as_str())).collect();
    assert!(steps.len() > 15, "{steps:?}");
    // The repair is a move, too.
    steps.extend(MOVE.into_iter().filter(|step| *step != NOT_OF_REPAIR).map(str::to_owned));
    // Later batches too.
    steps.extend(
        ["copied-originals:2", "resolved:2", "committed-in-cold:2", "committed-in-hot:3"].map(str::to_owned),
    );
    let stride = bound("THERMOCLINE_TEST_STRIDE", STRIDE, 2 * STRIDE) as usize;
    for step in steps.iter().step_by(stride) {
        let copy = platform.copy().await;
        assert!(copy.program.dies("db adopt", step), "{step} was not come to");
        // Nothing is served until the adoption is complete. After its last steps it is.
        let used = copy.program.run("archive run --dry-run");
        match used.status.code() {
            Some(2) => assert!(said(&used).contains("thermocline db "), "{step}: {}", said(&used)),
            Some(0) => copy.check_whole(&format!("complete, but killed at {step}")).await,
            other => panic!("{step}: {other:?}: {}", said(&used)),
        }
        copy.program.report("db adopt");
        copy.check_whole(&format!("killed at {step}")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_adoption_survives_kills_at_any_moment() {
    let Some(platform) = Platform::with_a_past().await else { return };
    for round in 0..bound("THERMOCLINE_TEST_KILLS", 4, 1) {
        let copy = platform.copy().await;
        for nth in 1..30 {
            let mut running = copy.program.command("db adopt");
            running.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
            let mut running = running.spawn().expect("the program");
            tokio::time::sleep(std::time::Duration::from_millis(40 * nth + 17 * round)).await;
            let ended = running.try_wait().expect("a status").is_some();
            // It may have ended by now.
            let _ = running.kill();
            let _ = running.wait();
            if ended {
                break;
            }
        }
        copy.program.report("db adopt");
        copy.check_whole(&format!("round {round}")).await;
    }
}
