//! Pairs in every state a database can be found in: what `check` says of them, what `auto` and `serve` do.

use serde_json::{Value, json};
use thermocline::schema::{cold, hot};
use thermocline::tier::{Mssql, Postgres, PostgresUrl, Schema, Sqlite, Tier};

use super::starts::Serving;
use super::{Ended, Home};
use crate::mssql::adoption::PLATFORM;

impl Home {
    /// Everything the catalogs say of our tables, hot and cold.
    async fn schema(&self) -> [Vec<String>; 2] {
        let hot: Box<dyn Schema> = match &self.server {
            Some(server) => {
                Box::new(Mssql::open(thermocline::schema::of(Tier::Hot), &server.at).await.expect("opens"))
            }
            None => Box::new(
                Sqlite::open(thermocline::schema::of(Tier::Hot), &self.folder.path().join("hot.db"))
                    .await
                    .expect("opens"),
            ),
        };
        let cold: Box<dyn Schema> = if self.cold.starts_with("sqlite:") {
            Box::new(
                Sqlite::open(thermocline::schema::of(Tier::Cold), &self.folder.path().join("cold.db"))
                    .await
                    .expect("opens"),
            )
        } else {
            let url = PostgresUrl::parse(&self.cold).expect("a URL");
            Box::new(Postgres::open(thermocline::schema::of(Tier::Cold), &url, None).await.expect("opens"))
        };
        let tables =
            [hot::TABLES.map(|table| table.name).to_vec(), cold::TABLES.map(|table| table.name).to_vec()];
        let mut lines = [Vec::new(), Vec::new()];
        for (place, database) in [hot, cold].into_iter().enumerate() {
            lines[place] = database.inspect(&tables[place]).await.expect("inspects").model.lines();
            database.close().await;
        }
        lines
    }

    /// The texts of what `check` calls wrong, of both tiers, sorted.
    fn wrong(&self) -> Vec<String> {
        let (status, report) = self.judged(&["db", "check"]);
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
    for home in Home::all().await {
        home.says(&["db", "auto"]);
        assert_eq!(home.wrong(), Vec::<String>::new(), "{}: made from nothing", home.name);
        let fresh = home.schema().await;
        home.in_hot("INSERT INTO users (username) VALUES ('ann')").await;
        home.in_cold("UPDATE archive_head SET claimed = 5 WHERE resource = 'posts'").await;
        let newest = home.newest();
        for version in (1..newest[0].max(newest[1])).rev() {
            for (tier, newest) in [("hot", newest[0]), ("cold", newest[1])] {
                let back = version.min(newest).to_string();
                home.says(&["db", "downgrade", &back, "--tier", tier, "--yes"]);
            }
            let (status, report) = home.judged(&["db", "check"]);
            assert_eq!(status, Some(1), "{}: {version}: {report}", home.name);
            let pending = report.as_array().expect("tiers").iter().map(|tier| tier["pending"].as_array());
            assert!(pending.flatten().any(|pending| !pending.is_empty()), "{report}");
            // Without its record it is found to be what it is.
            home.says(&["db", "reset", "--yes"]);
            let report = home.report(&["db", "auto"]);
            for (place, newest) in newest.iter().enumerate() {
                assert_eq!(report[place]["adopted"], json!(version.min(*newest)), "{}: {report}", home.name);
                assert_eq!(report[place]["to"], json!(newest), "{}: {report}", home.name);
            }
            assert_eq!(home.schema().await, fresh, "{}: from version {version}", home.name);
            assert_eq!(home.hot_number("SELECT count(*) AS n FROM users").await, 1, "{}", home.name);
            let (_, report) = home.judged(&["db", "check", "--tier", "cold"]);
            let claimed = report[0]["epochs"].as_array().expect("resources").iter();
            let mut claimed = claimed.filter(|epoch| epoch["resource"] == "posts");
            assert_eq!(
                claimed.next().map(|epoch| &epoch["epoch"]),
                Some(&json!(5)),
                "{}: {report}",
                home.name
            );
        }
        home.in_hot("DELETE FROM users").await;
        home.says(&["db", "downgrade", "base", "--yes"]);
        assert_eq!(home.schema().await, [Vec::<String>::new(), Vec::new()], "{}", home.name);
        home.says(&["db", "upgrade"]);
        assert_eq!(home.schema().await, fresh, "{}: there and back", home.name);
        home.drop().await;
    }
}

/// What a database holds of its own, it may keep; what readers need must be there.
#[tokio::test]
async fn what_was_changed_by_hand_is_named_and_not_gone_over() {
    for home in Home::all().await {
        home.says(&["db", "auto"]);
        let (index, drop_column) = if home.hot_is_server() {
            ("DROP INDEX messages_due ON messages", "ALTER TABLE posts DROP COLUMN body")
        } else {
            ("DROP INDEX messages_due", "ALTER TABLE posts DROP COLUMN body")
        };
        // An index more or less: served, and said.
        home.in_hot(index).await;
        home.in_cold("CREATE INDEX mine ON posts_archive (title)").await;
        assert_eq!(
            home.wrong(),
            ["messages has no index like messages_due (created_at, id)"],
            "{}",
            home.name
        );
        let mut command = home.command(&["serve", "--addr", "127.0.0.1:0"]);
        let serving = Serving::until_it_listens(command.spawn().expect("the program"));
        let warned = serving
            .log
            .iter()
            .any(|line| line["differs"].as_str().is_some_and(|text| text.contains("messages_due")));
        assert!(warned, "{}: {:?}", home.name, serving.log);
        drop(serving);
        home.in_cold("DROP INDEX mine").await;

        // A table that is gone and a column that is: nothing is made anew over them.
        home.in_hot(drop_column).await;
        home.in_cold("DROP TABLE likes_archive").await;
        let wrong = [
            "likes_archive is not there",
            "messages has no index like messages_due (created_at, id)",
            "posts.body is not there",
        ];
        assert_eq!(home.wrong(), wrong, "{}", home.name);
        for (args, status) in [
            (&["db", "auto", "--tier", "hot"][..], 1),
            (&["db", "auto", "--tier", "cold"], 1),
            (&["serve", "--addr", "127.0.0.1:0"], 1),
        ] {
            let Ended { status: ended, err, .. } = home.run(args);
            assert_eq!(ended, Some(status), "{}: {args:?}: {err}", home.name);
            let named = if args.contains(&"cold") { "likes_archive" } else { "posts.body" };
            assert!(err.contains(named), "{}: {args:?}: {err}", home.name);
        }
        let refusal = home.reject_reason(&["serve", "--addr", "127.0.0.1:0"], 1);
        assert!(refusal.contains("db generate --tier hot"), "{}: {refusal}", home.name);
        // Nor is it recorded without a question, whatever is named.
        home.says(&["db", "reset", "--yes", "--tier", "hot"]);
        for version in ["head", "1", "base"] {
            home.reject_reason(&["db", "stamp", version, "--tier", "hot"], 2);
        }
        home.reject_reason(&["db", "auto", "--tier", "hot"], 1);
        assert_eq!(home.wrong(), wrong, "{}: nothing was changed", home.name);
        home.drop().await;
    }
}

/// A platform as its own models make it, with what is its own.
#[tokio::test]
async fn a_live_platform_is_adopted_with_what_is_its_own() {
    let Some(home) = Home::mssql().await else { return };
    let server = home.server.as_ref().expect("a server");
    server.batches(&PLATFORM).await;
    server
        .batches(&[
            "ALTER TABLE users ADD nickname VARCHAR(30) NULL",
            "CREATE TABLE sessions (id INT NOT NULL PRIMARY KEY, user_id INT NOT NULL REFERENCES users (id))",
            "UPDATE messages SET is_read = 0 WHERE is_read IS NULL",
        ])
        .await;
    let (status, report) = home.judged(&["db", "check", "--tier", "hot"]);
    assert_eq!((status, &report[0]["version"]), (Some(1), &json!(0)), "{report}");
    let before = home.hot_number("SELECT count(*) AS n FROM messages").await;
    let report = home.report(&["db", "auto"]);
    assert_eq!((&report[0]["from"], &report[0]["adopted"]), (&json!(0), &Value::Null), "{report}");
    let babelfish = "SELECT COALESCE(CAST(SERVERPROPERTY('Babelfish') AS NVARCHAR(10)), N'')";
    let left: &[&str] = if server.column(babelfish).await == [""] { &[] } else { &NULLABLE };
    for text in left {
        println!("Babelfish takes no NOT NULL in ALTER COLUMN: {text}");
    }
    // No index of the platform's is like ours, and its stocks were made by the migration.
    assert_eq!(report[0]["differs"], json!(left), "{report}");
    assert_eq!(home.wrong(), left);
    assert_eq!(home.hot_number("SELECT count(*) AS n FROM messages").await, before);
    // What is the platform's own is neither touched nor proposed to be.
    let (_, report) = home.judged(&["db", "generate", "--sql", "--tier", "hot", "--dir", crate_migrations()]);
    let kept = report[0]["kept"].to_string();
    for own in ["users.nickname", "by_time"] {
        assert!(kept.contains(own), "{report}");
    }
    let sql = report[0]["sql"].to_string();
    assert!(!sql.contains("DROP COLUMN") && !sql.contains("nickname"), "{sql}");
    let args = ["db", "generate", "--sql", "--tier", "hot", "--drop-unknown", "--dir", crate_migrations()];
    let (_, report) = home.judged(&args);
    assert!(report[0]["notes"].to_string().contains("DATA LOSS: users.nickname"), "{report}");
    // Without its record it is recognized as the version it is.
    home.says(&["db", "reset", "--yes", "--tier", "hot"]);
    let newest = home.newest()[0];
    let refusal = home.reject_reason(&["db", "stamp", "1", "--tier", "hot"], 2);
    assert!(refusal.contains(&format!("as version {newest} makes them")), "{refusal}");
    assert_eq!(home.report(&["db", "auto"])[0]["adopted"], newest);
    home.drop().await;
}

/// What Babelfish leaves open of that platform.
const NULLABLE: [&str; 1] = ["messages.is_read may be NULL and must not"];

const fn crate_migrations() -> &'static str {
    concat!(env!("CARGO_MANIFEST_DIR"), "/migrations")
}

#[tokio::test]
async fn tables_that_cannot_be_adopted_are_left_alone() {
    let Some(home) = Home::mssql().await else { return };
    let server = home.server.as_ref().expect("a server");
    server
        .batches(&[
            "CREATE TABLE users (guid UNIQUEIDENTIFIER NOT NULL PRIMARY KEY, username VARCHAR(50) NOT NULL, email VARBINARY(20))",
            "INSERT INTO users (guid, username) VALUES (NEWID(), 'ann')",
        ])
        .await;
    let refusal = home.reject_reason(&["db", "auto", "--tier", "hot"], 1);
    for named in
        ["users.id is not there", "users.email is varbinary", "primary key of users", "nothing was changed"]
    {
        assert!(refusal.contains(named), "{refusal}");
    }
    assert_eq!(home.report(&["db", "current", "--tier", "hot"])[0]["version"], 0);
    assert_eq!(home.hot_number("SELECT count(*) AS n FROM users").await, 1);
    assert_eq!(server.column("SELECT name FROM sys.tables").await, ["users"]);
    home.drop().await;
}
