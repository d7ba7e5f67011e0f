//! A Redis server of one test: on a port of its own, killed, stopped and started again as the test wants it.

use std::ffi::OsString;
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
    /// The port for TLS.
    tls: Option<u16>,
    /// Further arguments of the program.
    arguments: Vec<OsString>,
    running: Option<Child>,
}

/// A certificate for 127.0.0.1 that vouches for itself, and its key.
pub struct Certificate {
    folder: tempfile::TempDir,
}

impl Certificate {
    /// Makes one; `None`, said aloud, without the program `openssl`.
    pub fn make() -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let text = "[req]\ndistinguished_name=name\nprompt=no\nx509_extensions=extensions\n[name]\nCN=127.0.0.1\n\
            [extensions]\nsubjectAltName=IP:127.0.0.1\nbasicConstraints=critical,CA:FALSE\n";
        std::fs::write(folder.path().join("request"), text).expect("written");
        let mut command = Command::new("openssl");
        command.current_dir(folder.path()).args("req -x509 -config request -newkey ec -nodes".split(' '));
        command.args("-pkeyopt ec_paramgen_curve:P-256 -days 2 -keyout key -out certificate".split(' '));
        let Ok(made) = command.stderr(Stdio::null()).status() else {
            eprintln!("SKIPPED: openssl is not installed");
            return None;
        };
        assert!(made.success(), "openssl made no certificate");
        Some(Self { folder })
    }

    /// Returns the file of the certificate.
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("certificate")
    }

    fn key(&self) -> PathBuf {
        self.folder.path().join("key")
    }
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
        Self::with(None, None, Vec::new())
    }

    /// Starts a server that asks for a password.
    pub fn with_password(password: &'static str) -> Option<Self> {
        Self::with(Some(password), None, Vec::new())
    }

    /// Starts a server that has a port with TLS too.
    pub fn with_tls(certificate: &Certificate) -> Option<Self> {
        let tls = free_port();
        let (certificate, key) = (certificate.file(), certificate.key());
        let of = |name: &str, value: &dyn AsRef<std::ffi::OsStr>| [name.into(), value.as_ref().to_owned()];
        let arguments = [
            of("--tls-port", &tls.to_string()),
            of("--tls-cert-file", &certificate),
            of("--tls-key-file", &key),
            of("--tls-auth-clients", &"no"),
        ];
        Self::with(None, Some(tls), arguments.into_iter().flatten().collect())
    }

    /// Starts three servers that are one cluster, each with a third of the keys.
    pub fn cluster() -> Option<[Self; 3]> {
        let start = || {
            let bus = free_port();
            let arguments = ["--cluster-enabled", "yes", "--cluster-port", &bus.to_string()];
            Some((Self::with(None, None, arguments.map(OsString::from).to_vec())?, bus))
        };
        let servers = [start()?, start()?, start()?];
        for ((server, _), [first, last]) in
            servers.iter().zip([["0", "5460"], ["5461", "10922"], ["10923", "16383"]])
        {
            server.command::<()>(&[b"CLUSTER", b"ADDSLOTSRANGE", first.as_bytes(), last.as_bytes()]);
            for (other, bus) in &servers {
                let (port, bus) = (other.port.to_string(), bus.to_string());
                server.command::<()>(&[b"CLUSTER", b"MEET", b"127.0.0.1", port.as_bytes(), bus.as_bytes()]);
            }
        }
        let begun = Instant::now();
        let whole = |(server, _): &(Self, u16)| {
            let state: String = server.command(&[b"CLUSTER", b"INFO"]);
            state.contains("cluster_state:ok") && state.contains("cluster_slots_ok:16384")
        };
        while !servers.iter().all(whole) {
            assert!(begun.elapsed() < LIMIT, "the servers are no cluster");
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(servers.map(|(server, _)| server))
    }

    fn with(password: Option<&'static str>, tls: Option<u16>, arguments: Vec<OsString>) -> Option<Self> {
        let Some(program) = program() else {
            eprintln!("SKIPPED: redis-server is not installed");
            return None;
        };
        let folder = tempfile::tempdir().expect("a folder");
        let mut server = Self { program, folder, port: free_port(), password, tls, arguments, running: None };
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
        command.args(&self.arguments);
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

    /// Returns its URL with TLS.
    pub fn tls_url(&self) -> String {
        format!("rediss://127.0.0.1:{}", self.tls.expect("a port with TLS"))
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

fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).and_then(|free| free.local_addr()).expect("a free port").port()
}

/// Returns the program, on `PATH` or where `scripts/ci` puts it.
fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools");
    let folders: Vec<PathBuf> = std::env::split_paths(&path).chain([tools]).collect();
    let of = |name: &str| folders.iter().map(|folder| folder.join(name)).find(|path| path.is_file());
    of("redis-server").or_else(|| of("valkey-server"))
}
