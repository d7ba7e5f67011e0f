//! Kills while a schema is migrated, and while the tables of a live platform are adopted. Each migration is one transaction
//! with its record: it has happened as a whole, or nothing has.

use std::os::unix::process::ExitStatusExt as _;

use super::{Ended, Installation, platform};
use crate::support::bounds::bound;
use crate::support::fail_points::{self, DIE_AT};
use crate::support::hot_engines::Server;
use crate::support::waiting::{finish, output};

/// The steps of every migration: before its commit, and after it.
const MIGRATION: [&str; 2] = ["migrating", "migrated"];
/// The steps of the adoption of a platform's tables, before each statement and after the last, in the first migration.
const PREPARATION: [&str; 2] = ["preparing-hot", "prepared-hot"];

impl Installation {
    /// Runs a command that must die at a step.
    fn killed(&self, args: &[&str], step: &str) {
        let output = output(self.command(args).env(DIE_AT, step));
        let signal = output.status.signal();
        assert_eq!(signal, Some(9), "{}: {step} was not come to: {:?}", self.name, Ended::of(output));
    }

    fn version(&self, tier: &str) -> i64 {
        let report = self.report(&["db", "current", "--tier", tier]);
        report[0]["version"].as_i64().expect("a version")
    }
}

#[test]
fn every_step_of_the_sources_is_tried() {
    let tried = [MIGRATION, PREPARATION].concat();
    assert_eq!(fail_points::of_migration(), tried.into_iter().map(str::to_owned).collect());
}

#[tokio::test]
async fn a_migration_survives_a_kill() {
    for installation in Installation::all().await {
        for tier in ["hot", "cold"] {
            let args = ["db", "auto", "--tier", tier];
            for version in 0..2 {
                installation.killed(&args, "migrating");
                assert_eq!(installation.version(tier), version, "{}", installation.name);
                installation.killed(&args, "migrated");
                assert_eq!(installation.version(tier), version + 1, "{}", installation.name);
            }
            installation.succeed(&args);
        }
        installation.succeed(&["check"]);
        installation.drop().await;
    }
}

/// Returns everything about the tables of a platform: columns with their types, indexes, constraints, rows.
async fn everything(server: &Server) -> Vec<String> {
    let mut all = Vec::new();
    for query in [
        "SELECT OBJECT_NAME(object_id) + N'.' + name + N' ' + TYPE_NAME(user_type_id) FROM sys.columns
            WHERE object_id IN (SELECT object_id FROM sys.tables) ORDER BY 1",
        "SELECT OBJECT_NAME(object_id) + N'.' + COALESCE(name, N'') FROM sys.indexes
            WHERE object_id IN (SELECT object_id FROM sys.tables) ORDER BY 1",
        "SELECT name FROM sys.check_constraints ORDER BY 1",
        "SELECT CAST(id AS NVARCHAR(20)) + content + CONVERT(NVARCHAR(30), created_at, 121) FROM messages ORDER BY 1",
    ] {
        all.extend(server.column(query).await);
    }
    all
}

#[tokio::test]
async fn an_adoption_of_hot_survives_a_kill_at_any_step() {
    let Some(installation) = Installation::mssql().await else { return };
    let server = installation.server.as_ref().expect("a server");
    platform::platform(server).await;
    let before = everything(server).await;
    let args = ["db", "auto", "--tier", "hot"];
    let statements = platform::planned(server).await;
    assert!(statements > 5, "{statements}");
    // The first, the last, and some between.
    let tried = bound("THERMOCLINE_TEST_KILLS", 3, 2).min(statements);
    let nth = (0..tried).map(|n| 1 + n * (statements - 1) / (tried - 1).max(1));
    let mut steps: Vec<String> = nth.map(|nth| format!("preparing-hot:{nth}")).collect();
    steps.extend(["prepared-hot", "migrating"].map(str::to_owned));
    for step in steps {
        installation.killed(&args, &step);
        assert_eq!(everything(server).await, before, "{step}: hot is as it was");
    }
    for version in 1..=3 {
        installation.killed(&args, "migrated");
        assert_eq!(installation.version("hot"), version);
    }
    assert_eq!(installation.succeed(&args).lines().next(), Some("hot: version 3, nothing to do"));
    assert_ne!(everything(server).await, before);
    installation.drop().await;
}

#[tokio::test]
async fn ten_adoptions_of_hot_at_once_are_one() {
    let Some(installation) = Installation::mssql().await else { return };
    platform::platform(installation.server.as_ref().expect("a server")).await;
    let args = |n: usize| {
        if n.is_multiple_of(2) { ["db", "auto", "--tier", "hot"] } else { ["db", "upgrade", "--tier", "hot"] }
    };
    let running: Vec<_> = (0..10).map(|n| installation.start(&args(n))).collect();
    for one in running {
        let ended = Ended::of(finish(one));
        assert_eq!(ended.status, Some(0), "{ended:?}");
    }
    let history = installation.report(&["db", "history", "--tier", "hot"]);
    assert_eq!(installation.version("hot"), 3, "{history}");
    assert_eq!(installation.hot_number("SELECT count(*) AS n FROM messages").await, 2);
    installation.drop().await;
}
