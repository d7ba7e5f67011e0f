//! `db wait`: databases that are not ready yet, and those that never will be.

use std::io::{BufRead as _, BufReader};

use sqlx::Connection as _;

use super::{Ended, Installation};
use crate::support::postgres;
use crate::support::waiting::{finish, output};

#[test]
fn an_unreachable_host_is_named_with_the_reason() {
    let installation = Installation::embedded();
    let mut command = installation.command(&["db", "wait", "--tries", "2"]);
    command.env("COLD_DATABASE_URL", "postgres://me:hunter2@127.0.0.1:1/cold");
    let ended = Ended::of(output(&mut command));
    assert_eq!(ended.status, Some(1), "{ended:?}");
    let Ended { out, err, .. } = ended;
    assert_eq!(out, "hot hot.db is there\n");
    assert!(
        err.contains("cold postgres://127.0.0.1:1/cold is unreachable: ") && err.contains("refused"),
        "{err}"
    );
    assert!(err.contains("(try 1 of 2, again in 0.5 s)") && err.contains("(try 2 of 2)"), "{err}");
    assert!(
        err.contains("error: cold") && err.contains("after 2 tries") && !err.contains("hunter2"),
        "{err}"
    );
}

#[tokio::test]
async fn a_database_created_during_the_wait_is_found() {
    let Some(installation) = Installation::postgres().await else { return };
    let (place, query) = installation.cold().split_once('?').expect("options");
    let (name, url) =
        (format!("thermocline_late_{}", std::process::id()), place.rsplit_once('/').expect("a path").0);
    let url = format!("{url}/{name}?{query}");
    let mut command = installation.command(&["db", "wait", "--tier", "cold"]);
    let mut waiting = command.env("COLD_DATABASE_URL", &url).spawn().expect("the program");
    let mut lines = BufReader::new(waiting.stderr.take().expect("what it says")).lines();
    let first = lines.next().expect("a line").expect("text");
    assert!(
        first.contains("is reachable, but this database does not exist: ") && first.contains("try 1 of 30"),
        "{first}"
    );
    let mut connection = postgres::connect(installation.cold()).await;
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}")))
        .execute(&mut connection)
        .await
        .expect("made");
    let ended = Ended::of(finish(waiting));
    assert_eq!(ended.status, Some(0), "{ended:?}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!("DROP DATABASE {name}")))
        .execute(&mut connection)
        .await
        .expect("dropped");
    connection.close().await.expect("closes");
}

#[tokio::test]
async fn a_wrong_password_and_a_missing_database_are_reported() {
    let Some(installation) = Installation::mssql().await else { return };
    let (place, options) = installation.hot.split_once('?').expect("options");
    let (who, place) = place.split_once('@').expect("a user");
    let (user, _) = who.rsplit_once(':').expect("a password");
    let wrong = format!("{user}:hunter2@{place}?{options}");
    let missing = format!("{who}@{}/nowhere?{options}", place.split_once('/').expect("a path").0);
    for (url, said, advice) in [
        (wrong, "reachable, but rejects this user", "correct user and password"),
        (missing, "reachable, but this database does not exist", "create the database"),
    ] {
        let mut command = installation.command(&["db", "wait", "--tier", "hot", "--tries", "1"]);
        let ended = Ended::of(output(command.env("HOT_DATABASE_URL", url)));
        assert_eq!(ended.status, Some(1), "{ended:?}");
        assert!(ended.err.contains(said) && ended.err.contains(advice), "{ended:?}");
        assert!(!ended.err.contains("hunter2"), "{ended:?}");
    }
    installation.drop().await;
}
