//! The program in a folder of its own, with the files it is given.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;
use thermocline::clock::Timestamp;

use super::{COLD, HOT, Pair, scratch};
use crate::support::waiting::{self, Lines, output};

/// A folder in which the program runs.
pub struct Program {
    pub folder: TempDir,
    /// URLs of its tiers.
    pub hot: String,
    pub cold: String,
}

/// The end of a run.
#[derive(Debug)]
pub struct Ended {
    pub status: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Program {
    pub fn new() -> Self {
        Self { folder: scratch(), hot: format!("sqlite:{HOT}"), cold: format!("sqlite:{COLD}") }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, content).expect("a file");
        path
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path().join(name)).expect("a file")
    }

    pub fn command<S: AsRef<OsStr>>(&self, args: &[S]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_thermocline"));
        command
            .args(args)
            .current_dir(self.path())
            .env_clear()
            .env("HOT_DATABASE_URL", &self.hot)
            .env("COLD_DATABASE_URL", &self.cold)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub fn run<S: AsRef<OsStr>>(&self, args: &[S]) -> Ended {
        Ended::of(output(&mut self.command(args)))
    }

    /// Runs a command, which must succeed, and returns its report. An import of nothing but rejects must fail.
    pub fn report<S: AsRef<OsStr>>(&self, args: &[S]) -> serde_json::Value {
        let mut command = self.command(args);
        let ended = Ended::of(output(command.arg("--json")));
        let report: serde_json::Value =
            serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("{ended:?}"));
        let only_rejects = |file: &serde_json::Value| {
            file["rejected"].as_u64().is_some_and(|rejected| rejected > 0 && file["read"] == rejected)
        };
        let fails = report["files"].as_array().is_some_and(|files| files.iter().any(only_rejects));
        assert_eq!(ended.status, Some(i32::from(fails)), "{ended:?}");
        report
    }

    pub fn start<S: AsRef<OsStr>>(&self, args: &[S]) -> Child {
        self.command(args).spawn().expect("the program")
    }

    /// Opens both files.
    pub(super) async fn open(&self, now: Timestamp) -> Pair {
        Pair::open(self.path(), now).await
    }
}

/// A running server, killed when dropped.
pub struct Serving {
    child: Child,
    /// The address it listens on.
    pub address: String,
    log: Lines,
    /// The lines that were read.
    said: String,
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Serving {
    /// Runs `serve` with these variables and waits until it listens. Returns its output when it ends instead.
    pub fn start(program: &Program, environment: &[(&str, &str)]) -> Result<Self, Ended> {
        let mut command = program.command(&["serve", "--addr", "127.0.0.1:0"]);
        command.env("JWT_SECRET", "0123456789abcdef0123456789abcdef");
        for (name, value) in environment {
            // An empty variable counts as unset, as in a compose file.
            command.env(name, value);
        }
        let mut child = command.spawn().expect("the program");
        let log = Lines::of(child.stderr.take().expect("its log"));
        let mut serving = Self { child, address: String::new(), log, said: String::new() };
        while let Some(line) = serving.line() {
            let line: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
            if line["message"] == "listening" {
                line["addr"].as_str().expect("an address").clone_into(&mut serving.address);
                return Ok(serving);
            }
        }
        let status = waiting::status(&mut serving.child).code();
        Err(Ended { status, out: String::new(), err: std::mem::take(&mut serving.said) })
    }

    /// Waits for the next line of its log; `None` at its end.
    fn line(&mut self) -> Option<String> {
        let line = self.log.next()?;
        self.said.push_str(&line);
        self.said.push('\n');
        Some(line)
    }

    /// Asks the server to stop and waits for its end.
    pub fn stop(mut self) -> Ended {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill").success());
        let status = waiting::status(&mut self.child).code();
        while self.line().is_some() {}
        Ended { status, out: String::new(), err: std::mem::take(&mut self.said) }
    }
}

impl Ended {
    pub fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        Self { status: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

/// Returns the counts an import reports for its one file: read, inserted, known, corrected, rejected.
pub fn counts(report: &serde_json::Value) -> [u64; 5] {
    let files = report["files"].as_array().expect("files");
    assert_eq!(files.len(), 1, "{report}");
    ["read", "inserted", "known", "corrected", "rejected"]
        .map(|name| files[0][name].as_u64().unwrap_or_else(|| panic!("{name} in {report}")))
}

/// Returns a quoted field of CSV.
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}
