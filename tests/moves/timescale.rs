//! Cold cut into chunks by TimescaleDB: with the rows it has, before every command that changes them, and beside compressed chunks.

use super::fixture::Fixture;
use super::program::Ended;
use super::{every_command, run};
use crate::support::waiting::output;
use crate::support::{postgres, timescale};

/// Creates a pair whose cold is not cut yet. Returns none, and says so, without a TimescaleDB.
fn whole() -> Option<Fixture> {
    let Some(server) = timescale::url() else {
        eprintln!("skipped, THERMOCLINE_TEST_TIMESCALE_URL names no TimescaleDB");
        return None;
    };
    Some(Fixture::beside(run(postgres::make_plain(&server))))
}

fn execute(fixture: &Fixture, text: &'static str) {
    run(async {
        let mut connection = postgres::connect(fixture.database.as_deref().expect("a database")).await;
        sqlx::raw_sql(text).execute(&mut connection).await.expect("done");
    });
}

fn make_extension(fixture: &Fixture) {
    run(async {
        let mut connection = postgres::connect(fixture.database.as_deref().expect("a database")).await;
        timescale::prepare(&mut connection).await;
    });
}

#[test]
fn tables_are_cut_with_their_rows() {
    let Some(fixture) = whole() else { return };
    fixture.done("archive run --older-than 20d");
    let ended = Ended::of(output(&mut fixture.command("db hypertable --yes")));
    assert_eq!(ended.status, Some(2), "without the extension: {ended:?}");
    make_extension(&fixture);

    let planned = fixture.done("db hypertable --dry-run").out;
    assert_eq!(planned.lines().count(), 2, "{planned}");
    assert_eq!(fixture.done("db hypertable --dry-run").out, planned, "a dry run changes nothing");
    assert_eq!(fixture.done("db hypertable --yes").out, "cold: cut 2 tables into chunks\n");
    assert_eq!(fixture.done("db hypertable --yes").out, "cold: cut already, nothing to do\n");
    fixture.done("db check");
    every_command::check(&fixture);
}

#[test]
fn every_command_works_on_chunks() {
    let Some(mut fixture) = whole() else { return };
    make_extension(&fixture);
    fixture.done("db hypertable --yes");
    every_command::run_all(&mut fixture);
}

#[test]
fn compressed_chunks_are_read_and_reported() {
    let Some(fixture) = whole() else { return };
    make_extension(&fixture);
    fixture.done("db hypertable --yes");
    fixture.done("archive run --older-than 1d");
    execute(
        &fixture,
        "ALTER TABLE stock_prices_history
             SET (timescaledb.compress, timescaledb.compress_segmentby = 'stock_id', timescaledb.compress_orderby = 'trade_date');
         SELECT compress_chunk(chunk) FROM show_chunks('stock_prices_history') chunk",
    );
    let checked = fixture.done("db check --tier cold").out;
    assert!(checked.contains("stock_prices_history is compressed"), "{checked}");
    every_command::check(&fixture);
}

#[test]
fn another_cut_is_refused() {
    let Some(fixture) = whole() else { return };
    make_extension(&fixture);
    execute(
        &fixture,
        "SELECT create_hypertable('user_behavior_analytics', by_range('user_id', 1000), create_default_indexes => false)",
    );
    let ended = Ended::of(output(&mut fixture.command("db check --tier cold")));
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(
        ended.out.contains("user_behavior_analytics is cut by user_id, and must not be cut"),
        "{ended:?}"
    );
}
