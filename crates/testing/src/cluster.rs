//! Private PostgreSQL servers, made with the machine's own `initdb` and removed when the tests end.

use std::fmt;
use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::{CommandExt as _, parent_id};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sqlx::{Connection as _, PgConnection};

/// A running server with its data folder.
pub struct Cluster {
    folder: PathBuf,
    server: PathBuf,
    account: Option<(u32, u32)>,
    port: u16,
    running: Option<Child>,
}

/// How long a cluster and its folder exist.
#[derive(Clone, Copy)]
enum Lifetime {
    /// Until this process ends.
    Process,
    /// Until the test runner ends.
    Runner,
}

impl Cluster {
    /// Starts a server of this process in a temporary folder.
    pub fn start() -> Result<Self, String> {
        Self::start_with("")
    }

    /// Starts a server of this process in `folder`, which is removed when the process ends.
    pub fn start_in(folder: PathBuf) -> Result<Self, String> {
        Self::create(folder, Lifetime::Process, "")
    }

    /// Starts a server of this process with more settings, each on a line of its own.
    pub fn start_with(settings: &str) -> Result<Self, String> {
        let folder = tempfile::Builder::new().prefix("thermocline-pg-").tempdir().map_err(text)?;
        Self::create(folder.keep(), Lifetime::Process, settings)
    }

    /// Returns the URL of the one server that all test processes of a nextest run share. The first process to ask starts
    /// it; it stops when nextest ends.
    pub fn shared(run: &str) -> Result<String, String> {
        let folder = std::env::temp_dir().join(format!("thermocline-pg-{run}"));
        fs::create_dir_all(&folder).map_err(text)?;
        let lock = File::create(folder.join("lock")).map_err(text)?;
        lock.lock().map_err(text)?;
        let url_file = folder.join("url");
        if let Ok(url) = fs::read_to_string(&url_file) {
            return Ok(url);
        }
        let url = Self::create(folder, Lifetime::Runner, "")?.url();
        fs::write(url_file, &url).map_err(text)?;
        Ok(url)
    }

    fn create(folder: PathBuf, lifetime: Lifetime, settings: &str) -> Result<Self, String> {
        let initdb = binary("initdb").ok_or("initdb is neither on PATH nor in /usr/lib/postgresql")?;
        let server = binary("postgres").ok_or("there is no server beside initdb")?;
        let account = account()?;
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).map_err(text)?;
        let data = folder.join("data");
        fs::create_dir(&data).map_err(text)?;
        if let Some((user, group)) = account {
            chown(&data, Some(user), Some(group)).map_err(text)?;
        }
        run(under(account, &initdb)
            .args([
                "--auth=trust",
                "--username=postgres",
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync",
                "--wal-segsize=1",
                "-D",
            ])
            .arg(&data))?;
        let port = free_port()?;
        fs::write(
            data.join("postgresql.auto.conf"),
            format!(
                "listen_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = ''\nmax_connections = 300\n\
                 fsync = off\nsynchronous_commit = off\nfull_page_writes = off\nautovacuum = off\n\
                 shared_buffers = '128MB'\nmax_prepared_transactions = 10\n{settings}"
            ),
        )
        .map_err(text)?;
        let mut cluster = Self { folder, server, account, port, running: None };
        cluster.launch()?;
        remove_at_end(&cluster.folder, lifetime)?;
        Ok(cluster)
    }

    /// Returns the URL of the server's default database.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Returns the port on which the server listens.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Connects to the server's default database.
    pub async fn connection(&self) -> PgConnection {
        PgConnection::connect(&self.url()).await.expect("the server answers")
    }

    /// Starts the server, also after a crash, and waits until it accepts connections.
    pub fn launch(&mut self) -> Result<(), String> {
        let log = File::create(self.folder.join("log")).map_err(text)?;
        let mut command = under(self.account, &self.server);
        command.arg("-D").arg(self.folder.join("data"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        // A group of its own, so that signals to a test do not reach a server that others share.
        command.process_group(0);
        let server = self.running.insert(command.spawn().map_err(text)?);
        let started = Instant::now();
        loop {
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                // The server listens slightly before its recovery is complete and rejects connections until then.
                std::thread::sleep(Duration::from_millis(200));
                return Ok(());
            }
            let ended = server.try_wait().map_err(text)?.is_some();
            if ended || started.elapsed().as_secs() > 60 {
                return Err(fs::read_to_string(self.folder.join("log")).unwrap_or_default());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Starts the server again after it has ended or is about to end.
    pub fn revive(&mut self) -> Result<(), String> {
        if let Some(mut server) = self.running.take() {
            // Clients cannot tell whether a failing server has ended: make sure.
            let _ = Command::new("kill").args(["-QUIT", &server.id().to_string()]).status();
            server.wait().map_err(text)?;
        }
        self.launch()
    }

    /// Ends the server as a crash does: without closing connections and without writing anything.
    pub fn crash(&mut self) -> Result<(), String> {
        let mut server = self.running.take().ok_or("it does not run")?;
        run(Command::new("kill").args(["-QUIT", &server.id().to_string()]))?;
        server.wait().map(drop).map_err(text)
    }
}

fn binary(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .map(|entries| entries.flatten().map(|entry| entry.path().join("bin")).collect())
        .unwrap_or_default();
    versions.sort();
    folders.extend(versions.into_iter().rev());
    folders.into_iter().map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// Returns the user and group to run the server under when the tests run as root, which the server refuses.
fn account() -> Result<Option<(u32, u32)>, String> {
    let id = |arguments: &[&str]| {
        let output = Command::new("id").args(arguments).output().ok()?;
        String::from_utf8_lossy(&output.stdout).trim().parse::<u32>().ok()
    };
    if id(&["-u"]) != Some(0) {
        return Ok(None);
    }
    let found = ["postgres", "nobody"].iter().find_map(|name| id(&["-u", name]).zip(id(&["-g", name])));
    found.map(Some).ok_or_else(|| "no account to run it under".to_owned())
}

/// Starts a shell that outlives this process, waits for the end of `lifetime`, stops the server and removes its folder.
fn remove_at_end(folder: &Path, lifetime: Lifetime) -> Result<(), String> {
    let wait = match lifetime {
        // Reads a pipe of which only this process holds the other end.
        Lifetime::Process => "cat > /dev/null",
        Lifetime::Runner => "while kill -0 \"$1\" 2> /dev/null; do sleep 0.5; done",
    };
    let script = format!(
        "trap '' INT TERM HUP; {wait}; \
         pid=$(head -n 1 \"$0/data/postmaster.pid\" 2> /dev/null) && kill -QUIT \"$pid\"; \
         for i in 1 2 3 4 5 6 7 8 9 10; do kill -0 \"$pid\" 2> /dev/null || break; sleep 0.2; done; \
         rm -rf \"$0\""
    );
    let mut command = Command::new("sh");
    command.args(["-c", &script]).arg(folder).arg(runner().to_string());
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    let mut shell = command.spawn().map_err(text)?;
    // Stays open until this process ends; other children close it at exec.
    std::mem::forget(shell.stdin.take());
    Ok(())
}

/// Returns the id of the nextest process that runs this test: the parent of this process, or of a wrapper around it.
fn runner() -> u32 {
    let parent = parent_id();
    let mut process = parent;
    for _ in 0..5 {
        let process_id = process.to_string();
        let Ok(output) = Command::new("ps").args(["-o", "ppid=,comm=", "-p", &process_id]).output() else {
            break;
        };
        let line = String::from_utf8_lossy(&output.stdout).into_owned();
        let Some((above, name)) = line.trim().split_once(' ') else { break };
        if name.contains("nextest") {
            return process;
        }
        let Ok(above) = above.parse() else { break };
        process = above;
    }
    parent
}

fn under(account: Option<(u32, u32)>, program: &Path) -> Command {
    let mut command = Command::new(program);
    if let Some((user, group)) = account {
        command.uid(user).gid(group);
    }
    // The account may not have access to the current folder.
    command.current_dir("/");
    command
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)))
}

fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(text)?;
    listener.local_addr().map(|address| address.port()).map_err(text)
}

fn text(error: impl fmt::Display) -> String {
    error.to_string()
}
