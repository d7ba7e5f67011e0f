//! A PostgreSQL server for the tests: the one `THERMOCLINE_TEST_POSTGRES_URL` points at, or a private cluster made
//! with the machine's own `initdb`, thrown away at the end. On a server of somebody else's every database is dropped
//! with the test it was made for.

use std::fmt;
use std::ops::Deref;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use thermocline::tier::{Postgres, PostgresUrl, Tier, migrate};

const URL: &str = "THERMOCLINE_TEST_POSTGRES_URL";

/// The server of all tests; why there is none otherwise.
static SERVER: LazyLock<Result<Server, String>> = LazyLock::new(|| match std::env::var(URL) {
    Ok(url) if !url.is_empty() => Ok(Server { url, ours: false }),
    _ => Cluster::start().map(|cluster| Server { url: cluster.url(), ours: true }),
});

struct Server {
    /// Of a database that may be connected to.
    url: String,
    /// Whether it ends with this process.
    ours: bool,
}

/// How many databases this process has made.
static MADE: AtomicU32 = AtomicU32::new(0);

/// A database made for one test; its URL, which ends with a parameter.
#[derive(Debug)]
pub struct Database {
    url: String,
    /// What drops it: the URL of its server and its name.
    dropping: Option<(String, String)>,
}

impl Deref for Database {
    type Target = str;

    fn deref(&self) -> &str {
        &self.url
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let Some((server, name)) = self.dropping.take() else { return };
        // A test's own runtime cannot be waited on in here, and may be on its way out.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let mut connection = PgConnection::connect(&server).await.map_err(std::io::Error::other)?;
                let text = format!("DROP DATABASE {name} WITH (FORCE)");
                connection.execute(AssertSqlSafe(text)).await.map(drop).map_err(std::io::Error::other)
            })
        });
        if let Ok(Err(error)) = dropped.join() {
            eprintln!("a database could not be dropped: {error}");
        }
    }
}

/// A fresh database, or `None`, said aloud, where there is no server. With `CI` set that is a failure.
pub async fn database() -> Option<Database> {
    let server = match &*SERVER {
        Ok(server) => server,
        Err(reason) => {
            assert!(std::env::var_os("CI").is_none(), "no PostgreSQL: {reason}");
            eprintln!("skipped, no PostgreSQL: {reason}");
            return None;
        }
    };
    let mut database = make(&server.url).await;
    if server.ours {
        database.dropping = None;
    }
    Some(database)
}

/// A fresh database on a server.
pub async fn make(server: &str) -> Database {
    let made = MADE.fetch_add(1, Ordering::Relaxed);
    let name = format!("thermocline_{}_{made}", std::process::id());
    let mut connection = PgConnection::connect(server).await.expect("the server answers");
    // Where the server can, with a collation that sorts text otherwise than its bytes: nothing may depend on it.
    let plain = format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'");
    let collated = format!("{plain} LOCALE_PROVIDER icu ICU_LOCALE 'en-US'");
    if connection.execute(AssertSqlSafe(collated)).await.is_err() {
        connection.execute(AssertSqlSafe(plain)).await.expect("a database");
    }
    connection.close().await.expect("closes");
    let (place, query) = server.split_once('?').unwrap_or((server, ""));
    let (place, _) = place.rsplit_once('/').expect("the URL names a database");
    let query = if query.is_empty() { "pool_min=0".to_owned() } else { format!("{query}&pool_min=0") };
    Database { url: format!("{place}/{name}?{query}"), dropping: Some((server.to_owned(), name)) }
}

/// The same database once more, as it is now. Nobody may be connected to it for longer than a moment.
pub async fn copy(of: &Database) -> Database {
    let made = MADE.fetch_add(1, Ordering::Relaxed);
    let name = format!("thermocline_{}_{made}", std::process::id());
    let (place, query) = of.split_once('?').expect("a URL with a parameter");
    let (place, copied) = place.rsplit_once('/').expect("the URL names a database");
    let server = format!("{place}/postgres");
    let mut connection = PgConnection::connect(&server).await.expect("the server answers");
    let text = format!("CREATE DATABASE {name} TEMPLATE {copied}");
    let mut tried = 0;
    // Connections that were closed are still there for a moment.
    while let Err(error) = connection.execute(AssertSqlSafe(text.clone())).await {
        tried += 1;
        assert!(tried < 100, "{text}: {error}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    connection.close().await.expect("closes");
    let dropping = of.dropping.as_ref().map(|(server, _)| (server.clone(), name.clone()));
    Database { url: format!("{place}/{name}?{query}"), dropping }
}

/// A cold tier in a fresh database, which lives as long as its URL.
pub async fn cold() -> Option<(Postgres, Database)> {
    let database = database().await?;
    Some((open(&database).await, database))
}

/// A cold tier in an empty database.
pub async fn open(url: &str) -> Postgres {
    let parsed = PostgresUrl::parse(url).expect("a URL");
    let cold = Postgres::open(thermocline::schema::of(Tier::Cold), &parsed, None).await.expect("opens");
    migrate::upgrade(&cold).await.expect("migrates");
    cold
}

/// Where the server of a URL is, as `host:port`.
pub fn place(url: &str) -> String {
    let options: PgConnectOptions = behind_url(url).parse().expect("a URL");
    format!("{}:{}", options.get_host(), options.get_port())
}

fn behind_url(url: &str) -> String {
    url.replace("?pool_min=0", "").replace("&pool_min=0", "")
}

/// A connection past the program, to look behind it.
pub async fn behind(url: &str) -> PgConnection {
    PgConnection::connect(&behind_url(url)).await.expect("connects")
}

fn binary(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|entries| entries.flatten().map(|entry| entry.path().join("bin")).collect())
        .unwrap_or_default();
    versions.sort();
    folders.extend(versions.into_iter().rev());
    folders.into_iter().map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// The account the server runs under, when this one is root: it refuses to be.
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

/// A server of our own, thrown away when this process ends.
pub struct Cluster {
    folder: PathBuf,
    server: PathBuf,
    account: Option<(u32, u32)>,
    port: u16,
    running: Option<Child>,
}

impl Cluster {
    /// Makes one and waits until it answers.
    pub fn start() -> Result<Self, String> {
        let folder = tempfile::Builder::new().prefix("thermocline-pg-").tempdir().map_err(text)?;
        // The tests' process never ends this value's life: the guard below removes the folder.
        Self::start_in(folder.keep())
    }

    /// The same in a folder, which is removed when this process ends.
    pub fn start_in(folder: PathBuf) -> Result<Self, String> {
        let initdb = binary("initdb").ok_or("initdb is neither on PATH nor in /usr/lib/postgresql")?;
        let server = binary("postgres").ok_or("there is no server beside initdb")?;
        let account = account()?;
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).map_err(text)?;
        let data = folder.join("data");
        std::fs::create_dir(&data).map_err(text)?;
        if let Some((user, group)) = account {
            std::os::unix::fs::chown(&data, Some(user), Some(group)).map_err(text)?;
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
        std::fs::write(
            data.join("postgresql.auto.conf"),
            format!(
                "listen_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = ''\nmax_connections = 300\n\
                 fsync = off\nsynchronous_commit = off\nfull_page_writes = off\nautovacuum = off\n\
                 shared_buffers = '128MB'\nmax_prepared_transactions = 10\n"
            ),
        )
        .map_err(text)?;
        let mut cluster = Self { folder, server, account, port, running: None };
        cluster.launch()?;
        guard(&cluster.folder)?;
        Ok(cluster)
    }

    /// A URL of a database on it.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Starts the server, again after a crash, and waits until it answers.
    pub fn launch(&mut self) -> Result<(), String> {
        let log = std::fs::File::create(self.folder.join("log")).map_err(text)?;
        let mut command = under(self.account, &self.server);
        command
            .arg("-D")
            .arg(self.folder.join("data"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let server = self.running.insert(command.spawn().map_err(text)?);
        let begun = std::time::Instant::now();
        loop {
            if std::net::TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                // Listening comes before the recovery is over by a moment: the first connection may be told to wait.
                std::thread::sleep(std::time::Duration::from_millis(200));
                return Ok(());
            }
            let ended = server.try_wait().map_err(text)?.is_some();
            if ended || begun.elapsed().as_secs() > 60 {
                return Err(std::fs::read_to_string(self.folder.join("log")).unwrap_or_default());
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    }

    /// Starts it again, if it has ended or is about to.
    pub fn revive(&mut self) -> Result<(), String> {
        if let Some(mut server) = self.running.take() {
            // Whether it has ended already is not to be told by its clients.
            let _ = Command::new("kill").args(["-QUIT", &server.id().to_string()]).status();
            server.wait().map_err(text)?;
        }
        self.launch()
    }

    /// Ends the server as a crash does: at once, without a word to its clients and without writing anything.
    pub fn crash(&mut self) -> Result<(), String> {
        let mut server = self.running.take().ok_or("it does not run")?;
        run(Command::new("kill").args(["-QUIT", &server.id().to_string()]))?;
        server.wait().map(drop).map_err(text)
    }
}

fn text(error: impl fmt::Display) -> String {
    error.to_string()
}

/// Stops the server and removes its folder once this process is gone, however it goes: a shell that waits for the end
/// of its standard input, which nobody but this process holds open.
fn guard(folder: &Path) -> Result<(), String> {
    let script = "trap '' INT TERM HUP; cat > /dev/null; \
        pid=$(head -n 1 \"$0/data/postmaster.pid\" 2> /dev/null) && kill -QUIT \"$pid\"; \
        for i in 1 2 3 4 5 6 7 8 9 10; do kill -0 \"$pid\" 2> /dev/null || break; sleep 0.2; done; \
        rm -rf \"$0\"";
    let mut command = Command::new("sh");
    command.args(["-c", script]).arg(folder).stdin(Stdio::piped());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.process_group(0);
    let mut guard = command.spawn().map_err(text)?;
    // Held open until the process ends; its other end is closed at exec in every other child.
    std::mem::forget(guard.stdin.take());
    Ok(())
}

fn under(account: Option<(u32, u32)>, program: &Path) -> Command {
    let mut command = Command::new(program);
    if let Some((user, group)) = account {
        command.uid(user).gid(group);
    }
    // The account may not read the folder the tests run in.
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
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).map_err(text)?;
    listener.local_addr().map(|address| address.port()).map_err(text)
}
