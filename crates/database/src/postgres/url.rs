//! The URL of a PostgreSQL server.

use std::fmt;
use std::str::FromStr as _;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;

use crate::address::{WRITE_TIMEOUT, seconds_up_to};

/// The minimum and maximum number of connections.
const KEPT: u32 = 10;
const MOST: u32 = 30;

/// A server and database, and how to use it.
///
/// `postgres://user:password@host:port/database?sslmode=verify-full`, with libpq's parameters and four of the
/// program's own: `pooler=transaction` behind a pooler that assigns a server connection to each transaction,
/// `pool_min`, `pool_max`, and `write_timeout`, the time limit in seconds of one statement of a move.
#[derive(Clone)]
pub struct PostgresUrl {
    pub(super) options: PgConnectOptions,
    /// Whether neither prepared statements nor settings may outlive a transaction.
    pub(super) pooled: bool,
    pub(super) kept: u32,
    pub(super) most: u32,
    /// The time limit of one statement of a session.
    pub(super) write_timeout: Duration,
}

impl PostgresUrl {
    /// Parses a URL.
    ///
    /// # Errors
    /// What is wrong with it, without the password.
    pub fn parse(url: &str) -> Result<Self, String> {
        let (place, query) = url.split_once('?').unwrap_or((url, ""));
        let (mut pooled, mut kept, mut most) = (false, KEPT, MOST);
        let mut write_timeout = WRITE_TIMEOUT;
        let mut rest = Vec::new();
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            match parameter.split_once('=').unwrap_or((parameter, "")) {
                ("pooler", "transaction") => pooled = true,
                ("pooler", "none" | "session") => pooled = false,
                ("pooler", other) => {
                    return Err(format!("pooler={other}: expected transaction, session or none"));
                }
                ("pool_min", number) => kept = whole("pool_min", number)?,
                ("pool_max", number) => most = whole("pool_max", number)?,
                ("write_timeout", seconds) => {
                    write_timeout = seconds_up_to("write_timeout", seconds, 86_400)?;
                }
                _ => rest.push(parameter),
            }
        }
        if most < 2 {
            return Err("pool_max: at least 2".to_owned());
        }
        let url = if rest.is_empty() { place.to_owned() } else { format!("{place}?{}", rest.join("&")) };
        let options = PgConnectOptions::from_str(&url).map_err(|error| error.to_string())?;
        Ok(Self { options, pooled, kept: kept.min(most), most, write_timeout })
    }
}

fn whole(name: &str, number: &str) -> Result<u32, String> {
    number.parse().map_err(|_| format!("{name}: expected a whole number"))
}

impl fmt::Display for PostgresUrl {
    /// Returns the URL without user and password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let database = self.options.get_database().unwrap_or_else(|| self.options.get_username());
        match self.options.get_socket() {
            Some(socket) => write!(f, "postgres:{}/{database}", socket.display()),
            None => {
                write!(f, "postgres://{}:{}/{database}", self.options.get_host(), self.options.get_port())
            }
        }
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parameters_of_the_program_are_not_the_driver_s() {
        let url = "postgres://u:p%40%3Aw@db:6432/cold?pooler=transaction&application_name=x&pool_max=4&write_timeout=9";
        let read = PostgresUrl::parse(url).expect("sound");
        assert!(read.pooled);
        assert_eq!((read.kept, read.most, read.write_timeout), (4, 4, Duration::from_secs(9)));
        assert_eq!(read.options.get_application_name(), Some("x"));
        assert_eq!(format!("{read:?}"), "postgres://db:6432/cold");
    }

    #[test]
    fn what_cannot_be_used_is_named_without_the_password() {
        for (url, named) in [
            ("postgres://u:hunter2@db/cold?pooler=statement", "pooler"),
            ("postgres://u:hunter2@db/cold?pool_min=few", "pool_min"),
            ("postgres://u:hunter2@db/cold?pool_max=1", "pool_max"),
            ("postgres://u:hunter2@db/cold?write_timeout=0", "write_timeout"),
            ("postgres://u:hunter2@db/cold?sslmode=maybe", "ssl_mode"),
            ("postgres://u:hunter2@db:port/cold", "port"),
        ] {
            let fault = PostgresUrl::parse(url).expect_err("unusable");
            assert!(fault.contains(named) && !fault.contains("hunter2"), "{fault}");
        }
    }
}
