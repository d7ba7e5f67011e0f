//! The address of a PostgreSQL server: a URL, also as SQLAlchemy and JDBC write it, or libpq's `host=… dbname=…`.

mod parameters;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr as _;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;

use self::parameters::Parameters;
use crate::connection_string::{self, encoded};

/// A server and database, and how to use it.
///
/// `postgres://user:password@host:port/database?sslmode=verify-full`, with libpq's parameters and five of the
/// program's own: `pooler=transaction` behind a pooler that assigns a server connection to each transaction,
/// `pool_min`, `pool_max`, `write_timeout`, the time limit in seconds of one statement of a move, and `citus_reads=workers`, which
/// makes readers connect to the workers of Citus too.
#[derive(Clone)]
pub struct PostgresUrl {
    pub(super) options: PgConnectOptions,
    /// Whether neither prepared statements nor settings may outlive a transaction.
    pub(super) pooled: bool,
    pub(super) kept: u32,
    pub(super) most: u32,
    /// The time limit of one statement of a session.
    pub(super) write_timeout: Duration,
    /// The time limit of one connection.
    pub(super) connect_timeout: Duration,
    /// Whether a server that only reads is refused.
    pub(super) must_write: bool,
    /// Whether readers call functions on the workers of Citus themselves.
    pub(super) reads_workers: bool,
}

impl PostgresUrl {
    /// Returns whether a text is an address of PostgreSQL in one of the forms that [`PostgresUrl::parse`] reads.
    pub fn recognises(text: &str) -> bool {
        let lower = text.to_ascii_lowercase();
        let scheme = lower.split("://").next().filter(|scheme| scheme.len() < lower.len()).unwrap_or("");
        let scheme = scheme.strip_prefix("jdbc:").unwrap_or(scheme);
        let name = lower.split('=').next().unwrap_or("").trim();
        ["postgres", "postgresql"].contains(&scheme.split('+').next().unwrap_or(""))
            || ["host", "hostaddr", "dbname", "user", "password", "port", "sslmode"].contains(&name)
    }

    /// Parses an address.
    ///
    /// # Errors
    /// Says why it cannot be used, without the password.
    pub fn parse(text: &str) -> Result<Self, String> {
        if !Self::recognises(text) {
            return Err("expected postgres://…".to_owned());
        }
        let mut parameters = Parameters::default();
        let Some((_, rest)) = text.split_once("://") else {
            for (name, value) in connection_string::keywords(text)? {
                parameters.set(&name, &value)?;
            }
            return parameters.finish("");
        };
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        for (name, value) in connection_string::query(query) {
            parameters.set(&name, &value)?;
        }
        let host = place.rsplit_once('@').map_or(place, |(_, host)| host).split('/').next().unwrap_or("");
        if host.contains(',') {
            return Err(parameters::SEVERAL_HOSTS.to_owned());
        }
        parameters.finish(place)
    }

    /// Returns whether both addresses lead to the same schema of the same database, by their texts alone.
    pub fn leads_to_same_schema(&self, other: &Self) -> bool {
        let place = |url: &Self| {
            let options = &url.options;
            let database = options.get_database().unwrap_or_else(|| options.get_username()).to_owned();
            let schema = options.get_options().unwrap_or_default().to_owned();
            let socket = options.get_socket().cloned();
            (options.get_host().to_owned(), options.get_port(), socket, database, schema)
        };
        place(self) == place(other)
    }

    /// Returns an address that is put together from its parts.
    ///
    /// # Errors
    /// As for [`PostgresUrl::parse`].
    pub fn of_parts(
        host: &str,
        port: u16,
        user: &str,
        password: Option<&str>,
        database: &str,
    ) -> Result<Self, String> {
        let host = if host.contains(':') { format!("[{host}]") } else { encoded(host) };
        let password = password.map_or(String::new(), |password| format!(":{}", encoded(password)));
        Self::parse(&format!("postgres://{}{password}@{host}:{port}/{}", encoded(user), encoded(database)))
    }
}

/// Returns the driver's options for a URL.
fn options(url: &str) -> Result<PgConnectOptions, String> {
    let options = PgConnectOptions::from_str(url).map_err(|error| error.to_string())?;
    // The driver would look up the name `[::1]`.
    let host = options.get_host();
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).map(str::to_owned);
    Ok(match bare {
        Some(bare) => options.host(&bare),
        None => options,
    })
}

impl fmt::Display for PostgresUrl {
    /// Returns the URL without user and password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let database = self.options.get_database().unwrap_or_else(|| self.options.get_username());
        let (host, port) = (self.options.get_host(), self.options.get_port());
        match self.options.get_socket() {
            Some(socket) => write!(f, "postgres:{}/{database}", socket.display()),
            None if host.contains(':') => write!(f, "postgres://[{host}]:{port}/{database}"),
            None => write!(f, "postgres://{host}:{port}/{database}"),
        }
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
