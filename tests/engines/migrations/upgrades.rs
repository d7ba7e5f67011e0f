//! Pairs in every state a database can be in: the results of `check`, `auto` and `serve`.

use serde_json::{Value, json};
use thermocline::schema::{cold, hot};
use thermocline::tier::{Mssql, Postgres, PostgresUrl, Schema, Sqlite, Tier};

use super::startup::Serving;
use super::{Ended, Installation};
use crate::mssql::adoption::PLATFORM;

impl Installation {
    /// Opens a tier in PostgreSQL, or in a file.
    async fn opened(&self, tier: Tier, url: &str, file: &str) -> Box<dyn Schema> {
        let tables = thermocline::schema::of(tier);
        if PostgresUrl::recognises(url) {
            let url = PostgresUrl::parse(url).expect("a URL");
            return Box::new(Postgres::open(tables, &url, None).await.expect("opens"));
        }
        Box::new(Sqlite::open(tables, &self.folder.path().join(file)).await.expect("opens"))
    }

    /// Returns everything the catalogs have on the program's tables, hot and cold.
    async fn schema(&self) -> [Vec<String>; 2] {
        let hot: Box<dyn Schema> = match &self.server {
            Some(server) => {
                Box::new(Mssql::open(thermocline::schema::of(Tier::Hot), &server.at).await.expect("opens"))
            }
            None => self.opened(Tier::Hot, &self.hot, "hot.db").await,
        };
        let cold = self.opened(Tier::Cold, &self.cold, "cold.db").await;
        let tables =
            [hot::TABLES.map(|table| table.name).to_vec(), cold::TABLES.map(|table| table.name).to_vec()];
        let mut lines = [Vec::new(), Vec::new()];
        for (place, database) in [hot, cold].into_iter().enumerate() {
            lines[place] = database.inspect(&tables[place]).await.expect("inspects").model.lines();
            database.close().await;
        }
        lines
    }

    /// Returns the problems that `check` reports for both tiers, sorted.
    fn wrong(&self) -> Vec<String> {
        let (status, report) = self.report_and_status(&["db", "check"]);
        let tiers = report.as_array().expect("tiers");
        let sound = tiers.iter().all(|tier| tier["sound"] == true);
        assert_eq!(status, Some(i32::from(!sound)), "{}: {report}", self.name);
        let findings = tiers.iter().flat_map(|tier| tier["findings"].as_array().expect("findings"));
        let wrong = findings.filter(|finding| finding["fault"] == true);
        let mut wrong: Vec<String> =
            wrong.map(|finding| finding["text"].as_str().expect("a text").to_owned()).collect();
        wrong.sort_unstable();
        wrong
    }

    fn newest(&self) -> [i64; 2] {
        let heads = self.report(&["db", "heads"]);
        [0, 1].map(|place| heads[place]["version"].as_i64().expect("a version"))
    }
}

#[tokio::test]
async fn a_pair_of_any_version_becomes_the_newest() {
    for installation in Installation::all().await {
        installation.succeed(&["db", "auto"]);
        assert_eq!(installation.wrong(), Vec::<String>::new(), "{}: made from nothing", installation.name);
        let fresh = installation.schema().await;
        installation.in_hot("INSERT INTO users (username) VALUES ('ann')").await;
        installation.in_cold("UPDATE archive_head SET claimed = 5 WHERE resource = 'posts'").await;
        let newest = installation.newest();
        let (mut above, mut expected) = (fresh.clone(), newest);
        for version in (1..newest[0].max(newest[1])).rev() {
            for (tier, newest) in [("hot", newest[0]), ("cold", newest[1])] {
                let back = version.min(newest).to_string();
                installation.succeed(&["db", "downgrade", &back, "--tier", tier, "--yes"]);
            }
            // A step that changes nothing on an engine is recognized with the step before it.
            let here = installation.schema().await;
            for place in 0..newest.len() {
                if here[place] != above[place] {
                    expected[place] = version.min(newest[place]);
                }
            }
            above = here;
            let (status, report) = installation.report_and_status(&["db", "check"]);
            assert_eq!(status, Some(1), "{}: {version}: {report}", installation.name);
            let pending = report.as_array().expect("tiers").iter().map(|tier| tier["pending"].as_array());
            assert!(pending.flatten().any(|pending| !pending.is_empty()), "{report}");
            // Without its record the schema is recognized.
            installation.succeed(&["db", "reset", "--yes"]);
            let report = installation.report(&["db", "auto"]);
            for (place, newest) in newest.iter().enumerate() {
                assert_eq!(
                    report[place]["adopted"],
                    json!(expected[place]),
                    "{}: {report}",
                    installation.name
                );
                assert_eq!(report[place]["to"], json!(newest), "{}: {report}", installation.name);
            }
            assert_eq!(installation.schema().await, fresh, "{}: from version {version}", installation.name);
            assert_eq!(
                installation.hot_number("SELECT count(*) AS n FROM users").await,
                1,
                "{}",
                installation.name
            );
            let (_, report) = installation.report_and_status(&["db", "check", "--tier", "cold"]);
            let claimed = report[0]["epochs"].as_array().expect("resources").iter();
            let mut claimed = claimed.filter(|epoch| epoch["resource"] == "posts");
            assert_eq!(
                claimed.next().map(|epoch| &epoch["epoch"]),
                Some(&json!(5)),
                "{}: {report}",
                installation.name
            );
        }
        installation.in_hot("DELETE FROM users").await;
        installation.succeed(&["db", "downgrade", "base", "--yes"]);
        assert_eq!(installation.schema().await, [Vec::<String>::new(), Vec::new()], "{}", installation.name);
        installation.succeed(&["db", "upgrade"]);
        assert_eq!(installation.schema().await, fresh, "{}: there and back", installation.name);
        installation.drop().await;
    }
}

/// Additional objects of a database are kept; what readers need must exist.
#[tokio::test]
async fn manual_changes_are_reported_and_kept() {
    for installation in Installation::all().await {
        installation.succeed(&["db", "auto"]);
        let (index, drop_column) = if installation.hot_is_server() {
            ("DROP INDEX messages_due ON messages", "ALTER TABLE posts DROP COLUMN body")
        } else {
            ("DROP INDEX messages_due", "ALTER TABLE posts DROP COLUMN body")
        };
        // A missing or additional index is reported, but the database is served.
        installation.in_hot(index).await;
        installation.in_cold("CREATE INDEX mine ON posts_archive (title)").await;
        assert_eq!(
            installation.wrong(),
            ["messages has no index like messages_due (created_at, id)"],
            "{}",
            installation.name
        );
        let mut command = installation.command(&["serve", "--addr", "127.0.0.1:0"]);
        let serving = Serving::until_it_listens(command.spawn().expect("the program"));
        let warned = serving
            .log
            .iter()
            .any(|line| line["differs"].as_str().is_some_and(|text| text.contains("messages_due")));
        assert!(warned, "{}: {:?}", installation.name, serving.log);
        drop(serving);
        installation.in_cold("DROP INDEX mine").await;

        // A missing table and a missing column are not created by the way.
        installation.in_hot(drop_column).await;
        installation.in_cold("DROP TABLE likes_archive").await;
        let wrong = [
            "likes_archive is not there",
            "messages has no index like messages_due (created_at, id)",
            "posts.body is not there",
        ];
        assert_eq!(installation.wrong(), wrong, "{}", installation.name);
        for (args, status) in [
            (&["db", "auto", "--tier", "hot"][..], 1),
            (&["db", "auto", "--tier", "cold"], 1),
            (&["serve", "--addr", "127.0.0.1:0"], 1),
        ] {
            let Ended { status: ended, err, .. } = installation.run(args);
            assert_eq!(ended, Some(status), "{}: {args:?}: {err}", installation.name);
            let named = if args.contains(&"cold") { "likes_archive" } else { "posts.body" };
            assert!(err.contains(named), "{}: {args:?}: {err}", installation.name);
        }
        let refusal = installation.fail(&["serve", "--addr", "127.0.0.1:0"], 1);
        assert!(refusal.contains("db generate --tier hot"), "{}: {refusal}", installation.name);
        // Recording it needs a confirmation, whichever version is named.
        installation.succeed(&["db", "reset", "--yes", "--tier", "hot"]);
        for version in ["head", "1", "base"] {
            installation.fail(&["db", "stamp", version, "--tier", "hot"], 2);
        }
        installation.fail(&["db", "auto", "--tier", "hot"], 1);
        assert_eq!(installation.wrong(), wrong, "{}: nothing was changed", installation.name);
        installation.drop().await;
    }
}

/// A platform with tables from its own models, and tables of its own.
#[tokio::test]
async fn a_running_platform_is_adopted_with_its_own_tables() {
    let Some(installation) = Installation::mssql().await else { return };
    let server = installation.server.as_ref().expect("a server");
    server.batches(&PLATFORM).await;
    server
        .batches(&[
            "ALTER TABLE users ADD nickname VARCHAR(30) NULL",
            "CREATE TABLE sessions (id INT NOT NULL PRIMARY KEY, user_id INT NOT NULL REFERENCES users (id))",
            "UPDATE messages SET is_read = 0 WHERE is_read IS NULL",
        ])
        .await;
    let (status, report) = installation.report_and_status(&["db", "check", "--tier", "hot"]);
    assert_eq!((status, &report[0]["version"]), (Some(1), &json!(0)), "{report}");
    let before = installation.hot_number("SELECT count(*) AS n FROM messages").await;
    let report = installation.report(&["db", "auto"]);
    assert_eq!((&report[0]["from"], &report[0]["adopted"]), (&json!(0), &Value::Null), "{report}");
    let babelfish = "SELECT COALESCE(CAST(SERVERPROPERTY('Babelfish') AS NVARCHAR(10)), N'')";
    let left: &[&str] = if server.column(babelfish).await == [""] { &[] } else { &NULLABLE };
    for text in left {
        println!("Babelfish takes no NOT NULL in ALTER COLUMN: {text}");
    }
    // None of the platform's indexes equals ours, and its stocks were created by the migration.
    assert_eq!(report[0]["differs"], json!(left), "{report}");
    assert_eq!(installation.wrong(), left);
    assert_eq!(installation.hot_number("SELECT count(*) AS n FROM messages").await, before);
    // The platform's own tables are not changed, nor is a change proposed.
    let (_, report) = installation.report_and_status(&[
        "db",
        "generate",
        "--sql",
        "--tier",
        "hot",
        "--dir",
        crate_migrations(),
    ]);
    let kept = report[0]["kept"].to_string();
    for own in ["users.nickname", "by_time"] {
        assert!(kept.contains(own), "{report}");
    }
    let sql = report[0]["sql"].to_string();
    assert!(!sql.contains("DROP COLUMN") && !sql.contains("nickname"), "{sql}");
    let args = ["db", "generate", "--sql", "--tier", "hot", "--drop-unknown", "--dir", crate_migrations()];
    let (_, report) = installation.report_and_status(&args);
    assert!(report[0]["notes"].to_string().contains("DATA LOSS: users.nickname"), "{report}");
    // Without its record the schema is recognized as its version.
    installation.succeed(&["db", "reset", "--yes", "--tier", "hot"]);
    let newest = installation.newest()[0];
    let refusal = installation.fail(&["db", "stamp", "1", "--tier", "hot"], 2);
    assert!(refusal.contains(&format!("the tables are those of version {newest}")), "{refusal}");
    assert_eq!(installation.report(&["db", "auto"])[0]["adopted"], newest);
    installation.drop().await;
}

/// Differences that remain because of Babelfish's limits.
const NULLABLE: [&str; 1] = ["messages.is_read may be NULL and must not"];

const fn crate_migrations() -> &'static str {
    concat!(env!("CARGO_MANIFEST_DIR"), "/migrations")
}

#[tokio::test]
async fn tables_that_cannot_be_adopted_are_not_changed() {
    let Some(installation) = Installation::mssql().await else { return };
    let server = installation.server.as_ref().expect("a server");
    server
        .batches(&[
            "CREATE TABLE users (guid UNIQUEIDENTIFIER NOT NULL PRIMARY KEY, username VARCHAR(50) NOT NULL, email VARBINARY(20))",
            "INSERT INTO users (guid, username) VALUES (NEWID(), 'ann')",
        ])
        .await;
    let refusal = installation.fail(&["db", "auto", "--tier", "hot"], 1);
    for named in
        ["users.id is not there", "users.email is varbinary", "primary key of users", "nothing was changed"]
    {
        assert!(refusal.contains(named), "{refusal}");
    }
    assert_eq!(installation.report(&["db", "current", "--tier", "hot"])[0]["version"], 0);
    assert_eq!(installation.hot_number("SELECT count(*) AS n FROM users").await, 1);
    assert_eq!(server.column("SELECT name FROM sys.tables").await, ["users"]);
    installation.drop().await;
}
