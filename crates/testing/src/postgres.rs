//! PostgreSQL databases for the tests.
//!
//! The server is the one that `THERMOCLINE_TEST_CITUS_URL`, `THERMOCLINE_TEST_TIMESCALE_URL` or `THERMOCLINE_TEST_POSTGRES_URL`
//! names, or a private [`Cluster`] of this test run. On a server that the tests did not start, every database is dropped together with the test that created it.

use std::fmt;
use std::ops::Deref;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use thermocline::tier::{Engine as _, Postgres, PostgresUrl, Schema, Tier, migrate};

pub use super::cluster::Cluster;
use super::{citus, timescale};

const URL: &str = "THERMOCLINE_TEST_POSTGRES_URL";

/// The server that all tests of this process share, or the reason why there is none.
static SERVER: LazyLock<Result<Server, String>> = LazyLock::new(|| {
    let plain = || std::env::var(URL).ok().filter(|url| !url.is_empty());
    let named = citus::url().or_else(timescale::url).or_else(plain);
    if let Some(url) = named {
        return Ok(Server { url, private: false });
    }
    let url = match std::env::var("NEXTEST_RUN_ID") {
        Ok(run) => Cluster::shared(&run)?,
        Err(_) => Cluster::start()?.url(),
    };
    Ok(Server { url, private: true })
});

struct Server {
    /// URL of a database on the server.
    url: String,
    /// Whether the server ends with this test run, so that databases need not be dropped.
    private: bool,
}

/// Number of databases created by this process.
static CREATED: AtomicU32 = AtomicU32::new(0);

/// A database created for one test. Dereferences to its URL, which ends with a query parameter.
#[derive(Debug)]
pub struct Database {
    url: String,
    /// URL of the server and name of the database to drop, unless the server is private.
    dropping: Option<(String, String)>,
}

impl Database {
    /// Returns its name on the server.
    pub fn name(&self) -> &str {
        self.url.split('?').next().and_then(|url| url.rsplit('/').next()).expect("the URL names it")
    }

    /// Returns the database with a parameter `name=value` in its URL, in place of one of that name.
    #[must_use]
    pub fn with(mut self, parameter: &str) -> Self {
        let (place, query) = self.url.split_once('?').expect("a URL with a parameter");
        let name = parameter.split('=').next();
        let others = query.split('&').filter(|other| other.split('=').next() != name);
        self.url = format!("{place}?{}", others.chain([parameter]).collect::<Vec<_>>().join("&"));
        self
    }
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
        // Drop may run inside a runtime, which must not be blocked on: use another thread.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let mut connection = PgConnection::connect(&server).await.map_err(std::io::Error::other)?;
                let text = format!("DROP DATABASE {name} WITH (FORCE)");
                connection.execute(AssertSqlSafe(text)).await.map_err(std::io::Error::other)?;
                if citus::url().as_ref() == Some(&server) {
                    citus::drop_on_workers(&server, &name).await.map_err(std::io::Error::other)?;
                }
                Ok::<(), std::io::Error>(())
            })
        });
        if let Ok(Err(error)) = dropped.join() {
            eprintln!("a database could not be dropped: {error}");
        }
    }
}

/// Creates an empty database. Returns `None` and prints the reason where no server is available; fails with `CI` set.
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
    if server.private {
        database.dropping = None;
    }
    Some(database)
}

/// Creates an empty database on the server with this URL.
pub async fn make(server: &str) -> Database {
    make_beside(server, &[]).await
}

/// Creates an empty database on the server with this URL. A Citus reaches its workers by these ways, if there are any.
pub async fn make_beside(server: &str, ways: &[citus::Node]) -> Database {
    let database = make_plain(server).await;
    if citus::url().as_deref() == Some(server) {
        citus::prepare(server, database.name(), ways).await;
    } else if timescale::url().as_deref() == Some(server) {
        timescale::prepare(&mut connect(&database).await).await;
    }
    database
}

/// Creates an empty database on the server with this URL, without any extension.
pub async fn make_plain(server: &str) -> Database {
    let name = unused_name();
    let mut connection = PgConnection::connect(server).await.expect("the server answers");
    // Prefers a collation that does not sort by bytes: nothing may depend on the order of text.
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

/// Copies a database. Waits two seconds at most until its connections are closed.
pub async fn copy(of: &Database) -> Database {
    if let Some(server) = citus::url() {
        return copy_spread(of, &server).await;
    }
    let name = unused_name();
    let (place, query) = of.split_once('?').expect("a URL with a parameter");
    let (place, copied) = place.rsplit_once('/').expect("the URL names a database");
    let server = format!("{place}/postgres");
    let mut connection = PgConnection::connect(&server).await.expect("the server answers");
    let text = format!("CREATE DATABASE {name} TEMPLATE {copied}");
    let mut tried = 0;
    // The server closes connections a moment after their client does.
    while let Err(error) = connection.execute(AssertSqlSafe(text.clone())).await {
        tried += 1;
        assert!(tried < 100, "{text}: {error}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    connection.close().await.expect("closes");
    let dropping = of.dropping.as_ref().map(|(server, _)| (server.clone(), name.clone()));
    Database { url: format!("{place}/{name}?{query}"), dropping }
}

/// Copies a database on a Citus, whether its tables are spread or not.
async fn copy_spread(of: &Database, server: &str) -> Database {
    let (place, query) = of.split_once('?').expect("a URL with a parameter");
    let (place, copied) = place.rsplit_once('/').expect("the URL names a database");
    let name = unused_name();
    if citus::copy_local(server, copied, &name).await {
        return Database {
            url: format!("{place}/{name}?{query}"),
            dropping: Some((server.to_owned(), name)),
        };
    }
    let copy = make(server).await;
    open(&copy).await.close().await;
    citus::copy_rows(&driver_url(of), &driver_url(&copy)).await;
    copy
}

/// Opens a migrated cold tier in a new database, which exists as long as the returned [`Database`].
pub async fn cold() -> Option<(Postgres, Database)> {
    let database = database().await?;
    Some((open(&database).await, database))
}

/// Opens a migrated hot tier in a new database, which exists as long as the returned [`Database`].
pub async fn hot() -> Option<(Postgres, Database)> {
    let database = database().await?;
    Some((open_as(Tier::Hot, &database).await, database))
}

/// Opens both tiers in two schemas of one new database.
pub async fn both() -> Option<(Postgres, Postgres, Database)> {
    let database = database().await?;
    let mut connection = connect(&database).await;
    for schema in ["hot", "cold"] {
        let text = format!("CREATE SCHEMA {schema}");
        connection.execute(AssertSqlSafe(text)).await.expect("a schema");
    }
    connection.close().await.expect("closes");
    let hot = open_as(Tier::Hot, &format!("{}&search_path=hot", &*database)).await;
    let cold = open_as(Tier::Cold, &format!("{}&search_path=cold", &*database)).await;
    Some((hot, cold, database))
}

/// Opens and migrates a cold tier in an empty database.
pub async fn open(url: &str) -> Postgres {
    open_as(Tier::Cold, url).await
}

/// Opens and migrates a tier in an empty database.
pub async fn open_as(tier: Tier, url: &str) -> Postgres {
    let parsed = PostgresUrl::parse(url).expect("a URL");
    let database = Postgres::open(thermocline::schema::of(tier), &parsed, None).await.expect("opens");
    migrate::upgrade(&database).await.expect("migrates");
    if tier == Tier::Hot || !lay_out(&database).await {
        return database;
    }
    database.close().await;
    Postgres::open(thermocline::schema::of(tier), &parsed, None).await.expect("opens")
}

/// Spreads the tables of a migrated cold tier, or cuts them into chunks, where a server for that is named. Returns whether connections
/// are to be made anew, since they find out that tables are spread when they are made.
pub async fn lay_out(cold: &dyn Schema) -> bool {
    if timescale::url().is_some() {
        timescale::cut(cold).await;
    }
    citus::spread(cold).await
}

fn unused_name() -> String {
    format!("thermocline_{}_{}", std::process::id(), CREATED.fetch_add(1, Ordering::Relaxed))
}

/// Returns the address of a URL's server as `host:port`.
pub fn address(url: &str) -> String {
    let options: PgConnectOptions = driver_url(url).parse().expect("a URL");
    format!("{}:{}", options.get_host(), options.get_port())
}

/// Removes the parameter that only the program understands.
fn driver_url(url: &str) -> String {
    url.replace("?pool_min=0", "").replace("&pool_min=0", "")
}

/// Connects with the driver, past the program.
pub async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(&driver_url(url)).await.expect("connects")
}
