//! A platform with a past in which everything went wrong that can, adopted while it writes.

use std::collections::BTreeMap;

use serde_json::Value;
use thermocline::clock::DAY;

use crate::oracle::Message;
use crate::platform::Platform;
use crate::support::waiting::finish;

/// Returns the number of rows of each class of a report, by table.
fn classes(report: &Value) -> BTreeMap<(String, String), i64> {
    let mut found = BTreeMap::new();
    for table in report["tables"].as_array().expect("tables") {
        for class in table["classes"].as_array().expect("classes") {
            let name = |value: &Value| value.as_str().expect("a name").to_owned();
            found.insert(
                (name(&table["source"]), name(&class["class"])),
                class["rows"].as_i64().expect("rows"),
            );
            assert!(class["first"].as_array().is_some_and(|first| first.len() <= 10), "{class}");
        }
    }
    found
}

fn expected(rows: &[(&str, &str, i64)]) -> BTreeMap<(String, String), i64> {
    rows.iter().map(|(table, class, rows)| (((*table).to_owned(), (*class).to_owned()), *rows)).collect()
}

/// The faults that the past of the platform has left.
const FAULTS: [(&str, &str, i64); 10] = [
    ("messages_archive", "changed_in_hot", 10),
    ("messages_archive", "duplicate", 19),
    ("messages_archive", "duplicate_differs", 1),
    ("messages_archive", "in_both_equal", 90),
    ("posts_archive", "changed_in_hot", 1),
    ("posts_archive", "in_both_equal", 1),
    ("posts_archive", "comments_without_owner", 1),
    ("user_behavior_analytics", "unreadable", 2),
    // Only before the adoption.
    ("posts_archive", "comments_follow", 24),
    ("posts_archive", "likes_follow", 15),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_is_adopted_row_by_row_while_it_writes() {
    let Some(mut platform) = Platform::with_a_past().await else { return };
    // Before: the report names each fault, and nothing has changed.
    let refused = platform.program.refused("serve --addr 127.0.0.1:0", 2);
    assert!(refused.contains("thermocline db adopt"), "{refused}");
    let looked = platform.program.report("db adopt --dry-run");
    assert_eq!(looked["dry_run"], true);
    assert_eq!(classes(&looked), expected(&FAULTS));
    assert_eq!(platform.count("SELECT count(*) FROM messages_archive").await, 445);
    assert_eq!(
        platform.count("SELECT count(*) FROM pg_namespace WHERE nspname = 'platform_originals'").await,
        0
    );

    // During: the platform writes.
    let mut adopting = platform.program.command("db adopt --json");
    let adopting = adopting.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut adopting = adopting.spawn().expect("the program");
    let mut id = 600;
    while adopting.try_wait().expect("a status").is_none() {
        id += 1;
        let at = platform.old.plus(399 * DAY + id * 1_000_000);
        platform.write(id, 1 + id % 3, "written meanwhile", at).await;
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let output = finish(adopting);
    assert!(output.status.success(), "{}", crate::program::said(&output));
    assert!(id > 605, "the platform wrote {} messages", id - 600);
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(classes(&report), expected(&FAULTS[..8]));
    let parents: Vec<String> = report["parents"]
        .as_array()
        .expect("parents")
        .iter()
        .map(|class| class["class"].to_string())
        .collect();
    assert_eq!(parents, ["\"conversations_made\"", "\"stocks_made\""], "{report}");
    let absent = report["tables"][0]["absent"].to_string();
    assert!(absent.contains("is_read: every row counts as read"), "{absent}");

    // After.
    platform.check_whole("adopted").await;
    assert_eq!(platform.count("SELECT count(*) FROM platform_originals.messages_archive").await, 445);
    // A second run finds nothing to do.
    let again = platform.program.report("db adopt");
    assert_eq!(classes(&again), expected(&FAULTS[..8]));

    // The archive goes on as any other.
    platform.program.report("archive run --older-than 30d");
    platform.check_whole("archived").await;
    platform.program.report("archive restore --all");
    platform.check("restored").await;
    platform.program.report("archive resume");
    platform.program.report("archive run --older-than 30d");
    platform.check_whole("archived again").await;

    // The originals go, and what was kept aside stays.
    platform.program.report("db adopt --finish");
    assert_eq!(
        platform.count("SELECT count(*) FROM pg_namespace WHERE nspname = 'platform_originals'").await,
        0
    );
    assert_eq!(platform.count("SELECT count(*) FROM archive_adoption_rejects").await, 33);
    assert_eq!(
        platform.count("SELECT count(*) FROM archive_adoption_rejects WHERE content IS NULL").await,
        0
    );
    platform.check_whole("finished").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_adoptions_at_once_are_one() {
    let Some(platform) = Platform::with_a_past().await else { return };
    let start = |n: usize| {
        let mut command = platform.program.command(if n.is_multiple_of(2) { "db adopt" } else { "db auto" });
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        command.spawn().expect("the program")
    };
    let all: Vec<_> = (0..10).map(start).collect();
    for one in all {
        let output = finish(one);
        assert!(output.status.success(), "{}", crate::program::said(&output));
    }
    platform.check_whole("adopted ten times").await;
}

/// Rows that differ between the tiers by less than the steps of `DATETIME` are the same row.
#[tokio::test(flavor = "multi_thread")]
async fn instants_are_compared_in_the_steps_of_the_platform() {
    let Some(mut platform) = Platform::empty(crate::platform::MODELS).await else { return };
    let at = platform.old.plus(3_333);
    let message = Message { conversation: 1, sender: 1, content: "close".to_owned(), at, is_read: false };
    platform.hot(&format!("INSERT INTO messages VALUES (1, 1, 1, 'close', {}, 0)", at.micros())).await;
    let cold = platform.old.plus(3_000);
    platform
        .cold(&format!(
            "INSERT INTO messages_archive (original_id, conversation_id, sender_id, content, created_at)
            VALUES (1, 1, 1, 'close', '{cold}'::timestamptz AT TIME ZONE 'UTC')"
        ))
        .await;
    platform.oracle.messages.insert(1, message);
    let report = platform.program.report("db adopt");
    assert_eq!(classes(&report), expected(&[("messages_archive", "in_both_equal", 1)]));
    platform.check_whole("one row").await;
}
