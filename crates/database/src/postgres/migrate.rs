//! Migrations of a PostgreSQL database, on connections past any pooler.

use async_trait::async_trait;
use sqlx::migrate::Migrate as _;
use sqlx::postgres::{PgConnection, PgDatabaseError, PgErrorPosition, PgRow};
use sqlx::{AssertSqlSafe, Connection as _, Row as _};

use super::{Postgres, answered, code, is_conflict, prepared, refused};
use crate::adoption::{Adoption, Preparation};
use crate::migrate::{Migrating, Schema, Shapes, Step, Stop, TierSchema, sql};
use crate::schema::Dialect;
use crate::{Engine as _, Record, Statement, Tier, TierError, Value};

/// Attempts to read the tables while others change them.
const SHAPE_ATTEMPTS: usize = 10;
/// The schema in which migrations are tried, in a transaction that is rolled back.
const PROBE: &str = "thermocline_probe";

pub(super) const SEARCH_PATH: &str = "SHOW search_path";
pub(super) const BEGIN: &str = "BEGIN";
/// A role may have a time limit, which would end the building of an index.
pub(super) const NO_LIMIT: &str = "SET statement_timeout = 0";
/// A table by which the other tier is known.
const IN_HOT: &str = "archive_state";
const IN_COLD: &str = "archive_head";

/// Returns the text that creates the schema in which migrations are tried, and makes it the current one.
pub(super) fn enter_text(path: &str) -> String {
    format!("CREATE SCHEMA {PROBE}; SET LOCAL search_path = {PROBE}, {path}")
}

/// A connection that holds the migration lock.
pub(super) struct PostgresMigrating {
    pub(super) connection: PgConnection,
    pub(super) of: Postgres,
}

impl Postgres {
    pub(super) async fn connect_directly(&self) -> Result<PgConnection, TierError> {
        let connected = async {
            let options = super::reach::reachable(&self.direct).await?;
            let mut connection = PgConnection::connect_with(&options).await?;
            sqlx::raw_sql(NO_LIMIT).execute(&mut connection).await?;
            Ok(connection)
        };
        connected.await.map_err(|error| refused(self.schema.tier, "connect", error))
    }
}

#[async_trait]
impl Schema for Postgres {
    fn schema(&self) -> &'static TierSchema {
        self.schema
    }

    fn steps(&self) -> &'static [Step] {
        self.schema.postgres
    }

    fn live_steps(&self) -> &'static [Step] {
        self.schema.live_steps(Dialect::Postgres)
    }

    fn is_embedded(&self) -> bool {
        false
    }

    async fn holds_other_tier(&self) -> Result<bool, TierError> {
        let other = if self.schema.tier == Tier::Hot { IN_COLD } else { IN_HOT };
        let records = self.fetch(sql::has_table(), &[other.into()]).await?;
        Ok(records.first().map_or(Ok(0), |record| record.int("n"))? > 0)
    }

    async fn preparation(&self, adoption: &Adoption) -> Result<Option<Preparation>, TierError> {
        // A platform writes to hot. Its own archive in cold is adopted in another way.
        if self.schema.tier != Tier::Hot || self.recorded().await?.is_some_and(|rows| !rows.is_empty()) {
            return Ok(None);
        }
        let mut connection = self.connect_directly().await?;
        let planned = self.plan(&mut connection, adoption).await;
        // An error while closing is irrelevant.
        let _ = connection.close().await;
        planned
    }

    async fn migrating(&self) -> Result<Box<dyn Migrating>, TierError> {
        let mut connection = self.connect_directly().await?;
        // The lock of sqlx's own migrator, so that its tools wait too. It ends with the connection.
        connection.lock().await.map_err(|error| TierError::Statement {
            tier: self.schema.tier,
            statement: "migrate",
            source: error.into(),
        })?;
        Ok(Box::new(PostgresMigrating { connection, of: self.clone() }))
    }

    async fn shapes(&self, steps: &[Step]) -> Result<Option<Shapes>, TierError> {
        if self.schema.tier == Tier::Hot {
            // A platform changes its own tables, so that not every difference counts.
            return Ok(None);
        }
        let mut connection = self.connect_directly().await?;
        let shapes = async {
            let mut probing = connection.begin().await?;
            let now = shape(&mut probing).await?;
            let path: String = sqlx::query_scalar(SEARCH_PATH).fetch_one(&mut *probing).await?;
            let enter = enter_text(&path);
            sqlx::raw_sql(AssertSqlSafe(enter)).execute(&mut *probing).await?;
            let mut after = Vec::new();
            for step in steps {
                // `CONCURRENTLY` is impossible in a transaction; the result is the same without.
                let text = step.up().replace(" CONCURRENTLY", "");
                sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut *probing).await?;
                after.push(shape(&mut probing).await?);
            }
            probing.rollback().await?;
            Ok(Shapes { now, after })
        };
        let shapes =
            shapes.await.map(Some).map_err(|error| refused(self.schema.tier, "migrate.shape", error));
        // An error while closing is irrelevant.
        let _ = connection.close().await;
        shapes
    }
}

/// Reads the shape of the tables.
///
/// The list of objects is that of the statement's snapshot, and their definitions are the newest ones: an object that another
/// transaction drops in between has none. The next statement sees it no longer.
async fn shape(connection: &mut PgConnection) -> Result<Vec<(String, String)>, sqlx::Error> {
    let text = sql::shape().for_postgres().unwrap_or_default();
    for _ in 0..SHAPE_ATTEMPTS {
        let rows = sqlx::query(text).persistent(false).fetch_all(&mut *connection).await?;
        let line = |row: &PgRow| -> Result<Option<(String, String)>, sqlx::Error> {
            let line: Option<String> = row.try_get("line")?;
            line.map(|line| row.try_get("tbl").map(|table| (table, line))).transpose()
        };
        if let Some(lines) = rows.iter().map(line).collect::<Result<Option<Vec<_>>, _>>()? {
            return Ok(lines);
        }
    }
    Err(sqlx::Error::Protocol("the tables change faster than they can be read".to_owned()))
}

#[async_trait]
impl Migrating for PostgresMigrating {
    async fn fetch(&mut self, statement: &Statement) -> Result<Vec<Record>, TierError> {
        let begun = std::time::Instant::now();
        let tier = self.of.schema.tier;
        let (text, arguments) = prepared(tier, false, statement, &[])?;
        let rows = sqlx::query_with(text, arguments).fetch_all(&mut self.connection).await;
        answered(tier, statement, &[], begun, rows.map_err(|error| refused(tier, statement.name, error)))
    }

    async fn execute(&mut self, statement: &Statement, params: &[Value]) -> Result<(), TierError> {
        let tier = self.of.schema.tier;
        let (text, arguments) = prepared(tier, false, statement, params)?;
        let done = sqlx::query_with(text, arguments).execute(&mut self.connection).await;
        done.map(drop).map_err(|error| refused(tier, statement.name, error))
    }

    async fn run(&mut self, text: &str) -> Result<(), Stop> {
        let done = sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut self.connection).await;
        done.map(drop).map_err(|error| Stop { line: line(text, &error), source: error.into() })
    }

    async fn begin(&mut self) -> Result<(), Stop> {
        self.run(BEGIN).await
    }

    async fn plan(&mut self, adoption: &Adoption) -> Result<Option<Preparation>, TierError> {
        if self.of.schema.tier != Tier::Hot {
            return Ok(None);
        }
        self.of.plan(&mut self.connection, adoption).await
    }

    fn gave_way(&self, error: &(dyn std::error::Error + 'static)) -> bool {
        error.downcast_ref().is_some_and(|error| is_conflict(&code(error)))
            || error.downcast_ref().is_some_and(TierError::is_conflict)
    }

    async fn close(self: Box<Self>) {
        // Closing cleanly releases the lock at once.
        let _ = self.connection.close().await;
    }
}

/// Returns the line of `text` that an error refers to, from 0.
fn line(text: &str, error: &sqlx::Error) -> usize {
    let error = error.as_database_error().and_then(|error| error.try_downcast_ref::<PgDatabaseError>());
    match error.and_then(PgDatabaseError::position) {
        // In characters, from 1.
        Some(PgErrorPosition::Original(place)) => {
            text.chars().take(place.saturating_sub(1)).filter(|c| *c == '\n').count()
        }
        _ => 0,
    }
}
