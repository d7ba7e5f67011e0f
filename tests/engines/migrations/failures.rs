//! Migrations that fail half-way.

use std::error::Error as _;
use std::sync::Arc;

use thermocline::tier::migrate::{Fault, Step, Task, stands};
use thermocline::tier::{
    Engine as _, Mssql, Postgres, PostgresUrl, Schema, Sqlite, Statement, Tier, TierError,
};

use crate::support::hot_engines::Server;
use crate::support::postgres;

/// An empty database of an engine.
struct Database {
    schema: Arc<dyn Schema>,
    server: Option<Server>,
    _postgres: Option<postgres::Database>,
    _folder: tempfile::TempDir,
}

async fn databases() -> Vec<Database> {
    let folder = || tempfile::tempdir().expect("a folder");
    let files = folder();
    let sqlite = Sqlite::open(thermocline::schema::of(Tier::Cold), &files.path().join("cold.db"))
        .await
        .expect("opens");
    let mut all = vec![Database { schema: Arc::new(sqlite), server: None, _postgres: None, _folder: files }];
    if let Some(database) = postgres::database().await {
        let url = PostgresUrl::parse(&database).expect("a URL");
        let cold = Postgres::open(thermocline::schema::of(Tier::Cold), &url, None).await.expect("opens");
        all.push(Database {
            schema: Arc::new(cold),
            server: None,
            _postgres: Some(database),
            _folder: folder(),
        });
    }
    if let Some(server) = Server::make().await {
        let hot = Mssql::open(thermocline::schema::of(Tier::Hot), &server.at).await.expect("opens");
        all.push(Database {
            schema: Arc::new(hot),
            server: Some(server),
            _postgres: None,
            _folder: folder(),
        });
    }
    all
}

impl Database {
    async fn up(&self, steps: &[Step]) -> Result<i64, TierError> {
        self.schema.migrate(steps, Task::Upgrade(None)).await
    }

    async fn version(&self) -> i64 {
        self.schema.version().await.expect("a version")
    }

    async fn has(&self, table: &str) -> bool {
        let text: &'static str = format!("-- has\nSELECT count(*) AS n FROM {table}").leak();
        self.schema.fetch(&Statement::new(text).postgres(text).mssql(text), &[]).await.is_ok()
    }

    async fn drop(self) {
        self.schema.close().await;
        if let Some(server) = self.server {
            server.drop().await;
        }
    }
}

fn fault(error: &TierError) -> &Fault {
    error.source().and_then(|source| source.downcast_ref()).unwrap_or_else(|| panic!("no fault: {error:?}"))
}

const FIRST: Step = Step::new(1, "0001_first", "CREATE TABLE a (x INT NOT NULL);", "DROP TABLE a;");
const BROKEN: &str = "-- A table, and one that is there.\nCREATE TABLE b (x INT);\nINSERT INTO b (x) VALUES (1);\n\n\
    CREATE TABLE a (\n    x INT\n);\nCREATE TABLE c (x INT);\n";

#[tokio::test]
async fn a_failed_migration_changes_nothing() {
    for database in databases().await {
        let broken = [FIRST, Step::new(2, "0002_broken", BROKEN, "DROP TABLE b;")];
        let error = database.up(&broken).await.expect_err("it is broken");
        let Fault::Stopped { name, line, .. } = fault(&error) else { panic!("{error:?}") };
        assert_eq!((name.as_str(), *line), ("0002_broken", 5), "{error:?}");
        let told = fault(&error).to_string();
        assert!(told.contains("CREATE TABLE a (") && told.contains("as it was before"), "{told}");
        assert_eq!(database.version().await, 1);
        assert!(database.has("a").await && !database.has("b").await && !database.has("c").await);
        // The next start fails the same way; the repaired file succeeds.
        assert!(matches!(fault(&database.up(&broken).await.expect_err("still")), Fault::Stopped { .. }));
        let mended = [
            FIRST,
            Step::new(2, "0002_broken", "CREATE TABLE b (x INT);", "DROP TABLE b; DROP TABLE nowhere;"),
        ];
        assert_eq!(database.up(&mended).await.expect("it is repaired"), 1);
        assert!(database.has("b").await);
        // A failing downgrade changes nothing either.
        let back = database.schema.migrate(&mended, Task::Downgrade(0)).await.expect_err("it is broken");
        assert!(matches!(fault(&back), Fault::Stopped { line: 1, .. }), "{back:?}");
        assert!(database.has("b").await);
        assert_eq!(database.version().await, 2);
        database.drop().await;
    }
}

#[tokio::test]
async fn a_failed_migration_without_transaction_blocks_later_ones() {
    // `GO` separates batches in SQL Server files only; elsewhere it is a name.
    const MIDDLE: &str = "-- no-transaction\nCREATE TABLE b (x INT);\n--\nCREATE TABLE a (x INT);\n";
    const BATCHES: &str = "-- no-transaction\nCREATE TABLE b (x INT);\nGO\nCREATE TABLE a (x INT);\n";
    for database in databases().await {
        let text = if database.server.is_some() { BATCHES } else { MIDDLE };
        let third = || Step::new(3, "0003_third", "CREATE TABLE c (x INT);", "DROP TABLE c;");
        let steps = [FIRST, Step::new(2, "0002_alone", text, "DROP TABLE b;"), third()];
        let error = database.up(&steps).await.expect_err("it is broken");
        let Fault::Halfway { name, line, statement, .. } = fault(&error) else { panic!("{error:?}") };
        assert_eq!((name.as_str(), *line, statement.as_str()), ("0002_alone", 4, "CREATE TABLE a (x INT);"));
        assert!(database.has("b").await, "what was done stays");
        assert_eq!(database.version().await, 1, "half is nothing");
        for task in [Task::Upgrade(None), Task::Downgrade(0)] {
            let error = database.schema.migrate(&steps, task).await.expect_err("half done");
            let told = fault(&error).to_string();
            assert!(matches!(fault(&error), Fault::Dirty { version: 2, before: 1, .. }), "{error:?}");
            assert!(told.contains("0002_alone (stopped at line 4)") && told.contains("db stamp 1"), "{told}");
        }
        assert!(!database.has("c").await);
        // After a manual repair it is recorded as applied, and the next ones run.
        database.schema.migrate(&steps, Task::Stamp(2)).await.expect("recorded");
        database.up(&steps).await.expect("goes on");
        let rows = database.schema.recorded().await.expect("an answer").expect("a table");
        assert!(rows.iter().all(|row| row.whole) && stands(&rows) == 3 && database.has("c").await);
        database.drop().await;
    }
}

#[tokio::test]
async fn an_older_migration_that_appears_later_is_rejected() {
    for database in databases().await {
        let second = || Step::new(2, "0002_slow_branch", "CREATE TABLE b (x INT);", "DROP TABLE b;");
        let third = || Step::new(3, "0003_quick_branch", "CREATE TABLE c (x INT);", "DROP TABLE c;");
        database.up(&[FIRST, third()]).await.expect("goes in");
        let error = database.up(&[FIRST, second(), third()]).await.expect_err("too late");
        assert!(
            fault(&error).to_string().starts_with("0002_slow_branch is pending and older than version 3")
        );
        assert!(!database.has("b").await);
        database.drop().await;
    }
}

/// SQLite ignores foreign keys while it rebuilds a table; afterwards they must hold again.
#[tokio::test]
async fn a_rebuilt_table_keeps_its_references() {
    let database = databases().await.remove(0);
    let make = Step::new(
        1,
        "0001_make",
        "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE k (p INTEGER REFERENCES p (id) ON DELETE CASCADE);
         INSERT INTO p VALUES (1); INSERT INTO k VALUES (1);",
        "DROP TABLE k; DROP TABLE p;",
    );
    let anew =
        "CREATE TABLE new_p (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO new_p (id) SELECT id FROM p {};
        DROP TABLE p; ALTER TABLE new_p RENAME TO p;";
    let lossy: &'static str = anew.replace("{}", "WHERE id > 1").leak();
    let error = database
        .up(&[make, Step::new(2, "0002_lossy", lossy, "SELECT 1;")])
        .await
        .expect_err("k refers to it");
    assert!(
        error
            .source()
            .and_then(std::error::Error::source)
            .is_some_and(|e| e.to_string().contains("a row of k"))
    );
    assert_eq!(database.version().await, 1);
    let whole: &'static str = anew.replace("{}", "").leak();
    let make = Step::new(1, "0001_make", "", "");
    let rows = database.schema.recorded().await.expect("an answer").expect("a table");
    assert_ne!(rows[0].checksum, make.checksum());
    let error =
        database.up(&[make, Step::new(2, "0002_whole", whole, "SELECT 1;")]).await.expect_err("another file");
    assert!(fault(&error).to_string().contains("0001_make was changed"), "{error:?}");
    database.drop().await;
}

#[tokio::test]
async fn extensions_and_concurrent_indexes_can_be_created() {
    let Some(url) = postgres::database().await else { return };
    let cold =
        Postgres::open(thermocline::schema::of(Tier::Cold), &PostgresUrl::parse(&url).expect("a URL"), None)
            .await
            .expect("opens");
    let mut connection = postgres::connect(&url).await;
    let there: i64 =
        sqlx::query_scalar("SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_trgm'")
            .fetch_one(&mut connection)
            .await
            .expect("an answer");
    if there == 0 {
        eprintln!("skipped: this PostgreSQL has no pg_trgm to make");
        return;
    }
    let text = "CREATE EXTENSION IF NOT EXISTS pg_trgm; CREATE TABLE t (x TEXT);";
    let index = "-- no-transaction\nCREATE INDEX CONCURRENTLY t_x ON t USING gin (x gin_trgm_ops);\n";
    let steps = [
        Step::new(1, "0001_extension", text, "DROP TABLE t; DROP EXTENSION pg_trgm;"),
        Step::new(2, "0002_index", index, "DROP INDEX t_x;"),
    ];
    cold.migrate(&steps, Task::Upgrade(None)).await.expect("goes in");
    assert_eq!(cold.version().await.expect("a version"), 2);
    let shapes = cold.shapes(&steps).await.expect("can be tried out").expect("PostgreSQL can");
    assert_eq!(shapes.now.len(), shapes.after[1].len());
    cold.migrate(&steps, Task::Downgrade(0)).await.expect("and back");
    cold.close().await;
}
