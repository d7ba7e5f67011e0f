//! Runs of the program in a folder of their own.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::support::waiting::output;

/// A folder in which the program runs, with two embedded tiers.
pub struct Folder(tempfile::TempDir);

/// The result of a run.
#[derive(Debug)]
pub struct Ended {
    pub status: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path().join(name), content).expect("written");
    }

    /// Returns a command with both tiers in this folder and no other variable.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_thermocline"));
        command.args(args).current_dir(self.path()).env_clear();
        command.env("HOT_DATABASE_URL", "sqlite:hot.db").env("COLD_DATABASE_URL", "sqlite:cold.db");
        command.stdin(Stdio::null());
        command
    }

    /// Runs a command with these variables too.
    pub fn run(&self, args: &[&str], variables: &[(&str, &str)]) -> Ended {
        Ended::of(&output(self.command(args).envs(variables.iter().copied())))
    }
}

impl Ended {
    pub fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { status: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }
}
