//! A Redis server of one test: on a port of its own, killed, stopped and started again as the test wants it.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use thermocline::web::shared::SharedSettings;

use crate::waiting::LIMIT;

/// A server in memory. Dropping it kills it.
pub struct RedisServer {
    program: PathBuf,
    folder: tempfile::TempDir,
    port: u16,
    password: Option<&'static str>,
    running: Option<Child>,
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        if let Some(server) = &mut self.running {
            // It may have ended already.
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

impl RedisServer {
    /// Starts a server; `None`, said aloud, where no server is installed.
    pub fn start() -> Option<Self> {
        Self::with(None)
    }

    /// Starts a server that asks for a password.
    pub fn with_password(password: &'static str) -> Option<Self> {
        Self::with(Some(password))
    }

    fn with(password: Option<&'static str>) -> Option<Self> {
        let Some(program) = program() else {
            eprintln!("SKIPPED: redis-server is not installed");
            return None;
        };
        let port =
            TcpListener::bind(("127.0.0.1", 0)).and_then(|free| free.local_addr()).expect("a free port");
        let folder = tempfile::tempdir().expect("a folder");
        let mut server = Self { program, folder, port: port.port(), password, running: None };
        server.restart();
        Some(server)
    }

    /// Starts the server, empty, and waits until it answers.
    pub fn restart(&mut self) {
        self.kill();
        let mut command = Command::new(&self.program);
        command.args([
            "--bind",
            "127.0.0.1",
            "--port",
            &self.port.to_string(),
            "--save",
            "",
            "--appendonly",
            "no",
        ]);
        command.args(["--dir".as_ref(), self.folder.path().as_os_str()]);
        if let Some(password) = self.password {
            command.args(["--requirepass", password]);
        }
        let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.running = Some(command.spawn().expect("the server"));
        let begun = Instant::now();
        while !self.answers() {
            assert!(begun.elapsed() < LIMIT, "redis-server does not answer");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Kills the server, which then has lost everything.
    pub fn kill(&mut self) {
        if let Some(mut server) = self.running.take() {
            server.kill().expect("a kill");
            server.wait().expect("its end");
        }
    }

    /// Makes the server hang: it accepts connections and says nothing.
    pub fn hang(&self) {
        self.signal("STOP");
    }

    /// Lets a hanging server go on.
    pub fn go_on(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let server = self.running.as_ref().expect("it runs");
        let sent = Command::new("kill").args([format!("-{name}"), server.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// Returns the URL of the server.
    pub fn url(&self) -> String {
        let password = self.password.map_or(String::new(), |password| format!(":{password}@"));
        format!("redis://{password}127.0.0.1:{}", self.port)
    }

    /// Returns settings that name the server, and wait so long for an answer.
    pub fn settings(&self, timeout: Duration) -> SharedSettings {
        SharedSettings { url: self.url().into(), timeout }
    }

    /// Returns settings with which no answer is late, however busy the machine is.
    pub fn patient(&self) -> SharedSettings {
        self.settings(LIMIT)
    }

    fn answers(&self) -> bool {
        let client = redis::Client::open(self.url()).expect("a URL");
        let connection = client.get_connection_with_timeout(Duration::from_secs(1));
        connection.is_ok_and(|mut connection| redis::cmd("PING").exec(&mut connection).is_ok())
    }

    /// Sends a command to the running server.
    pub fn command<T: redis::FromRedisValue>(&self, words: &[&[u8]]) -> T {
        let client = redis::Client::open(self.url()).expect("a URL");
        let mut connection = client.get_connection().expect("a connection");
        let (name, arguments) = words.split_first().expect("a name");
        let mut command = redis::cmd(std::str::from_utf8(name).expect("text"));
        for argument in arguments {
            command.arg(argument);
        }
        command.query(&mut connection).expect("an answer")
    }

    /// Returns the keys that contain a text.
    pub fn keys(&self, text: &str) -> Vec<String> {
        let mut keys: Vec<String> = self.command(&[b"KEYS", format!("*{text}*").as_bytes()]);
        keys.sort_unstable();
        keys
    }

    /// Forgets everything.
    pub fn flush(&self) {
        self.command::<()>(&[b"FLUSHALL"]);
    }
}

/// Returns the program, on `PATH` or where `scripts/ci` puts it.
fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools");
    let folders: Vec<PathBuf> = std::env::split_paths(&path).chain([tools]).collect();
    let of = |name: &str| folders.iter().map(|folder| folder.join(name)).find(|path| path.is_file());
    of("redis-server").or_else(|| of("valkey-server"))
}
