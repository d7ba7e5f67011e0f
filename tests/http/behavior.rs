//! Activity counts of users: kept while rows are archived, shown by their route.

use serde_json::json;
use thermocline::archive::ArchiveOptions;
use thermocline::clock::DAY;
use thermocline::load::nouns;

use crate::support::{Service, comment, conversation, cutoff, like, message, post};

/// User 1 chats twice on one day and once on the next, writes a post and comments on another; user 2 likes and writes.
async fn lively() -> Service {
    let service = Service::start().await;
    let day = |n: i64| cutoff(-10 * DAY + n * DAY);
    service.load(&nouns::CONVERSATIONS, vec![conversation(1, 1, Some(2), day(0))]).await;
    let said =
        [(1, 1, day(0)), (2, 1, day(0).plus(DAY - 1)), (3, 2, day(0)), (4, 1, day(1)), (5, 1, cutoff(1))];
    let said = said.map(|(id, sender, at)| message(id, 1, sender, "a word", at));
    service.load(&nouns::MESSAGES, said.to_vec()).await;
    service.load(&nouns::POSTS, vec![post(10, 1, "one", day(1)), post(11, 2, "two", day(3))]).await;
    let comments = vec![comment(20, 11, 1, "well", day(4)), comment(21, 10, 2, "so", day(4))];
    service.load(&nouns::COMMENTS, comments).await;
    service.load(&nouns::LIKES, vec![like(2, 10), like(1, 10)]).await;
    for resource in ["messages", "posts"] {
        // Batches of one row: several deltas of one day.
        service.archive(resource, &ArchiveOptions { batch: 1, ..ArchiveOptions::default() }).await;
    }
    service
}

/// Returns `(day, action, count)` of each row.
fn rows(answer: &serde_json::Value) -> Vec<(String, String, i64)> {
    let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
    let row = |row: &serde_json::Value| {
        assert_eq!(row["from_archive"], json!(true));
        assert_eq!(row["metadata"], json!(null));
        let count = row["action_count"].as_i64().expect("a count");
        (text(&row["analysis_date"]), text(&row["action_type"]), count)
    };
    answer["behavior"].as_array().expect("rows").iter().map(row).collect()
}

fn expected(rows: &[(&str, &str, i64)]) -> Vec<(String, String, i64)> {
    rows.iter().map(|(day, action, n)| ((*day).to_owned(), (*action).to_owned(), *n)).collect()
}

#[tokio::test]
async fn activity_is_counted_by_day_while_archiving() {
    let service = lively().await;
    let answer = service.json(1, "/api/users/1/behavior").await;
    let all = [
        ("2026-01-24", "comment", 1),
        ("2026-01-21", "chat", 1),
        ("2026-01-21", "post", 1),
        ("2026-01-21", "like", 1),
        ("2026-01-20", "chat", 2),
    ];
    assert_eq!(rows(&answer), expected(&all));
    assert_eq!(answer["total"], json!(5));
    assert_eq!(answer["success"], json!(true));
    assert_eq!(answer["behavior"][0]["user_id"], json!(1));
    // A like counts on the day of its post; a message that is still hot does not count yet.
    let answer = service.json(2, "/api/users/2/behavior").await;
    let all = [
        ("2026-01-24", "comment", 1),
        ("2026-01-23", "post", 1),
        ("2026-01-21", "like", 1),
        ("2026-01-20", "chat", 1),
    ];
    assert_eq!(rows(&answer), expected(&all));
    assert_eq!(rows(&service.json(3, "/api/users/3/behavior").await), []);
}

#[tokio::test]
async fn a_time_range_is_given_in_days() {
    let service = lively().await;
    let get = async |query: &str| rows(&service.json(1, &format!("/api/users/1/behavior?{query}")).await);
    let middle = expected(&[("2026-01-21", "chat", 1), ("2026-01-21", "post", 1), ("2026-01-21", "like", 1)]);
    assert_eq!(get("from=2026-01-21&to=2026-01-21").await, middle);
    assert_eq!(get("from=2026-01-21T13:00:00Z&to=2026-01-22T00:00:00Z").await, middle);
    assert_eq!(get("from=2026-01-22&to=2026-01-23").await, []);
    assert_eq!(get("to=2026-01-20").await, expected(&[("2026-01-20", "chat", 2)]));
    assert_eq!(get("from=2026-01-24").await, expected(&[("2026-01-24", "comment", 1)]));
}

#[tokio::test]
async fn users_read_their_own_activity_only() {
    let service = lively().await;
    let path = "/api/users/1/behavior";
    let status = async |token: &str, path: &str| service.get(token, path).await.status;
    assert_eq!(status(&service.admin(9), path).await, 200);
    assert_eq!(status(&service.token(2), path).await, 403);
    assert_eq!(status("nonsense", path).await, 401);
    // Invalid parameters are reported before the caller's rights are checked.
    for wrong in ["/api/users/0/behavior", "/api/users/x/behavior", "/api/users/1/behavior?page=1"] {
        assert_eq!(status(&service.token(2), wrong).await, 400, "{wrong}");
    }
    for query in ["from=2026-01-02&to=2026-01-01", "from=", "to=soon", "from=2026-01-01&from=2026-01-01"] {
        assert_eq!(status(&service.token(1), &format!("{path}?{query}")).await, 400, "{query}");
    }
}
