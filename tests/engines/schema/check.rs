//! `db check` names what is wrong with a database, and never a table of others.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use thermocline::archive::{ArchiveOptions, BlockSizes, Mover, Outcome};
use thermocline::clock::Clock;
use thermocline::journal::pair;
use thermocline::schema::Dialect;
use thermocline::schema::findings::{findings, obstacles};
use thermocline::tier::{Sqlite, Tier, inspect, migrate};

use super::Database;
use crate::support::waiting::output;

/// Returns the SQL of other tables.
fn strangers(dialect: Dialect) -> String {
    let text = if dialect == Dialect::Mssql { "NVARCHAR(100)" } else { "VARCHAR(100)" };
    let table = |n: i32| {
        format!(
            "CREATE TABLE stranger_{n} (id INTEGER NOT NULL PRIMARY KEY, a {text}, b {text} DEFAULT 'x');\n\
                 CREATE INDEX stranger_{n}_a ON stranger_{n} (a, b);\n"
        )
    };
    (0..200).map(table).collect()
}

/// Returns SQL that damages a database of this engine, and the expected findings.
fn faults(database: &Database) -> (&'static str, Vec<&'static str>) {
    match (database.engine.tier(), database.dialect) {
        (Tier::Hot, Dialect::Sqlite) => (
            "ALTER TABLE messages ADD COLUMN sticker INTEGER;
             CREATE TABLE attachments (id INTEGER PRIMARY KEY, message_id INTEGER REFERENCES messages (id) ON DELETE CASCADE);
             CREATE TRIGGER on_gone AFTER DELETE ON posts BEGIN SELECT 1; END;
             DROP INDEX messages_key; DROP TABLE archive_rejects;",
            vec![
                "archive_rejects is not there",
                "attachments (message_id) references messages (id), cascading: its rows do not move with those of messages",
                "messages has no index like messages_key (conversation_id, created_at DESC, id DESC)",
                "messages.sticker is not known, and would be lost when a row moves",
                "posts has the trigger on_gone, which would run when a row moves",
            ],
        ),
        (Tier::Hot, Dialect::Postgres) => (
            "ALTER TABLE messages ADD COLUMN sticker INTEGER, ALTER COLUMN created_at TYPE TIMESTAMP;
             ALTER TABLE users ALTER COLUMN username TYPE VARCHAR(200);
             CREATE TABLE attachments (id INTEGER PRIMARY KEY, message_id BIGINT REFERENCES messages (id));
             CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
             CREATE TRIGGER on_gone AFTER DELETE ON posts FOR EACH ROW EXECUTE FUNCTION nothing();
             DROP INDEX messages_due; DROP TABLE archive_rejects;",
            vec![
                "archive_rejects is not there",
                "attachments (message_id) references messages (id): its rows do not move with those of messages",
                "messages has no index like messages_due (created_at, id)",
                "messages.sticker is not known, and would be lost when a row moves",
                "posts has the trigger on_gone, which would run when a row moves",
            ],
        ),
        (Tier::Hot, _) => (
            "ALTER TABLE messages ADD sticker INT NULL;
             GO
             CREATE TABLE attachments (id INT NOT NULL PRIMARY KEY, message_id BIGINT NULL REFERENCES messages (id));
             GO
             CREATE TRIGGER on_gone ON posts AFTER DELETE AS SELECT 1;
             GO
             DROP INDEX messages_due ON messages;
             GO
             DROP TABLE archive_rejects;",
            vec![
                "archive_rejects is not there",
                "attachments (message_id) references messages (id): its rows do not move with those of messages",
                "messages has no index like messages_due (created_at, id)",
                "messages.sticker is not known, and would be lost when a row moves",
                "posts has the trigger on_gone, which would run when a row moves",
            ],
        ),
        (Tier::Cold, Dialect::Sqlite) => (
            "DROP INDEX likes_archive_open; CREATE INDEX likes_archive_open ON likes_archive (post_id, user_id);
             ALTER TABLE archive_head DROP COLUMN floor;",
            vec![
                "archive_head.floor is not there",
                "likes_archive has no index like likes_archive_open unique (post_id, user_id) where to_epoch is null",
            ],
        ),
        (Tier::Cold, _) => (
            "ALTER TABLE messages_archive ALTER COLUMN content TYPE VARCHAR(9), ALTER COLUMN is_read DROP NOT NULL;
             ALTER TABLE archive_head ALTER COLUMN claimed DROP DEFAULT;
             DROP INDEX posts_archive_author_open;",
            vec![
                "messages_archive.content is character varying(9), expected text",
                "messages_archive.is_read may be NULL and must not",
                "posts_archive has no index like posts_archive_author_open unique (author_id, created_at DESC, original_id DESC) where to_epoch is null",
            ],
        ),
    }
}

#[tokio::test]
async fn differences_are_named_among_two_hundred_other_tables() {
    for database in Database::all().await {
        let name = database.name();
        database.upgrade().await;
        let alone = database.live().await;
        database.execute(&strangers(database.dialect)).await;
        let names: Vec<&str> = database.tables().iter().map(|table| table.name).collect();
        let inspect::Survey { live, sizes, .. } = database.engine.survey(&names).await.expect("a survey");
        assert_eq!(format!("{live:?}"), format!("{alone:?}"), "{name}: nothing of the others is read");
        assert_eq!(findings(database.tables(), &live), [], "{name}");
        assert_eq!(sizes.len(), names.len(), "{name}: {sizes:?}");
        let outline = inspect::outline(&*database.engine, &names).await.expect("an outline");
        let columns = database.tables().iter().map(|table| table.columns.len()).sum::<usize>();
        assert_eq!(outline.columns.len(), columns, "{name}: {:?}", outline.columns);
        assert_eq!(outline.triggers, [], "{name}");

        let (spoil, expected) = faults(&database);
        database.apply(spoil).await;
        let found = findings(database.tables(), &database.live().await);
        let mut faults: Vec<&str> =
            found.iter().filter(|finding| finding.fault).map(|finding| finding.text.as_str()).collect();
        faults.sort_unstable();
        assert_eq!(faults, expected, "{name}");
        // The mover is told only what prevents moves.
        let outline = inspect::outline(&*database.engine, &names).await.expect("an outline");
        let mut told: Vec<String> =
            obstacles(database.tables(), &outline).into_iter().map(|finding| finding.text).collect();
        told.sort_unstable();
        let in_the_way = |text: &&&str| {
            ["references messages", "not known", "has the trigger"].iter().any(|part| text.contains(part))
        };
        assert_eq!(told, expected.iter().filter(in_the_way).copied().collect::<Vec<_>>(), "{name}");
        database.drop().await;
    }
}

fn run(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_thermocline"));
    command.args(arguments).args(["--hot", "sqlite:hot.db", "--cold", "sqlite:cold.db"]);
    let output = output(command.env_clear().current_dir(folder));
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn json(folder: &Path, arguments: &[&str]) -> (Option<i32>, Value) {
    let (status, said, complaint) = run(folder, arguments);
    (status, serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}{complaint}")))
}

#[tokio::test]
async fn the_command_reports_both_tiers() {
    let folder = tempfile::tempdir().expect("a folder");
    let (status, report) = json(folder.path(), &["db", "check", "--json"]);
    assert_eq!(status, Some(1));
    assert!(report[0]["error"].as_str().is_some_and(|text| text.contains("db upgrade")), "{report}");
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0, "it changes nothing");

    assert_eq!(run(folder.path(), &["db", "upgrade"]).0, Some(0));
    let (status, report) = json(folder.path(), &["db", "check", "--json"]);
    assert_eq!(status, Some(0), "{report}");
    for (tier, place) in [("hot", 0), ("cold", 1)] {
        let report = &report[place];
        assert_eq!((&report["tier"], &report["sound"]), (&tier.into(), &true.into()), "{report}");
        assert_eq!(report["version"], report["newest"], "{report}");
        assert_eq!(report["findings"], Value::Array(Vec::new()), "{report}");
        assert_eq!(report["sorts"], true);
        let tables = report["tables"].as_array().expect("tables");
        assert_eq!(Some(tables.len() as u64), report["expected"].as_u64(), "{report}");
        let rows =
            |name: &str| tables.iter().find(|table| table["table"] == name).map(|table| &table["rows"]);
        let state = if tier == "hot" { "archive_state" } else { "archive_head" };
        assert_eq!(rows(state), Some(&3.into()), "{report}");
        assert_eq!(report["epochs"].as_array().map(Vec::len), Some(3), "{report}");
    }

    let hot =
        Sqlite::open(thermocline::schema::of(Tier::Hot), &folder.path().join("hot.db")).await.expect("opens");
    let mut session = thermocline::tier::Engine::session(&hot).await.expect("a session");
    let add = thermocline::tier::Statement::new("-- spoil\nALTER TABLE posts ADD COLUMN mood TEXT");
    session.execute(&add, &[]).await.expect("spoils");
    drop(session);
    thermocline::tier::Engine::close(&hot).await;
    let (status, said, _) = run(folder.path(), &["db", "check"]);
    assert_eq!(status, Some(1), "{said}");
    assert!(
        said.contains("FAIL         posts.mood is not known, and would be lost when a row moves"),
        "{said}"
    );
    assert_eq!(run(folder.path(), &["db", "check", "--tier", "cold"]).0, Some(0));
    let (status, said, _) = run(folder.path(), &["check"]);
    assert!(status == Some(1) && said.contains("FAIL hot schema: posts.mood"), "{said}");
}

#[tokio::test]
async fn lossy_columns_prevent_moves() {
    let folder = tempfile::tempdir().expect("a folder");
    let open = async |tier: Tier| {
        let database = Sqlite::open(thermocline::schema::of(tier), &folder.path().join(tier.name()))
            .await
            .expect("opens");
        migrate::upgrade(&database).await.expect("migrates");
        database
    };
    let (hot, cold) = (open(Tier::Hot).await, open(Tier::Cold).await);
    let clock = Clock::system();
    pair::ensure(&hot, &cold, &clock).await.expect("a pair");
    let mut session = thermocline::tier::Engine::session(&hot).await.expect("a session");
    let add = thermocline::tier::Statement::new("-- spoil\nALTER TABLE comments ADD COLUMN mood TEXT");
    session.execute(&add, &[]).await.expect("spoils");
    let mover =
        Mover { hot: &hot, cold: &cold, clock: &clock, name: "test".into(), sizes: BlockSizes::default() };
    for family in thermocline::resources::families() {
        let stop = std::sync::atomic::AtomicBool::new(false);
        let report = mover.run(family, &ArchiveOptions::default(), &stop, &mut |_| {}).await;
        if family.resource == "posts" {
            assert_eq!(report.outcome, Outcome::Failed);
            let error = report.error.expect("a reason");
            assert_eq!(
                error,
                "posts is not moved: comments.mood is not known, and would be lost when a row moves"
            );
        } else {
            assert_eq!(report.outcome, Outcome::Done, "{:?}", report.error);
        }
    }
}

/// The files of a generated migration, through the program, and the requests it rejects.
#[tokio::test]
async fn the_command_writes_files_for_every_engine() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = folder.path().join("migrations");
    for engine in ["hot/sqlite", "hot/postgres", "hot/mssql", "cold/sqlite", "cold/postgres"] {
        std::fs::create_dir_all(files.join(engine)).expect("a folder");
    }
    let (status, _, complaint) = run(folder.path(), &["db", "generate", "-m", "x"]);
    assert_eq!(status, Some(1), "{complaint}");
    assert_eq!(run(folder.path(), &["db", "upgrade"]).0, Some(0));
    let (status, said, _) = run(folder.path(), &["db", "generate", "-m", "x"]);
    assert_eq!(status, Some(0));
    assert_eq!(said, "hot: no differences, nothing to do\ncold: no differences, nothing to do\n");

    let hot =
        Sqlite::open(thermocline::schema::of(Tier::Hot), &folder.path().join("hot.db")).await.expect("opens");
    let mut session = thermocline::tier::Engine::session(&hot).await.expect("a session");
    for text in ["ALTER TABLE users DROP COLUMN email", "ALTER TABLE posts ADD COLUMN mood TEXT"] {
        let text: &'static str = format!("-- spoil\n{text}").leak();
        session.execute(&thermocline::tier::Statement::new(text), &[]).await.expect("spoils");
    }
    drop(session);
    thermocline::tier::Engine::close(&hot).await;
    let (status, said, _) = run(folder.path(), &["db", "generate", "--sql", "--tier", "hot"]);
    assert_eq!(status, Some(0));
    assert!(said.contains("ALTER TABLE users ADD email NVARCHAR(320) NULL;"), "{said}");
    assert!(!said.contains("mood"), "what no migration has made stays: {said}");
    let (_, report) = json(folder.path(), &["db", "generate", "--sql", "--tier", "hot", "--json"]);
    assert_eq!(report[0]["kept"], serde_json::json!(["posts.mood is not ours, and stays"]));
    let arguments =
        ["db", "generate", "--tier", "hot", "-m", "Add email, to users!", "--drop-unknown", "--json"];
    let (status, report) = json(folder.path(), &arguments);
    assert_eq!(status, Some(0), "{report}");
    assert_eq!(report[0]["files"].as_array().map(Vec::len), Some(6), "{report}");
    assert_eq!(report[0]["notes"], serde_json::json!(["DATA LOSS: posts.mood goes, with its values."]));
    let read = |file: &str| std::fs::read_to_string(files.join("hot").join(file)).expect("a file");
    assert_eq!(
        read("sqlite/0001_add_email_to_users.up.sql"),
        "-- Add email, to users!\n-- DATA LOSS: posts.mood goes, with its values.\n\
         ALTER TABLE users ADD COLUMN email TEXT;\nALTER TABLE posts DROP COLUMN mood;\n"
    );
    assert!(
        read("mssql/0001_add_email_to_users.down.sql")
            .contains("ALTER TABLE posts ADD mood NVARCHAR(MAX) NULL;")
    );

    let (status, report) =
        json(folder.path(), &["db", "generate", "--tier", "cold", "--empty", "-m", "by hand", "--json"]);
    assert_eq!((status, report[0]["files"].as_array().map(Vec::len)), (Some(0), Some(4)), "{report}");
    assert_eq!(run(folder.path(), &["db", "generate", "-m", "!"]).0, Some(2));
    assert_eq!(run(folder.path(), &["db", "generate"]).0, Some(2));
}
