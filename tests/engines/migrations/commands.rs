//! The commands of `db`, and their output.

use super::Installation;

/// Returns the version of a tier and the number of pending migrations, as `db current` prints them.
fn current(installation: &Installation, tier: &str) -> (i64, usize) {
    let report = installation.report(&["db", "current", "--tier", tier]);
    let pending = report[0]["pending"].as_array().expect("a list").len();
    (report[0]["version"].as_i64().expect("a version"), pending)
}

fn newest(installation: &Installation, tier: &str) -> i64 {
    installation.report(&["db", "heads", "--tier", tier])[0]["version"].as_i64().expect("a version")
}

#[tokio::test]
async fn a_schema_is_upgraded_and_downgraded() {
    for installation in Installation::all().await {
        let (hot, cold) = (newest(&installation, "hot"), newest(&installation, "cold"));
        assert!(hot >= 2 && cold >= 1, "{hot} {cold}");
        assert_eq!(
            (current(&installation, "hot"), current(&installation, "cold")),
            ((0, hot as usize), (0, cold as usize))
        );

        assert_eq!(
            installation.succeed(&["db", "upgrade", "platform", "--tier", "hot"]),
            "hot: version 0 to 1: 0001_platform\n"
        );
        assert_eq!(current(&installation, "hot"), (1, hot as usize - 1));
        let report = installation.report(&["db", "upgrade"]);
        assert_eq!(
            (&report[0]["from"], &report[0]["to"], &report[1]["to"]),
            (&1.into(), &hot.into(), &cold.into())
        );
        let again = installation.succeed(&["db", "upgrade"]);
        assert_eq!(
            again,
            format!("hot: version {hot}, nothing to do\ncold: version {cold}, nothing to do\n")
        );
        assert!(installation.succeed(&["db", "current", "--tier", "hot"]).contains("(head)"));

        let history = installation.report(&["db", "history"]);
        for tier in history.as_array().expect("tiers") {
            assert_eq!(tier["pending"].as_array().map(Vec::len), Some(0), "{history}");
            for row in tier["applied"].as_array().expect("rows") {
                assert_eq!(row["state"], "ok", "{history}");
                assert!(row["milliseconds"].as_f64().expect("a time") > 0.0, "{history}");
                let year: i32 = row["at"].as_str().expect("a time")[..4].parse().expect("a year");
                assert!((2024..2200).contains(&year), "{history}");
            }
        }

        // Standard input is no terminal, so no confirmation is possible.
        let refusal = installation.fail(&["db", "downgrade", "1", "--tier", "hot"], 2);
        assert!(refusal.contains("0002_archive_state will be reverted"), "{refusal}");
        assert!(
            refusal.contains("table archive_state will be dropped, with 3 rows") && refusal.contains("--yes"),
            "{refusal}"
        );
        assert_eq!(current(&installation, "hot").0, hot);
        let report = installation.report(&["db", "downgrade", "1", "--tier", "hot", "--yes"]);
        let lost = report[0]["lost"].as_array().expect("a list");
        assert!(lost.iter().any(|lost| lost["table"] == "archive_state" && lost["rows"] == 3), "{report}");
        assert_eq!(current(&installation, "hot").0, 1);
        installation.succeed(&["db", "upgrade", "--tier", "hot"]);
        installation.succeed(&["db", "downgrade", "--tier", "hot", "--yes"]);
        assert_eq!(current(&installation, "hot").0, hot - 1);
        installation.succeed(&["db", "downgrade", "base", "--yes"]);
        assert_eq!((current(&installation, "hot").0, current(&installation, "cold").0), (0, 0));
        assert!(installation.succeed(&["db", "downgrade", "--yes"]).contains("nothing to do"));
        assert!(
            installation.succeed(&["db", "auto"]).contains("0001_platform"),
            "what was taken back can be applied"
        );
        installation.drop().await;
    }
}

#[tokio::test]
async fn unknown_targets_are_rejected() {
    let installation = Installation::embedded();
    for args in [
        &["db", "upgrade", "0009_nothing"][..],
        &["db", "upgrade", "99"],
        &["db", "stamp", "-1"],
        &["db", "downgrade", "nowhere", "--yes"],
        &["db", "wait", "--tries", "0"],
        &["db", "current", "--tier", "warm"],
        &["db", "reset"],
    ] {
        installation.fail(args, 2);
    }
    assert!(!installation.folder.path().join("hot.db").exists(), "reading creates no file");
    let help = installation.succeed(&["db", "--help"]);
    for command in ["wait", "auto", "current", "history", "heads", "upgrade", "downgrade", "stamp", "reset"] {
        assert!(help.contains(command), "{help}");
        let help = installation.succeed(&["db", command, "--help"]);
        assert!(help.contains("Example") && help.contains("--tier") && help.contains("--json"), "{help}");
    }
}

#[tokio::test]
async fn a_changed_migration_is_reported_and_can_be_recorded() {
    for installation in Installation::all().await {
        installation.succeed(&["db", "upgrade"]);
        installation.in_hot("UPDATE _sqlx_migrations SET checksum = '00' WHERE version = 1").await;
        let states = |installation: &Installation| {
            let history = installation.report(&["db", "history", "--tier", "hot"]);
            history[0]["applied"][0]["state"].as_str().expect("a state").to_owned()
        };
        assert_eq!(states(&installation), "changed");
        for args in [&["db", "upgrade"][..], &["db", "auto"], &["db", "downgrade", "--yes"], &["serve"]] {
            let refusal = installation.fail(args, 1);
            assert!(refusal.contains("0001_platform was changed after it was applied"), "{refusal}");
        }
        let head = newest(&installation, "hot").to_string();
        installation.succeed(&["db", "stamp", &head, "--tier", "hot"]);
        assert_eq!(states(&installation), "ok");
        assert!(installation.succeed(&["db", "auto"]).contains("nothing to do"));
        installation.drop().await;
    }
}

#[tokio::test]
async fn a_newer_database_is_not_changed() {
    for installation in Installation::all().await {
        installation.succeed(&["db", "upgrade"]);
        installation
            .in_hot(
                "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
             VALUES (99, 'of_tomorrow', '1', '00', 1)",
            )
            .await;
        for (args, status) in
            [(&["db", "auto"][..], 2), (&["db", "upgrade"], 1), (&["db", "stamp", "1"], 1), (&["serve"], 2)]
        {
            let refusal = installation.fail(args, status);
            assert!(refusal.contains("migration 99") && refusal.contains("too old"), "{refusal}");
        }
        assert_eq!(
            installation.hot_number("SELECT count(*) AS n FROM _sqlx_migrations").await,
            newest(&installation, "hot") + 1
        );
        installation.drop().await;
    }
}

/// A server's estimate is as old as its last analysis: a few rows are counted, and an estimate says that it is one.
#[tokio::test]
async fn few_rows_are_counted_and_many_are_estimated() {
    let Some(installation) = Installation::postgres().await else { return };
    installation.succeed(&["db", "upgrade"]);
    installation
        .in_cold(
            "INSERT INTO archive_erasures (resource, id, reason, at) SELECT 'posts', n, 'x', now() FROM generate_series(1, 1500) n;
             UPDATE pg_class SET reltuples = 2000000 WHERE relname = 'messages_archive';
             UPDATE pg_class SET reltuples = 10 WHERE relname = 'archive_erasures'",
        )
        .await;
    let report = installation.report(&["db", "check", "--tier", "cold"]);
    let tables = report[0]["tables"].as_array().expect("tables");
    for (table, rows, exact) in [("messages_archive", 0, true), ("archive_erasures", 1001, false)] {
        let size = tables.iter().find(|size| size["table"] == table).expect("a table");
        assert_eq!((size["rows"].as_i64(), size["exact"].as_bool()), (Some(rows), Some(exact)), "{report}");
    }
    assert!(installation.succeed(&["db", "check", "--tier", "cold"]).contains("about 1001 rows"));
    let report = installation.report(&["archive", "status"]);
    let cold = &report["resources"][0]["cold"];
    assert_eq!((cold["rows"].as_i64(), cold["rows_exact"].as_bool()), (Some(0), Some(true)), "{report}");
    installation.drop().await;
}
