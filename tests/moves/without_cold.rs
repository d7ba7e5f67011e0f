//! A hot tier without a cold one: requests and commands that work, and those that are rejected.

use super::execute;
use super::fault_injection::{now, pair_with_history};
use super::program::{Ended, Program, Serving};
use super::{Pair, logical_table, run};
use crate::support::client;
use crate::support::waiting::output;

/// No cold tier.
const ALONE: (&str, &str) = ("COLD_DATABASE_URL", "");

async fn get(address: &str, path: &str) -> u16 {
    let client = client().build().expect("a client");
    client.get(format!("http://{address}{path}")).send().await.expect("an answer").status().as_u16()
}

#[test]
fn archive_commands_require_a_cold_tier() {
    let program = Program::new();
    run(async {
        Pair::open(program.path(), now()).await.close().await;
    });
    for command in ["run", "status", "verify", "vacuum"] {
        let ended = Ended::of(output(program.command(&["archive", command]).env(ALONE.0, ALONE.1)));
        assert_eq!(ended.status, Some(2), "{command}: {ended:?}");
        assert!(ended.err.contains("COLD_DATABASE_URL: not set"), "{command}: {ended:?}");
    }
}

#[test]
fn a_hot_tier_without_archived_rows_is_served() {
    let program = Program::new();
    run(async {
        let pair = Pair::open(program.path(), now()).await;
        logical_table::fill(&pair, &logical_table::Table::sample(now())).await;
        pair.close().await;
    });
    // At epoch 0, and after rows were archived and have all been restored.
    for epoch in [0, 7] {
        run(async {
            let pair = Pair::open_unpaired(program.path(), now()).await;
            execute(&*pair.hot, "UPDATE archive_state SET epoch = ?1", &[epoch.into()]).await;
            pair.close().await;
        });
        let server = Serving::start(&program, &[ALONE]).expect("it serves");
        assert_eq!(run(get(&server.address, "/readyz")), 200, "epoch {epoch}");
        assert_eq!(server.stop().status, Some(0));
    }
}

#[test]
fn a_hot_tier_with_archived_rows_is_not_served_alone() {
    let program = Program::new();
    run(async {
        pair_with_history(program.path()).await;
    });
    let Err(ended) = Serving::start(&program, &[ALONE]) else { panic!("it serves half of the rows") };
    assert_eq!(ended.status, Some(2), "{ended:?}");
    assert!(ended.err.contains("no cold tier is configured"), "{ended:?}");
    // A schedule does not create a cold tier either.
    let Err(ended) = Serving::start(&program, &[ALONE, ("THERMOCLINE_ARCHIVE_SCHEDULE", "0 2 * * *")]) else {
        panic!("it serves half of the rows")
    };
    assert_eq!(ended.status, Some(2), "{ended:?}");
}
