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

fn expected(rows: &[&(&str, &str, i64)]) -> BTreeMap<(String, String), i64> {
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

/// Runs a command while the platform writes messages, and compares what is shown meanwhile if anything is. Returns the report.
async fn while_it_writes(platform: &mut Platform, args: &str, is_shown: bool) -> Value {
    let mut running = platform.program.command(&format!("{args} --json"));
    let running = running.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut running = running.spawn().expect("the program");
    let first = 1 + platform.oracle.messages.keys().max().expect("a message");
    let mut id = first;
    while running.try_wait().expect("a status").is_none() {
        let at = platform.old.plus(399 * DAY + id * 1_000_000);
        platform.write(id, 1 + id % 3, "written meanwhile", at).await;
        if is_shown && id == first {
            platform.check(&format!("during {args}")).await;
        }
        id += 1;
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let output = finish(running);
    assert!(output.status.success(), "{args}: {}", crate::program::said(&output));
    assert!(id > first, "the platform wrote nothing");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Adopts a platform while it writes, and goes on with it as with any other pair.
async fn adopted_row_by_row(mut platform: Platform, faults: &[(&str, &str, i64)]) -> Platform {
    let (after, before): (Vec<_>, Vec<_>) =
        faults.iter().partition(|(_, class, _)| !class.ends_with("_follow"));
    // Before: the report names each fault, and nothing has changed.
    let refused = platform.program.refused("serve --addr 127.0.0.1:0", 2);
    assert!(refused.contains("thermocline db "), "{refused}");
    let looked = platform.program.report("db adopt --dry-run");
    assert_eq!(looked["dry_run"], true);
    assert_eq!(classes(&looked), expected(&[&after[..], &before].concat()));
    assert_eq!(platform.count("SELECT count(*) FROM messages_archive").await, 445);
    assert_eq!(
        platform.count("SELECT count(*) FROM pg_namespace WHERE nspname = 'platform_originals'").await,
        0
    );

    // During: the platform writes. `db auto` does the same, and reports it with the cold tier.
    let report = while_it_writes(&mut platform, "db auto", false).await;
    let report = report[1]["adoption"].clone();
    assert_eq!(classes(&report), expected(&after));
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
    assert_eq!(classes(&again), expected(&after));
    assert!(platform.program.report("db auto")[1]["adoption"].is_null());

    // The archive goes on as any other.
    while_it_writes(&mut platform, "archive run --older-than 30d", true).await;
    platform.check_whole("archived").await;
    while_it_writes(&mut platform, "archive restore --all", true).await;
    platform.check("restored").await;
    platform.program.report("archive resume");
    platform.program.report("archive run --older-than 30d");
    platform.check_whole("archived again").await;
    platform
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_is_adopted_row_by_row_while_it_writes() {
    let Some(platform) = Platform::with_a_past().await else { return };
    let mut platform = adopted_row_by_row(platform, &FAULTS).await;
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
    spread(&mut platform).await;
}

/// Spreads the adopted rows over the workers of a Citus, if there is one, and goes on with them.
async fn spread(platform: &mut Platform) {
    if crate::support::citus::url().is_none() {
        return;
    }
    platform.program.report("db distribute --citus --shards 4");
    platform.check_whole("spread").await;
    while_it_writes(platform, "archive run --older-than 30d", true).await;
    platform.check_whole("spread and archived").await;
    while_it_writes(platform, "archive restore --all", true).await;
    platform.check("spread and restored").await;
    platform.program.report("archive resume");
    platform.program.report("archive run --older-than 30d");
    platform.check_whole("spread and archived again").await;
}

/// Both sides at once, on a server that speaks TDS. A real one also takes children without a post.
#[tokio::test(flavor = "multi_thread")]
async fn a_platform_on_a_server_is_adopted_row_by_row_while_it_writes() {
    let Some(platform) = Platform::with_a_past_on_a_server().await else { return };
    let is_of_children = |class: &str| class.starts_with("comments_") || class.starts_with("likes_");
    let faults: Vec<_> = FAULTS.into_iter().filter(|(_, class, _)| !is_of_children(class)).collect();
    let platform = adopted_row_by_row(platform, &faults).await;
    platform.hot.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_on_postgres_is_adopted_row_by_row_while_it_writes() {
    let Some(platform) = Platform::with_a_past_on_postgres().await else { return };
    let mut platform = adopted_row_by_row(platform, &FAULTS).await;
    spread(&mut platform).await;
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
    platform.insert(1, &message).await;
    let cold = platform.old.plus(3_000);
    platform
        .cold(&format!(
            "INSERT INTO messages_archive (original_id, conversation_id, sender_id, content, created_at)
            VALUES (1, 1, 1, 'close', '{cold}'::timestamptz AT TIME ZONE 'UTC')"
        ))
        .await;
    platform.oracle.messages.insert(1, message);
    let report = platform.program.report("db adopt");
    assert_eq!(classes(&report), expected(&[&("messages_archive", "in_both_equal", 1)]));
    platform.check_whole("one row").await;
}
