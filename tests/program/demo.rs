//! The demo runs, and every command it prints works.

use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::support::waiting::{Lines, output};

struct Demo {
    process: Child,
    said: Value,
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn demo(folder: &std::path::Path) -> Demo {
    let mut process = Command::new(env!("CARGO_BIN_EXE_thermocline"))
        .args(["demo", "--json", "--addr", "127.0.0.1:0", "--messages", "5000", "--dir"])
        .arg(folder)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the demo starts");
    let mut text = String::new();
    for line in Lines::of(process.stdout.take().expect("its output")) {
        text.push_str(&line);
        if line == "}" {
            break;
        }
    }
    let said = serde_json::from_str(&text).expect("a report");
    Demo { process, said }
}

fn shell(demo: &Demo, command: &str) -> String {
    let token = demo.said["token"].as_str().expect("a token");
    let mut bash = Command::new("bash");
    bash.args(["-c", command])
        .env("URL", demo.said["url"].as_str().expect("a URL"))
        .env("AUTH", format!("Authorization: Bearer {token}"));
    let output = output(&mut bash);
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn every_printed_command_works_and_a_second_demo_serves_the_same_data() {
    if Command::new("curl").arg("--version").output().is_err() {
        println!("skipped: curl is not installed, and the demo's lines are curl lines");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let first = demo(folder.path());
    let commands = first.said["commands"].as_array().expect("commands").clone();
    assert!(commands.len() >= 5);
    let mut answers = Vec::new();
    for command in &commands {
        let (what, line) =
            (command["what"].as_str().unwrap_or(""), command["command"].as_str().unwrap_or(""));
        let answer = shell(&first, line);
        if what.contains("CSV") {
            assert!(
                answer.starts_with("symbol,trade_date") && answer.lines().count() > 4,
                "{what}: {answer}"
            );
        } else {
            for page in answer.lines() {
                let page: Value = serde_json::from_str(page).unwrap_or_else(|_| panic!("{what}: {page}"));
                assert_eq!(page["success"], true, "{what}: {page}");
            }
        }
        answers.push((what.to_owned(), line.to_owned(), answer));
    }
    let around = answers
        .iter()
        .find(|(what, ..)| what.contains("around the boundary between"))
        .expect("a look at the boundary");
    assert!(
        around.2.contains("\"from_archive\":true") && around.2.contains("\"from_archive\":false"),
        "{}",
        around.2
    );
    let walk = answers.iter().find(|(what, ..)| what.starts_with("a walk")).expect("a walk");
    let ids: Vec<i64> = walk
        .2
        .lines()
        .flat_map(|page| {
            let page: Value = serde_json::from_str(page).expect("a page");
            page["messages"]
                .as_array()
                .expect("messages")
                .iter()
                .map(|row| row["id"].as_i64().expect("an id"))
                .collect::<Vec<_>>()
        })
        .collect();
    let mut distinct = ids.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!((ids.len(), distinct.len()), (15, 15), "five pages of three, none twice");
    drop(first);

    let second = demo(folder.path());
    for (what, line, answer) in answers {
        assert_eq!(shell(&second, &line), answer, "{what}");
    }
}
