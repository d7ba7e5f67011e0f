//! Databases on a Citus: its coordinator and its workers, each with a database of the same name.
//!
//! `THERMOCLINE_TEST_CITUS_URL` names a database on the coordinator in which the extension is made and the workers are known. With
//! it every cold tier on PostgreSQL is spread over the workers.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use futures::TryStreamExt as _;
use sqlx::postgres::{PgConnectOptions, PgRow};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row as _};
use thermocline::schema::spread::{self, PROFILE, Shards};
use thermocline::tier::Schema;

use crate::cluster::Cluster;
use crate::postgres::{self, Database};

/// The shards of test databases: few, since each is a table.
const SHARDS: Shards = Shards { most: 4, of_posts: 4 };

/// Returns the URL of the coordinator, if there is one.
pub fn url() -> Option<String> {
    std::env::var("THERMOCLINE_TEST_CITUS_URL").ok().filter(|url| !url.is_empty())
}

/// A server of a Citus as host and port.
pub type Node = (String, u16);

/// Returns the workers that the database of a URL knows.
pub async fn workers(url: &str) -> Vec<Node> {
    let mut connection = PgConnection::connect(url).await.expect("the coordinator answers");
    let text = "SELECT nodename, nodeport FROM pg_dist_node WHERE noderole = 'primary' AND shouldhaveshards ORDER BY nodeport";
    let rows = connection.fetch_all(text).await.expect("Citus knows its workers");
    assert!(!rows.is_empty(), "{url}: no worker was added");
    rows.iter()
        .map(|row: &PgRow| (row.get(0), u16::try_from(row.get::<i32, _>(1)).expect("a port")))
        .collect()
}

/// Returns the address of the same database on another server.
pub fn on(url: &str, (host, port): &Node) -> PgConnectOptions {
    let options: PgConnectOptions = url.parse().expect("a URL");
    options.host(host).port(*port)
}

/// Makes the extension in a new database on the coordinator, and a database of its name on each worker. The coordinator reaches the
/// workers by `ways`, which may lead through proxies.
pub async fn prepare(server: &str, name: &str, ways: &[Node]) {
    let mut coordinator = on_coordinator(server, name).await;
    execute(&mut coordinator, "CREATE EXTENSION citus").await;
    // A role named citus has a schema of that name, which is of the extension.
    execute(&mut coordinator, &format!("ALTER DATABASE {name} SET search_path = public")).await;
    add_workers(&mut coordinator, server, name, ways).await;
}

/// Copies a database whose tables are not spread yet, all of it. Returns whether it is such a one.
pub async fn copy_local(server: &str, from: &str, name: &str) -> bool {
    let mut copied = on_coordinator(server, from).await;
    let is_spread = "SELECT EXISTS (SELECT 1 FROM pg_dist_partition)";
    let is_spread: bool = sqlx::query_scalar(is_spread).fetch_one(&mut copied).await.expect("the catalogs");
    copied.close().await.expect("closes");
    if is_spread {
        return false;
    }
    let mut connection = PgConnection::connect(server).await.expect("the coordinator answers");
    let create = format!("CREATE DATABASE {name} TEMPLATE {from}");
    let mut tried = 0;
    loop {
        // The maintenance daemons of all servers have connections. Others are closed a moment after their client has gone.
        let daemon = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = '{from}' AND lower(application_name) LIKE 'citus%'"
        );
        execute(&mut connection, &daemon).await;
        let Err(error) = connection.execute(AssertSqlSafe(create.clone())).await else { break };
        tried += 1;
        assert!(tried < 100, "{create}: {error}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let mut copy = on_coordinator(server, name).await;
    execute(&mut copy, &format!("ALTER DATABASE {name} SET search_path = public")).await;
    execute(&mut copy, "DELETE FROM pg_dist_node").await;
    add_workers(&mut copy, server, name, &[]).await;
    true
}

/// Connects to a database on the coordinator.
async fn on_coordinator(server: &str, name: &str) -> PgConnection {
    let options: PgConnectOptions = server.parse().expect("a URL");
    PgConnection::connect_with(&options.database(name)).await.expect("the coordinator answers")
}

/// Makes a database of the name of the coordinator's on each worker, and adds the workers.
async fn add_workers(coordinator: &mut PgConnection, server: &str, name: &str, ways: &[Node]) {
    let workers = workers(server).await;
    for worker in &workers {
        let mut connection = PgConnection::connect_with(&on(server, worker)).await.expect("a worker answers");
        execute(&mut connection, &format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")).await;
        let mut connection =
            PgConnection::connect_with(&on(server, worker).database(name)).await.expect("a worker answers");
        execute(&mut connection, "CREATE EXTENSION citus").await;
    }
    // To add a worker writes the roles of its server, which fails while another test does.
    let mut lock = PgConnection::connect(server).await.expect("the coordinator answers");
    execute(&mut lock, &format!("SELECT pg_advisory_lock({ADDING})")).await;
    execute(coordinator, &set_host(server)).await;
    for (host, port) in if ways.is_empty() { &workers } else { ways } {
        execute(coordinator, &format!("SELECT citus_add_node('{host}', {port})")).await;
    }
    lock.close().await.expect("closes");
}

/// The lock of a test that adds workers.
const ADDING: i64 = 1_412_141;

/// Spreads the tables of a migrated cold tier, as `thermocline db distribute` does, where a Citus is named. Returns whether the
/// server of this tier has Citus. Connections find out when they are made.
pub async fn spread(cold: &dyn Schema) -> bool {
    if url().is_none() {
        return false;
    }
    let Some(placements) = spread::read(cold).await.expect("the catalogs are read") else { return false };
    let missing = spread::missing(&placements).expect("nothing is placed in another way");
    let mut direct = cold.migrating().await.expect("the migration lock");
    let functions =
        spread::functions::missing(&spread::functions::read(cold).await.expect("the catalogs are read"));
    for statement in spread::plan(&missing, &placements, &functions, SHARDS) {
        if let Err(stop) = direct.run(&statement).await {
            panic!("{statement}: {}", stop.source);
        }
    }
    direct.close().await;
    true
}

/// Copies the rows of one spread database to another.
pub async fn copy_rows(from: &str, to: &str) {
    let mut source = PgConnection::connect(from).await.expect("connects");
    let mut target = PgConnection::connect(to).await.expect("connects");
    let mut tables: Vec<&str> = PROFILE.iter().map(|(table, _)| *table).collect();
    tables.push("_sqlx_migrations");
    for table in tables {
        execute(&mut target, &format!("DELETE FROM {table}")).await;
        let rows =
            source.copy_out_raw(&format!("COPY (SELECT * FROM {table}) TO STDOUT")).await.expect("read");
        let rows: Vec<u8> = rows.map_ok(|part| part.to_vec()).try_concat().await.expect("read");
        let mut copy = target.copy_in_raw(&format!("COPY {table} FROM STDIN")).await.expect("a copy");
        copy.send(rows).await.expect("written");
        copy.finish().await.expect("written");
        // Ids that were given out are not given out again.
        let numbers = format!(
            "SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT coalesce(max(id), 0) + 1 FROM {table}), false)"
        );
        if table.ends_with("_archive")
            || table == "stock_prices_history"
            || table == "user_behavior_analytics"
        {
            execute(&mut target, &numbers).await;
        }
    }
}

/// A Citus of one test, whose servers may be crashed.
pub struct Servers {
    pub coordinator: Cluster,
    pub workers: Vec<Cluster>,
}

impl Servers {
    /// Starts a coordinator and two workers, where PostgreSQL has the extension.
    pub async fn start() -> Result<Self, String> {
        let settings = "shared_preload_libraries = 'citus'\nwal_level = logical\nmax_prepared_transactions = 100\n\
            citus.node_conninfo = 'sslmode=disable'\ncitus.recover_2pc_interval = '1s'\n";
        let start = || Cluster::start_with(settings);
        let servers = Self { coordinator: start()?, workers: vec![start()?, start()?] };
        let mut connection = servers.coordinator.connection().await;
        for worker in &servers.workers {
            execute(&mut worker.connection().await, "CREATE EXTENSION citus").await;
        }
        execute(&mut connection, "CREATE EXTENSION citus").await;
        execute(&mut connection, &set_host(&servers.coordinator.url())).await;
        for worker in &servers.workers {
            execute(&mut connection, &format!("SELECT citus_add_node('127.0.0.1', {})", worker.port())).await;
        }
        Ok(servers)
    }

    /// Creates an empty database.
    pub async fn database(&self) -> Database {
        let server = self.coordinator.url();
        let database = postgres::make_plain(&server).await;
        prepare(&server, database.name(), &[]).await;
        database
    }
}

/// Returns the statement that makes the address of a URL known as that of the coordinator.
fn set_host(server: &str) -> String {
    let options: PgConnectOptions = server.parse().expect("a URL");
    format!("SELECT citus_set_coordinator_host('{}', {})", options.get_host(), options.get_port())
}

/// Drops the databases of a test on the workers.
pub async fn drop_on_workers(server: &str, name: &str) -> Result<(), sqlx::Error> {
    for worker in workers(server).await {
        let mut connection = PgConnection::connect_with(&on(server, &worker)).await?;
        connection.execute(AssertSqlSafe(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))).await?;
    }
    Ok(())
}

async fn execute(connection: &mut PgConnection, text: &str) {
    if let Err(error) = connection.execute(AssertSqlSafe(text.to_owned())).await {
        panic!("{text}: {error}");
    }
}

/// A proxy between a coordinator and a worker, which can lose the second half of a commit, or all connections.
pub struct Cutter {
    /// Its own address.
    pub way: Node,
    state: Arc<CutterState>,
}

#[derive(Default)]
struct CutterState {
    /// The number of commits that pass before one is cut; negative when none is.
    passing: AtomicI64,
    cuts: AtomicI64,
    is_dead: AtomicBool,
}

/// The message that ends a prepared transaction.
const COMMIT_PREPARED: &[u8] = b"COMMIT PREPARED";

impl Cutter {
    /// Starts a proxy before a worker.
    pub fn before((host, port): Node) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let own = listener.local_addr().expect("an address").port();
        let state = Arc::new(CutterState { passing: AtomicI64::new(-1), ..CutterState::default() });
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if shared.is_dead.load(Ordering::SeqCst) {
                    continue;
                }
                let Ok(server) = TcpStream::connect((host.as_str(), port)) else { continue };
                let (Ok(answers), Ok(asker)) = (server.try_clone(), client.try_clone()) else { continue };
                let (asks, tells) = (Arc::clone(&shared), Arc::clone(&shared));
                std::thread::spawn(move || asks.lead(client, server, true));
                std::thread::spawn(move || tells.lead(answers, asker, false));
            }
        });
        Self { way: ("127.0.0.1".to_owned(), own), state }
    }

    /// Cuts the connection at the commit after this number of commits, once.
    pub fn cut_after(&self, passing: i64) {
        self.state.passing.store(passing, Ordering::SeqCst);
    }

    /// Returns the number of commits that were cut.
    pub fn cuts(&self) -> i64 {
        self.state.cuts.load(Ordering::SeqCst)
    }

    /// Makes the worker unreachable, or reachable again.
    pub fn set_dead(&self, is_dead: bool) {
        self.state.is_dead.store(is_dead, Ordering::SeqCst);
    }
}

impl CutterState {
    /// Copies the data of one side to the other until the connection is to be cut.
    fn lead(&self, mut from: TcpStream, mut to: TcpStream, asks: bool) {
        let mut part = vec![0; 1 << 16];
        let mut tail: Vec<u8> = Vec::new();
        while let Ok(n) = from.read(&mut part) {
            if n == 0 || self.is_dead.load(Ordering::SeqCst) {
                break;
            }
            // The message may come in two parts.
            tail.extend(&part[..n]);
            let commits = asks && tail.windows(COMMIT_PREPARED.len()).any(|bytes| bytes == COMMIT_PREPARED);
            if commits && self.passing.load(Ordering::SeqCst) >= 0 {
                tail.clear();
                if self.passing.fetch_sub(1, Ordering::SeqCst) == 0 {
                    self.cuts.fetch_add(1, Ordering::SeqCst);
                    break;
                }
            }
            tail.drain(..tail.len().saturating_sub(COMMIT_PREPARED.len() - 1));
            if to.write_all(&part[..n]).is_err() {
                break;
            }
        }
        // The other side may have gone first.
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    }
}
