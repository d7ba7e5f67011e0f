//! A hot tier without a cold one: what is served, what is refused, and why.

use super::execute;
use super::faults::{lived_in, now};
use super::files::{Program, Serving};
use super::{Pair, run, table};

/// No cold tier.
const ALONE: (&str, &str) = ("COLD_DATABASE_URL", "");

async fn get(address: &str, path: &str) -> u16 {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    client.get(format!("http://{address}{path}")).send().await.expect("an answer").status().as_u16()
}

#[test]
fn archive_commands_say_what_is_missing() {
    let program = Program::new();
    run(async {
        Pair::open(program.path(), now()).await.close().await;
    });
    for command in ["run", "status", "verify", "vacuum"] {
        let output = program.command(&["archive", command]).env(ALONE.0, ALONE.1).output();
        let ended = super::files::Ended::of(output.expect("the program"));
        assert_eq!(ended.status, Some(2), "{command}: {ended:?}");
        assert!(ended.err.contains("COLD_DATABASE_URL: not set"), "{command}: {ended:?}");
    }
}

#[test]
fn a_hot_that_nothing_has_left_is_served() {
    let program = Program::new();
    run(async {
        let pair = Pair::open(program.path(), now()).await;
        table::fill(&pair, &table::Table::sample(now())).await;
        pair.close().await;
    });
    // At epoch 0; and after rows were archived and have all come back.
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
fn a_hot_that_rows_have_left_is_not_served_without_them() {
    let program = Program::new();
    run(async {
        lived_in(program.path()).await;
    });
    let Err(ended) = Serving::start(&program, &[ALONE]) else { panic!("it serves half of the rows") };
    assert_eq!(ended.status, Some(2), "{ended:?}");
    assert!(ended.err.contains("no cold tier is configured"), "{ended:?}");
    // Nor does a schedule make one up.
    let Err(ended) = Serving::start(&program, &[ALONE, ("THERMOCLINE_ARCHIVE_SCHEDULE", "0 2 * * *")]) else {
        panic!("it serves half of the rows")
    };
    assert_eq!(ended.status, Some(2), "{ended:?}");
}
