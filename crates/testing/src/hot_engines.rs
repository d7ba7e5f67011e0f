//! Every engine that can be the hot tier, each with an empty migrated database.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use secrecy::ExposeSecret as _;
use tempfile::TempDir;
use thermocline::config;
use thermocline::tier::{Engine, Mssql, Sqlite, Tier, migrate};
use tiberius::{AuthMethod, Client, Config, EncryptionLevel};
use tokio::net::TcpStream;
use tokio_util::compat::{Compat, TokioAsyncWriteCompatExt as _};

use crate::postgres::Database;
use crate::tds::{FakeServer, LABEL, TdsEngine};

const URL: &str = "THERMOCLINE_TEST_MSSQL_URL";
/// Time limit of a login.
const LOGIN: Duration = Duration::from_mins(1);
/// The error of the batch that a deadlock ends.
const DEADLOCK: u32 = 1205;

static MADE: AtomicUsize = AtomicUsize::new(0);

/// A hot database of one engine.
pub struct HotEngine {
    pub name: &'static str,
    pub hot: Arc<dyn Engine>,
    /// The database on a server, for tests of servers only.
    pub server: Option<Server>,
    /// The fake TDS server.
    pub fake: Option<FakeServer>,
    folder: TempDir,
    _database: Option<Database>,
}

/// A database on a server, created for one test.
pub struct Server {
    pub at: config::Mssql,
    admin: config::Mssql,
}

impl HotEngine {
    async fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let hot = Sqlite::open(thermocline::schema::of(Tier::Hot), &folder.path().join("hot.db"))
            .await
            .expect("opens");
        migrate::upgrade(&hot).await.expect("migrates");
        Self::of("SQLite", hot, folder)
    }

    /// An engine without a server.
    fn of(name: &'static str, hot: impl Engine + 'static, folder: TempDir) -> Self {
        Self { name, hot: Arc::new(hot), server: None, fake: None, folder, _database: None }
    }

    async fn over_tds() -> Self {
        let fake = FakeServer::start().await;
        let hot = TdsEngine::open(&fake).await.expect("opens");
        let folder = tempfile::tempdir().expect("a folder");
        Self { fake: Some(fake), ..Self::of(LABEL, hot, folder) }
    }

    /// Creates a database on PostgreSQL, where a server is available.
    pub async fn postgres() -> Option<Self> {
        let (hot, database) = crate::postgres::hot().await?;
        let folder = tempfile::tempdir().expect("a folder");
        Some(Self { _database: Some(database), ..Self::of("PostgreSQL", hot, folder) })
    }

    /// Creates a database on SQL Server, if the environment names one.
    pub async fn mssql() -> Option<Self> {
        let server = Server::make().await?;
        let hot = Mssql::open(thermocline::schema::of(Tier::Hot), &server.at).await.expect("opens");
        migrate::upgrade(&hot).await.expect("migrates");
        let folder = tempfile::tempdir().expect("a folder");
        Some(Self { server: Some(server), ..Self::of("SQL Server", hot, folder) })
    }

    /// Creates one of each: SQLite, the fake TDS server, PostgreSQL, and SQL Server if the environment names one.
    pub async fn all() -> Vec<Self> {
        let mut all = vec![Self::sqlite().await, Self::over_tds().await];
        all.extend(Self::postgres().await);
        all.extend(Self::mssql().await);
        all
    }

    /// Creates an empty cold tier beside it.
    pub async fn cold(&self) -> Arc<Sqlite> {
        let cold = Sqlite::open(thermocline::schema::of(Tier::Cold), &self.folder.path().join("cold.db"))
            .await
            .expect("opens");
        migrate::upgrade(&cold).await.expect("migrates");
        Arc::new(cold)
    }

    /// Closes it and drops the database.
    pub async fn drop(self) {
        self.hot.close().await;
        if let Some(server) = self.server {
            server.drop().await;
        }
        if let Some(fake) = self.fake {
            assert_eq!(fake.unknown(), Vec::<String>::new(), "{}", self.name);
        }
    }
}

impl Server {
    /// Creates an empty database. Returns `None` and prints what is missing.
    pub async fn make() -> Option<Self> {
        let Ok(url) = std::env::var(URL) else {
            // Unlike PostgreSQL, this server is not among the packages of most systems, so CI runs without it too.
            eprintln!("skipped on SQL Server: {URL} is not set (mssql://user:password@host:1433/master)");
            return None;
        };
        let rest = url.strip_prefix("mssql:").expect("mssql://…");
        let mut admin = config::Mssql::parse(rest).expect("a URL");
        // Many tests log in at once, and the first session of a new database is slow.
        admin.connect_timeout = admin.connect_timeout.max(LOGIN);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let database = format!("thermocline_test_{}_{number}", std::process::id());
        let server = Self { at: config::Mssql { database, ..admin.clone() }, admin };
        let text = format!("CREATE DATABASE {}", server.at.database);
        // Two at the same time may conflict.
        for tried in 1.. {
            let mut client = connect(&server.admin).await;
            let made = match client.simple_query(&text).await {
                Ok(stream) => stream.into_results().await.map(drop),
                Err(error) => Err(error),
            };
            match made {
                Ok(()) => break,
                Err(error) => assert!(tried < 10, "{text}: {error}"),
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Some(server)
    }

    /// Returns its URL, as in the program's settings.
    pub fn url(&self) -> String {
        let escaped =
            |text: &str| text.bytes().fold(String::new(), |text, byte| format!("{text}%{byte:02X}"));
        let config::Mssql { host, port, database, user, password, encrypt, ca, .. } = &self.at;
        let (user, password) = (escaped(user), escaped(password.expose_secret()));
        let encrypt = match encrypt {
            config::Encrypt::Required => "required",
            config::Encrypt::Strict => "strict",
            config::Encrypt::Login => "login",
            config::Encrypt::Off => "off",
        };
        let ca =
            ca.as_ref().map_or(String::new(), |file| format!("&ca={}", escaped(&file.display().to_string())));
        format!("mssql://{user}:{password}@{host}:{port}/{database}?encrypt={encrypt}{ca}")
    }

    /// Runs batches in the database, past the program.
    pub async fn batches(&self, batches: &[&str]) {
        self.run(&self.at, batches).await;
    }

    /// Returns the first column of the rows of a query, as text.
    pub async fn column(&self, query: &str) -> Vec<String> {
        let mut client = connect(&self.at).await;
        let rows = client.simple_query(query).await.expect(query).into_first_result().await.expect(query);
        rows.iter().map(|row| row.get::<&str, _>(0).expect("text").to_owned()).collect()
    }

    async fn run(&self, at: &config::Mssql, batches: &[&str]) {
        let mut client = connect(at).await;
        for batch in batches {
            // Babelfish has no priorities in a deadlock, so that it may end the platform's batch instead of the program's.
            while let Err(error) = run(&mut client, batch).await {
                assert_eq!(error.code(), Some(DEADLOCK), "{batch}: {error}");
            }
        }
    }

    pub async fn drop(self) {
        let database = &self.at.database;
        // Connections that are being closed keep it open for a moment.
        let mut last = String::new();
        for _ in 0..20 {
            let mut client = connect(&self.admin).await;
            let dropped = match client.simple_query(format!("DROP DATABASE {database}")).await {
                Ok(stream) => stream.into_results().await.map(drop),
                Err(error) => Err(error),
            };
            match dropped {
                Ok(()) => return,
                Err(error) => last = error.to_string(),
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        eprintln!("{database} could not be dropped: {last}");
    }
}

async fn run(client: &mut Client<Compat<TcpStream>>, batch: &str) -> Result<(), tiberius::error::Error> {
    client.simple_query(batch).await?.into_results().await.map(drop)
}

async fn connect(at: &config::Mssql) -> Client<Compat<TcpStream>> {
    let mut config = Config::new();
    config.host(&at.host);
    config.port(at.port);
    config.database(&at.database);
    config.authentication(AuthMethod::sql_server(&at.user, at.password.expose_secret()));
    config.encryption(match at.encrypt {
        config::Encrypt::Required => EncryptionLevel::Required,
        config::Encrypt::Strict => EncryptionLevel::Strict,
        config::Encrypt::Login => EncryptionLevel::Off,
        config::Encrypt::Off => EncryptionLevel::NotSupported,
    });
    if let Some(file) = &at.ca {
        config.trust_cert_ca(file.display());
    }
    let stream = TcpStream::connect((at.host.as_str(), at.port)).await.expect("the server listens");
    Box::pin(Client::connect(config, stream.compat_write())).await.expect("logs in")
}
