//! Microsoft SQL Server 2019 and later, Azure SQL and Babelfish as a tier, over the TDS protocol.
//!
//! Readers use snapshot isolation, so that a statement sees the epoch and the rows of one snapshot during a move.
//! Movers and imports have their own connections. A connection whose last use did not complete (a client hung up, a
//! time-out, a lost packet) is never reused.

pub mod address;
mod cells;
mod connect;
mod fault;
mod migrate;
mod platform;
mod pool;
mod session;

use std::sync::{Arc, Once};
use std::time::Instant;

use async_trait::async_trait;
use tiberius::Row;
use tiberius::error::Error;

use self::connect::{Connection, Role};
use self::pool::{Connections, Lease};
pub(crate) use self::session::{insert_text, values_text};
use super::migrate::TierSchema;
use super::texts::Text;
use super::{Engine, PoolSize, Record, Session, Statement, Tier, TierError, Value, note, usage};
use crate::address::{Encrypt, Mssql as Address};

pub(super) use cells::{bytes, int, is_null, price, text, time};

/// The number of attempts of a read that conflicts with a writer.
const READS: u32 = 4;

/// A database of a SQL Server that serves as a tier.
#[derive(Clone, Debug)]
pub struct Mssql {
    address: Arc<Address>,
    schema: &'static TierSchema,
    readers: Connections,
    writers: Connections,
    migrators: Connections,
    /// The connection of probes, which wait for no other reader.
    probes: Connections,
}

impl Mssql {
    /// Connects, so that a wrong address or password is reported at once.
    pub async fn open(schema: &'static TierSchema, address: &Address) -> Result<Self, TierError> {
        let tier = schema.tier;
        let address = Arc::new(address.clone());
        let pool = |name, role, most| {
            Connections::new(name, &address, role, most)
                .map_err(|error| TierError::Unavailable { tier, source: error.into() })
        };
        let readers = pool("readers", Role::Reader, pool::MOST)?;
        let writers = pool("sessions", Role::Writer, pool::MOST)?;
        let migrators = pool("migrations", Role::Migrator, pool::MOST)?;
        let probes = pool("probes", Role::Reader, 1)?;
        let weakness = match address.encrypt {
            Encrypt::Off => Some("the connection is not encrypted, the password neither"),
            Encrypt::Login => Some("at most the login is encrypted, with any certificate"),
            _ if address.trust_any_certificate => {
                Some("any certificate is accepted: the server is not verified")
            }
            _ => None,
        };
        if let Some(weakness) = weakness {
            // A server that is awaited is opened repeatedly.
            static SAID: Once = Once::new();
            SAID.call_once(|| tracing::warn!(server = address.shown(), weakness, "the connection is weak"));
        }
        let opened = Self { address, schema, readers, writers, migrators, probes };
        drop(opened.lease(&opened.readers).await?);
        Ok(opened)
    }

    /// Returns the number of reader connections and how many of them are idle.
    pub fn readers(&self) -> (usize, usize) {
        let PoolSize { open, in_use, .. } = self.readers.size();
        (open, open - in_use)
    }

    /// Returns a connection. An error while connecting is never a rejected statement.
    async fn lease(&self, pool: &Connections) -> Result<Lease, TierError> {
        let begun = Instant::now();
        let lease = pool.lease().await;
        usage::leased(self.schema.tier, pool.name(), begun);
        lease.map_err(|error| TierError::Unavailable { tier: self.schema.tier, source: error.into() })
    }

    fn refused(&self, statement: &'static str, error: Error) -> TierError {
        fault::refused(self.schema.tier, statement, &self.address.database, error)
    }

    fn text(&self, statement: &Statement) -> Result<&'static str, TierError> {
        statement.for_mssql().ok_or_else(|| TierError::Statement {
            tier: self.schema.tier,
            statement: statement.name,
            source: "has no text for SQL Server".into(),
        })
    }

    /// Converts the answer of a statement.
    async fn answered(
        &self,
        statement: &Statement,
        params: &[Value],
        begun: Instant,
        rows: Result<Vec<Row>, Error>,
    ) -> Result<Vec<Record>, TierError> {
        note(self.schema.tier, statement, params, begun, rows.as_ref().ok().map(Vec::len));
        let rows = match rows {
            Ok(rows) => rows,
            Err(error) if fault::is_lone_surrogate(&error) => {
                return Err(Box::pin(self.lone_surrogate(statement, params, error)).await);
            }
            Err(error) => return Err(self.refused(statement.name, error)),
        };
        Ok(rows.into_iter().map(|row| Record::mssql(row, self.schema.tier, statement.name)).collect())
    }

    /// Repeats the read leniently to find the column with invalid UTF-16: NVARCHAR accepts any 16-bit units, and the
    /// driver does not name the column.
    async fn lone_surrogate(&self, statement: &Statement, params: &[Value], error: Error) -> TierError {
        let found = async {
            let text = self.text(statement).ok()?;
            let mut connection = Connection::open(&self.address, Role::Reader, true).await.ok()?;
            connection.batch(session::BEGIN).await.ok()?;
            let rows = connection.query(text, params).await.ok()?;
            connection.abandon().await;
            rows.iter().find_map(cells::replaced)
        };
        match found.await {
            Some(column) => TierError::Row {
                tier: self.schema.tier,
                statement: statement.name,
                column,
                problem: "holds half a character (a lone UTF-16 surrogate), which no text may".to_owned(),
            },
            None => TierError::Statement {
                tier: self.schema.tier,
                statement: statement.name,
                source: error.into(),
            },
        }
    }
}

impl Mssql {
    async fn ask(
        &self,
        pool: &Connections,
        statement: &Statement,
        params: &[Value],
    ) -> Result<Vec<Record>, TierError> {
        let (begun, text) = (Instant::now(), self.text(statement)?);
        let (mut tried, mut renewed) = (1, false);
        loop {
            let lease = self.lease(pool).await;
            let mut lease = lease.inspect_err(|_| note(self.schema.tier, statement, params, begun, None))?;
            let used = lease.is_used();
            let rows = match lease.connection() {
                Ok(connection) => connection.query(text, params).await,
                Err(error) => Err(error),
            };
            drop(lease);
            match rows {
                Err(error) if tried < READS && fault::is_snapshot_conflict(&error) => tried += 1,
                // The server restarted while the connection was idle. Repeating a read is harmless.
                Err(error) if used && !renewed && fault::is_hangup(&error) => {
                    pool.forget_idle();
                    renewed = true;
                }
                rows => return self.answered(statement, params, begun, rows).await,
            }
        }
    }
}

#[async_trait]
impl Engine for Mssql {
    fn tier(&self) -> Tier {
        self.schema.tier
    }

    async fn fetch(&self, statement: &Statement, params: &[Value]) -> Result<Vec<Record>, TierError> {
        self.ask(&self.readers, statement, params).await
    }

    async fn probe(&self, statement: &Statement) -> Result<(), TierError> {
        self.ask(&self.probes, statement, &[]).await.map(drop)
    }

    fn pools(&self) -> Vec<PoolSize> {
        vec![self.readers.size(), self.writers.size(), self.probes.size()]
    }

    fn warm_connections(&self) -> usize {
        pool::WARM
    }

    fn reads_at_once(&self) -> usize {
        pool::MOST
    }

    async fn session(&self) -> Result<Box<dyn Session>, TierError> {
        Ok(Box::new(session::MssqlSession::new(self.clone())))
    }

    async fn close(&self) {
        for pool in [&self.readers, &self.writers, &self.migrators, &self.probes] {
            pool.close();
        }
    }
}

/// Returns the texts of connections, sessions and migrations.
pub(crate) fn texts() -> Vec<Text> {
    let mut texts = vec![
        Text::new("connect.reader", "Sets up a connection of readers.", Role::Reader.setup()),
        Text::new("connect.writer", "Sets up a connection of writers.", Role::Writer.setup()),
        Text::new("connect.migrator", "Sets up a connection of migrations.", Role::Migrator.setup()),
        Text::new("connect.probe", "Finds out whether an idle connection is alive.", pool::PROBE),
        Text::new("session.begin", "Begins a transaction.", session::BEGIN),
        Text::new("session.commit", "Commits the transaction.", session::COMMIT),
        Text::new("session.rollback", "Rolls the transaction back.", session::ROLLBACK),
        Text::new("migrate.commit", "Commits a migration.", crate::migrate::COMMIT),
        Text::new("migrate.rollback", "Rolls a migration back.", crate::migrate::ROLLBACK),
        Text::new("migrate.lock", "Takes the lock of migrations.", migrate::lock_text()),
        Text::new(
            "migrate.snapshot_state",
            "Reads whether snapshot isolation is allowed in the database.",
            migrate::SNAPSHOT_STATE,
        ),
        Text::new(
            "migrate.allow_snapshots",
            "Allows snapshot isolation in the database.",
            migrate::ALLOW_SNAPSHOTS,
        ),
    ];
    texts.extend(platform::texts());
    texts.extend(crate::adoption::texts());
    texts
}
