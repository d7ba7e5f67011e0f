//! A PostgreSQL server for the tests: the one `THERMOCLINE_TEST_POSTGRES_URL` points at, or a private cluster made
//! with the machine's own `initdb`, thrown away at the end.

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use thermocline::tier::{Postgres, PostgresUrl, Tier, migrate};

const URL: &str = "THERMOCLINE_TEST_POSTGRES_URL";

/// A URL of the server, of a database that may be connected to; why there is none otherwise.
static SERVER: LazyLock<Result<String, String>> = LazyLock::new(|| match std::env::var(URL) {
    Ok(url) if !url.is_empty() => Ok(url),
    _ => private_cluster(),
});

/// How many databases this process has made.
static MADE: AtomicU32 = AtomicU32::new(0);

/// A fresh database, or `None`, said aloud, where there is no server. With `CI` set that is a failure.
pub async fn database() -> Option<String> {
    let server = match &*SERVER {
        Ok(server) => server,
        Err(reason) => {
            assert!(std::env::var_os("CI").is_none(), "no PostgreSQL: {reason}");
            eprintln!("skipped, no PostgreSQL: {reason}");
            return None;
        }
    };
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
    Some(format!("{place}/{name}?{query}"))
}

/// A cold tier in a fresh database, with its URL.
pub async fn cold() -> Option<(Postgres, String)> {
    let url = database().await?;
    let parsed = PostgresUrl::parse(&url).expect("a URL");
    let cold = Postgres::open(Tier::Cold, &parsed, None).await.expect("opens");
    migrate::upgrade(&cold).await.expect("migrates");
    Some((cold, url))
}

/// A connection past the program, to look behind it.
pub async fn behind(url: &str) -> PgConnection {
    let url = url.replace("?pool_min=0", "").replace("&pool_min=0", "");
    PgConnection::connect(&url).await.expect("connects")
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

fn private_cluster() -> Result<String, String> {
    let initdb = binary("initdb").ok_or("initdb is neither on PATH nor in /usr/lib/postgresql")?;
    let server = binary("postgres").ok_or("there is no server beside initdb")?;
    let account = account()?;
    let folder = tempfile::Builder::new().prefix("thermocline-pg-").tempdir().map_err(|e| e.to_string())?;
    // The tests' process never ends this value's life: the guard below removes the folder.
    let folder = folder.keep();
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).map_err(|e| e.to_string())?;
    let data = folder.join("data");
    std::fs::create_dir(&data).map_err(|e| e.to_string())?;
    if let Some((user, group)) = account {
        std::os::unix::fs::chown(&data, Some(user), Some(group)).map_err(|e| e.to_string())?;
    }
    run(under(account, &initdb)
        .args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "--no-sync", "-D"])
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
    .map_err(|e| e.to_string())?;
    let log = std::fs::File::create(folder.join("log")).map_err(|e| e.to_string())?;
    let mut command = under(account, &server);
    command.arg("-D").arg(&data).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    command.spawn().map_err(|e| e.to_string())?;
    guard(&folder)?;
    let begun = std::time::Instant::now();
    loop {
        if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
            // Listening comes before the recovery is over by a moment: the first connection may be told to wait.
            std::thread::sleep(std::time::Duration::from_millis(200));
            return Ok(format!("postgres://postgres@127.0.0.1:{port}/postgres"));
        }
        if begun.elapsed().as_secs() > 60 {
            return Err(std::fs::read_to_string(folder.join("log")).unwrap_or_default());
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
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
    let mut guard = command.spawn().map_err(|e| e.to_string())?;
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
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).map_err(|e| e.to_string())?;
    listener.local_addr().map(|address| address.port()).map_err(|e| e.to_string())
}
