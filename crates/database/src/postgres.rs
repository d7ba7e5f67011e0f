//! PostgreSQL as a tier: one pool for reads, one for sessions with transactions.
//!
//! Readers' statements have a time limit. A mover's have none, but a limit for locks.

mod citus;
pub(super) mod codec;
mod migrate;
mod platform;
mod pool;
mod reach;
mod session;
mod url;
mod workers;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use rust_decimal::Decimal;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgConnection, PgDatabaseError, PgRow};
use sqlx::{ConnectOptions as _, Connection as _};

pub use self::citus::RUNS_ON;
use self::citus::{Call, Shard};
use self::pool::{Connections, Found, Lease, Manager};
use self::session::PostgresSession;
pub use self::session::RESERVE_IDS;
pub(crate) use self::session::{insert_text, reserve_text};
use self::workers::{Node, Workers};
pub use url::PostgresUrl;

use super::liveness::Liveness;
use super::migrate::TierSchema;
use super::texts::Text;
use super::{Engine, PoolSize, Record, Session, Statement, Tier, TierError, Value, note, usage};

/// The time limit for a free connection.
const WAIT: Duration = Duration::from_mins(1);
/// The time limit for the connection of probes.
const PROBE: Duration = Duration::from_secs(3);
/// The time limit for a new connection to a replica, and for a free one.
const REPLICA: Duration = Duration::from_secs(2);
/// The number of connections for sessions.
const SESSIONS: u32 = 4;
/// The idle time after which a reader's connection is tested before use. A read on one that died since is repeated, but one on a
/// network that fell silent waits for its time limit.
const TEST_AFTER: Duration = Duration::from_secs(1);
/// The names of the pools in the metrics.
const READERS: &str = "readers";
const WRITERS: &str = "sessions";
const PROBES: &str = "probes";
/// The server's time limit of a read.
const READING: Duration = Duration::from_secs(30);
/// The additional time for its answer, after which the server counts as lost.
const GRACE: Duration = Duration::from_secs(5);
/// The smallest number with too many digits for a price.
const PRICE_LIMIT: Decimal = Decimal::from_parts(100_000_000, 0, 0, false, 0);

/// The texts of Citus, as an internal error (`XX000`), when it loses a worker or its own server ends.
const LOST_A_WORKER: [&str; 2] = ["failure on connection marked as essential", "postmaster was shut down"];
/// The place in Citus that passes errors of workers on. It makes those without a code internal ones: those of the connection, with
/// the texts of the client library.
const FROM_A_WORKER: &str = "ReportResultError";

/// A PostgreSQL database that serves as a tier.
#[derive(Clone)]
pub struct Postgres {
    readers: Connections,
    sessions: Connections,
    /// The connection of probes, which wait for no other reader.
    probes: Connections,
    /// The connection past a pooler, for migrations.
    direct: PgConnectOptions,
    url: PostgresUrl,
    schema: &'static TierSchema,
    found: Arc<Found>,
    calls: Arc<citus::Calls>,
    /// Connections past the coordinator, if the URL asks for them.
    workers: Option<Arc<Workers>>,
}

impl Postgres {
    /// Connects to the database. `direct` leads to the same one past a pooler.
    pub async fn open(
        schema: &'static TierSchema,
        url: &PostgresUrl,
        direct: Option<&PostgresUrl>,
    ) -> Result<Self, TierError> {
        let database = Self::lazy(schema, url, direct, WAIT);
        drop(database.lease(&database.readers).await?);
        Ok(database)
    }

    /// Creates a replica, which may be unavailable. It is connected on first use, with a short time limit.
    pub fn replica(schema: &'static TierSchema, url: &PostgresUrl) -> Self {
        Self::lazy(schema, url, None, REPLICA)
    }

    fn lazy(
        schema: &'static TierSchema,
        url: &PostgresUrl,
        direct: Option<&PostgresUrl>,
        wait: Duration,
    ) -> Self {
        let named = |url: &PostgresUrl| {
            // Statements are logged here, by name.
            let options = url.options.clone().disable_statement_logging();
            match options.get_application_name() {
                Some(_) => options,
                None => options.application_name("thermocline"),
            }
        };
        let options = named(url).statement_cache_capacity(256);
        let direct = named(direct.unwrap_or(url));
        let (reading, writing) = if url.pooled {
            // A pooler accepts no start-up options, and settings would leak to other clients.
            (options.clone(), options)
        } else {
            let options = options.options([
                // A vanished client must not keep its locks. JIT does not pay for short statements.
                ("tcp_keepalives_idle", "60"),
                ("tcp_keepalives_interval", "10"),
                ("tcp_keepalives_count", "3"),
                ("jit", "off"),
            ]);
            let limit = READING.as_millis().to_string();
            let reading = options.clone().options([
                ("statement_timeout", limit.as_str()),
                // Texts of readers are good for all parameters, and planning takes longer than running them.
                ("plan_cache_mode", "force_generic_plan"),
                // A plan for all parameters expects far more rows than there are, and starting workers takes ten milliseconds.
                ("max_parallel_workers_per_gather", "0"),
            ]);
            (reading, options)
        };
        let sessions = SESSIONS.min(url.most / 2);
        let readers = url.most - sessions;
        let found = Arc::new(Found::default());
        let manager = |options: &PgConnectOptions, wait, test_after| Manager {
            options: options.clone(),
            connect: url.connect_timeout.min(wait),
            pooled: url.pooled,
            must_write: url.must_write,
            test_after,
            found: Arc::clone(&found),
            liveness: Liveness::default(),
        };
        let pool = |name, options, kept, most, wait, test_after| {
            Connections::new(name, manager(options, wait, test_after), kept, most, wait)
        };
        let direct_reads = url.reads_workers && !url.pooled;
        let workers =
            direct_reads.then(|| Workers::new(schema.tier, manager(&reading, wait, TEST_AFTER), readers));
        Self {
            readers: pool(READERS, &reading, url.kept.min(readers), readers, wait, TEST_AFTER),
            sessions: pool(WRITERS, &writing, 0, sessions, wait, Duration::ZERO),
            probes: pool(PROBES, &reading, 1, 1, wait.min(PROBE), TEST_AFTER),
            direct,
            url: url.clone(),
            schema,
            found,
            calls: Arc::default(),
            workers: workers.map(Arc::new),
        }
    }

    async fn lease(&self, pool: &Connections) -> Result<Lease, TierError> {
        let begun = Instant::now();
        let lease = pool.lease().await;
        usage::leased(self.schema.tier, pool.name, begun);
        lease.map_err(|error| refused(self.schema.tier, "connect", error))
    }

    async fn rows(
        &self,
        connection: &mut PgConnection,
        text: &'static str,
        arguments: PgArguments,
    ) -> Result<Vec<PgRow>, sqlx::Error> {
        if !self.url.pooled {
            return sqlx::query_with(text, arguments).fetch_all(connection).await;
        }
        // The driver prepares and executes in two steps. Only a transaction keeps both on one server connection.
        let mut transaction = connection.begin_with(session::BEGIN_ONE).await?;
        let query = sqlx::query_with(text, arguments).persistent(false);
        let rows = query.fetch_all(&mut *transaction).await;
        match rows {
            Ok(_) => transaction.commit().await?,
            Err(_) => transaction.rollback().await?,
        }
        rows
    }

    async fn ask(
        &self,
        pool: &Connections,
        statement: &Statement,
        params: &[Value],
    ) -> Result<Vec<Record>, TierError> {
        let (tier, begun) = (self.schema.tier, Instant::now());
        let mut renewed = false;
        loop {
            let mut lease = self.lease(pool).await?;
            let used = lease.is_used();
            let prepared = prepared(tier, self.is_spread(), statement, params)?;
            let answer = self.answer(&mut lease, statement, params, prepared);
            match within(tier, statement.name, READING + GRACE, answer).await {
                // The server restarted while the connection was idle. Repeating a read is harmless.
                Err(error) if used && !renewed && has_hung_up(&error) => {
                    pool.forget_idle();
                    renewed = true;
                }
                rows => return answered(tier, statement, params, begun, rows),
            }
        }
    }

    async fn answer(
        &self,
        lease: &mut Lease,
        statement: &Statement,
        params: &[Value],
        (text, arguments): (&'static str, PgArguments),
    ) -> Result<Vec<PgRow>, sqlx::Error> {
        let called = if self.is_spread() && self.found.functions.load(Ordering::Relaxed) {
            Box::pin(self.called(lease, statement, params)).await.transpose()
        } else {
            None
        };
        let rows = match called {
            Some(rows) => rows,
            None => self.rows(lease.begin()?, text, arguments).await,
        };
        lease.end(&rows);
        rows
    }

    /// Runs a statement by functions on the workers; `None` if it is to be sent as it is.
    async fn called(
        &self,
        lease: &mut Lease,
        statement: &Statement,
        params: &[Value],
    ) -> Result<Option<Vec<PgRow>>, sqlx::Error> {
        let call = self.calls.of(statement, params, self.workers.is_some(), lease.begin()?).await?;
        let rows = match call {
            None => return Ok(None),
            Some(Call::One(text, key, node)) => match self.of_worker(text, key, node, params).await {
                Some(rows) => rows.map(Some),
                None => self.rows(lease.begin()?, text, citus::arguments(key, params)?).await.map(Some),
            },
            Some(Call::Each(text, shards)) => match self.of_workers(text, &shards, params).await {
                Some(rows) => rows,
                None => self.of_each(lease, text, &shards, params).await,
            },
        };
        match rows {
            Err(error) if !citus::is_not_here(&code(&error)) => Err(error),
            Ok(Some(rows)) => Ok(Some(rows)),
            _ => {
                self.calls.forget_shards(statement);
                Ok(None)
            }
        }
    }

    /// Asks a worker past the coordinator; `None` if that is not wanted, or the worker is lost.
    async fn of_worker(
        &self,
        text: &'static str,
        key: Option<i64>,
        node: Option<Node>,
        params: &[Value],
    ) -> Option<Result<Vec<PgRow>, sqlx::Error>> {
        let (workers, node) = self.workers.as_ref().zip(node)?;
        let mut lease = workers.lease(&node).await?;
        let rows = async { self.rows(lease.begin()?, text, citus::arguments(key, params)?).await };
        let rows = rows.await;
        lease.end(&rows);
        workers.unless_lost(&node, rows)
    }

    /// Asks all workers past the coordinator, at once; `None` if that is not wanted, or one is lost.
    async fn of_workers(
        &self,
        text: &'static str,
        shards: &[Shard],
        params: &[Value],
    ) -> Option<Result<Option<Vec<PgRow>>, sqlx::Error>> {
        let workers = self.workers.as_ref()?;
        let asked = shards.chunk_by(|one, other| one.node == other.node).map(|shards| async {
            let node = shards[0].node.as_ref()?;
            let mut lease = workers.lease(node).await?;
            workers.unless_lost(node, self.of_shards(&mut lease, text, shards, params).await)
        });
        let parts: Option<Vec<_>> = futures::future::join_all(asked).await.into_iter().collect();
        Some(citus::joined(parts?))
    }

    /// Asks each shard, on this connection and those that are idle: a read that waited for more would hold one that others wait
    /// for. Returns `None` if the table has other shards now.
    async fn of_each(
        &self,
        lease: &mut Lease,
        text: &'static str,
        shards: &[Shard],
        params: &[Value],
    ) -> Result<Option<Vec<PgRow>>, sqlx::Error> {
        let mut others = Vec::new();
        while others.len() + 1 < shards.len()
            && let Some(lease) = self.readers.lease_idle().await
        {
            others.push(lease);
        }
        let each = shards.len().div_ceil(others.len() + 1);
        let asked = std::iter::once(lease)
            .chain(&mut others)
            .zip(shards.chunks(each))
            .map(|(lease, shards)| self.of_shards(lease, text, shards, params));
        citus::joined(futures::future::join_all(asked).await)
    }

    /// Asks shards one after the other.
    async fn of_shards(
        &self,
        lease: &mut Lease,
        text: &'static str,
        shards: &[Shard],
        params: &[Value],
    ) -> Result<Option<Vec<PgRow>>, sqlx::Error> {
        let all = async {
            let mut all = Vec::new();
            for shard in shards {
                let rows = self.rows(lease.begin()?, text, shard.arguments(params)?).await?;
                if !shard.has(&rows) {
                    return Ok(None);
                }
                all.extend(rows);
            }
            Ok(Some(all))
        };
        let all = all.await;
        lease.end(&all);
        all
    }

    /// Returns the number of reader connections and how many of them are idle.
    pub fn readers(&self) -> (usize, usize) {
        let PoolSize { open, in_use, .. } = self.readers.size();
        (open, open - in_use)
    }
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres")
            .field("tier", &self.schema.tier)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Engine for Postgres {
    fn tier(&self) -> Tier {
        self.schema.tier
    }

    async fn fetch(&self, statement: &Statement, params: &[Value]) -> Result<Vec<Record>, TierError> {
        self.ask(&self.readers, statement, params).await
    }

    async fn probe(&self, statement: &Statement) -> Result<(), TierError> {
        self.ask(&self.probes, statement, &[]).await.map(drop)
    }

    fn warm_connections(&self) -> usize {
        // Behind a pooler nothing stays prepared.
        if self.url.pooled { 0 } else { self.readers.kept }
    }

    fn reads_at_once(&self) -> usize {
        self.readers.most
    }

    fn is_spread(&self) -> bool {
        self.found.spread.load(Ordering::Relaxed)
    }

    fn pools(&self) -> Vec<PoolSize> {
        let own = [&self.readers, &self.sessions, &self.probes].map(Connections::size);
        own.into_iter().chain(self.workers.as_ref().map(|workers| workers.size())).collect()
    }

    async fn session(&self) -> Result<Box<dyn Session>, TierError> {
        let lease = self.lease(&self.sessions).await?;
        Ok(Box::new(PostgresSession::new(lease, self.schema.tier, &self.url, self.is_spread())))
    }

    fn reject_reason(&self, value: &Value) -> Option<&'static str> {
        match value {
            Value::Text(text) if text.contains('\0') => {
                Some("holds U+0000, which PostgreSQL has no place for")
            }
            // NUMERIC(10, 2) rejects more digits and rounds more decimals.
            Value::Price(price) if price.abs() >= PRICE_LIMIT => Some("is too large for NUMERIC(10, 2)"),
            Value::Price(price) if price.normalize().scale() > 2 => {
                Some("has more decimals than NUMERIC(10, 2) keeps")
            }
            _ => None,
        }
    }

    async fn close(&self) {
        futures::future::join3(self.sessions.close(), self.probes.close(), self.readers.close()).await;
        if let Some(workers) = &self.workers {
            workers.close().await;
        }
    }
}

fn prepared(
    tier: Tier,
    spread: bool,
    statement: &Statement,
    params: &[Value],
) -> Result<(&'static str, PgArguments), TierError> {
    let fault = |source| TierError::Statement { tier, statement: statement.name, source };
    let text = if spread { statement.for_citus() } else { statement.for_postgres() };
    let text = text.ok_or_else(|| fault("it has no text for PostgreSQL".into()))?;
    let used = params.get(..used(text)).unwrap_or(params);
    Ok((text, codec::bind(used).map_err(fault)?))
}

/// Returns the number of parameters of a text. A filter may have more: SQLite ignores them, PostgreSQL does not.
fn used(text: &str) -> usize {
    let number = |rest: &str| {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest[..digits].parse().unwrap_or(0)
    };
    text.split('$').skip(1).map(number).max().unwrap_or(0)
}

/// Limits the time to wait for a server that vanished silently.
async fn within<T>(
    tier: Tier,
    statement: &'static str,
    limit: Duration,
    answer: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, TierError> {
    let Ok(answer) = tokio::time::timeout(limit, answer).await else {
        let source = format!("no answer to {statement} within {} s", limit.as_secs()).into();
        return Err(TierError::Unavailable { tier, source });
    };
    answer.map_err(|error| refused(tier, statement, error))
}

fn answered(
    tier: Tier,
    statement: &Statement,
    params: &[Value],
    begun: Instant,
    rows: Result<Vec<PgRow>, TierError>,
) -> Result<Vec<Record>, TierError> {
    note(tier, statement, params, begun, rows.as_ref().ok().map(Vec::len));
    let rows = rows?;
    Ok(rows.into_iter().map(|row| Record::postgres(row, tier, statement.name)).collect())
}

fn refused(tier: Tier, statement: &'static str, error: sqlx::Error) -> TierError {
    let code = code(&error);
    let lost_a_worker = code == "XX000" && has_lost_a_worker(&error);
    let never_asked =
        code.is_empty() && matches!(error, sqlx::Error::ColumnNotFound(_) | sqlx::Error::Encode(_));
    let source = error.into();
    match code.as_str() {
        code if is_conflict(code) => TierError::Conflict { tier, statement, source },
        // protocol_violation: the statement and its parameters do not match.
        "08P01" => TierError::Statement { tier, statement, source },
        _ if lost_a_worker => TierError::Unavailable { tier, source },
        // query_canceled is the statement's time limit; the others are a full or broken disk or server.
        "57014" | "" if !never_asked => TierError::Unavailable { tier, source },
        code if ["08", "53", "57P", "58"].iter().any(|class| code.starts_with(class)) => {
            TierError::Unavailable { tier, source }
        }
        _ => TierError::Statement { tier, statement, source },
    }
}

/// Returns whether the connection was lost.
fn has_hung_up(error: &TierError) -> bool {
    let TierError::Unavailable { source, .. } = error else { return false };
    source.downcast_ref().is_some_and(pool::is_hangup)
}

/// Returns whether Citus, in whose name the server reports an internal error, has lost a worker or its own server.
fn has_lost_a_worker(error: &sqlx::Error) -> bool {
    let Some(error) = error.as_database_error() else { return false };
    let from = error.try_downcast_ref::<PgDatabaseError>().and_then(PgDatabaseError::routine);
    from == Some(FROM_A_WORKER) || LOST_A_WORKER.iter().any(|text| error.message().contains(text))
}

/// Returns the code of an error of the server; empty for any other error.
fn code(error: &sqlx::Error) -> String {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.as_deref().unwrap_or_default().to_owned()
}

/// Returns whether the server ended the transaction in favour of another one.
fn is_conflict(code: &str) -> bool {
    // serialization_failure, deadlock_detected, lock_not_available
    ["40001", "40P01", "55P03"].contains(&code)
}

/// Returns the texts of connections, sessions and migrations.
pub(crate) fn texts() -> Vec<Text> {
    vec![
        Text::new(
            "connect.check_client",
            "Makes the server check every second of a statement whether its client is still connected.",
            pool::LOOK_FOR_CLIENT,
        ),
        Text::new(
            "connect.reads_only",
            "Finds out whether the server accepts no writes, for target_session_attrs.",
            pool::READS_ONLY,
        ),
        Text::new("connect.citus", "Finds out whether the server has Citus.", citus::IS_THERE),
        Text::new(
            "connect.spread",
            "Finds out whether tables are spread over workers, on a server with Citus.",
            citus::IS_SPREAD,
        ),
        Text::new(
            "connect.plan_for_parameters",
            "Lets statements be planned for their parameters, which tell Citus the shard.",
            citus::PLAN_FOR_PARAMETERS,
        ),
        Text::new(
            "connect.functions",
            "Finds out whether the functions are there that run a statement on the worker with the shard.",
            citus::HAS_FUNCTIONS,
        ),
        Text {
            parameters: vec![("table".to_owned(), "text")],
            ..Text::new(
                "connect.shards",
                "Reads the shards of a table: the range of hashes of each, and its worker.",
                citus::SHARDS,
            )
        },
        Text::new("session.begin_read", "Begins a transaction that only reads.", session::BEGIN_READ),
        Text::new("session.begin_write", "Begins a transaction that writes.", session::BEGIN_WRITE),
        Text::new(
            "session.begin_one",
            "Begins the transaction of one read behind a pooler.",
            session::BEGIN_ONE,
        ),
        Text::new("session.begin", "Begins a migration.", migrate::BEGIN),
        Text::new("migrate.no_limit", "Lets a migration take its time.", migrate::NO_LIMIT),
        Text::new("session.commit", "Commits the transaction.", session::COMMIT),
        Text::new("session.rollback", "Rolls the transaction back.", session::ROLLBACK),
        Text::new(
            "migrate.search_path",
            "Reads the schemas that names are looked up in.",
            migrate::SEARCH_PATH,
        ),
        Text::new(
            "migrate.try",
            "Creates a schema in which migrations are tried out, in a transaction that is rolled back.",
            migrate::enter_text("public"),
        ),
    ]
}
