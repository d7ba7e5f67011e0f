//! A statement whose client hung up ends in the database.

use std::sync::Arc;
use std::time::Duration;

use thermocline::tier::{Begin, Engine as _, Sqlite, Statement, Tier, Value};

use crate::support::postgres::cold;

/// The time after which the client hangs up.
const MOMENT: Duration = Duration::from_millis(50);
/// The longest wait for the end of a statement that would go on for much longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Counts for ever without returning a row.
fn endless() -> Statement {
    Statement::new(
        "-- test.endless\nWITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) AS n FROM n",
    )
}

#[tokio::test]
async fn sqlite_interrupts_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let database =
        Sqlite::open(thermocline::schema::of(Tier::Hot), &folder.path().join("db")).await.expect("opens");
    // More than there are connections: each statement gives its connection back.
    for _ in 0..20 {
        assert!(
            tokio::time::timeout(MOMENT, database.fetch(&endless(), &[])).await.is_err(),
            "it has no end"
        );
    }
    let mut session = database.session().await.expect("a session");
    session.begin(Begin::Read).await.expect("begins");
    assert!(tokio::time::timeout(MOMENT, session.fetch(&endless(), &[])).await.is_err(), "it has no end");
    drop(session);
    let one = Statement::new("-- test.one\nSELECT ?1 AS n");
    for n in 0..20 {
        let rows = database.fetch(&one, &[Value::Int(n)]).await.expect("answers");
        assert_eq!(rows[0].int("n").expect("a number"), n, "another statement's answer");
    }
    // Waits for every statement that runs.
    tokio::time::timeout(PATIENCE, database.close()).await.expect("a statement goes on");
}

#[tokio::test]
async fn postgres_cancels_it() {
    let Some((cold, _database)) = cold().await else { return };
    let cold = Arc::new(cold);
    let sleep = Statement::new("-- test.hung_up\n")
        .postgres("-- test.hung_up\nSELECT 1::bigint AS n FROM pg_sleep(600)");
    let running = Statement::new("-- test.running\n").postgres(
        "-- test.running\nSELECT count(*) AS n FROM pg_stat_activity \
         WHERE datname = current_database() AND state = 'active' AND query LIKE '-- test.hung\\_up%'",
    );
    let running = async || cold.fetch(&running, &[]).await.expect("answers")[0].int("n").expect("a number");
    let asks: Vec<_> = (0..5)
        .map(|_| {
            let cold = Arc::clone(&cold);
            tokio::spawn(async move { cold.fetch(&sleep, &[]).await })
        })
        .collect();
    let until = async |wanted: i64| {
        let reached = async {
            while running().await != wanted {
                tokio::time::sleep(MOMENT).await;
            }
        };
        tokio::time::timeout(PATIENCE, reached).await.unwrap_or_else(|_| panic!("never {wanted} statements"));
    };
    until(5).await;
    for ask in asks {
        ask.abort();
    }
    until(0).await;
    cold.close().await;
}
