//! The program beside a platform.

use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Output, Stdio};

use crate::support::fail_points::DIE_AT;
use crate::support::waiting::output;

/// The program with the URLs of its tiers.
pub struct Program {
    pub hot: String,
    pub cold: String,
}

impl Program {
    pub fn new(hot: &str, cold: &str) -> Self {
        Self { hot: hot.to_owned(), cold: cold.to_owned() }
    }

    pub fn command(&self, args: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_thermocline"));
        command
            .args(args.split(' '))
            .env_clear()
            .env("HOT_DATABASE_URL", &self.hot)
            .env("COLD_DATABASE_URL", &self.cold)
            .env("JWT_SECRET", crate::support::SECRET)
            .stdin(Stdio::null());
        command
    }

    pub fn run(&self, args: &str) -> Output {
        output(&mut self.command(args))
    }

    /// Runs a command that must succeed, and returns its report.
    pub fn report(&self, args: &str) -> serde_json::Value {
        let output = self.run(&format!("{args} --json"));
        assert!(output.status.success(), "{args}: {}", said(&output));
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    /// Runs a command that must fail with this status, and returns what it says.
    pub fn refused(&self, args: &str, status: i32) -> String {
        let output = self.run(args);
        assert_eq!(output.status.code(), Some(status), "{args}: {}", said(&output));
        said(&output)
    }

    /// Runs a command that dies at a step. Returns whether it came to it.
    pub fn dies(&self, args: &str, step: &str) -> bool {
        let output = output(self.command(args).env(DIE_AT, step));
        let killed = output.status.signal() == Some(9);
        assert!(killed || output.status.success(), "{args} at {step}: {}", said(&output));
        killed
    }
}

/// Returns everything that a command said.
pub fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}
