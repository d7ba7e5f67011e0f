//! Many processes starting at once, and the order of a start.

use std::process::Child;

use super::{Ended, Installation};
use crate::support::waiting::{Lines, output};

/// A server that listens, and its log up to then.
pub struct Serving {
    process: Child,
    pub log: Vec<serde_json::Value>,
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Serving {
    /// Reads the log until the server listens.
    pub fn until_it_listens(mut process: Child) -> Self {
        let mut lines = Lines::of(process.stderr.take().expect("its log"));
        let mut log: Vec<serde_json::Value> = Vec::new();
        while log.last().is_none_or(|line| line["message"] != "listening") {
            let line = lines.next().unwrap_or_else(|| panic!("it ended: {log:?}"));
            log.push(serde_json::from_str(&line).unwrap_or(line.into()));
        }
        Self { process, log }
    }

    fn url(&self) -> String {
        let addr = self.log.last().and_then(|line| line["addr"].as_str());
        format!("http://{}/health", addr.expect("an address"))
    }

    fn applied(&self) -> usize {
        self.log.iter().filter(|line| line["message"] == "applying").count()
    }
}

#[tokio::test]
async fn ten_servers_on_an_empty_pair_migrate_once() {
    for installation in Installation::all().await {
        let start = |_| installation.start(&["serve", "--migrate", "--addr", "127.0.0.1:0"]);
        let processes: Vec<Child> = (0..10).map(start).collect();
        let serving: Vec<Serving> = processes.into_iter().map(Serving::until_it_listens).collect();
        let heads = installation.report(&["db", "heads"]);
        let all =
            heads.as_array().expect("tiers").iter().map(|head| head["version"].as_u64().expect("a version"));
        assert_eq!(
            serving.iter().map(Serving::applied).sum::<usize>(),
            all.sum::<u64>() as usize,
            "{}",
            installation.name
        );
        for one in &serving {
            let health = installation.report(&["health", "--url", &one.url()]);
            assert_eq!(health["status"], "healthy", "{health}");
        }
        let history = installation.report(&["db", "history"]);
        for tier in history.as_array().expect("tiers") {
            assert!(
                tier["applied"].as_array().expect("rows").iter().all(|row| row["state"] == "ok"),
                "{history}"
            );
        }
        drop(serving);
        installation.drop().await;
    }
}

#[tokio::test]
async fn schemas_on_servers_are_migrated_on_request_only() {
    let Some(installation) = Installation::postgres().await else { return };
    let refusal = installation.fail(&["serve", "--addr", "127.0.0.1:0"], 2);
    assert!(refusal.contains("thermocline db upgrade --tier cold"), "{refusal}");
    assert_eq!(installation.report(&["db", "current", "--tier", "cold"])[0]["version"], 0);
    let mut command = installation.command(&["serve", "--addr", "127.0.0.1:0"]);
    let serving =
        Serving::until_it_listens(command.env("THERMOCLINE_MIGRATE", "auto").spawn().expect("the program"));
    assert!(serving.applied() > 0);
    installation.report(&["health", "--url", &serving.url()]);
}

#[test]
fn health_fails_when_nothing_listens() {
    let installation = Installation::embedded();
    // Bound, but not listening.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port();
    drop(taken);
    let mut command = installation.command(&["health"]);
    let ended = Ended::of(output(command.env("THERMOCLINE_ADDR", format!("0.0.0.0:{port}"))));
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.err.contains(&format!("127.0.0.1:{port}")), "{ended:?}");
    installation.fail(&["health", "--url", "https://127.0.0.1/health"], 2);
}

/// A waiting server logs the database it waits for.
#[tokio::test]
async fn waiting_for_a_missing_server_is_limited() {
    let installation = Installation::embedded();
    let mut command = installation.command(&["serve", "--tries", "2"]);
    command.env("COLD_DATABASE_URL", "postgres://me:hunter2@127.0.0.1:1/cold");
    let Ended { status, err: log, .. } = Ended::of(output(&mut command));
    assert_eq!(status, Some(1), "{log}");
    assert!(log.contains("waiting for the database") && log.contains("postgres://127.0.0.1:1/cold"), "{log}");
    assert!(log.contains("after 2 tries") && !log.contains("hunter2"), "{log}");
}
