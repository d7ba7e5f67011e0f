//! The hot database of a platform: a SQLite file, or a database with the platform's own tables on PostgreSQL or a server that speaks TDS.

use std::path::PathBuf;
use std::sync::Arc;

use sqlx::error::DatabaseError;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};
use thermocline::clock::Timestamp;
use thermocline::tier::{Engine, Mssql, Postgres, PostgresUrl, Sqlite, Tier};

use crate::support::hot_engines::Server;
use crate::support::postgres::{self, Database};

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

/// The same tables on PostgreSQL.
const TABLES_OF_POSTGRES: &str = "
    CREATE TABLE users (id SERIAL PRIMARY KEY, username VARCHAR(80) NOT NULL UNIQUE, email VARCHAR(120) NOT NULL UNIQUE,
        password_hash VARCHAR(255) NOT NULL, created_at TIMESTAMP DEFAULT now());
    CREATE TABLE conversations (id SERIAL PRIMARY KEY, user1_id INT NOT NULL REFERENCES users (id),
        user2_id INT NOT NULL REFERENCES users (id), created_at TIMESTAMP DEFAULT now(), updated_at TIMESTAMP DEFAULT now());
    CREATE TABLE messages (id SERIAL PRIMARY KEY, conversation_id INT NOT NULL REFERENCES conversations (id),
        sender_id INT NOT NULL REFERENCES users (id), content TEXT NOT NULL, created_at TIMESTAMP DEFAULT now(),
        is_read BOOLEAN DEFAULT false);
    CREATE TABLE posts (id SERIAL PRIMARY KEY, author_id INT NOT NULL REFERENCES users (id), title VARCHAR(200) NOT NULL,
        body TEXT NOT NULL, created_at TIMESTAMP DEFAULT now());
    CREATE TABLE comments (id SERIAL PRIMARY KEY, post_id INT NOT NULL, author_id INT NOT NULL REFERENCES users (id),
        body VARCHAR(1000) NOT NULL, created_at TIMESTAMP DEFAULT now());
    CREATE TABLE likes (user_id INT NOT NULL REFERENCES users (id), post_id INT NOT NULL, PRIMARY KEY (user_id, post_id));
    CREATE TABLE stocks (id SERIAL PRIMARY KEY, symbol VARCHAR(20) NOT NULL UNIQUE, name VARCHAR(100) NOT NULL,
        created_at TIMESTAMP DEFAULT now(), updated_at TIMESTAMP DEFAULT now());
    CREATE TABLE stock_prices (id SERIAL PRIMARY KEY, stock_id INT NOT NULL REFERENCES stocks (id), trade_date DATE NOT NULL,
        open_price NUMERIC(10, 2), high_price NUMERIC(10, 2), low_price NUMERIC(10, 2), close_price NUMERIC(10, 2),
        change_amount NUMERIC(10, 2), volume BIGINT, turnover BIGINT, transaction_count INT, created_at TIMESTAMP DEFAULT now(),
        UNIQUE (stock_id, trade_date))";

/// The error of the statement that a deadlock ends.
const DEADLOCK: &str = "40P01";

/// A hot database.
pub enum Hot {
    File(PathBuf),
    Server(Box<Server>),
    Postgres(Database),
}

/// A value in a statement of the platform.
#[derive(Clone, Copy)]
pub enum Sql<'a> {
    Int(i64),
    Text(&'a str),
    At(Timestamp),
    Day(Timestamp),
    Bit(bool),
}

impl Hot {
    /// Makes a database with the platform's own tables on the server of the tests, if there is one.
    pub async fn on_a_server() -> Option<Self> {
        let server = Server::make().await?;
        server.batches(&TABLES).await;
        Some(Self::Server(Box::new(server)))
    }

    /// The same on PostgreSQL.
    pub async fn on_postgres() -> Option<Self> {
        let hot = Self::Postgres(postgres::database().await?);
        hot.execute(&[TABLES_OF_POSTGRES.to_owned()]).await;
        Some(hot)
    }

    /// Returns the URL for the program.
    pub fn url(&self) -> String {
        match self {
            Self::File(path) => format!("sqlite:{}", path.display()),
            Self::Server(server) => server.url(),
            Self::Postgres(database) => database.to_string(),
        }
    }

    /// Opens it as the program does.
    pub async fn open(&self) -> Arc<dyn Engine> {
        let schema = thermocline::schema::of(Tier::Hot);
        match self {
            Self::File(path) => Arc::new(Sqlite::open(schema, path).await.expect("hot")),
            Self::Server(server) => Arc::new(Mssql::open(schema, &server.at).await.expect("hot")),
            Self::Postgres(database) => {
                let url = PostgresUrl::parse(database).expect("a URL");
                Arc::new(Postgres::open(schema, &url, None).await.expect("hot"))
            }
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
            Self::Postgres(database) => {
                let mut hot = postgres::connect(database).await;
                for text in texts {
                    // The server may end the platform's statement instead of the program's.
                    while let Err(error) = hot.execute(AssertSqlSafe(text.as_str())).await {
                        let code = error.as_database_error().and_then(DatabaseError::code);
                        assert_eq!(code.as_deref(), Some(DEADLOCK), "{text}: {error}");
                    }
                }
                hot.close().await.expect("closes");
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
            (Self::Postgres(_), Sql::Bit(bit)) => bit.to_string(),
            (_, Sql::Bit(bit)) => i64::from(bit).to_string(),
            (Self::File(_) | Self::Postgres(_), Sql::Text(text)) => format!("'{text}'"),
            (Self::Server(_), Sql::Text(text)) => format!("N'{text}'"),
            (Self::File(_), Sql::At(at) | Sql::Day(at)) => at.micros().to_string(),
            // The platform writes whole seconds.
            (Self::Server(_) | Self::Postgres(_), Sql::At(at)) => format!("'{}'", &at.to_string()[..19]),
            (Self::Server(_) | Self::Postgres(_), Sql::Day(at)) => format!("'{}'", at.date()),
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
            Self::Postgres(database) => {
                let sql = format!(
                    "SELECT concat_ws('|', id, conversation_id, sender_id, extract(epoch FROM created_at)::bigint, content)
                    FROM messages WHERE created_at < {before} ORDER BY id"
                );
                let mut hot = postgres::connect(database).await;
                let rows = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut hot).await.expect("rows");
                hot.close().await.expect("closes");
                rows
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
