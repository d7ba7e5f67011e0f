//! An adoption with the rights that `db grants` gives an adopter, and no others.

use crate::platform::Platform;
use crate::program::Program;

/// Returns a URL with another user.
fn as_user(url: &str, user: &str) -> String {
    let (scheme, rest) = url.split_once("://").expect("a URL");
    let host = rest.split_once('@').map_or(rest, |(_, host)| host);
    format!("{scheme}://{user}@{host}")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_adopter_needs_no_more_than_db_grants_gives() {
    let Some(platform) = Platform::with_a_past().await else { return };
    if !platform.database.contains("127.0.0.1") {
        eprintln!("skipped: a server that is not the tests' own may not let in new logins");
        return;
    }
    // The platform has a user of its own, who owns its archive.
    platform
        .cold(
            "CREATE ROLE a_platform LOGIN; CREATE ROLE an_adopter LOGIN;
            ALTER TABLE messages_archive OWNER TO a_platform; ALTER TABLE posts_archive OWNER TO a_platform;
            ALTER TABLE stock_prices_history OWNER TO a_platform; ALTER TABLE user_behavior_analytics OWNER TO a_platform",
        )
        .await;
    let adopter = Program::new(&platform.program.hot, &as_user(&platform.database, "an_adopter"));
    let old = Program::new(&platform.program.hot, &as_user(&platform.database, "a_platform"));
    let refused = adopter.refused("db adopt", 1);
    assert!(refused.contains("permission denied") || refused.contains("must be owner"), "{refused}");
    let grants = platform.program.report("db grants --role adopter --tier cold");
    for statement in grants[0]["statements"].as_array().expect("statements") {
        platform.cold(statement["sql"].as_str().expect("a text")).await;
    }
    platform.cold("GRANT thermocline_adopter TO an_adopter").await;
    let insert = "INSERT INTO messages_archive (original_id, conversation_id, sender_id, content, created_at)
        VALUES (0, 1, 1, 'the platform may still write', now())";
    execute(&old.cold, insert).await.expect("its rights");
    execute(&old.cold, "DELETE FROM messages_archive WHERE original_id = 0").await.expect("its rights");

    adopter.report("db adopt --dry-run");
    adopter.report("db adopt");
    platform.check_whole("adopted by an adopter").await;
    execute(&old.cold, "SELECT * FROM platform_originals.messages_archive").await.expect("its rights");
    adopter.report("db adopt --back-out");
    adopter.report("db auto");
    adopter.report("archive run --older-than 30d");
    platform.check_whole("adopted again").await;
    adopter.report("db adopt --finish");
    // Roles belong to the whole server.
    platform
        .cold(
            "DROP OWNED BY thermocline_adopter, an_adopter, a_platform;
            DROP ROLE an_adopter; DROP ROLE a_platform; DROP ROLE thermocline_adopter",
        )
        .await;
}

async fn execute(url: &str, sql: &'static str) -> Result<(), sqlx::Error> {
    use sqlx::{Connection as _, Executor as _};
    let mut connection = crate::support::postgres::connect(url).await;
    let done = connection.execute(sql).await.map(drop);
    connection.close().await?;
    done
}
