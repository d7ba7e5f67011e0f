//! Where a tier is.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::migrate::TierSchema;
use crate::schema::Dialect;
use crate::{Engine, Mssql, Postgres, PostgresUrl, Replicated, Schema, Sqlite, TierError, address};

/// Where a tier is. `Display` leaves out passwords.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "a program has two of them")]
pub enum TierLocation {
    /// A SQLite file.
    Sqlite(PathBuf),
    /// A SQL Server; hot only.
    Mssql(Box<address::Mssql>),
    /// A PostgreSQL server.
    Postgres {
        /// The server for readers and movers.
        primary: PostgresUrl,
        /// The same server for migrations, past a connection pooler.
        direct: Option<PostgresUrl>,
        /// Read replicas.
        replicas: Vec<PostgresUrl>,
    },
}

impl fmt::Display for TierLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "{}", path.display()),
            Self::Mssql(address) => f.write_str(&address.shown()),
            Self::Postgres { primary, .. } => write!(f, "{primary}"),
        }
    }
}

impl TierLocation {
    /// Parses where hot is: `sqlite:PATH`, or an address of a SQL Server or of PostgreSQL in any form of their drivers.
    ///
    /// # Errors
    /// Says why it cannot be used, without anything that may be a password.
    pub fn parse_hot(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            return sqlite(path);
        }
        if PostgresUrl::recognises(text) {
            return Self::postgres(text);
        }
        match address::Mssql::recognise(text) {
            Some(address) => Ok(Self::Mssql(Box::new(address?))),
            None => Err(unknown(text, "postgres://…, mssql://…, Server=…;Database=… or jdbc:sqlserver://…")),
        }
    }

    /// Parses where cold is: `sqlite:PATH`, or an address of PostgreSQL.
    ///
    /// # Errors
    /// As for [`TierLocation::parse_hot`].
    pub fn parse_cold(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            return sqlite(path);
        }
        if PostgresUrl::recognises(text) {
            return Self::postgres(text);
        }
        if address::Mssql::recognise(text).is_some() {
            return Err("a SQL Server serves as the hot tier only".to_owned());
        }
        Err(unknown(text, "postgres://… or host=… dbname=…"))
    }

    fn postgres(text: &str) -> Result<Self, String> {
        let primary = PostgresUrl::parse(text)?;
        Ok(Self::Postgres { primary, direct: None, replicas: Vec::new() })
    }

    /// Returns the file of an embedded tier.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(path) => Some(path),
            Self::Mssql(_) | Self::Postgres { .. } => None,
        }
    }

    /// Returns the SQL dialect of the engine.
    pub const fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Mssql(_) => Dialect::Mssql,
            Self::Postgres { .. } => Dialect::Postgres,
        }
    }

    /// Opens the tier, whatever the state of its schema. A SQLite file that does not exist is created.
    pub async fn open(&self, schema: &'static TierSchema) -> Result<Arc<dyn Schema>, TierError> {
        Ok(match self {
            Self::Sqlite(path) => Arc::new(Sqlite::open(schema, path).await?),
            Self::Mssql(address) => Arc::new(Mssql::open(schema, address).await?),
            Self::Postgres { primary, direct, replicas } => {
                let primary = Postgres::open(schema, primary, direct.as_ref()).await?;
                if replicas.is_empty() {
                    return Ok(Arc::new(primary));
                }
                let replica = |url| Arc::new(Postgres::replica(schema, url)) as Arc<dyn Engine>;
                Arc::new(Replicated::new(Arc::new(primary), replicas.iter().map(replica).collect()))
            }
        })
    }
}

/// Names the scheme alone: the rest of the text may hold a password.
fn unknown(text: &str, expected: &str) -> String {
    let is_scheme = |scheme: &&str| {
        !scheme.is_empty()
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+.-".contains(&byte))
    };
    match text.split_once(':').map(|(scheme, _)| scheme).filter(is_scheme) {
        Some(scheme) => format!("unknown database {scheme:?}: expected sqlite:PATH, {expected}"),
        None => format!("expected sqlite:PATH, {expected}"),
    }
}

fn sqlite(rest: &str) -> Result<TierLocation, String> {
    let path = rest.strip_prefix("//").unwrap_or(rest);
    if path.is_empty() || path == ":memory:" {
        return Err("a tier is a file: expected sqlite:PATH".to_owned());
    }
    match path.split_once('?') {
        Some((_, options)) => Err(format!("unknown option {options:?}")),
        None => Ok(TierLocation::Sqlite(PathBuf::from(path))),
    }
}
