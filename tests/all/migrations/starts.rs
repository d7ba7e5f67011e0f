//! Many processes start at once, and a start in the right order.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Child;

use super::{Ended, Home};

/// A server that listens, with what it logged on the way.
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
    /// Reads its log until it listens.
    pub fn until_it_listens(mut process: Child) -> Self {
        let mut lines = BufReader::new(process.stderr.take().expect("its log")).lines();
        let mut log: Vec<serde_json::Value> = Vec::new();
        while log.last().is_none_or(|line| line["message"] != "listening") {
            let line = lines.next().unwrap_or_else(|| panic!("it ended: {log:?}")).expect("a line");
            log.push(serde_json::from_str(&line).unwrap_or(line.into()));
        }
        // Nobody reads on, and nobody may be held up by that.
        std::thread::spawn(move || lines.for_each(drop));
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
async fn ten_servers_on_an_empty_pair_migrate_once_and_are_well() {
    for home in Home::all().await {
        let start = |_| home.start(&["serve", "--migrate", "--addr", "127.0.0.1:0"]);
        let processes: Vec<Child> = (0..10).map(start).collect();
        let serving: Vec<Serving> = processes.into_iter().map(Serving::until_it_listens).collect();
        let heads = home.report(&["db", "heads"]);
        let all =
            heads.as_array().expect("tiers").iter().map(|head| head["version"].as_u64().expect("a version"));
        assert_eq!(
            serving.iter().map(Serving::applied).sum::<usize>(),
            all.sum::<u64>() as usize,
            "{}",
            home.name
        );
        for one in &serving {
            let health = home.report(&["health", "--url", &one.url()]);
            assert_eq!(health["status"], "healthy", "{health}");
        }
        let history = home.report(&["db", "history"]);
        for tier in history.as_array().expect("tiers") {
            assert!(
                tier["applied"].as_array().expect("rows").iter().all(|row| row["state"] == "ok"),
                "{history}"
            );
        }
        drop(serving);
        home.drop().await;
    }
}

#[tokio::test]
async fn a_server_s_schema_is_migrated_only_when_somebody_says_so() {
    let Some(home) = Home::postgres().await else { return };
    let refusal = home.reject_reason(&["serve", "--addr", "127.0.0.1:0"], 2);
    assert!(refusal.contains("thermocline db upgrade --tier cold"), "{refusal}");
    assert_eq!(home.report(&["db", "current", "--tier", "cold"])[0]["version"], 0);
    let mut command = home.command(&["serve", "--addr", "127.0.0.1:0"]);
    let serving =
        Serving::until_it_listens(command.env("THERMOCLINE_MIGRATE", "auto").spawn().expect("the program"));
    assert!(serving.applied() > 0);
    home.report(&["health", "--url", &serving.url()]);
}

#[test]
fn nobody_listening_is_not_well() {
    let home = Home::embedded();
    // Taken and not listened on.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port();
    drop(taken);
    let mut command = home.command(&["health"]);
    let ended =
        Ended::of(command.env("THERMOCLINE_ADDR", format!("0.0.0.0:{port}")).output().expect("the program"));
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.err.contains(&format!("127.0.0.1:{port}")), "{ended:?}");
    home.reject_reason(&["health", "--url", "https://127.0.0.1/health"], 2);
}

/// What a server that waits logs is what it waits for.
#[tokio::test]
async fn a_server_that_never_comes_is_waited_for_only_so_long() {
    let home = Home::embedded();
    let mut command = home.command(&["serve", "--tries", "2"]);
    command.env("COLD_DATABASE_URL", "postgres://me:hunter2@127.0.0.1:1/cold");
    let mut process = command.spawn().expect("the program");
    let mut log = String::new();
    process.stderr.take().expect("its log").read_to_string(&mut log).expect("text");
    assert_eq!(process.wait().expect("an end").code(), Some(1));
    assert!(log.contains("waiting for the database") && log.contains("postgres://127.0.0.1:1/cold"), "{log}");
    assert!(log.contains("after 2 tries") && !log.contains("hunter2"), "{log}");
}
