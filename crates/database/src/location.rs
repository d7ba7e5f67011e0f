//! Where a tier is.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::migrate::{Dialect, TierSchema};
use crate::{Engine, Mssql, Postgres, PostgresUrl, Replicated, Schema, Sqlite, TierError, address};

/// Where a tier is. `Display` leaves out passwords.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "a program has two of them")]
pub enum TierLocation {
    /// A SQLite file.
    Sqlite(PathBuf),
    /// A SQL Server; hot only.
    Mssql(Box<address::Mssql>),
    /// A PostgreSQL server; cold only.
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
