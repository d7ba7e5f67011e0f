//! The program works with the rights that `db grants` gives, and not with less.

use serde_json::Value;

use crate::migrations::{Ended, Installation};
use crate::support::citus;
use crate::support::waiting::output;

/// Returns the statements for a role in a tier.
fn grants(installation: &Installation, role: &str, tier: &str) -> Vec<String> {
    let engine = if installation.hot().starts_with("postgres") { "postgres" } else { "mssql" };
    let args = ["db", "grants", "--role", role, "--tier", tier, "--engine", engine];
    let report = installation.report(&args);
    let statements = report[0]["statements"].as_array().expect("statements").clone();
    statements.iter().map(|one| one["sql"].as_str().expect("a text").to_owned()).collect()
}

/// Runs SQL in a tier, past the program.
async fn execute(installation: &Installation, tier: &str, text: &str) {
    if tier == "hot" { installation.in_hot(text).await } else { installation.in_cold(text).await }
}

/// Makes a login with the rights of a role in a tier, and returns the URL with it.
async fn login(installation: &Installation, tier: &str, role: &str, login: &str) -> String {
    for statement in grants(installation, role, tier) {
        execute(installation, tier, &statement).await;
    }
    let made = format!("CREATE ROLE {login} LOGIN; GRANT thermocline_{role} TO {login}");
    execute(installation, tier, &made).await;
    let url = if tier == "hot" { installation.hot() } else { installation.cold() };
    let (scheme, rest) = url.split_once("://").expect("a URL");
    let host = rest.split_once('@').map_or(rest, |(_, host)| host);
    format!("{scheme}://{login}@{host}")
}

/// Removes the roles, which belong to the whole server, with all they own: the database goes, too.
async fn forget(installation: &Installation, tier: &str, role: &str, login: &str) {
    let text = format!("DROP OWNED BY thermocline_{role}, {login}; DROP ROLE {login}");
    execute(installation, tier, &text).await;
}

const ROWS: &str = "INSERT INTO users (username) VALUES ('ann'), ('bob');
    INSERT INTO conversations (user1_id, user2_id, created_at, updated_at) VALUES (1, 2, 0, 0);
    INSERT INTO messages (conversation_id, sender_id, content, created_at) VALUES (1, 1, 'old', 0), (1, 2, 'older', 1)";

#[tokio::test]
async fn postgres_as_reader_mover_and_migrator() {
    let Some(installation) = Installation::postgres().await else { return };
    if !installation.cold().contains("127.0.0.1") {
        eprintln!("skipped: a server that is not the tests' own may not let in new logins");
        return;
    }
    installation.in_hot("SELECT 1").await;
    // A migrator makes the tables of an empty database.
    let migrator = login(&installation, "cold", "migrator", "a_migrator").await;
    let as_user = |url: &str, args: &[&str]| {
        Ended::of(output(installation.command(args).env("COLD_DATABASE_URL", url)))
    };
    let done = as_user(&migrator, &["db", "auto"]);
    assert_eq!(done.status, Some(0), "{done:?}");
    installation.in_hot(ROWS).await;
    if citus::url().is_some() {
        installation.report(&["db", "distribute", "--citus", "--shards", "4"]);
    }

    let mover = login(&installation, "cold", "mover", "a_mover").await;
    for args in [
        &["archive", "run"][..],
        &["archive", "verify"],
        &["archive", "vacuum"],
        &["archive", "restore", "--all"],
        &["archive", "resume"],
        &["archive", "erase", "--resource", "messages", "--id", "1"],
        &["archive", "run"],
        &["archive", "recover"],
        &["archive", "status"],
        &["check"],
    ] {
        let done = as_user(&mover, args);
        assert_eq!(done.status, Some(0), "{args:?}: {done:?}");
    }
    let refused = as_user(&mover, &["db", "downgrade", "base", "--tier", "cold", "--yes"]);
    assert_eq!(refused.status, Some(1), "{refused:?}");

    let reader = login(&installation, "cold", "reader", "a_reader").await;
    for args in [&["check"][..], &["db", "check"], &["archive", "status"], &["archive", "verify"]] {
        let done = as_user(&reader, args);
        assert_eq!(done.status, Some(0), "{args:?}: {done:?}");
    }
    let refused = as_user(&reader, &["archive", "restore", "--all"]);
    assert!(refused.status == Some(1) && refused.err.contains("permission denied"), "{refused:?}");
    for (role, login) in [("reader", "a_reader"), ("mover", "a_mover"), ("migrator", "a_migrator")] {
        forget(&installation, "cold", role, login).await;
    }
    installation.drop().await;
    // The roles belong to the whole server: one test after the other.
    hot_postgres_as_reader_mover_and_migrator().await;
}

async fn hot_postgres_as_reader_mover_and_migrator() {
    let Some(installation) = Installation::on_postgres().await else { return };
    let run =
        |url: &str, args: &[&str]| Ended::of(output(installation.command(args).env("HOT_DATABASE_URL", url)));
    let migrator = login(&installation, "hot", "migrator", "hot_migrator").await;
    for args in [&["db", "auto"][..], &["db", "upgrade", "--live"], &["db", "check"]] {
        let done = run(&migrator, args);
        assert_eq!(done.status, Some(0), "{args:?}: {done:?}");
    }
    installation.write(
        "old.csv",
        "id,conversation_id,sender_id,content,created_at\n7,1,1,old,2020-01-01T00:00:00Z\n",
    );
    let mover = login(&installation, "hot", "mover", "hot_mover").await;
    for args in [
        &["import", "messages", "old.csv"][..],
        &["archive", "run"],
        &["archive", "verify"],
        &["archive", "restore", "--all"],
        &["archive", "resume"],
        &["archive", "erase", "--resource", "messages", "--id", "7"],
        &["archive", "recover"],
        &["check"],
    ] {
        let done = run(&mover, args);
        assert_eq!(done.status, Some(0), "{args:?}: {done:?}");
    }
    let refused = run(&mover, &["db", "downgrade", "base", "--tier", "hot", "--yes"]);
    assert_eq!(refused.status, Some(1), "{refused:?}");
    let reader = login(&installation, "hot", "reader", "hot_reader").await;
    for args in [&["check"][..], &["db", "check"], &["archive", "status"]] {
        let done = run(&reader, args);
        assert_eq!(done.status, Some(0), "{args:?}: {done:?}");
    }
    let refused = run(&reader, &["archive", "restore", "--all"]);
    assert!(refused.status == Some(1) && refused.err.contains("permission denied"), "{refused:?}");
    for (role, login) in [("reader", "hot_reader"), ("mover", "hot_mover"), ("migrator", "hot_migrator")] {
        forget(&installation, "hot", role, login).await;
    }
}

/// Babelfish takes the rights to rows, and neither those to alter tables nor `db_ddladmin`.
#[tokio::test]
async fn sql_server_as_reader_and_mover() {
    let Some(installation) = Installation::mssql().await else { return };
    installation.succeed(&["db", "auto"]);
    installation
        .in_hot(
            "INSERT INTO users (username) VALUES ('ann'), ('bob');
             INSERT INTO conversations (user1_id, user2_id) VALUES (1, 2);
             INSERT INTO messages (conversation_id, sender_id, content, created_at)
             VALUES (1, 1, 'old', '2020-01-01'), (1, 2, 'older', '2020-01-02')",
        )
        .await;
    let is_babelfish = installation.is_babelfish().await;
    for role in ["reader", "mover"] {
        for statement in grants(&installation, role, "hot") {
            if is_babelfish && statement.starts_with("GRANT ALTER") {
                println!("not on Babelfish: {statement}");
                continue;
            }
            installation.in_hot(&statement).await;
        }
    }
    let name = installation.make_login(&["thermocline_mover"]).await;
    let run = |args: &[&str]| installation.run_as(&name, args);
    for args in [&["archive", "run"][..], &["archive", "verify"], &["check"]] {
        let done = run(args);
        assert_eq!(done.status, Some(0), "{args:?}: {done:?}");
    }
    assert_eq!(installation.hot_number("SELECT count(*) AS n FROM messages").await, 0);
    installation
        .write("more.csv", "conversation_id,sender_id,content,created_at\n1,1,new,2026-01-01T00:00:00Z\n");
    let done = run(&["import", "messages", "more.csv"]);
    assert_eq!(done.status, Some(0), "{done:?}");
    installation.drop_login(&name).await;

    let name = installation.make_login(&["thermocline_reader"]).await;
    for args in [&["check"][..], &["archive", "status"]] {
        let done = installation.run_as(&name, args);
        assert_eq!(done.status, Some(0), "{args:?}: {done:?}");
    }
    let refused = installation.run_as(&name, &["archive", "run"]);
    assert_eq!(refused.status, Some(1), "{refused:?}");
    let outcome: Value = serde_json::Value::from(refused.err);
    assert!(outcome.to_string().contains("permission"), "{outcome}");
    installation.drop_login(&name).await;
    installation.drop().await;
}
