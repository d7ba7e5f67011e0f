//! A hot that was restored from a backup older than the adoption, or taken in the middle of it.

use serde_json::Value;

use crate::platform::Platform;
use crate::support::bounds::bound;

/// Returns a number of the recovery of a resource.
fn of(report: &Value, resource: &str, name: &str) -> i64 {
    let all = report.as_array().expect("recoveries").iter();
    let mut found = all.filter(|recovery| recovery["resource"] == *resource);
    found.next().and_then(|recovery| recovery[name].as_i64()).unwrap_or_else(|| panic!("{name}: {report}"))
}

/// A platform whose hot has a backup from before the adoption, as a pair or before it was one.
async fn with_a_backup(is_paired: bool) -> Option<(Platform, std::path::PathBuf)> {
    let platform = Platform::with_a_past().await?;
    if is_paired {
        assert!(platform.program.dies("db adopt", "sorting-out"), "the adoption ended");
    }
    let backup = platform.back_up_hot().await;
    Some((platform, backup))
}

/// Recovers after hot was restored, and goes on with the adoption.
async fn recover(platform: &Platform, context: &str) -> Value {
    let report = platform.program.report("archive recover --yes");
    platform.program.report("db adopt");
    platform.check_whole(context).await;
    report
}

#[tokio::test(flavor = "multi_thread")]
async fn adopted_rows_stay_in_cold_beside_a_hot_from_before() {
    for is_paired in [true, false] {
        let Some((mut platform, backup)) = with_a_backup(is_paired).await else { return };
        platform.program.report("db adopt");
        // A row that only cold holds in the end.
        platform.write(800, 2, "written and archived since", platform.old).await;
        platform.program.report("archive run --older-than 30d");
        platform.restore_hot(&backup);
        let refused = platform.program.refused("archive run", if is_paired { 1 } else { 2 });
        assert!(refused.contains("archive recover"), "{refused}");
        let report = recover(&platform, &format!("paired: {is_paired}")).await;
        assert!(of(&report, "messages", "adopted") > 0, "{report}");
        // Posts whose comments and likes hot holds, and what has left hot since; no adopted message or price.
        assert!(of(&report, "messages", "brought_back") <= 1, "{report}");
        assert_eq!(of(&report, "prices", "brought_back"), 0, "{report}");
        platform.program.report("archive run --older-than 30d");
        platform.check_whole(&format!("paired: {is_paired}, archived again")).await;
        platform.program.report("archive restore --all");
        platform.check(&format!("paired: {is_paired}, restored")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_hot_holds_again_is_compared_with_the_adopted_one() {
    for is_paired in [true, false] {
        let Some((mut platform, backup)) = with_a_backup(is_paired).await else { return };
        platform.program.report("db adopt");
        platform.restore_hot(&backup);
        // As the platform's DATETIME has it, 3 ms later than its archive; another text; another row.
        for (id, content, micros) in [(4, "message 4 早安", 3_000), (5, "before an edit", 0)] {
            let message = platform.oracle.messages.get_mut(&id).expect("a message");
            (message.is_read, message.at) = (false, message.at.plus(micros));
            let (conversation, sender, at) = (message.conversation, message.sender, message.at.micros());
            let row = format!("({id}, {conversation}, {sender}, '{content}', {at}, 0)");
            platform.hot(&format!("INSERT INTO messages VALUES {row}")).await;
        }
        platform.hot("INSERT INTO messages VALUES (6, 3, 3, 'the id was given out again', 0, 0)").await;
        let refused = platform.program.refused("archive recover --yes", 1);
        assert!(refused.contains("id of another row: messages 6"), "{refused}");
        platform.hot("DELETE FROM messages WHERE id = 6").await;
        let kept = platform.copy().await;
        let report = kept.program.report("archive recover --keep-hot --yes");
        assert_eq!(
            (of(&report, "messages", "kept"), of(&report, "messages", "replaced")),
            (1, 0),
            "{report}"
        );
        let report = recover(&platform, &format!("paired: {is_paired}")).await;
        assert_eq!(
            (of(&report, "messages", "kept"), of(&report, "messages", "replaced")),
            (0, 1),
            "{report}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hot_comes_back_in_the_middle_of_an_adoption() {
    // Messages are visible; rows are leaving hot; children follow their post; posts are being copied; prices are visible.
    let steps =
        ["confirmed-adopted:1", "resolved:1", "followed:1", "copied-originals:2", "confirmed-adopted:3"];
    let stride = bound("THERMOCLINE_TEST_STRIDE", 3, 3) as usize;
    for is_paired in [true, false] {
        let Some((platform, backup)) = with_a_backup(is_paired).await else { return };
        for step in steps.iter().step_by(stride) {
            let context = format!("paired: {is_paired}, killed at {step}");
            let copy = platform.copy().await;
            assert!(copy.program.dies("db adopt", step), "{step} was not come to");
            copy.restore_hot(&backup);
            // A paired hot is found to be older only where the adoption has to move something.
            let said = crate::program::said(&copy.program.run("db adopt"));
            assert!(said.contains("archive recover") || is_paired, "{context}: {said}");
            recover(&copy, &context).await;
        }
    }
}

/// Nothing tells such a hot from the one that the copying began with.
#[tokio::test(flavor = "multi_thread")]
async fn rows_that_come_back_to_hot_while_they_are_copied_are_not_shown_twice() {
    let Some(mut platform) = Platform::with_a_past().await else { return };
    assert!(platform.program.dies("db adopt", "counted-adopted"), "the adoption ended");
    let message = platform.oracle.messages.get_mut(&7).expect("a message");
    message.is_read = false;
    let (conversation, sender, at) = (message.conversation, message.sender, message.at.micros());
    let row = format!("(7, {conversation}, {sender}, 'message 7 早安', {at}, 0)");
    platform.hot(&format!("INSERT INTO messages VALUES {row}")).await;
    for step in ["starting-again", "started-again"] {
        let copy = platform.copy().await;
        assert!(copy.program.dies("db adopt", step), "{step} was not come to");
        copy.program.report("db adopt");
        copy.check_whole(step).await;
    }
    let report = platform.program.report("db adopt");
    let class = report["tables"][0]["classes"].as_array().expect("classes").iter();
    let equal: Vec<_> = class.filter(|class| class["class"] == "in_both_equal").collect();
    assert_eq!(equal[0]["rows"], 91, "{report}");
    platform.check_whole("copied again").await;
}
