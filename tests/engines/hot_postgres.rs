//! PostgreSQL as the hot tier: where its tables are, what it adopts, and which ids it gives out.

use serde_json::json;

use crate::migrations::Installation;

/// Messages of 2020 with ids.
const MESSAGES: &str = "id,conversation_id,sender_id,content,created_at
1,1,1,first,2020-01-01T00:00:00Z
2,1,2,second,2020-01-02T00:00:00.123456Z
40,1,1,third,2020-01-03T00:00:00Z
";

/// Imports, moves and restores, and compares what is there.
async fn moves_and_comes_back(installation: &Installation) {
    installation.succeed(&["db", "auto"]);
    installation.write("messages.csv", MESSAGES);
    installation.succeed(&["import", "messages", "messages.csv"]);
    assert!(installation.succeed(&["import", "messages", "messages.csv"]).contains("3 known"));
    // The platform's next row gets an id of its own.
    installation
        .in_hot("INSERT INTO messages (conversation_id, sender_id, content) VALUES (1, 1, 'new')")
        .await;
    assert_eq!(installation.hot_number("SELECT id AS n FROM messages WHERE content = 'new'").await, 41);
    installation.succeed(&["archive", "run"]);
    assert_eq!(installation.hot_number("SELECT count(*) AS n FROM messages").await, 1);
    installation.succeed(&["archive", "verify"]);
    let (status, report) = installation.report_and_status(&["db", "check"]);
    assert_eq!(status, Some(0), "{report}");
    installation.succeed(&["archive", "restore", "--all"]);
    let there = "SELECT count(*) AS n FROM messages WHERE id IN (1, 2, 40) AND content IN ('first', 'second', 'third')";
    assert_eq!(installation.hot_number(there).await, 3);
    installation.succeed(&["archive", "resume"]);
    installation.succeed(&["archive", "run"]);
    installation.succeed(&["archive", "verify"]);
}

#[tokio::test]
async fn two_schemas_of_one_database_are_two_tiers() {
    let Some(installation) = Installation::on_postgres().await else { return };
    installation.in_hot("CREATE SCHEMA \"the hot one\"; CREATE SCHEMA cold").await;
    let url = installation.hot().to_owned();
    let hot = format!("{url}&search_path=%22the%20hot%20one%22");
    let installation = installation.at(&hot, &format!("{url}&search_path=cold,public"));
    installation.succeed(&["db", "auto"]);
    let tables = "SELECT count(*) AS n FROM pg_tables WHERE schemaname = 'public'";
    let installation = installation.at(&url, "sqlite:cold.db");
    assert_eq!(installation.hot_number(tables).await, 0);
}

#[tokio::test]
async fn rows_move_between_two_databases_with_and_without_the_setting_of_a_pooler() {
    let (Some(one), Some(other)) = (Installation::on_postgres().await, Installation::on_postgres().await)
    else {
        return;
    };
    let pooled = |url: &str| format!("{url}&pooler=transaction");
    let cold = other.hot().to_owned();
    let hot = one.hot().to_owned();
    let installation = one.at(&hot, &cold);
    moves_and_comes_back(&installation).await;
    let installation = installation.at(&pooled(&hot), &pooled(&cold));
    let status =
        installation.command(&["archive", "status", "--json"]).env("HOT_DATABASE_URL_DIRECT", &hot).output();
    assert!(status.expect("the program").status.success());
    installation.succeed(&["archive", "verify"]);
    installation.succeed(&["archive", "restore", "--all"]);
}

#[tokio::test]
async fn one_schema_for_both_tiers_is_refused() {
    let Some(installation) = Installation::on_postgres().await else { return };
    let url = installation.hot().to_owned();
    let installation = installation.at(&url, &url);
    let said = installation.fail(&["db", "auto"], 2);
    assert!(said.contains("COLD_DATABASE_URL") && said.contains("HOT_DATABASE_URL"), "{said}");
    // By another name of the same schema.
    let installation = installation.at(&url, &format!("{url}&search_path=public"));
    let said = installation.fail(&["db", "auto"], 2);
    assert!(said.contains("the cold tier leads to the schema that holds the hot tier"), "{said}");
    let said = installation.fail(&["archive", "status"], 2);
    assert!(said.contains("holds the hot tier"), "{said}");
}

/// Tables as SQLAlchemy makes them, with 32-bit ids, times without a zone and lengths.
const PLATFORM: &str = "
    CREATE TABLE users (id SERIAL PRIMARY KEY, username VARCHAR(80) UNIQUE NOT NULL, email VARCHAR(120) UNIQUE, joined TIMESTAMP);
    CREATE TABLE conversations (id SERIAL PRIMARY KEY, user1_id INTEGER NOT NULL REFERENCES users (id),
        user2_id INTEGER NOT NULL REFERENCES users (id), created_at TIMESTAMP, updated_at TIMESTAMP DEFAULT now());
    CREATE TABLE messages (id SERIAL PRIMARY KEY, conversation_id INTEGER NOT NULL REFERENCES conversations (id),
        sender_id INTEGER NOT NULL REFERENCES users (id), content VARCHAR(2000) NOT NULL, created_at TIMESTAMP DEFAULT now(),
        is_read BOOLEAN);
    CREATE TABLE posts (id SERIAL PRIMARY KEY, author_id INTEGER NOT NULL REFERENCES users (id), title VARCHAR(200) NOT NULL,
        body TEXT NOT NULL, created_at TIMESTAMP(0) NOT NULL);
    CREATE TABLE comments (id SERIAL PRIMARY KEY, post_id INTEGER NOT NULL, author_id INTEGER NOT NULL, body TEXT NOT NULL,
        created_at TIMESTAMP NOT NULL);
    CREATE TABLE likes (user_id INTEGER NOT NULL, post_id INTEGER NOT NULL, PRIMARY KEY (user_id, post_id));
    CREATE TABLE stocks (id SERIAL PRIMARY KEY, symbol VARCHAR(10) UNIQUE NOT NULL, name VARCHAR(100), exchange CHAR(8),
        created_at TIMESTAMP NOT NULL DEFAULT now(), updated_at TIMESTAMP NOT NULL DEFAULT now());
    CREATE TABLE stock_prices (id SERIAL PRIMARY KEY, stock_id INTEGER NOT NULL REFERENCES stocks (id), trade_date DATE NOT NULL,
        open_price NUMERIC(10, 2), close_price NUMERIC(10, 2), volume INTEGER, created_at TIMESTAMP NOT NULL DEFAULT now(),
        UNIQUE (stock_id, trade_date));
    INSERT INTO users (username, email) VALUES ('ann', 'ann@example.org'), ('bob', NULL);
    INSERT INTO conversations (user1_id, user2_id, created_at) VALUES (1, 2, '2020-01-01');
    INSERT INTO messages (conversation_id, sender_id, content, created_at, is_read)
    VALUES (1, 1, 'old', '2020-01-01 08:00:00.123456', NULL), (1, 2, 'older', '2020-01-01 00:00:00', true);
    INSERT INTO posts (author_id, title, body, created_at) VALUES (1, 't', 'b', '2020-01-01');
    INSERT INTO comments (post_id, author_id, body, created_at) VALUES (1, 2, 'c', '2020-01-02'), (77, 2, 'stray', '2020-01-02');
    INSERT INTO likes (user_id, post_id) VALUES (2, 1);
    INSERT INTO stocks (symbol, name, exchange) VALUES ('2330', '台積電', 'TWSE');
    INSERT INTO stock_prices (stock_id, trade_date, open_price, volume) VALUES (1, '2020-01-02', 10.5, 0), (1, '2020-01-03', NULL, 7);
";

/// The types of some columns, as the catalog has them.
const TYPES: &str = "SELECT count(*) AS n FROM information_schema.columns WHERE (table_name, column_name, data_type) IN (
    ('messages', 'id', 'integer'), ('messages', 'created_at', 'timestamp without time zone'),
    ('messages', 'content', 'character varying'), ('posts', 'created_at', 'timestamp without time zone'),
    ('stocks', 'exchange', 'text'), ('stock_prices', 'volume', 'bigint'), ('stock_prices', 'high_price', 'numeric'))";

#[tokio::test]
async fn a_platform_is_adopted_with_the_types_it_knows() {
    let Some(installation) = Installation::on_postgres().await else { return };
    installation.in_hot(PLATFORM).await;
    let looked = installation.report(&["db", "adopt", "--dry-run"]);
    assert_eq!(looked["hot"]["refusals"], json!([]), "{looked}");
    assert!(
        looked["hot"]["notes"].to_string().contains("1 row refers by comments.post_id to posts"),
        "{looked}"
    );
    installation.succeed(&["db", "auto"]);
    assert_eq!(installation.hot_number(TYPES).await, 7);
    let (status, report) = installation.report_and_status(&["db", "check"]);
    assert_eq!(status, Some(0), "{report}");
    assert_eq!(installation.hot_number("SELECT count(*) AS n FROM messages WHERE NOT is_read").await, 1);
    // A row that came with an id is passed by the platform's own sequence.
    installation.write(
        "messages.csv",
        "id,conversation_id,sender_id,content,created_at\n900,1,1,imported,2026-01-01T00:00:00Z\n",
    );
    installation.succeed(&["import", "messages", "messages.csv"]);
    installation
        .in_hot("INSERT INTO messages (conversation_id, sender_id, content) VALUES (1, 1, 'new')")
        .await;
    assert_eq!(installation.hot_number("SELECT id AS n FROM messages WHERE content = 'new'").await, 901);
    installation.in_hot("DELETE FROM comments WHERE body = 'stray'").await;

    let rows = "SELECT sum(hashtext(m::text))::bigint AS n FROM messages m";
    let prices = "SELECT sum(hashtext(p::text))::bigint AS n FROM stock_prices p";
    let before = (
        installation.hot_number(&format!("{rows} WHERE id < 3")).await,
        installation.hot_number(prices).await,
    );
    installation.succeed(&["archive", "run"]);
    assert_eq!(installation.hot_number("SELECT count(*) AS n FROM messages WHERE id < 3").await, 0);
    assert_eq!(installation.hot_number("SELECT count(*) AS n FROM posts").await, 0);
    installation.succeed(&["archive", "verify"]);
    installation.succeed(&["archive", "restore", "--all"]);
    let after = (
        installation.hot_number(&format!("{rows} WHERE id < 3")).await,
        installation.hot_number(prices).await,
    );
    assert_eq!(after, before, "every row is as it was");
}

#[tokio::test]
async fn what_cannot_be_adopted_is_refused_and_stays() {
    let Some(installation) = Installation::on_postgres().await else { return };
    installation.in_hot(PLATFORM).await;
    installation.in_hot("UPDATE messages SET created_at = NULL WHERE id = 1").await;
    let said = installation.fail(&["db", "auto", "--tier", "hot"], 1);
    assert!(said.contains("messages.created_at is NULL in 1 row: give them a value"), "{said}");
    let made = "SELECT count(*) AS n FROM pg_tables WHERE tablename IN ('_sqlx_migrations', 'archive_state')";
    assert_eq!(installation.hot_number(made).await, 0);
    installation.in_hot("UPDATE messages SET created_at = now() WHERE id = 1").await;
    installation.in_hot("ALTER TABLE messages ALTER COLUMN is_read TYPE INTEGER USING 0").await;
    let said = installation.fail(&["db", "auto", "--tier", "hot"], 1);
    assert!(said.contains("messages.is_read is 32-bit integer, expected true or false"), "{said}");
    installation.in_hot("ALTER TABLE messages ALTER COLUMN is_read TYPE BOOLEAN USING false").await;
    installation.succeed(&["db", "auto", "--tier", "hot"]);
}

#[tokio::test]
async fn local_times_become_utc_and_stay_so() {
    let Some(installation) = Installation::on_postgres().await else { return };
    installation.in_hot(PLATFORM).await;
    installation
        .in_hot(
            "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.updated_at := now(); RETURN NEW; END $$;
             CREATE TRIGGER touch BEFORE UPDATE ON conversations FOR EACH ROW EXECUTE FUNCTION touch();
             UPDATE conversations SET created_at = created_at; ALTER TABLE conversations DISABLE TRIGGER touch;
             UPDATE conversations SET updated_at = '2020-01-01 12:00:00'; ALTER TABLE conversations ENABLE TRIGGER touch",
        )
        .await;
    installation.succeed(&["db", "adopt", "--platform-zone", "Asia/Taipei"]);
    let shifted = "SELECT count(*) AS n FROM messages WHERE created_at IN ('2020-01-01 00:00:00.123456', '2019-12-31 16:00:00')";
    assert_eq!(installation.hot_number(shifted).await, 2);
    let untouched = "SELECT count(*) AS n FROM conversations WHERE updated_at = '2020-01-01 04:00:00'";
    assert_eq!(installation.hot_number(untouched).await, 1);
    // The default writes UTC, independent of the time zone of the session.
    installation
        .in_hot("SET TimeZone = 'Asia/Taipei'; INSERT INTO messages (conversation_id, sender_id, content, is_read) VALUES (1, 1, 'new', false)")
        .await;
    let dated = "SELECT count(*) AS n FROM messages WHERE content = 'new' AND abs(extract(epoch FROM created_at - timezone('UTC', now()))) < 600";
    assert_eq!(installation.hot_number(dated).await, 1);
}
