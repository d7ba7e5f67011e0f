//! The adoption of a platform whose tables are as unkind as real ones: required columns of its own, times that may be NULL,
//! text with a code page, local clocks, keys in another order, indexes, constraints and triggers.

use std::fmt::Write as _;

use serde_json::json;
use thermocline::schema::Model;
use thermocline::tier::adoption::RowCounts;
use thermocline::tier::adoption::plan::plan;
use thermocline::tier::adoption::{Adoption, PlatformZone};
use thermocline::tier::migrate::{self, Schema as _};
use thermocline::tier::{Engine as _, Mssql, Tier};

use super::Installation;
use crate::support::hot_engines::Server;

/// The tables as the platform's models make them.
const TABLES: [&str; 9] = [
    "CREATE TABLE users (id INT IDENTITY(1, 1) PRIMARY KEY, username VARCHAR(80) COLLATE Chinese_PRC_CI_AS NOT NULL UNIQUE,
        email VARCHAR(120) NOT NULL UNIQUE, password_hash VARCHAR(255) NOT NULL, created_at DATETIME DEFAULT GETDATE())",
    "CREATE TABLE conversations (id INT IDENTITY(1, 1) PRIMARY KEY, user1_id INT NOT NULL REFERENCES users (id),
        user2_id INT NOT NULL REFERENCES users (id), created_at DATETIME DEFAULT GETDATE(),
        updated_at DATETIME DEFAULT GETDATE(), CONSTRAINT two_users CHECK (user1_id <> user2_id))",
    "CREATE TABLE messages (id INT IDENTITY(1, 1) PRIMARY KEY, conversation_id INT NOT NULL REFERENCES conversations (id),
        sender_id INT NOT NULL REFERENCES users (id), content VARCHAR(MAX) COLLATE Chinese_PRC_CI_AS NOT NULL,
        created_at DATETIME DEFAULT GETDATE(), is_read BIT DEFAULT 0, CONSTRAINT not_empty CHECK (LEN(content) > 0))",
    "CREATE TABLE posts (id INT IDENTITY(1, 1) PRIMARY KEY, author_id INT NOT NULL REFERENCES users (id),
        title VARCHAR(50) NOT NULL, body VARCHAR(MAX) NOT NULL, created_at DATETIME DEFAULT GETDATE())",
    "CREATE TABLE comments (id INT IDENTITY(1, 1) PRIMARY KEY, post_id INT NOT NULL REFERENCES posts (id),
        author_id INT NOT NULL REFERENCES users (id), body VARCHAR(1000) NOT NULL, created_at DATETIME DEFAULT GETDATE())",
    "CREATE TABLE likes (user_id INT NOT NULL REFERENCES users (id), post_id INT NOT NULL REFERENCES posts (id),
        PRIMARY KEY (user_id, post_id))",
    "CREATE TABLE stocks (id INT IDENTITY(1, 1) PRIMARY KEY, symbol VARCHAR(20) NOT NULL UNIQUE, name VARCHAR(100) NOT NULL,
        exchange VARCHAR(20), market_type VARCHAR(20), created_at DATETIME DEFAULT GETDATE(), updated_at DATETIME DEFAULT GETDATE())",
    "CREATE TABLE stock_prices (id INT IDENTITY(1, 1) PRIMARY KEY, stock_id INT NOT NULL REFERENCES stocks (id),
        trade_date DATE NOT NULL, open_price DECIMAL(10, 2), high_price DECIMAL(10, 2), low_price DECIMAL(10, 2),
        close_price DECIMAL(10, 2), change_amount DECIMAL(10, 2), volume INT, turnover BIGINT, transaction_count INT,
        created_at DATETIME DEFAULT GETDATE(), UNIQUE (stock_id, trade_date))",
    "CREATE TABLE sessions (id INT IDENTITY(1, 1) PRIMARY KEY, user_id INT NOT NULL REFERENCES users (id))",
];

/// Its indexes and a trigger.
const DEPENDENTS: [&str; 5] = [
    "CREATE INDEX ix_messages_created ON messages (created_at DESC, sender_id)",
    "CREATE INDEX ix_messages_unread ON messages (conversation_id) INCLUDE (is_read, created_at)",
    "CREATE INDEX ix_posts_title ON posts (title)",
    "CREATE UNIQUE INDEX ix_stocks_name ON stocks (name)",
    "CREATE TRIGGER new_user ON users AFTER INSERT AS BEGIN SET NOCOUNT ON; UPDATE users SET email = email WHERE id = 0; END",
];

/// Some rows, with times that the platform wrote at 08:00 in Taipei.
const ROWS: [&str; 6] = [
    "INSERT INTO users (username, email, password_hash) VALUES ('ann', 'ann@example.org', 'x'), ('bob', 'bob@example.org', 'y')",
    "INSERT INTO conversations (user1_id, user2_id, created_at, updated_at) VALUES (1, 2, '2026-01-05T08:00:00', '2026-01-05T08:00:00')",
    "INSERT INTO messages (conversation_id, sender_id, content, created_at, is_read)
     VALUES (1, 1, 'first', '2026-01-05T08:00:00', NULL), (1, 2, 'second', '2026-01-05T08:00:01', 1)",
    "INSERT INTO posts (author_id, title, body, created_at) VALUES (1, 'title', 'body', '2026-01-05T08:00:00')",
    "INSERT INTO likes (user_id, post_id) VALUES (1, 1), (2, 1)",
    "INSERT INTO stocks (symbol, name, created_at, updated_at) VALUES ('2330', 'TSMC', '2026-01-05T08:00:00', '2026-01-05T08:00:00')",
];

/// Makes the platform.
pub async fn platform(server: &Server) {
    server.batches(&TABLES).await;
    server.batches(&DEPENDENTS).await;
    server.batches(&ROWS).await;
}

/// Returns how many statements prepare its tables.
pub async fn planned(server: &Server) -> u64 {
    let hot = open(server).await;
    let planned = hot.preparation(&Adoption::default()).await.expect("an answer").expect("a platform");
    hot.close().await;
    planned.statements.len() as u64
}

async fn open(server: &Server) -> Mssql {
    Mssql::open(thermocline::schema::of(Tier::Hot), &server.at).await.expect("opens")
}

/// Every NULL is named at once, in every table, and a refused adoption leaves no trace.
#[tokio::test]
async fn a_refused_adoption_names_every_null_and_leaves_nothing() {
    let Some(installation) = Installation::mssql().await else { return };
    let server = installation.server.as_ref().expect("a server");
    platform(server).await;
    server
        .batches(&[
            "UPDATE messages SET created_at = NULL WHERE id = 2",
            "UPDATE posts SET created_at = NULL",
            "UPDATE stocks SET updated_at = NULL",
        ])
        .await;
    for command in [&["db", "auto", "--tier", "hot"][..], &["db", "upgrade", "--tier", "hot"]] {
        let refusal = installation.fail(command, 1);
        for named in [
            "nothing was changed",
            "messages.created_at is NULL in 1 row: give them a value",
            "posts.created_at is NULL in 1 row",
            "stocks.updated_at is NULL in 1 row",
        ] {
            assert!(refusal.contains(named), "{named}: {refusal}");
        }
        assert_eq!(
            server.column("SELECT name FROM sys.tables WHERE name LIKE '%migrations'").await,
            Vec::<String>::new()
        );
        let types = "SELECT TYPE_NAME(user_type_id) FROM sys.columns WHERE object_id = OBJECT_ID(N'users') AND name = N'username'";
        assert_eq!(server.column(types).await, ["varchar"]);
    }
    server
        .batches(&[
            "UPDATE messages SET created_at = '2026-01-05T08:00:01' WHERE id = 2",
            "UPDATE posts SET created_at = '2026-01-05T08:00:00'",
            "UPDATE stocks SET updated_at = created_at",
        ])
        .await;
    installation.succeed(&["db", "auto", "--tier", "hot"]);
    installation.drop().await;
}

/// Harmless differences stay harmless: in `db check`, in `db generate`, and in an import, where a row that the platform's
/// tables cannot take is a reject and the others go in.
#[tokio::test]
async fn an_adopted_platform_is_checked_generated_and_imported_into() {
    let Some(installation) = Installation::mssql().await else { return };
    let server = installation.server.as_ref().expect("a server");
    platform(server).await;
    installation.succeed(&["db", "auto"]);
    let is_babelfish =
        !server.column("SELECT CAST(SERVERPROPERTY('Babelfish') AS NVARCHAR(10))").await[0].is_empty();

    let (_, report) = installation.report_and_status(&["db", "check", "--tier", "hot"]);
    let findings = report[0]["findings"].as_array().expect("findings").clone();
    let faults: Vec<&str> = findings
        .iter()
        .filter(|finding| finding["fault"] == true)
        .map(|finding| finding["text"].as_str().expect("a text"))
        .collect();
    // Babelfish takes no NOT NULL in ALTER COLUMN.
    let unchangeable = |text: &&&str| !(is_babelfish && text.ends_with("may be NULL and must not"));
    assert_eq!(faults.iter().filter(unchangeable).collect::<Vec<_>>(), Vec::<&&str>::new(), "{report}");
    let notes = json!(findings).to_string();
    for named in [
        "users.password_hash is not known, and left alone; it must not be NULL and has no default, so that `import` cannot add rows to users",
        "stocks.name must not be NULL here",
        "conversations.user2_id must not be NULL here",
        "the primary key of likes is (user_id, post_id)",
    ] {
        assert!(notes.contains(named), "{named}: {notes}");
    }
    // Few rows are counted, and not estimated.
    let sizes = report[0]["tables"].as_array().expect("tables");
    for (table, rows) in [("messages", 2), ("comments", 0)] {
        let size = sizes.iter().find(|size| size["table"] == table).expect("a table");
        assert_eq!((&size["rows"], &size["exact"]), (&json!(rows), &json!(true)), "{report}");
    }

    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
    let report = installation.report(&["db", "generate", "--sql", "--tier", "hot", "--dir", dir]);
    // Where NOT NULL could be added, nothing is left to do.
    let scripts = report[0]["sql"].as_array().cloned().unwrap_or_default();
    assert!(is_babelfish || scripts.is_empty(), "{report}");
    for script in scripts.iter().filter(|script| script["engine"] == "mssql") {
        let up = script["up"].to_string();
        let columns =
            ["email", "user2_id", "name", "username"].map(|column| format!("ALTER COLUMN {column}"));
        for own in ["likes", "password_hash", "getdate"].into_iter().chain(columns.iter().map(String::as_str))
        {
            assert!(!up.contains(own), "{own}: {up}");
        }
    }

    installation.write(
        "messages.csv",
        "id,conversation_id,sender_id,content,created_at\n\
         10,1,1,known,2026-01-06T00:00:00Z\n\
         11,1,7,unknown sender,2026-01-06T00:00:00Z\n\
         12,9,1,alone,2026-01-06T00:00:00Z\n\
         13,8,1,new,2026-01-06T00:00:00Z\n\
         14,8,2,new too,2026-01-06T00:00:01Z\n\
         15,1,2,,2026-01-06T00:00:00Z\n",
    );
    let report = installation.report(&["import", "messages", "messages.csv"]);
    let rejects = installation.read("messages.rejects.csv");
    assert_eq!(
        (&report["files"][0]["inserted"], &report["files"][0]["rejected"]),
        (&json!(3), &json!(3)),
        "{report} {rejects}"
    );
    for named in [
        "there is no user 7, and it cannot be made: users.email and users.password_hash must not be NULL here",
        "there is no conversation 9, and it cannot be made: conversations.user2_id must not be NULL here",
        "hot refuses it: ",
    ] {
        assert!(rejects.contains(named), "{named}: {rejects}");
    }
    let again = installation.report(&["import", "messages", "messages.csv"]);
    assert_eq!(
        (&again["files"][0]["inserted"], &again["files"][0]["known"]),
        (&json!(0), &json!(3)),
        "{again}"
    );

    installation
        .write("prices.csv", "symbol,trade_date,close_price\n2330,2026-01-06,1.50\n9999,2026-01-06,2.50\n");
    let report = installation.report(&["import", "prices", "prices.csv"]);
    assert_eq!(
        (&report["files"][0]["inserted"], &report["files"][0]["rejected"]),
        (&json!(1), &json!(1)),
        "{report}"
    );
    let rejects = installation.read("prices.rejects.csv");
    assert!(
        rejects.contains("there is no stock 9999, and it cannot be made: stocks.name must not be NULL"),
        "{rejects}"
    );

    // A title that the platform's column does not hold is found among those that it does.
    let mut posts = String::from("id,author_id,title,body,created_at\n");
    for id in 100..140 {
        let title = if id == 117 { "x".repeat(80) } else { format!("title {id}") };
        let _ = writeln!(posts, "{id},1,{title},body,2026-01-06T00:00:00Z");
    }
    installation.write("posts.csv", &posts);
    let report = installation.report(&["import", "posts", "posts.csv"]);
    assert_eq!(
        (&report["files"][0]["inserted"], &report["files"][0]["rejected"]),
        (&json!(39), &json!(1)),
        "{report}"
    );
    installation.write("users.csv", "id,username,email\n50,carol,carol@example.org\n");
    let (status, report) = installation.report_and_status(&["import", "users", "users.csv"]);
    assert_eq!((status, &report["files"][0]["rejected"]), (Some(1), &json!(1)), "{report}");
    assert!(installation.read("users.rejects.csv").contains("users.password_hash must not be NULL here"));

    // The tables of the platform are not dropped, and what was reverted is said.
    let ended = installation.run(&["db", "downgrade", "base", "--tier", "hot", "--yes"]);
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(
        ended.out.contains("hot: version 3 to 1: reverted 0003_archive_control, 0002_archive_state"),
        "{ended:?}"
    );
    assert!(ended.err.contains("the tables of the platform hold rows"), "{ended:?}");
    assert_eq!(installation.report(&["db", "current", "--tier", "hot"])[0]["version"], 1);
    installation.drop().await;
}

/// Times that the platform wrote in its local time become UTC, and so do those that it will write.
#[tokio::test]
async fn local_times_become_utc() {
    let Some(server) = Server::make().await else { return };
    platform(&server).await;
    let hot = open(&server).await;
    let zone: PlatformZone = "Asia/Taipei".parse().expect("a zone");
    let adoption = Adoption { zone: Some(zone) };
    let planned = hot.preparation(&adoption).await.expect("an answer").expect("a platform");
    assert_eq!(planned.refusals, Vec::<String>::new());
    let now = "SELECT CONVERT(NVARCHAR(19), created_at, 120) FROM messages ORDER BY id";
    assert!(server.column(now).await[0].starts_with("2026-01-05 08:00:00"), "asking changes nothing");
    migrate::adopt(&hot, &adoption).await.expect("adopts");
    assert!(server.column(now).await[0].starts_with("2026-01-05 00:00:00"), "{:?}", server.column(now).await);
    let updated = "SELECT CONVERT(NVARCHAR(19), updated_at, 120) FROM conversations";
    assert!(server.column(updated).await[0].starts_with("2026-01-05 00:00:00"));
    let defaults =
        "SELECT definition FROM sys.default_constraints WHERE parent_object_id = OBJECT_ID(N'messages')";
    let defaults = server.column(defaults).await;
    assert!(defaults.iter().any(|text| text.contains("sysutcdatetime")), "{defaults:?}");
    assert!(!defaults.iter().any(|text| text.contains("getdate")), "{defaults:?}");
    // An adopted database is not adopted again, and its times are not shifted twice.
    assert_eq!(hot.preparation(&adoption).await.expect("an answer"), None);
    migrate::adopt(&hot, &adoption).await.expect("nothing to do");
    assert!(server.column(now).await[0].starts_with("2026-01-05 00:00:00"));
    hot.close().await;
    server.drop().await;
}

/// The statements that are meant for SQL Server run on Babelfish, as far as it takes them: what stands in the way is dropped
/// and made again, and the first migration finds nothing left to do. The lines that Babelfish does not take are printed.
#[tokio::test]
async fn dropping_and_making_again_runs_on_a_server() {
    let Some(server) = Server::make().await else { return };
    platform(&server).await;
    let hot = open(&server).await;
    let mut platform = hot.platform().await.expect("a platform");
    let is_babelfish = platform.is_babelfish;
    platform.is_babelfish = false;
    let declared = Model::of(thermocline::schema::of(Tier::Hot).tables);
    let planned = plan(&platform, &declared, &RowCounts::new(), &Adoption::default());
    assert_eq!(planned.refusals, Vec::<String>::new());
    let indexes = "SELECT LEFT(name, 9) FROM sys.indexes WHERE object_id IN (OBJECT_ID(N'messages'), OBJECT_ID(N'users'), \
        OBJECT_ID(N'stocks'), OBJECT_ID(N'posts')) AND is_primary_key = 0 AND type > 0 ORDER BY 1";
    let constraints = "SELECT name FROM sys.check_constraints ORDER BY name";
    let before = (server.column(indexes).await, server.column(constraints).await);
    let mut counted = (0, 0);
    for statement in &planned.statements {
        let Some(text) = for_babelfish(statement)
            .filter(|_| is_babelfish)
            .or_else(|| (!is_babelfish).then(|| statement.clone()))
        else {
            println!("not on Babelfish: {statement}");
            counted.1 += 1;
            continue;
        };
        if text != *statement {
            println!("on Babelfish without NOT NULL, COLLATE and WITH CHECK: {statement}");
        }
        server.batches(&[&text]).await;
        counted.0 += 1;
    }
    println!("{} statements ran, {} did not", counted.0, counted.1);
    assert!(counted.0 > 30 && counted.1 < counted.0 / 2, "{counted:?}");
    assert_eq!(
        (server.column(indexes).await, server.column(constraints).await),
        before,
        "all of it is there again"
    );
    let left = hot.preparation(&Adoption::default()).await.expect("an answer").expect("a platform");
    let left: Vec<&String> = left.statements.iter().filter(|text| !text.starts_with("UPDATE")).collect();
    assert_eq!(left, Vec::<&String>::new(), "nothing is left to change");
    migrate::upgrade(&hot).await.expect("the first migration finds nothing to do");
    hot.close().await;
    server.drop().await;
}

/// Returns a statement as Babelfish takes it; `None` where it takes none.
fn for_babelfish(statement: &str) -> Option<String> {
    if statement.contains("DROP CONSTRAINT [DF_") || statement.starts_with("DROP STATISTICS") {
        // It reports names of defaults that it does not know, and has no statistics.
        return None;
    }
    if let Some((front, kind)) = statement.split_once(" ALTER COLUMN ") {
        let kind = kind.trim_end_matches(" NOT NULL").trim_end_matches(" NULL");
        let kind = kind.split(" COLLATE ").next().unwrap_or(kind);
        return Some(format!("{front} ALTER COLUMN {kind}"));
    }
    Some(statement.replace(" WITH CHECK ADD ", " ADD "))
}

/// Rows that a constraint of the platform refuses are found among those that go in, on every engine.
#[tokio::test]
async fn rows_that_hot_refuses_are_rejects() {
    for installation in Installation::all().await {
        installation.succeed(&["db", "auto"]);
        installation.in_hot("INSERT INTO users (username) VALUES ('ann')").await;
        installation.in_hot("CREATE UNIQUE INDEX one_title ON posts (title)").await;
        let mut posts = String::from("author_id,title,body,created_at\n");
        for n in 0..40 {
            let title = if n % 17 == 16 { 3 } else { n };
            let _ = writeln!(posts, "1,title {title},body {n},2026-01-06T00:00:00Z");
        }
        installation.write("posts.csv", &posts);
        for inserted in [38, 0] {
            let report = installation.report(&["import", "posts", "posts.csv"]);
            let file = &report["files"][0];
            assert_eq!(
                (&file["inserted"], &file["rejected"]),
                (&json!(inserted), &json!(2)),
                "{}: {report}",
                installation.name
            );
        }
        let rejects = installation.read("posts.rejects.csv");
        assert!(rejects.matches("hot refuses it: ").count() == 2 && rejects.contains(",18,"), "{rejects}");
        installation.drop().await;
    }
}
