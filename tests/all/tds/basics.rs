//! Logins, statements, migrations: what works.

use std::process::Command;

use thermocline::config::{Encrypt, Mssql as Address};
use thermocline::federation::reads::Hot as _;
use thermocline::federation::sql::SqlHot;
use thermocline::page::{Slice, Span};
use thermocline::resources::messages::Messages;
use thermocline::tier::migrate::{self, Schema as _};
use thermocline::tier::{Engine as _, Mssql, Session, Statement, Tier, TierError, Value};

use super::login;
use super::{Front, Wired};
use crate::mssql::{at, people, statement};

#[tokio::test]
async fn it_logs_in_and_selects() {
    let front = Front::start().await;
    let hot = Wired::open(&front).await.expect("opens");
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
    assert_eq!((front.logins(), front.unknown()), (1, Vec::new()));
}

#[tokio::test]
async fn a_text_it_does_not_know_is_an_error() {
    let front = Front::start().await;
    let hot = Mssql::open(thermocline::schema::of(Tier::Hot), &front.at).await.expect("opens");
    let mut session = hot.session().await.expect("a session");
    let asked = async |session: &mut Box<dyn Session>, text: &'static str, params: &[Value]| {
        let error = session.fetch(&Statement::new("-- test\n").mssql(text), params).await.expect_err(text);
        assert!(matches!(error, TierError::Statement { statement: "test", .. }), "{error:?}");
    };
    // Almost a statement of the program, almost an insert of its, and one that lacks a parameter.
    asked(&mut session, "-- test\nSELECT 1 AS one", &[]).await;
    asked(&mut session, "-- test\nINSERT INTO likes (user_id) VALUES (CAST(@P1 AS INT));", &[1.into()]).await;
    asked(&mut session, "-- test\nSELECT @P2 AS n", &[1.into()]).await;
    assert_eq!(front.unknown().len(), 3, "{:?}", front.unknown());
}

#[tokio::test]
async fn strangers_are_not_let_in() {
    let front = Front::start().await;
    for address in [
        Address { password: "wrong".into(), ..front.at.clone() },
        Address { database: "elsewhere".to_owned(), ..front.at.clone() },
        // It does not speak TLS, and a password never goes out in clear text unasked.
        Address { encrypt: Encrypt::Required, ..front.at.clone() },
    ] {
        let error = Mssql::open(thermocline::schema::of(Tier::Hot), &address).await.expect_err("refused");
        assert!(matches!(error, TierError::Unavailable { tier: Tier::Hot, .. }), "{error:?}");
    }
    assert_eq!(front.logins(), 2);
}

#[tokio::test]
async fn a_half_character_is_named() {
    let front = Front::start().await;
    let hot = Wired::open(&front).await.expect("opens");
    let rows = hot.fetch(&statement("SELECT 'x' AS mover, 'y' AS content"), &[]).await.expect("answers");
    assert_eq!(rows[0].text("content").expect("a text"), "y");
    front.fail(super::faults::At::Statement("test"), super::faults::Fault::HalfCharacters, 2);
    let error = hot.fetch(&statement("SELECT 1 AS n, 'y' AS content"), &[]).await.expect_err("no text");
    assert!(matches!(&error, TierError::Row { column, .. } if column == "content"), "{error:?}");
}

#[tokio::test]
async fn rows_with_every_value_go_in_both_ways() {
    let front = Front::start().await;
    let hot: std::sync::Arc<dyn thermocline::tier::Engine> =
        std::sync::Arc::new(Wired::open(&front).await.expect("opens"));
    people(&hot).await;
    front.asked();
    // What JSON would change goes as parameters.
    let rows: Vec<Vec<Value>> = (1..)
        .zip(["plain", "\"quoted\"", "back\\slash", "line\nbreak", ""])
        .map(|(id, text)| crate::mssql::message(id, 1, text, at("2026-11-01").plus(id)))
        .collect();
    crate::mssql::insert(&hot, "messages", &crate::mssql::MESSAGES, &rows).await;
    let inserts = front.asked().into_iter().filter(|(_, name)| name == "insert messages").count();
    assert_eq!(inserts, 2);
    let read = SqlHot(&*hot).read(&Messages::of(1), Slice::oldest(Span::ALL, 9), true).await.expect("reads");
    let texts: Vec<&str> = read.rows.iter().map(|row| row.content.as_str()).collect();
    assert_eq!(texts, ["plain", "\"quoted\"", "back\\slash", "line\nbreak", ""]);
    assert_eq!(front.unknown(), Vec::<String>::new());
}

#[tokio::test]
async fn many_servers_start_at_once_and_migrate_once() {
    let front = Front::empty().await;
    let starts = (0..4).map(|_| async {
        let hot = Mssql::open(thermocline::schema::of(Tier::Hot), &front.at).await.expect("opens");
        migrate::upgrade(&hot).await.expect("migrates").applied.len()
    });
    let mut applied = futures::future::join_all(starts).await;
    applied.sort_unstable();
    assert_eq!(applied, [0, 0, 0, 2]);
    let hot = Mssql::open(thermocline::schema::of(Tier::Hot), &front.at).await.expect("opens");
    assert_eq!(hot.version().await.expect("a version"), 2);
    migrate::downgrade(&hot, 0).await.expect("goes back");
    assert_eq!(hot.version().await.expect("a version"), 0);
    assert_eq!(front.unknown(), Vec::<String>::new());
}

/// The program itself, in a process of its own, against the front.
#[tokio::test]
async fn the_program_checks_it() {
    let front = Front::start().await;
    let password: Vec<String> = login::PASSWORD.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let password = password.concat();
    let Address { user, port, database, .. } = &front.at;
    let url = format!("mssql://{user}:{password}@127.0.0.1:{port}/{database}?encrypt=off");
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(env!("CARGO_BIN_EXE_thermocline"));
    command.args(["check", "--json"]).current_dir(folder.path()).env_clear();
    command.env("HOT_DATABASE_URL", url).env("COLD_DATABASE_URL", "").env("JWT_SECRET", "0".repeat(32));
    let output =
        tokio::task::spawn_blocking(move || command.output()).await.expect("no panic").expect("it runs");
    let found = String::from_utf8_lossy(&output.stdout).into_owned();
    let findings: serde_json::Value = serde_json::from_str(&found).expect(&found);
    for what in ["hot", "hot schema", "hot sort order"] {
        let findings = findings.as_array().expect("findings");
        let finding = findings.iter().find(|finding| finding["what"] == what).expect(what);
        assert_eq!(finding["ok"], true, "{finding}");
    }
    let asked: Vec<String> = front.asked().into_iter().map(|(_, name)| name).collect();
    assert!(asked.contains(&"check.sort".to_owned()), "{asked:?}");
}
