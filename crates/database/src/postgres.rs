//! PostgreSQL as a tier: one pool for reads, one for sessions with transactions.
//!
//! Readers' statements have a time limit. A mover's have none, but a limit for locks.

mod citus;
pub(super) mod codec;
mod lease;
mod migrate;
mod platform;
mod reach;
mod session;
mod url;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use rust_decimal::Decimal;
use sqlx::Connection as _;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{
    PgArguments, PgConnectOptions, PgConnection, PgDatabaseError, PgPool, PgPoolOptions, PgRow,
};

pub use self::citus::RUNS_ON;
use self::citus::{Call, Shard};
use self::lease::Lease;
use self::session::PostgresSession;
pub use self::session::RESERVE_IDS;
pub(crate) use self::session::{insert_text, reserve_text};
pub use url::PostgresUrl;

use super::migrate::TierSchema;
use super::texts::Text;
use super::{Engine, PoolSize, Record, Session, Statement, Tier, TierError, Value, note, usage};

/// The time limit for a connection.
const ACQUIRE: Duration = Duration::from_mins(1);
/// How soon to check whether the server exists at all.
const MOMENT: Duration = Duration::from_secs(1);
/// The time limit for the connection of probes.
const PROBE: Duration = Duration::from_secs(3);
/// The time limit for a connection to a replica.
const REPLICA: Duration = Duration::from_secs(2);
/// The maximum age of a connection, so that a changed address is noticed.
const LIFETIME: Duration = Duration::from_hours(2);
/// The number of connections for sessions.
const SESSIONS: u32 = 4;
/// The time limit for closing all connections.
const CLOSE: Duration = Duration::from_secs(10);
/// The names of the pools in the metrics.
const READERS: &str = "readers";
const SESSIONS_NAME: &str = "sessions";
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
    readers: PgPool,
    sessions: PgPool,
    /// The connection of probes, which wait for no other reader.
    probes: PgPool,
    /// The connection past a pooler, for migrations.
    direct: PgConnectOptions,
    url: PostgresUrl,
    schema: &'static TierSchema,
    /// Whether the newest connection found the tables spread over workers.
    spread: Arc<AtomicBool>,
    /// Whether it found the functions that run statements on the worker with the shard.
    has_functions: Arc<AtomicBool>,
    calls: Arc<citus::Calls>,
}

impl Postgres {
    /// Connects to the database. `direct` leads to the same one past a pooler.
    pub async fn open(
        schema: &'static TierSchema,
        url: &PostgresUrl,
        direct: Option<&PostgresUrl>,
    ) -> Result<Self, TierError> {
        let database = Self::lazy(schema, url, direct, ACQUIRE);
        database.acquire(READERS, &database.readers).await?;
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
        let named = |options: PgConnectOptions| match options.get_application_name() {
            Some(_) => options,
            None => options.application_name("thermocline"),
        };
        let options = named(url.options.clone()).statement_cache_capacity(256);
        let direct = named(direct.unwrap_or(url).options.clone());
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
        let (spread, has_functions) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let pool = |wait| {
            let (spread, has_functions) = (Arc::clone(&spread), Arc::clone(&has_functions));
            let pool = PgPoolOptions::new().acquire_timeout(wait).max_lifetime(LIFETIME);
            // With a pooler the setting would leak to other clients.
            let (look_for_client, must_write) = (!url.pooled, url.must_write);
            pool.after_connect(move |connection, _| {
                let (spread, has_functions) = (Arc::clone(&spread), Arc::clone(&has_functions));
                Box::pin(async move {
                    if look_for_client {
                        lease::look_for_client(connection).await;
                    }
                    let is_spread = citus::is_spread(connection).await?;
                    spread.store(is_spread, Ordering::Relaxed);
                    if is_spread && look_for_client {
                        citus::plan_for_parameters(connection).await?;
                        has_functions.store(citus::has_functions(connection).await?, Ordering::Relaxed);
                    }
                    if must_write { lease::refuse_read_only(connection).await } else { Ok(()) }
                })
            })
        };
        Self {
            probes: pool(PROBE).max_connections(1).connect_lazy_with(reading.clone()),
            readers: pool(wait)
                .min_connections(url.kept.min(readers))
                .max_connections(readers)
                .connect_lazy_with(reading),
            sessions: pool(wait).max_connections(sessions).connect_lazy_with(writing),
            direct,
            url: url.clone(),
            schema,
            spread,
            has_functions,
            calls: Arc::default(),
        }
    }

    /// Acquires a connection. The pool waits for a missing server as long as for a busy connection, so after a moment
    /// one separate attempt tells which it is, and which of the server's addresses answers.
    async fn acquire(
        &self,
        name: &'static str,
        pool: &PgPool,
    ) -> Result<PoolConnection<sqlx::Postgres>, TierError> {
        let begun = Instant::now();
        let acquired = self.connection_of(pool).await;
        usage::leased(self.schema.tier, name, begun);
        acquired
    }

    async fn connection_of(&self, pool: &PgPool) -> Result<PoolConnection<sqlx::Postgres>, TierError> {
        let mut acquired = Box::pin(pool.acquire());
        let acquired = if let Ok(acquired) = tokio::time::timeout(MOMENT, &mut acquired).await {
            acquired
        } else {
            let options = within(self.schema.tier, "connect", self.url.connect_timeout, self.probe()).await?;
            if options.get_host() != pool.connect_options().get_host() {
                // The attempt under way may be stuck at a silent address.
                drop(acquired);
                self.use_host(options.get_host());
                acquired = Box::pin(pool.acquire());
            }
            acquired.await
        };
        acquired.map_err(|error| refused(self.schema.tier, "connect", error))
    }

    /// Connects once and returns the options that led to the server.
    async fn probe(&self) -> Result<PgConnectOptions, sqlx::Error> {
        let options = reach::reachable(&self.url.options).await?;
        let mut connection = PgConnection::connect_with(&options).await?;
        if self.url.must_write {
            lease::refuse_read_only(&mut connection).await?;
        }
        // An error while closing is irrelevant.
        let _ = connection.close().await;
        Ok(options)
    }

    /// Makes new connections of all pools lead to `host`.
    fn use_host(&self, host: &str) {
        for pool in [&self.readers, &self.sessions, &self.probes] {
            let options = pool.connect_options();
            pool.set_connect_options(PgConnectOptions::clone(&options).host(host));
        }
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
        let rows = query.fetch_all(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(rows)
    }

    async fn ask(
        &self,
        mut lease: Lease,
        begun: Instant,
        statement: &Statement,
        params: &[Value],
    ) -> Result<Vec<Record>, TierError> {
        let tier = self.schema.tier;
        let spread = self.spread.load(Ordering::Relaxed);
        let (text, arguments) = prepared(tier, spread, statement, params)?;
        let rows = async {
            let called = if spread && self.has_functions.load(Ordering::Relaxed) {
                self.called(&mut lease, statement, params).await.transpose()
            } else {
                None
            };
            let rows = match called {
                Some(rows) => rows,
                None => self.rows(lease.begin(), text, arguments).await,
            };
            lease.end();
            rows
        };
        let rows = within(tier, statement.name, READING + GRACE, rows).await;
        answered(tier, statement, params, begun, rows)
    }

    /// Runs a statement by functions on the workers; `None` if it is to be sent as it is.
    async fn called(
        &self,
        lease: &mut Lease,
        statement: &Statement,
        params: &[Value],
    ) -> Result<Option<Vec<PgRow>>, sqlx::Error> {
        let rows = match self.calls.of(statement, params, lease.begin()).await? {
            None => return Ok(None),
            Some(Call::One(text, arguments)) => self.rows(lease.begin(), text, arguments).await.map(Some),
            Some(Call::Each(text, shards)) => self.of_each(lease, text, &shards, params).await,
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

    /// Asks each shard, on this connection and those that are idle: a read that waited for more would hold one that others wait
    /// for. Returns `None` if the table has other shards now.
    async fn of_each(
        &self,
        lease: &mut Lease,
        text: &'static str,
        shards: &[Shard],
        params: &[Value],
    ) -> Result<Option<Vec<PgRow>>, sqlx::Error> {
        let idle = std::iter::from_fn(|| self.readers.try_acquire()).map(Lease::new);
        let mut others: Vec<Lease> = idle.take(shards.len() - 1).collect();
        let each = shards.len().div_ceil(others.len() + 1);
        let asked = std::iter::once(lease)
            .chain(&mut others)
            .zip(shards.chunks(each))
            .map(|(lease, shards)| self.of_shards(lease, text, shards, params));
        let parts: Result<Option<Vec<Vec<PgRow>>>, sqlx::Error> = futures::future::join_all(asked)
            .await
            .into_iter()
            .map(Result::transpose)
            .collect::<Option<_>>()
            .transpose();
        Ok(parts?.map(|parts| parts.into_iter().flatten().collect()))
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
                let rows = self.rows(lease.begin(), text, shard.arguments(params)?).await?;
                if !shard.has(&rows) {
                    return Ok(None);
                }
                all.extend(rows);
            }
            Ok(Some(all))
        };
        let all = all.await;
        lease.end();
        all
    }

    /// Returns the number of reader connections and how many of them are idle.
    pub fn readers(&self) -> (usize, usize) {
        (self.readers.size() as usize, self.readers.num_idle())
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
        let begun = Instant::now();
        let lease = Lease::new(self.acquire(READERS, &self.readers).await?);
        self.ask(lease, begun, statement, params).await
    }

    async fn probe(&self, statement: &Statement) -> Result<(), TierError> {
        let begun = Instant::now();
        let lease =
            self.probes.acquire().await.map_err(|error| refused(self.schema.tier, "connect", error))?;
        self.ask(Lease::new(lease), begun, statement, &[]).await.map(drop)
    }

    fn warm_connections(&self) -> usize {
        // Behind a pooler nothing stays prepared.
        if self.url.pooled { 0 } else { self.readers.options().get_min_connections() as usize }
    }

    fn reads_at_once(&self) -> usize {
        self.readers.options().get_max_connections() as usize
    }

    fn is_spread(&self) -> bool {
        self.spread.load(Ordering::Relaxed)
    }

    fn pools(&self) -> Vec<PoolSize> {
        let size = |name, pool: &PgPool| {
            let open = pool.size() as usize;
            let most = pool.options().get_max_connections() as usize;
            PoolSize { pool: name, open, in_use: open.saturating_sub(pool.num_idle()), most }
        };
        vec![size(READERS, &self.readers), size(SESSIONS_NAME, &self.sessions), size(PROBES, &self.probes)]
    }

    async fn session(&self) -> Result<Box<dyn Session>, TierError> {
        let lease = Lease::new(self.acquire(SESSIONS_NAME, &self.sessions).await?);
        let spread = self.spread.load(Ordering::Relaxed);
        Ok(Box::new(PostgresSession::new(lease, self.schema.tier, &self.url, spread)))
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
        // A program that ends does not wait for connections that are still being made.
        let closed = futures::future::join3(self.sessions.close(), self.probes.close(), self.readers.close());
        let _ = tokio::time::timeout(CLOSE, closed).await;
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
            lease::LOOK_FOR_CLIENT,
        ),
        Text::new(
            "connect.reads_only",
            "Finds out whether the server accepts no writes, for target_session_attrs.",
            lease::READS_ONLY,
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
                "Reads the shards of a table, each with a value that leads to it.",
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
