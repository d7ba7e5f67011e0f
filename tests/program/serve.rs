//! The server as a process: signals, the access log, and the address of operators.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::waiting::output;

/// The longest wait for a thing that has to happen.
const PATIENCE: Duration = Duration::from_secs(30);
const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// A running server, killed when dropped.
pub struct Serving {
    process: Child,
    addr: String,
    lines: Receiver<Value>,
    _folder: TempDir,
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_thermocline"));
    command.current_dir(folder).env_clear().env("JWT_SECRET", SECRET).stdin(Stdio::null());
    command
}

impl Serving {
    fn start(folder: TempDir, environment: &[(&str, &str)]) -> Self {
        let mut command = program(folder.path());
        command.args(["serve", "--addr", "127.0.0.1:0"]).envs(environment.iter().copied());
        let mut process = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program");
        let log = BufReader::new(process.stderr.take().expect("its log"));
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in log.lines().map_while(Result::ok) {
                let line = serde_json::from_str(&line).unwrap_or(Value::String(line));
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let mut serving = Self { process, addr: String::new(), lines, _folder: folder };
        let listening = serving.line("listening");
        listening["addr"].as_str().expect("an address").clone_into(&mut serving.addr);
        serving
    }

    pub fn empty(environment: &[(&str, &str)]) -> Self {
        Self::start(tempfile::tempdir().expect("a folder"), environment)
    }

    /// A server whose first page of conversation 1 is larger than the buffers of a connection.
    fn with_large_page(environment: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut rows = String::from("conversation_id,sender_id,content,created_at\n");
        for minute in 0..100 {
            let text = "x".repeat(200_000);
            let time = format!("{:02}:{:02}", minute / 60, minute % 60);
            rows.extend(["1,1,", &text, ",2026-01-01T", &time, ":00Z\n"]);
        }
        std::fs::write(folder.path().join("messages.csv"), rows).expect("a file");
        let import = output(program(folder.path()).args(["import", "messages", "messages.csv"]));
        assert!(import.status.success(), "{import:?}");
        Self::start(folder, environment)
    }

    /// Returns the next log line with this message.
    pub fn line(&self, message: &str) -> Value {
        let end = Instant::now() + PATIENCE;
        let mut others = Vec::new();
        while let Ok(line) = self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
            if line["message"] == message {
                return line;
            }
            others.push(line);
        }
        panic!("no line {message:?} among {others:#?}");
    }

    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([format!("-{name}"), self.process.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
    }

    pub fn end(&mut self) -> ExitStatus {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if let Some(status) = self.process.try_wait().expect("a status") {
                return status;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the program did not end");
    }

    pub fn token() -> String {
        let output = output(program(Path::new(".")).args(["token", "--user", "1"]));
        String::from_utf8(output.stdout).expect("text").trim().to_owned()
    }

    fn connect(&self, text: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.addr).expect("a connection");
        stream.write_all(text.as_bytes()).expect("sent");
        stream
    }

    pub fn get(&self, path: &str, headers: &str) -> String {
        let request = format!("GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n{headers}\r\n");
        let mut text = String::new();
        self.connect(&request).read_to_string(&mut text).expect("a response");
        text
    }

    /// Sends the next requests to the address of operators.
    pub fn use_ops_address(&mut self) {
        let line = self.line("listening for operators");
        line["addr"].as_str().expect("an address").clone_into(&mut self.addr);
    }

    /// Asks for a page that is larger than the buffers, and does not read it.
    fn ask_and_not_read(&self) -> TcpStream {
        let token = Self::token();
        let stream = self.connect(&format!(
            "GET /api/conversations/1/messages?limit=100 HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {token}\r\n\r\n"
        ));
        // The head has arrived, so that the body is on its way.
        stream.peek(&mut [0]).expect("an answer");
        stream
    }
}

#[test]
fn half_a_header_does_not_delay_the_end() {
    let mut serving = Serving::empty(&[("THERMOCLINE_SHUTDOWN_TIMEOUT", "3600")]);
    let _half = serving.connect("GET / HTTP/1.1\r\nhost: test\r\n");
    let _silent = serving.connect("");
    assert!(serving.get("/livez", "").starts_with("HTTP/1.1 200 "));
    serving.signal("TERM");
    assert_eq!(serving.end().code(), Some(0));
}

#[test]
fn a_client_that_does_not_read_delays_the_end_until_the_limit() {
    let mut serving = Serving::with_large_page(&[("THERMOCLINE_SHUTDOWN_TIMEOUT", "1")]);
    let _deaf = serving.ask_and_not_read();
    serving.signal("TERM");
    serving.line("requests did not end in time, their connections are cut off");
    assert_eq!(serving.end().code(), Some(0));
}

#[test]
fn a_second_signal_ends_the_program_at_once() {
    let mut serving = Serving::with_large_page(&[("THERMOCLINE_SHUTDOWN_TIMEOUT", "3600")]);
    let _deaf = serving.ask_and_not_read();
    serving.signal("TERM");
    serving.line("stopping; a second signal ends the program at once");
    assert_eq!(serving.process.try_wait().expect("a status"), None, "the first signal waits for the client");
    // The handler of the second signal is in place a moment after the line.
    std::thread::sleep(Duration::from_millis(200));
    serving.signal("INT");
    assert_eq!(serving.end().code(), Some(130));
}

#[test]
fn a_hangup_changes_nothing() {
    let mut serving = Serving::empty(&[]);
    serving.signal("HUP");
    serving.line("SIGHUP is ignored: settings are read at start");
    assert!(serving.get("/livez", "").starts_with("HTTP/1.1 200 "));
    serving.signal("TERM");
    assert_eq!(serving.end().code(), Some(0));
}

#[test]
fn each_request_has_a_line_in_the_access_log() {
    let serving = Serving::empty(&[]);
    let token = Serving::token();
    serving.get("/api/posts/7?x=secret", &format!("authorization: Bearer {token}\r\nx-request-id: abc\r\n"));
    let line = serving.line("request");
    assert_eq!(line["target"], "thermocline::access", "{line}");
    assert_eq!(line["method"], "GET", "{line}");
    assert_eq!(line["route"], "/api/posts/{id}", "{line}");
    assert_eq!(line["status"], 400, "{line}");
    assert_eq!(line["caller"], 1, "{line}");
    assert_eq!(line["request_id"], "abc", "{line}");
    assert!(line["ms"].is_number(), "{line}");
    assert!(!line.to_string().contains("secret"), "{line}");
    serving.get("/api/posts", "authorization: Bearer forged\r\nx-request-id: def\r\n");
    let failed = serving.line("a sign-in failed");
    assert_eq!(failed["address"], "127.0.0.1", "{failed}");
    assert_eq!(failed["request_id"], "def", "{failed}");
    assert!(!failed.to_string().contains("forged"), "{failed}");
    assert_eq!(serving.line("request")["status"], 401);
}

/// Who steers the movers is logged, whatever becomes of the access log.
#[test]
fn a_change_has_a_line_that_says_who_asked_for_it() {
    let serving = Serving::empty(&[("THERMOCLINE_ACCESS_LOG", "off")]);
    let admin = output(program(Path::new(".")).args(["token", "--user", "42", "--scope", "admin"]));
    let admin = String::from_utf8(admin.stdout).expect("text");
    let body = r#"{"resources": ["posts"], "paused": true, "rows_per_second": 7}"#;
    for token in [&Serving::token(), admin.trim()] {
        let request = format!(
            "POST /api/archive/control HTTP/1.1\r\nhost: test\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\
             x-request-id: mine\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut answer = String::new();
        serving.connect(&request).read_to_string(&mut answer).expect("a response");
        let status = if token == admin.trim() { "HTTP/1.1 200" } else { "HTTP/1.1 403" };
        assert!(answer.starts_with(status), "{answer}");
    }
    let line = serving.line("a caller steers the movers");
    assert_eq!((&line["target"], &line["caller"]), (&"thermocline::audit".into(), &42.into()), "{line}");
    assert_eq!((&line["request_id"], &line["resource"]), (&"mine".into(), &"posts".into()), "{line}");
    assert_eq!((&line["changed"], &line["paused"]), (&true.into(), &true.into()), "{line}");
    assert_eq!((&line["rows_per_second"], &line["max_hot_latency_ms"]), (&7.into(), &Value::Null), "{line}");
}

#[test]
fn the_access_log_can_be_switched_off() {
    let mut serving = Serving::empty(&[("THERMOCLINE_ACCESS_LOG", "off")]);
    serving.get("/livez", "");
    serving.signal("TERM");
    assert_eq!(serving.end().code(), Some(0));
    let lines: Vec<Value> = serving.lines.try_iter().collect();
    assert!(lines.iter().all(|line| line["message"] != "request"), "{lines:#?}");
}

#[test]
fn probes_and_metrics_have_an_address_of_their_own() {
    let mut serving = Serving::empty(&[("THERMOCLINE_OPS_ADDR", "127.0.0.1:0")]);
    assert!(serving.get("/metrics", "").starts_with("HTTP/1.1 404 "));
    serving.use_ops_address();
    assert!(serving.get("/metrics", "").contains("thermocline_http_requests_total"));
    assert!(serving.get("/readyz", "").starts_with("HTTP/1.1 200 "));
}
