//! Waiting with a limit. A test that waits forever hides its own failure and that of every test after it.

use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// Longest time to wait for anything. Far longer than it takes on a busy machine.
pub const LIMIT: Duration = Duration::from_mins(3);
/// Time between two looks.
const BETWEEN: Duration = Duration::from_millis(2);

/// Waits until the condition is true. Panics after three minutes and says what did not happen.
pub async fn until(what: &str, mut is_true: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !is_true().await {
        assert!(begun.elapsed() < LIMIT, "still not after {LIMIT:?}: {what}");
        tokio::time::sleep(BETWEEN).await;
    }
}

/// Waits until the condition is true while a process runs. Panics if the process ends first, with its output, and after
/// three minutes.
pub fn until_beside(mut child: Child, what: &str, mut is_true: impl FnMut() -> bool) -> Child {
    let begun = Instant::now();
    while !is_true() {
        let runs = child.try_wait().expect("a process").is_none();
        assert!(runs, "the process ended before: {what}: {:?}", child.wait_with_output());
        assert!(begun.elapsed() < LIMIT, "still not after {LIMIT:?}: {what}: {:?}", killed(child));
        std::thread::sleep(BETWEEN);
    }
    child
}

/// Runs a command without input to its end and returns its output. Panics after three minutes with the output until
/// then.
pub fn output(command: &mut Command) -> Output {
    let piped = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    finish(piped.spawn().expect("a program"))
}

/// Waits for the end of a process and returns its output. Panics after three minutes with the output until then.
pub fn finish(child: Child) -> Output {
    let pid = child.id();
    let (sender, outputs) = channel();
    // The output is read while the process runs, which would block when a pipe is full.
    std::thread::spawn(move || sender.send(child.wait_with_output()));
    let output = outputs.recv_timeout(LIMIT).unwrap_or_else(|_| {
        let _ = Command::new("kill").args(["-KILL", &pid.to_string()]).status();
        panic!("the process did not end within {LIMIT:?}: {:?}", outputs.recv());
    });
    output.expect("its output")
}

/// Waits for the end of a process whose output is read elsewhere. Panics after three minutes.
pub fn status(child: &mut Child) -> ExitStatus {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("a status") {
            return status;
        }
        assert!(begun.elapsed() < LIMIT, "the process did not end within {LIMIT:?}");
        std::thread::sleep(BETWEEN);
    }
}

/// The lines that a process writes. They are read as long as it runs: it would block when a pipe is full.
#[derive(Debug)]
pub struct Lines(Receiver<String>);

impl Lines {
    /// Returns the lines of one of its outputs.
    pub fn of(output: impl Read + Send + 'static) -> Self {
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                // Read on when nobody waits for more.
                let _ = sender.send(line);
            }
        });
        Self(lines)
    }
}

impl Iterator for Lines {
    type Item = String;

    /// Waits for the next line; `None` after the last one. Panics after three minutes without either.
    fn next(&mut self) -> Option<String> {
        match self.0.recv_timeout(LIMIT) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("the process wrote no line within {LIMIT:?}"),
        }
    }
}

fn killed(mut child: Child) -> Output {
    child.kill().expect("a kill");
    child.wait_with_output().expect("its output")
}
