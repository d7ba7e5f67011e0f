//! `db auto` on databases that already have tables.

use super::Installation;

#[tokio::test]
async fn an_unrecorded_schema_is_recognized() {
    for installation in Installation::all().await {
        installation.succeed(&["db", "upgrade"]);
        installation.in_hot("CREATE TABLE of_somebody_else (x INT)").await;
        assert_eq!(installation.report(&["db", "reset", "--yes"])[1]["tier"], "cold");
        assert_eq!(installation.report(&["db", "current"])[0]["version"], 0);
        let report = installation.report(&["db", "auto"]);
        for tier in report.as_array().expect("tiers") {
            assert_eq!(
                (&tier["adopted"], &tier["applied"], &tier["differs"]),
                (&tier["to"], &serde_json::json!([]), &serde_json::json!([])),
                "{report}"
            );
        }
        assert_eq!(installation.hot_number("SELECT count(*) AS n FROM archive_state").await, 3);
        installation.drop().await;
    }
}

#[tokio::test]
async fn an_unrecorded_older_schema_is_upgraded() {
    for installation in Installation::all().await {
        installation.succeed(&["db", "upgrade", "1"]);
        installation.in_hot("INSERT INTO users (username) VALUES ('ann')").await;
        installation.succeed(&["db", "reset", "--yes", "--tier", "hot"]);
        let report = installation.report(&["db", "auto"]);
        assert_eq!(report[0]["adopted"], 1, "{report}");
        let applied = report[0]["applied"].as_array().expect("names");
        assert!(applied.contains(&"0002_archive_state".into()), "{report}");
        assert_eq!(installation.hot_number("SELECT count(*) AS n FROM users").await, 1);
        installation.drop().await;
    }
}

#[tokio::test]
async fn unknown_tables_are_not_changed() {
    for installation in Installation::all().await {
        installation.succeed(&["db", "upgrade"]);
        installation
            .in_cold("ALTER TABLE posts_archive ADD COLUMN mood TEXT; DROP INDEX messages_archive_batch")
            .await;
        installation.succeed(&["db", "reset", "--yes", "--tier", "cold"]);
        let refusal = installation.fail(&["db", "auto", "--tier", "cold"], 1);
        assert!(
            refusal.contains("posts_archive.mood") && refusal.contains("messages_archive_batch"),
            "{refusal}"
        );
        assert!(refusal.contains("nothing was changed"), "{refusal}");
        assert_eq!(installation.report(&["db", "current", "--tier", "cold"])[0]["version"], 0);
        // Tables with differences are not recorded silently.
        let refusal = installation.fail(&["db", "stamp", "head", "--tier", "cold"], 2);
        assert!(
            refusal.contains("not those of any version") && refusal.contains("posts_archive.mood"),
            "{refusal}"
        );
        assert_eq!(installation.report(&["db", "current", "--tier", "cold"])[0]["version"], 0);
        // With a record, `db check` still finds the difference.
        installation.succeed(&["db", "stamp", "head", "--tier", "cold", "--yes"]);
        let refusal = installation.fail(&["db", "auto", "--tier", "cold"], 1);
        assert!(
            refusal.contains("recorded at version") && refusal.contains("posts_archive.mood"),
            "{refusal}"
        );
        installation.in_cold(
            "ALTER TABLE posts_archive DROP COLUMN mood; CREATE INDEX messages_archive_batch ON messages_archive (from_epoch)",
        )
        .await;
        installation.succeed(&["db", "auto", "--tier", "cold"]);
        installation.drop().await;
    }
}
