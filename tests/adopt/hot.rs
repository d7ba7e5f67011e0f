//! The hot database of a platform: a SQLite file, or a database on a server that speaks TDS, with the platform's own tables.

use std::path::PathBuf;
use std::sync::Arc;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};
use thermocline::clock::Timestamp;
use thermocline::tier::{Engine, Mssql, Sqlite, Tier};

use crate::support::hot_engines::Server;

/// The tables as the platform's models make them. Its archiver leaves comments and likes behind, so they have no foreign key to
/// posts.
const TABLES: [&str; 8] = [
    "CREATE TABLE users (id INT IDENTITY(1, 1) PRIMARY KEY, username VARCHAR(80) NOT NULL UNIQUE,
        email VARCHAR(120) NOT NULL UNIQUE, password_hash VARCHAR(255) NOT NULL, created_at DATETIME DEFAULT GETDATE())",
    "CREATE TABLE conversations (id INT IDENTITY(1, 1) PRIMARY KEY, user1_id INT NOT NULL REFERENCES users (id),
        user2_id INT NOT NULL REFERENCES users (id), created_at DATETIME DEFAULT GETDATE(), updated_at DATETIME DEFAULT GETDATE())",
    "CREATE TABLE messages (id INT IDENTITY(1, 1) PRIMARY KEY, conversation_id INT NOT NULL REFERENCES conversations (id),
        sender_id INT NOT NULL REFERENCES users (id), content VARCHAR(MAX) COLLATE Chinese_PRC_CI_AS NOT NULL,
        created_at DATETIME DEFAULT GETDATE(), is_read BIT DEFAULT 0)",
    "CREATE TABLE posts (id INT IDENTITY(1, 1) PRIMARY KEY, author_id INT NOT NULL REFERENCES users (id),
        title VARCHAR(200) NOT NULL, body VARCHAR(MAX) NOT NULL, created_at DATETIME DEFAULT GETDATE())",
    "CREATE TABLE comments (id INT IDENTITY(1, 1) PRIMARY KEY, post_id INT NOT NULL,
        author_id INT NOT NULL REFERENCES users (id), body VARCHAR(1000) NOT NULL, created_at DATETIME DEFAULT GETDATE())",
    "CREATE TABLE likes (user_id INT NOT NULL REFERENCES users (id), post_id INT NOT NULL, PRIMARY KEY (user_id, post_id))",
    "CREATE TABLE stocks (id INT IDENTITY(1, 1) PRIMARY KEY, symbol VARCHAR(20) NOT NULL UNIQUE, name VARCHAR(100) NOT NULL,
        created_at DATETIME DEFAULT GETDATE(), updated_at DATETIME DEFAULT GETDATE())",
    "CREATE TABLE stock_prices (id INT IDENTITY(1, 1) PRIMARY KEY, stock_id INT NOT NULL REFERENCES stocks (id),
        trade_date DATE NOT NULL, open_price DECIMAL(10, 2), high_price DECIMAL(10, 2), low_price DECIMAL(10, 2),
        close_price DECIMAL(10, 2), change_amount DECIMAL(10, 2), volume BIGINT, turnover BIGINT, transaction_count INT,
        created_at DATETIME DEFAULT GETDATE(), UNIQUE (stock_id, trade_date))",
];

/// A hot database.
pub enum Hot {
    File(PathBuf),
    Server(Box<Server>),
}

/// A value in a statement of the platform.
#[derive(Clone, Copy)]
pub enum Sql<'a> {
    Int(i64),
    Text(&'a str),
    At(Timestamp),
    Day(Timestamp),
}

impl Hot {
    /// Makes a database with the platform's own tables on the server of the tests, if there is one.
    pub async fn on_a_server() -> Option<Self> {
        let server = Server::make().await?;
        server.batches(&TABLES).await;
        Some(Self::Server(Box::new(server)))
    }

    /// Returns the URL for the program.
    pub fn url(&self) -> String {
        match self {
            Self::File(path) => format!("sqlite:{}", path.display()),
            Self::Server(server) => server.url(),
        }
    }

    /// Opens it as the program does.
    pub async fn open(&self) -> Arc<dyn Engine> {
        let schema = thermocline::schema::of(Tier::Hot);
        match self {
            Self::File(path) => Arc::new(Sqlite::open(schema, path).await.expect("hot")),
            Self::Server(server) => Arc::new(Mssql::open(schema, &server.at).await.expect("hot")),
        }
    }

    /// Runs texts on one connection.
    pub async fn execute(&self, texts: &[String]) {
        match self {
            Self::File(path) => {
                let mut hot = file(path).await;
                for text in texts {
                    hot.execute(AssertSqlSafe(text.as_str())).await.expect(text);
                }
                hot.close().await.expect("closes");
            }
            Self::Server(server) => {
                let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                server.batches(&texts).await;
            }
        }
    }

    /// Returns the statement that inserts a row. Its id, if it has one, is given.
    pub fn insert(&self, table: &str, row: &[(&str, Sql<'_>)]) -> String {
        let (columns, values): (Vec<_>, Vec<_>) =
            row.iter().map(|(column, value)| (*column, self.value(*value))).unzip();
        let insert = format!("INSERT INTO {table} ({}) VALUES ({})", columns.join(", "), values.join(", "));
        let has_id = columns.contains(&"id") && matches!(self, Self::Server(_));
        if has_id {
            format!("SET IDENTITY_INSERT {table} ON; {insert}; SET IDENTITY_INSERT {table} OFF")
        } else {
            insert
        }
    }

    /// Returns a value as it stands in a statement.
    pub fn value(&self, value: Sql<'_>) -> String {
        match (self, value) {
            (_, Sql::Int(value)) => value.to_string(),
            (Self::File(_), Sql::Text(text)) => format!("'{text}'"),
            (Self::Server(_), Sql::Text(text)) => format!("N'{text}'"),
            (Self::File(_), Sql::At(at) | Sql::Day(at)) => at.micros().to_string(),
            // The platform writes whole seconds.
            (Self::Server(_), Sql::At(at)) => format!("'{}'", &at.to_string()[..19]),
            (Self::Server(_), Sql::Day(at)) => format!("'{}'", at.date()),
        }
    }

    /// Returns the messages before an instant in the order of their ids: id, conversation, sender, seconds since 1970, content.
    pub async fn messages_before(&self, before: Timestamp) -> Vec<[String; 5]> {
        let before = self.value(Sql::At(before));
        let rows = match self {
            Self::File(path) => {
                let sql = format!(
                    "SELECT id || '|' || conversation_id || '|' || sender_id || '|' || (created_at / 1000000) || '|' || content
                    FROM messages WHERE created_at < {before} ORDER BY id"
                );
                let mut hot = file(path).await;
                let rows = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut hot).await.expect("rows");
                hot.close().await.expect("closes");
                rows
            }
            Self::Server(server) => {
                let sql = format!(
                    "SELECT CAST(id AS NVARCHAR(20)) + N'|' + CAST(conversation_id AS NVARCHAR(20)) + N'|' +
                        CAST(sender_id AS NVARCHAR(20)) + N'|' +
                        CAST(DATEDIFF(SECOND, '1970-01-01', created_at) AS NVARCHAR(20)) + N'|' + content
                    FROM messages WHERE created_at < {before} ORDER BY id"
                );
                server.column(&sql).await
            }
        };
        let one = |row: &String| {
            let mut parts = row.splitn(5, '|').map(str::to_owned);
            std::array::from_fn(|_| parts.next().expect("a part"))
        };
        rows.iter().map(one).collect()
    }

    /// Drops a database on a server.
    pub async fn drop(self) {
        if let Self::Server(server) = self {
            (*server).drop().await;
        }
    }
}

/// The platform's archiver does not ask whether somebody refers to a row.
pub async fn file(path: &std::path::Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path).foreign_keys(false);
    SqliteConnection::connect_with(&options).await.expect("hot")
}
