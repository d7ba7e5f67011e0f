//! Archives that are a platform's only in part: a table missing, tables and columns of its own, another schema.

use std::fmt::Write as _;

use serde_json::Value;
use thermocline::clock::Timestamp;

use crate::oracle::Message;
use crate::platform::{MODELS, Platform};

#[tokio::test(flavor = "multi_thread")]
async fn tables_may_be_missing_and_columns_may_be_more() {
    let models = "CREATE TABLE messages_archive (
            id BIGSERIAL PRIMARY KEY, original_id BIGINT, conversation_id BIGINT, sender_id BIGINT, content VARCHAR(500),
            created_at TIMESTAMPTZ, archived_at TIMESTAMPTZ, is_read BOOLEAN, mood TEXT, seen JSONB);
        CREATE INDEX messages_archive_batch ON messages_archive (mood);
        CREATE VIEW recent AS SELECT id, mood FROM messages_archive;
        CREATE TABLE comments_archive (id SERIAL PRIMARY KEY, todo TEXT)";
    let Some(mut platform) = Platform::empty(models).await else { return };
    let at: Timestamp = "2020-02-29T12:00:00.123456Z".parse().expect("a time");
    // Above 32 bits.
    let (low, high) = (7, 5_000_000_000);
    for (id, is_read) in [(low, "false"), (high, "NULL")] {
        platform
            .cold(&format!(
                "INSERT INTO messages_archive (original_id, conversation_id, sender_id, content, created_at, is_read, mood)
                VALUES ({id}, 1, 2, 'hello', '{at}', {is_read}, 'glad')"
            ))
            .await;
        let message = Message {
            conversation: 1,
            sender: 2,
            content: "hello".to_owned(),
            at,
            is_read: is_read == "NULL",
        };
        platform.oracle.messages.insert(id, message);
    }
    let report = platform.program.report("db adopt");
    let ignored = report["tables"][0]["ignored"].to_string();
    assert!(
        ignored.contains("messages_archive.mood") && ignored.contains("messages_archive.seen"),
        "{ignored}"
    );
    platform.check_whole("a table of its own kind").await;
    // Views that the platform built on its table still work.
    assert_eq!(platform.count("SELECT count(*) FROM recent WHERE mood = 'glad'").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_archive_may_be_in_another_schema() {
    let models = format!("CREATE SCHEMA app; SET search_path = app; {MODELS}");
    let Some(mut platform) = Platform::empty(&models).await else { return };
    platform.program.cold = format!("{}&options=-csearch_path%3Dapp", &*platform.database);
    platform
        .cold(
            "INSERT INTO app.messages_archive (original_id, conversation_id, sender_id, content, created_at)
        VALUES (1, 1, 1, 'there', '2020-01-01')",
        )
        .await;
    let report = platform.program.report("db adopt");
    assert_eq!(report["tables"][0]["adopted"], 1, "{report}");
    assert_eq!(platform.count("SELECT count(*) FROM app.messages_archive WHERE from_epoch > 0").await, 1);
    let verified = platform.program.run("archive verify");
    assert!(verified.status.success(), "{}", crate::program::said(&verified));
    platform.program.report("db adopt --back-out");
    assert_eq!(platform.count("SELECT count(*) FROM app.messages_archive WHERE content = 'there'").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_that_cannot_be_read_are_refused_and_stay() {
    let models = "CREATE TABLE messages_archive (id UUID PRIMARY KEY, original_id INT, sender_id INT, content BYTEA, created_at TEXT);
        CREATE TABLE likes_archive (id SERIAL PRIMARY KEY); INSERT INTO likes_archive DEFAULT VALUES";
    let Some(platform) = Platform::empty(models).await else { return };
    let refused = platform.program.refused("db adopt", 1);
    for text in [
        "messages_archive.conversation_id is not there",
        "messages_archive.content is bytea",
        "messages_archive.created_at is text",
        "likes_archive has rows",
    ] {
        assert!(refused.contains(text), "{text} is not in {refused}");
    }
    assert_eq!(platform.count("SELECT count(*) FROM public.likes_archive").await, 1);
    assert_eq!(platform.count("SELECT count(*) FROM pg_class WHERE relname = '_sqlx_migrations'").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn local_times_become_utc() {
    let Some(mut platform) = Platform::empty(MODELS).await else { return };
    platform
        .cold(
            "INSERT INTO messages_archive (original_id, conversation_id, sender_id, content, created_at)
        VALUES (1, 1, 1, 'morning', '2026-01-05 08:00:00')",
        )
        .await;
    let at = "2026-01-05T00:00:00Z".parse().expect("a time");
    let message = Message { conversation: 1, sender: 1, content: "morning".to_owned(), at, is_read: true };
    platform.oracle.messages.insert(1, message);
    let refused = platform.program.refused("db adopt --platform-zone Mars/Olympus", 2);
    assert!(refused.contains("Mars/Olympus"), "{refused}");
    let report: Value = platform.program.report("db adopt --platform-zone Asia/Taipei");
    assert_eq!(report["zone"], "Asia/Taipei");
    platform.check_whole("local times").await;
}

/// Values that no tier could hold, and values that would lose something.
#[tokio::test(flavor = "multi_thread")]
async fn unreadable_rows_are_kept_aside_with_their_reason() {
    let models = MODELS
        .replace("close_price NUMERIC(10, 2)", "close_price NUMERIC")
        .replace("content TEXT NOT NULL", "content TEXT");
    let Some(platform) = Platform::empty(&models).await else { return };
    platform.cold("INSERT INTO messages_archive (original_id, conversation_id, sender_id, content, created_at) VALUES
            (1, 1, 1, NULL, '2020-01-01'), (NULL, 1, 1, 'x', '2020-01-01'), (3, 1, 1, 'x', 'infinity'), (4, 1, 1, 'x', '12000-01-01');
        INSERT INTO stock_prices_history (stock_id, trade_date, close_price) VALUES
            (1, '2020-01-01', 'NaN'), (1, '2020-01-02', 1.005), (1, '2020-01-03', 123456789), (1, 'infinity', 1), (1, '2020-01-05', 1.5)").await;
    let report = platform.program.report("db adopt");
    let first = |table: usize| report["tables"][table]["classes"][0]["first"].to_string();
    for text in ["content is null", "original_id is null", "created_at lies outside"] {
        assert!(first(0).contains(text), "{text}: {}", first(0));
    }
    for text in
        ["close_price is too large", "close_price has more than two decimals", "trade_date lies outside"]
    {
        assert!(first(2).contains(text), "{text}: {}", first(2));
    }
    assert_eq!(report["tables"][2]["adopted"], 1);
    assert_eq!(
        platform.count("SELECT count(*) FROM archive_adoption_rejects WHERE content IS NOT NULL").await,
        8
    );
    let verified = platform.program.run("archive verify");
    assert!(verified.status.success(), "{}", crate::program::said(&verified));
}

/// The platform's archiver goes on running: it fails, and nothing of it is lost.
#[tokio::test(flavor = "multi_thread")]
async fn the_old_archiver_cannot_write_to_an_adopted_archive() {
    let Some(mut platform) = Platform::with_a_past().await else { return };
    platform.program.report("db adopt");
    let at = platform.old;
    platform.write(7000, 1, "old and new", at).await;
    let mut cold = platform.cold_connection().await;
    let insert = "INSERT INTO messages_archive (original_id, conversation_id, sender_id, content, created_at)
        VALUES (7000, 1, 1, 'old and new', now())";
    let refused = sqlx::query(insert).execute(&mut cold).await;
    assert!(refused.is_err(), "it would be visible twice");
    drop(cold);
    platform.check_whole("after the old archiver").await;
}

/// Counts of user actions beside an archive without rows.
#[tokio::test(flavor = "multi_thread")]
async fn counts_are_shown_without_any_archived_row() {
    let Some(mut platform) = Platform::empty(MODELS).await else { return };
    platform
        .cold("INSERT INTO user_behavior_analytics (user_id, action_type, action_count, analysis_date) VALUES (1, 'login', 2, '2026-01-05')")
        .await;
    platform.oracle.activity.insert((1, "2026-01-05".to_owned(), "login".to_owned()), 2);
    platform.program.report("db adopt");
    platform.check_whole("counts alone").await;
}

/// An archive that was kept in files.
#[tokio::test(flavor = "multi_thread")]
async fn files_of_an_old_archive_go_straight_into_cold() {
    let Some(mut platform) = Platform::with_a_past().await else { return };
    platform.program.report("db adopt");
    let file = platform.file("old.csv");
    let mut text = "id,original_id,conversation_id,sender_id,content,created_at,archived_at\n".to_owned();
    for id in 2000..2010 {
        let conversation = if id == 2009 { 77 } else { 1 };
        let row = id - 1990;
        writeln!(text, "{row},{id},{conversation},1,from a file,2019-05-06 07:08:09.25,2020-01-01 00:00:00")
            .expect("a line");
        let at = "2019-05-06T07:08:09.25Z".parse().expect("a time");
        let message =
            Message { conversation, sender: 1, content: "from a file".to_owned(), at, is_read: true };
        platform.oracle.messages.insert(id, message);
    }
    // One is in cold with other content, one in hot.
    text += "90,7,1,1,another,2019-05-06 07:08:09,2020-01-01 00:00:00\n91,501,1,1,another,2019-05-06 07:08:09,2020-01-01 00:00:00\n";
    std::fs::write(&file, text).expect("a file");
    let rejects = platform.file("rejects.csv");
    let args = format!("import messages --archived {} --rejects {}", file.display(), rejects.display());
    let counts =
        |report: &Value| ["inserted", "known", "rejected"].map(|name| report["files"][0][name].as_u64());
    assert_eq!(counts(&platform.program.report(&args)), [Some(10), Some(0), Some(2)]);
    assert_eq!(counts(&platform.program.report(&args)), [Some(0), Some(10), Some(2)]);
    platform.check_whole("after the file").await;
    let refused = platform.program.refused(&format!("import prices --archived {}", file.display()), 2);
    assert!(refused.contains("--archived"), "{refused}");
}
