//! Taking an adoption back, at any time before the originals are dropped.

use crate::platform::Platform;

/// Returns the rows without the posts that went back with their children: hot demands them.
fn without_owners(rows: &[String], before: &[String]) -> Vec<String> {
    let is_owner = |row: &&String| row.starts_with("posts ") && !before.contains(row);
    rows.iter().filter(|row| !is_owner(row)).cloned().collect()
}

/// Returns every row of the platform's tables, in both tiers, as text.
async fn everything(platform: &Platform) -> Vec<String> {
    use sqlx::{AssertSqlSafe, Row as _};
    let mut rows = Vec::new();
    let mut cold = platform.cold_connection().await;
    for table in ["messages_archive", "posts_archive", "stock_prices_history", "user_behavior_analytics"] {
        let sql = format!("SELECT row_to_json(t)::text AS row FROM public.{table} t ORDER BY id");
        for row in sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut cold).await.expect("rows") {
            rows.push(format!("{table} {}", row.get::<String, _>("row")));
        }
    }
    let mut hot = crate::hot::file(&platform.file("hot.db")).await;
    for (table, columns) in [
        ("messages", "id, conversation_id, sender_id, content, created_at, is_read"),
        ("posts", "id, author_id, title, body, created_at"),
        ("comments", "id, post_id, author_id, body, created_at"),
        ("likes", "post_id, user_id"),
        ("stock_prices", "id, stock_id, trade_date, close_price, volume"),
    ] {
        let list = columns.replace(", ", " || '|' || ");
        let sql = format!("SELECT {list} AS row FROM {table} ORDER BY 1");
        for row in sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut hot).await.expect("rows") {
            rows.push(format!("{table} {}", row.get::<String, _>("row")));
        }
    }
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn an_adoption_is_taken_back_from_every_step() {
    let Some(platform) = Platform::with_a_past().await else { return };
    let before = everything(&platform).await;
    for step in [
        "set-aside",
        "sorted-out",
        "copied-originals",
        "counted-adopted",
        "raised-adopted",
        "resolved",
        "followed",
        "",
    ] {
        let copy = platform.copy().await;
        if step.is_empty() {
            copy.program.report("db adopt");
            copy.program.report("archive run --older-than 30d");
        } else {
            assert!(copy.program.dies("db adopt", &format!("{step}:1")), "{step} was not come to");
        }
        copy.program.report("db adopt --back-out");
        assert_eq!(without_owners(&everything(&copy).await, &before), before, "after {step:?}");
        // And there again.
        copy.program.report("db adopt");
        copy.check_whole(&format!("adopted again after {step:?}")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_back_out_survives_kills_and_ends_with_the_originals() {
    let Some(platform) = Platform::with_a_past().await else { return };
    let before = everything(&platform).await;
    platform.program.report("db adopt");
    for step in ["committed-in-cold:1", "committed-in-hot:1", "unpairing:1", "putting-back:1"] {
        assert!(platform.program.dies("db adopt --back-out", step), "{step} was not come to");
    }
    platform.program.report("db adopt --back-out");
    assert_eq!(without_owners(&everything(&platform).await, &before), before);
    platform.program.report("db adopt");
    platform.program.report("db adopt --finish");
    let refused = platform.program.refused("db adopt --back-out", 1);
    assert!(refused.contains("too late"), "{refused}");
}
