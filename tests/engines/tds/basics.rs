//! Logins, statements and migrations that work.

use std::process::Command;

use thermocline::config::{Encrypt, Mssql as Address};
use thermocline::federation::reads::Hot as _;
use thermocline::federation::sql::SqlHot;
use thermocline::page::{Slice, Span};
use thermocline::resources::messages::Messages;
use thermocline::tier::migrate::{self, Schema as _};
use thermocline::tier::{Engine as _, Mssql, Session, Statement, Tier, TierError, Value};

use crate::mssql::{at, people, statement};
use crate::support::tds::login;
use crate::support::tds::{FakeServer, TdsEngine};
use crate::support::waiting::output;

#[tokio::test]
async fn login_and_select() {
    let fake = FakeServer::start().await;
    let hot = TdsEngine::open(&fake).await.expect("opens");
    let text = "漢字😀".repeat(9_000);
    let echo = statement("SELECT ?1 AS n, ?2 AS content, ?3 AS at, ?4 AS held, ?5 AS mover");
    let instant = at("1752-09-14T00:00:00.123456Z");
    for (n, content) in [(i64::MIN, ""), (0, "a"), (i64::MAX, &*text)] {
        let params = [n.into(), content.into(), instant.into(), true.into(), "b".into()];
        let rows = hot.fetch(&echo, &params).await.expect("answers");
        assert_eq!(rows[0].int("n").expect("a number"), n);
        assert_eq!(rows[0].text("content").expect("a text"), content);
        assert_eq!(rows[0].time("at").expect("an instant"), instant);
        assert!(rows[0].bool("held").expect("a bit"));
    }
    assert_eq!((fake.logins(), fake.unknown()), (1, Vec::new()));
}

#[tokio::test]
async fn unknown_texts_are_errors() {
    let fake = FakeServer::start().await;
    let hot = Mssql::open(thermocline::schema::of(Tier::Hot), &fake.at).await.expect("opens");
    let mut session = hot.session().await.expect("a session");
    let asked = async |session: &mut Box<dyn Session>, text: &'static str, params: &[Value]| {
        let error = session.fetch(&Statement::new("-- test\n").mssql(text), params).await.expect_err(text);
        assert!(matches!(error, TierError::Statement { statement: "test", .. }), "{error:?}");
    };
    // Almost a statement of the program, almost one of its inserts, and one that lacks a parameter.
    asked(&mut session, "-- test\nSELECT 1 AS one", &[]).await;
    asked(&mut session, "-- test\nINSERT INTO likes (user_id) VALUES (CAST(@P1 AS INT));", &[1.into()]).await;
    asked(&mut session, "-- test\nSELECT @P2 AS n", &[1.into()]).await;
    assert_eq!(fake.unknown().len(), 3, "{:?}", fake.unknown());
}

#[tokio::test]
async fn wrong_logins_are_rejected() {
    let fake = FakeServer::start().await;
    for address in [
        Address { password: "wrong".into(), ..fake.at.clone() },
        Address { database: "elsewhere".to_owned(), ..fake.at.clone() },
        // The server has no TLS, and a password is never sent in clear text unless configured.
        Address { encrypt: Encrypt::Required, ..fake.at.clone() },
    ] {
        let error = Mssql::open(thermocline::schema::of(Tier::Hot), &address).await.expect_err("refused");
        assert!(matches!(error, TierError::Unavailable { tier: Tier::Hot, .. }), "{error:?}");
    }
    assert_eq!(fake.logins(), 2);
}

#[tokio::test]
async fn half_a_character_is_reported_by_column() {
    let fake = FakeServer::start().await;
    let hot = TdsEngine::open(&fake).await.expect("opens");
    let rows = hot.fetch(&statement("SELECT 'x' AS mover, 'y' AS content"), &[]).await.expect("answers");
    assert_eq!(rows[0].text("content").expect("a text"), "y");
    fake.fail(
        crate::support::tds::faults::At::Statement("test"),
        crate::support::tds::faults::Fault::HalfCharacters,
        2,
    );
    let error = hot.fetch(&statement("SELECT 1 AS n, 'y' AS content"), &[]).await.expect_err("no text");
    assert!(matches!(&error, TierError::Row { column, .. } if column == "content"), "{error:?}");
}

#[tokio::test]
async fn rows_are_inserted_as_json_and_as_parameters() {
    let fake = FakeServer::start().await;
    let hot: std::sync::Arc<dyn thermocline::tier::Engine> =
        std::sync::Arc::new(TdsEngine::open(&fake).await.expect("opens"));
    people(&hot).await;
    fake.asked();
    // Values that JSON would change are sent as parameters.
    let rows: Vec<Vec<Value>> = (1..)
        .zip(["plain", "\"quoted\"", "back\\slash", "line\nbreak", ""])
        .map(|(id, text)| crate::mssql::message(id, 1, text, at("2026-11-01").plus(id)))
        .collect();
    crate::mssql::insert(&hot, "messages", &crate::mssql::MESSAGES, &rows).await;
    let inserts = fake.asked().into_iter().filter(|(_, name)| name == "insert messages").count();
    assert_eq!(inserts, 2);
    let read = SqlHot(&*hot).read(&Messages::of(1), Slice::oldest(Span::ALL, 9), true).await.expect("reads");
    let texts: Vec<&str> = read.rows.iter().map(|row| row.content.as_str()).collect();
    assert_eq!(texts, ["plain", "\"quoted\"", "back\\slash", "line\nbreak", ""]);
    assert_eq!(fake.unknown(), Vec::<String>::new());
}

#[tokio::test]
async fn many_servers_migrate_once() {
    let fake = FakeServer::empty().await;
    let starts = (0..4).map(|_| async {
        let hot = Mssql::open(thermocline::schema::of(Tier::Hot), &fake.at).await.expect("opens");
        migrate::upgrade(&hot).await.expect("migrates").applied.len()
    });
    let mut applied = futures::future::join_all(starts).await;
    applied.sort_unstable();
    assert_eq!(applied, [0, 0, 0, 3]);
    let hot = Mssql::open(thermocline::schema::of(Tier::Hot), &fake.at).await.expect("opens");
    assert_eq!(hot.version().await.expect("a version"), 3);
    migrate::downgrade(&hot, 0).await.expect("downgrades");
    assert_eq!(hot.version().await.expect("a version"), 0);
    assert_eq!(fake.unknown(), Vec::<String>::new());
}

/// The program itself, as a process, against the fake server.
#[tokio::test]
async fn the_program_checks_the_schema_over_tds() {
    let fake = FakeServer::start().await;
    let password: Vec<String> = login::PASSWORD.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let password = password.concat();
    let Address { user, port, database, .. } = &fake.at;
    let url = format!("mssql://{user}:{password}@127.0.0.1:{port}/{database}?encrypt=off");
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(env!("CARGO_BIN_EXE_thermocline"));
    command.args(["check", "--json"]).current_dir(folder.path()).env_clear();
    command.env("HOT_DATABASE_URL", url).env("COLD_DATABASE_URL", "").env("JWT_SECRET", "0".repeat(32));
    let output = tokio::task::spawn_blocking(move || output(&mut command)).await.expect("no panic");
    let found = String::from_utf8_lossy(&output.stdout).into_owned();
    let findings: serde_json::Value = serde_json::from_str(&found).expect(&found);
    for what in ["hot", "hot schema", "hot sort order"] {
        let findings = findings.as_array().expect("findings");
        let finding = findings.iter().find(|finding| finding["what"] == what).expect(what);
        assert_eq!(finding["ok"], true, "{finding}");
    }
    let asked: Vec<String> = fake.asked().into_iter().map(|(_, name)| name).collect();
    assert!(asked.contains(&"check.sort".to_owned()), "{asked:?}");
}
