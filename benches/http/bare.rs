//! The bare queries: what a program of one database would send, by the driver of this program, prepared once.
//!
//! SQLite has two: rusqlite, which this program uses, called directly, and sqlx, which is what an asynchronous program would use,
//! with a thread for each connection.

use std::time::{Duration, Instant};

use secrecy::ExposeSecret as _;
use sqlx::{AssertSqlSafe, Connection as _, Row as _};
use thermocline::tier::TierLocation;
use thermocline_testing::bench;
use tiberius::{AuthMethod, Client, Config, EncryptionLevel};
use tokio::net::TcpStream;
use tokio_util::compat::{Compat, TokioAsyncWriteCompatExt as _};

use super::Result;

/// A connection of a driver.
pub enum Bare {
    Sqlite(rusqlite::Connection),
    SqliteBySqlx(sqlx::SqliteConnection),
    Postgres(sqlx::PgConnection),
    Mssql(Box<Client<Compat<TcpStream>>>),
}

impl Bare {
    /// Opens one, with the address as the program is given it.
    pub async fn connect(location: &TierLocation, text: &str) -> Result<Self> {
        Ok(match location {
            TierLocation::Sqlite(path) => Self::Sqlite(rusqlite::Connection::open(path)?),
            TierLocation::Mssql(address) => {
                let mut config = Config::new();
                config.host(&address.host);
                config.port(address.port);
                config.database(&address.database);
                config
                    .authentication(AuthMethod::sql_server(&address.user, address.password.expose_secret()));
                config.encryption(EncryptionLevel::NotSupported);
                let stream = TcpStream::connect(config.get_addr()).await?;
                stream.set_nodelay(true)?;
                Self::Mssql(Box::new(Box::pin(Client::connect(config, stream.compat_write())).await?))
            }
            TierLocation::Postgres { .. } => Self::Postgres(sqlx::PgConnection::connect(text).await?),
        })
    }

    /// Opens a connection of sqlx to a file; none to a server.
    pub async fn by_sqlx(location: &TierLocation) -> Result<Option<Self>> {
        let TierLocation::Sqlite(path) = location else { return Ok(None) };
        let connection = sqlx::SqliteConnection::connect(&format!("sqlite:{}", path.display())).await?;
        Ok(Some(Self::SqliteBySqlx(connection)))
    }

    /// Reads all rows of a query. Returns the time it took.
    pub async fn time(&mut self, query: &str) -> Result<Duration> {
        let begun = Instant::now();
        let rows = self.rows(query).await?;
        std::hint::black_box(rows);
        Ok(begun.elapsed())
    }

    /// Returns the number of rows of a query.
    pub async fn rows(&mut self, query: &str) -> Result<usize> {
        let text = AssertSqlSafe(query.to_owned());
        Ok(match self {
            Self::Sqlite(connection) => bench::read_rows(connection, query, |_| Ok(()))?.len(),
            Self::SqliteBySqlx(connection) => sqlx::query(text).fetch_all(connection).await?.len(),
            Self::Postgres(connection) => sqlx::query(text).fetch_all(connection).await?.len(),
            // By RPC, as every driver sends a query with parameters.
            Self::Mssql(client) => client.query(query, &[]).await?.into_first_result().await?.len(),
        })
    }

    /// Inserts a message of now.
    pub async fn say(&mut self, conversation: i64, sender: i64, content: &str, at: i64) -> Result<()> {
        let no = if matches!(self, Self::Postgres(_)) { "false" } else { "0" };
        self.rows(&format!(
            "INSERT INTO messages (conversation_id, sender_id, content, created_at, is_read) \
             VALUES ({conversation}, {sender}, '{content}', {}, {no})",
            self.instant(at)
        ))
        .await?;
        Ok(())
    }

    /// Reads a page of [`Self::newest`]. Returns the number of its rows, and the time of the oldest.
    pub async fn page(&mut self, newest: &str) -> Result<(usize, Option<i64>)> {
        let micros = match self {
            Self::Sqlite(_) | Self::SqliteBySqlx(_) => "created_at",
            Self::Postgres(_) => "(extract(epoch FROM created_at) * 1000000)::bigint",
            Self::Mssql(_) => "DATEDIFF_BIG(MICROSECOND, '1970-01-01', created_at)",
        };
        let query = format!("SELECT p.*, {micros} AS micros FROM ({newest}) p");
        let text = AssertSqlSafe(query.clone());
        let times: Vec<i64> = match self {
            Self::Sqlite(connection) => bench::read_rows(connection, &query, |row| row.get("micros"))?,
            Self::SqliteBySqlx(connection) => {
                let rows = sqlx::query(text).fetch_all(connection).await?;
                rows.iter().map(|row| row.try_get("micros")).collect::<sqlx::Result<_>>()?
            }
            Self::Postgres(connection) => {
                let rows = sqlx::query(text).fetch_all(connection).await?;
                rows.iter().map(|row| row.try_get("micros")).collect::<sqlx::Result<_>>()?
            }
            Self::Mssql(client) => {
                let rows = client.query(query, &[]).await?.into_first_result().await?;
                rows.iter().filter_map(|row| row.get("micros")).collect()
            }
        };
        Ok((times.len(), times.into_iter().min()))
    }

    /// Returns the newest rows of a table below a time, as this database writes them.
    pub fn newest(&self, table: &str, filter: &str, before: Option<i64>, limit: i64) -> String {
        let (id, open) =
            if table == "messages" { ("id", "") } else { ("original_id AS id", " AND to_epoch IS NULL") };
        let columns = format!("{id}, conversation_id, sender_id, content, created_at, is_read");
        let order = format!("ORDER BY created_at DESC, {} DESC", id.trim_end_matches(" AS id"));
        let below =
            before.map_or(String::new(), |micros| format!(" AND created_at < {}", self.instant(micros)));
        let rest = format!("FROM {table} WHERE {filter}{below}{open} {order}");
        match self {
            Self::Mssql(_) => format!("SELECT TOP ({limit}) {columns} {rest}"),
            _ => format!("SELECT {columns} {rest} LIMIT {limit}"),
        }
    }

    fn instant(&self, micros: i64) -> String {
        let at = thermocline::clock::Timestamp::from_micros(micros).unwrap_or_default();
        match self {
            Self::Sqlite(_) | Self::SqliteBySqlx(_) => micros.to_string(),
            Self::Postgres(_) => format!("'{at}'"),
            Self::Mssql(_) => format!("CAST('{}' AS DATETIME2(6))", at.to_string().trim_end_matches('Z')),
        }
    }
}
