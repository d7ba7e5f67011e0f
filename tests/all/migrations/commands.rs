//! Each command does what it says, and says what it does.

use super::Home;

/// What `db current` says of a tier: its version and what is pending.
fn current(home: &Home, tier: &str) -> (i64, usize) {
    let report = home.report(&["db", "current", "--tier", tier]);
    let pending = report[0]["pending"].as_array().expect("a list").len();
    (report[0]["version"].as_i64().expect("a version"), pending)
}

fn newest(home: &Home, tier: &str) -> i64 {
    home.report(&["db", "heads", "--tier", tier])[0]["version"].as_i64().expect("a version")
}

#[tokio::test]
async fn a_schema_goes_up_and_down() {
    for home in Home::all().await {
        let (hot, cold) = (newest(&home, "hot"), newest(&home, "cold"));
        assert!(hot >= 2 && cold >= 1, "{hot} {cold}");
        assert_eq!((current(&home, "hot"), current(&home, "cold")), ((0, hot as usize), (0, cold as usize)));

        assert_eq!(
            home.says(&["db", "upgrade", "platform", "--tier", "hot"]),
            "hot: version 0 to 1: 0001_platform\n"
        );
        assert_eq!(current(&home, "hot"), (1, hot as usize - 1));
        let report = home.report(&["db", "upgrade"]);
        assert_eq!(
            (&report[0]["from"], &report[0]["to"], &report[1]["to"]),
            (&1.into(), &hot.into(), &cold.into())
        );
        let again = home.says(&["db", "upgrade"]);
        assert_eq!(
            again,
            format!("hot: version {hot}, nothing to do\ncold: version {cold}, nothing to do\n")
        );
        assert!(home.says(&["db", "current", "--tier", "hot"]).contains("(head)"));

        let history = home.report(&["db", "history"]);
        for tier in history.as_array().expect("tiers") {
            assert_eq!(tier["pending"].as_array().map(Vec::len), Some(0), "{history}");
            for row in tier["applied"].as_array().expect("rows") {
                assert_eq!(row["state"], "ok", "{history}");
                assert!(row["milliseconds"].as_f64().expect("a time") > 0.0, "{history}");
                let year: i32 = row["at"].as_str().expect("a time")[..4].parse().expect("a year");
                assert!((2024..2200).contains(&year), "{history}");
            }
        }

        // Nobody is there to be asked.
        let refusal = home.reject_reason(&["db", "downgrade", "1", "--tier", "hot"], 2);
        assert!(refusal.contains("hot: 0002_archive_state is taken back"), "{refusal}");
        assert!(
            refusal.contains("table archive_state goes, with 3 rows") && refusal.contains("--yes"),
            "{refusal}"
        );
        assert_eq!(current(&home, "hot").0, hot);
        let report = home.report(&["db", "downgrade", "1", "--tier", "hot", "--yes"]);
        let lost = report[0]["lost"].as_array().expect("a list");
        assert!(lost.iter().any(|lost| lost["table"] == "archive_state" && lost["rows"] == 3), "{report}");
        assert_eq!(current(&home, "hot").0, 1);
        home.says(&["db", "upgrade", "--tier", "hot"]);
        home.says(&["db", "downgrade", "--tier", "hot", "--yes"]);
        assert_eq!(current(&home, "hot").0, hot - 1);
        home.says(&["db", "downgrade", "base", "--yes"]);
        assert_eq!((current(&home, "hot").0, current(&home, "cold").0), (0, 0));
        assert!(home.says(&["db", "downgrade", "--yes"]).contains("nothing to do"));
        assert!(home.says(&["db", "auto"]).contains("0001_platform"), "what was taken back can be applied");
        home.drop().await;
    }
}

#[tokio::test]
async fn what_is_meant_must_be_known() {
    let home = Home::embedded();
    for args in [
        &["db", "upgrade", "0009_nothing"][..],
        &["db", "upgrade", "99"],
        &["db", "stamp", "-1"],
        &["db", "downgrade", "nowhere", "--yes"],
        &["db", "wait", "--tries", "0"],
        &["db", "current", "--tier", "warm"],
        &["db", "reset"],
    ] {
        home.reject_reason(args, 2);
    }
    assert!(!home.folder.path().join("hot.db").exists(), "a look makes no file");
    let help = home.says(&["db", "--help"]);
    for command in ["wait", "auto", "current", "history", "heads", "upgrade", "downgrade", "stamp", "reset"] {
        assert!(help.contains(command), "{help}");
        let help = home.says(&["db", command, "--help"]);
        assert!(help.contains("Example") && help.contains("--tier") && help.contains("--json"), "{help}");
    }
}

#[tokio::test]
async fn a_changed_file_is_named_and_can_be_recorded_anew() {
    for home in Home::all().await {
        home.says(&["db", "upgrade"]);
        home.in_hot("UPDATE _sqlx_migrations SET checksum = '00' WHERE version = 1").await;
        let states = |home: &Home| {
            let history = home.report(&["db", "history", "--tier", "hot"]);
            history[0]["applied"][0]["state"].as_str().expect("a state").to_owned()
        };
        assert_eq!(states(&home), "changed");
        for args in [&["db", "upgrade"][..], &["db", "auto"], &["db", "downgrade", "--yes"], &["serve"]] {
            let refusal = home.reject_reason(args, 1);
            assert!(refusal.contains("0001_platform was changed after it was applied"), "{refusal}");
        }
        let head = newest(&home, "hot").to_string();
        home.says(&["db", "stamp", &head, "--tier", "hot"]);
        assert_eq!(states(&home), "ok");
        assert!(home.says(&["db", "auto"]).contains("nothing to do"));
        home.drop().await;
    }
}

#[tokio::test]
async fn a_newer_database_is_left_alone() {
    for home in Home::all().await {
        home.says(&["db", "upgrade"]);
        home.in_hot(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
             VALUES (99, 'of_tomorrow', 1, '00', 1)",
        )
        .await;
        for (args, status) in
            [(&["db", "auto"][..], 2), (&["db", "upgrade"], 1), (&["db", "stamp", "1"], 1), (&["serve"], 2)]
        {
            let refusal = home.reject_reason(args, status);
            assert!(refusal.contains("migration 99") && refusal.contains("too old"), "{refusal}");
        }
        assert_eq!(
            home.hot_number("SELECT count(*) AS n FROM _sqlx_migrations").await,
            newest(&home, "hot") + 1
        );
        home.drop().await;
    }
}
