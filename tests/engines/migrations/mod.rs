//! Schema commands through the program, on every available engine.

mod adoption;
mod commands;
mod connecting;
mod failures;
mod kills;
mod platform;
mod startup;
mod upgrades;

use std::process::{Child, Command, Output, Stdio};

use sqlx::{AssertSqlSafe, Connection as _, Row as _, SqliteConnection};
use tempfile::TempDir;

use crate::support::hot_engines::Server;
use crate::support::postgres;
use crate::support::waiting::output;

/// The password of logins that tests make.
const PASSWORD: &str = "Pass-word-12";

/// A folder in which the program runs, with two empty databases.
pub struct Installation {
    /// The engines, for failure messages.
    pub name: &'static str,
    folder: TempDir,
    hot: String,
    cold: String,
    server: Option<Server>,
    _databases: Vec<postgres::Database>,
}

/// The end of a run.
#[derive(Debug)]
pub struct Ended {
    pub status: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Installation {
    fn new(name: &'static str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self {
            name,
            folder,
            hot: "sqlite:hot.db".to_owned(),
            cold: "sqlite:cold.db".to_owned(),
            server: None,
            _databases: Vec::new(),
        }
    }

    /// Both tiers in SQLite.
    pub fn embedded() -> Self {
        Self::new("SQLite and SQLite")
    }

    /// Creates a pair with cold in PostgreSQL, where a server is available.
    pub async fn postgres() -> Option<Self> {
        let database = postgres::database().await?;
        let cold = database.to_string();
        Some(Self { cold, _databases: vec![database], ..Self::new("SQLite and PostgreSQL") })
    }

    /// Creates a pair with hot in PostgreSQL and cold in SQLite, where a server is available.
    pub async fn on_postgres() -> Option<Self> {
        let database = postgres::database().await?;
        let hot = database.to_string();
        Some(Self { hot, _databases: vec![database], ..Self::new("PostgreSQL and SQLite") })
    }

    /// The same with other addresses of its tiers.
    #[must_use]
    pub fn at(self, hot: &str, cold: &str) -> Self {
        Self { hot: hot.to_owned(), cold: cold.to_owned(), ..self }
    }

    /// Creates a pair with hot on a SQL Server and cold in PostgreSQL, where servers are available.
    pub async fn mssql() -> Option<Self> {
        let server = Server::make().await?;
        let installation = match Self::postgres().await {
            Some(installation) => Self { name: "SQL Server and PostgreSQL", ..installation },
            None => Self::new("SQL Server and SQLite"),
        };
        Some(Self { hot: server.url(), server: Some(server), ..installation })
    }

    /// Creates a pair of each available kind.
    pub async fn all() -> Vec<Self> {
        let mut all = vec![Self::embedded()];
        all.extend(Self::postgres().await);
        all.extend(Self::on_postgres().await);
        all.extend(Self::mssql().await);
        all
    }

    pub fn hot_is_server(&self) -> bool {
        self.server.is_some()
    }

    /// The URL of the hot tier.
    pub fn hot(&self) -> &str {
        &self.hot
    }

    /// The URL of the cold tier.
    pub fn cold(&self) -> &str {
        &self.cold
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_thermocline"));
        command
            .args(args)
            .current_dir(self.folder.path())
            .env_clear()
            .env("HOT_DATABASE_URL", &self.hot)
            .env("COLD_DATABASE_URL", &self.cold)
            .env("JWT_SECRET", crate::support::SECRET)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub fn start(&self, args: &[&str]) -> Child {
        self.command(args).spawn().expect("the program")
    }

    pub fn run(&self, args: &[&str]) -> Ended {
        Ended::of(output(&mut self.command(args)))
    }

    /// Runs a command, which must succeed, and returns its output.
    pub fn succeed(&self, args: &[&str]) -> String {
        let ended = self.run(args);
        assert_eq!(ended.status, Some(0), "{}: {args:?}: {ended:?}", self.name);
        ended.out
    }

    /// Runs a command, which must fail with this exit status, and returns its error.
    pub fn fail(&self, args: &[&str], status: i32) -> String {
        let ended = self.run(args);
        assert_eq!(ended.status, Some(status), "{}: {args:?}: {ended:?}", self.name);
        ended.err
    }

    /// Runs a command, which must succeed, and returns its report.
    pub fn report(&self, args: &[&str]) -> serde_json::Value {
        let out = self.succeed(&[args, &["--json"]].concat());
        serde_json::from_str(&out).unwrap_or_else(|_| panic!("{args:?}: {out}"))
    }

    /// Returns exit status and report of a command, whether or not it succeeds.
    pub fn report_and_status(&self, args: &[&str]) -> (Option<i32>, serde_json::Value) {
        let ended = self.run(&[args, &["--json"]].concat());
        let report = serde_json::from_str(&ended.out);
        (ended.status, report.unwrap_or_else(|_| panic!("{}: {args:?}: {ended:?}", self.name)))
    }

    /// Writes a file into the folder in which the program runs.
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).expect("a file");
    }

    /// Reads such a file.
    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).expect("a file")
    }

    /// Runs SQL in hot, past the program.
    pub async fn in_hot(&self, text: &str) {
        match &self.server {
            Some(server) => server.batches(&[text]).await,
            None if self.hot.starts_with("postgres") => on_server(&self.hot, text).await,
            None => self.in_file("hot.db", text).await,
        }
    }

    /// Runs SQL in cold, past the program.
    pub async fn in_cold(&self, text: &str) {
        if self.cold.starts_with("sqlite:") {
            return self.in_file("cold.db", text).await;
        }
        on_server(&self.cold, text).await;
    }

    async fn in_file(&self, name: &str, text: &str) {
        let mut connection = self.file(name).await;
        sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut connection).await.expect(text);
        connection.close().await.expect("closes");
    }

    async fn file(&self, name: &str) -> SqliteConnection {
        let path = self.folder.path().join(name);
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path).create_if_missing(true);
        SqliteConnection::connect_with(&options).await.expect("opens")
    }

    /// Returns the number that a query of the hot tier gives; every engine must understand the query.
    pub async fn hot_number(&self, query: &str) -> i64 {
        if let Some(server) = &self.server {
            let texts = server.column(&format!("SELECT CAST(n AS NVARCHAR(20)) FROM ({query}) q")).await;
            return texts[0].parse().expect("a number");
        }
        if self.hot.starts_with("postgres") {
            let mut connection = postgres::connect(&self.hot).await;
            let wide = format!("SELECT n::bigint AS n FROM ({query}) q");
            let row = sqlx::query(AssertSqlSafe(wide)).fetch_one(&mut connection).await.expect(query);
            return row.get("n");
        }
        let mut connection = self.file("hot.db").await;
        let row = sqlx::raw_sql(AssertSqlSafe(query)).fetch_one(&mut connection).await.expect(query);
        row.get("n")
    }

    /// Returns whether hot is on Babelfish.
    pub async fn is_babelfish(&self) -> bool {
        let server = self.server.as_ref().expect("a server");
        let found =
            server.column("SELECT COALESCE(CAST(SERVERPROPERTY('Babelfish') AS NVARCHAR(10)), N'')").await;
        !found[0].is_empty()
    }

    /// Makes a login on the server of hot that is a member of roles of the database, and returns its name.
    pub async fn make_login(&self, roles: &[&str]) -> String {
        let server = self.server.as_ref().expect("a server");
        // Babelfish makes a role with the name of the database in front.
        let name = format!("login_{}_{}", server.at.database, roles.join("_"));
        let login = format!("CREATE LOGIN [{name}] WITH PASSWORD = '{PASSWORD}'");
        let user = format!("CREATE USER [{name}] FOR LOGIN [{name}]");
        server.batches(&[&login, &user]).await;
        for role in roles {
            server.batches(&[&format!("ALTER ROLE {role} ADD MEMBER [{name}]")]).await;
        }
        name
    }

    /// Removes such a login.
    pub async fn drop_login(&self, name: &str) {
        let server = self.server.as_ref().expect("a server");
        server.batches(&[&format!("DROP USER [{name}]"), &format!("DROP LOGIN [{name}]")]).await;
    }

    /// Runs a command with a login of hot.
    pub fn run_as(&self, login: &str, args: &[&str]) -> Ended {
        let server = self.server.as_ref().expect("a server");
        let (_, place) = self.hot.split_once('@').expect("a URL");
        let url = format!("mssql://{login}:{PASSWORD}@{place}");
        assert!(place.contains(&server.at.database), "{place}");
        Ended::of(output(self.command(args).env("HOT_DATABASE_URL", url)))
    }

    /// Drops the databases.
    pub async fn drop(self) {
        if let Some(server) = self.server {
            server.drop().await;
        }
    }
}

/// Runs SQL on a PostgreSQL server, past the program.
async fn on_server(url: &str, text: &str) {
    let mut connection = postgres::connect(url).await;
    sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut connection).await.expect(text);
    connection.close().await.expect("closes");
}

impl Ended {
    pub fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        Self { status: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}
