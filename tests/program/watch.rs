//! `archive status --watch` beside a mover of another process.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::waiting::{Lines, output, status};

fn program(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_thermocline"));
    command.current_dir(folder).env_clear().args(arguments);
    command
}

#[test]
fn a_watch_sees_what_another_process_moves() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut rows = String::from("conversation_id,sender_id,content,created_at\n");
    for second in 0..3000 {
        let _ = writeln!(rows, "1,1,text,2026-01-01T00:{:02}:{:02}Z", second / 60, second % 60);
    }
    std::fs::write(folder.path().join("messages.csv"), rows).expect("a file");
    let import = output(&mut program(folder.path(), &["import", "messages", "messages.csv"]));
    assert!(import.status.success(), "{import:?}");

    let watching = ["archive", "status", "--watch", "--every", "1s", "--resource", "messages", "--json"];
    let mut command = program(folder.path(), &watching);
    let mut watch = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("the program");
    let mut looks = Lines::of(watch.stdout.take().expect("its output"))
        .map(|line| serde_json::from_str::<Value>(&line).expect("JSON"));
    let first = looks.next().expect("a first look");
    assert_eq!((&first["due"], &first["epoch"]), (&3000.into(), &0.into()), "{first}");
    assert!(first["rows_per_second"].is_null() && first["seconds_left"].is_null(), "{first}");

    let run = output(&mut program(folder.path(), &["archive", "run", "--resource", "messages"]));
    assert!(run.status.success(), "{run:?}");
    let last = looks.find(|look| look["due"] == 0).expect("a look with nothing due");
    assert!(last["epoch"].as_i64() >= Some(3), "{last}");
    assert!(last["rows_per_second"].as_f64() > Some(0.0), "{last}");
    assert_eq!((&last["seconds_left"], &last["waits"]), (&0.0.into(), &Value::Array(Vec::new())), "{last}");

    let sent = Command::new("kill").args(["-TERM", &watch.id().to_string()]).status();
    assert!(sent.expect("kill runs").success());
    assert_eq!(status(&mut watch).code(), Some(0));
}
