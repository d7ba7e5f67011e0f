//! `db auto` on databases that are there already.

use super::Home;

#[tokio::test]
async fn a_schema_without_a_record_is_recorded_as_what_it_is() {
    for home in Home::all().await {
        home.says(&["db", "upgrade"]);
        home.in_hot("CREATE TABLE of_somebody_else (x INT)").await;
        assert_eq!(home.report(&["db", "reset", "--yes"])[1]["tier"], "cold");
        assert_eq!(home.report(&["db", "current"])[0]["version"], 0);
        let report = home.report(&["db", "auto"]);
        for tier in report.as_array().expect("tiers") {
            assert_eq!(
                (&tier["adopted"], &tier["applied"], &tier["differs"]),
                (&tier["to"], &serde_json::json!([]), &serde_json::json!([])),
                "{report}"
            );
        }
        assert_eq!(home.hot_number("SELECT count(*) AS n FROM archive_state").await, 3);
        home.drop().await;
    }
}

#[tokio::test]
async fn an_older_schema_without_a_record_is_recorded_and_upgraded() {
    for home in Home::all().await {
        home.says(&["db", "upgrade", "1"]);
        home.in_hot("INSERT INTO users (username) VALUES ('ann')").await;
        home.says(&["db", "reset", "--yes", "--tier", "hot"]);
        let report = home.report(&["db", "auto"]);
        assert_eq!(report[0]["adopted"], 1, "{report}");
        let applied = report[0]["applied"].as_array().expect("names");
        assert!(applied.contains(&"0002_archive_state".into()), "{report}");
        assert_eq!(home.hot_number("SELECT count(*) AS n FROM users").await, 1);
        home.drop().await;
    }
}

#[tokio::test]
async fn tables_that_fit_no_version_are_left_alone() {
    for home in Home::all().await {
        home.says(&["db", "upgrade"]);
        home.in_cold("ALTER TABLE posts_archive ADD COLUMN mood TEXT; DROP INDEX messages_archive_batch")
            .await;
        home.says(&["db", "reset", "--yes", "--tier", "cold"]);
        let refusal = home.reject_reason(&["db", "auto", "--tier", "cold"], 1);
        assert!(
            refusal.contains("posts_archive.mood") && refusal.contains("messages_archive_batch"),
            "{refusal}"
        );
        assert!(refusal.contains("nothing was changed"), "{refusal}");
        assert_eq!(home.report(&["db", "current", "--tier", "cold"])[0]["version"], 0);
        // What speaks against the tables is not recorded by the way.
        let refusal = home.reject_reason(&["db", "stamp", "head", "--tier", "cold"], 2);
        assert!(
            refusal.contains("as no version makes them") && refusal.contains("posts_archive.mood"),
            "{refusal}"
        );
        assert_eq!(home.report(&["db", "current", "--tier", "cold"])[0]["version"], 0);
        // With a record it is found out too, by whoever asks for the whole truth.
        home.says(&["db", "stamp", "head", "--tier", "cold", "--yes"]);
        let refusal = home.reject_reason(&["db", "auto", "--tier", "cold"], 1);
        assert!(
            refusal.contains("recorded at version") && refusal.contains("posts_archive.mood"),
            "{refusal}"
        );
        home.in_cold(
            "ALTER TABLE posts_archive DROP COLUMN mood; CREATE INDEX messages_archive_batch ON messages_archive (from_epoch)",
        )
        .await;
        home.says(&["db", "auto", "--tier", "cold"]);
        home.drop().await;
    }
}
