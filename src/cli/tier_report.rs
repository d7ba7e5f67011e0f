//! The state of a tier, for `check` and `db check`. Nothing is changed.

use std::sync::Arc;

use serde::Serialize;

use super::connect;
use super::failure::Failure;
use crate::clock::Timestamp;
use crate::journal::{live, pair, state};
use crate::page::Key;
use crate::schema::findings::{self, Finding, Live};
use crate::schema::{self, Dialect};
use crate::telemetry::explain;
use crate::tier::{Engine, Schema, Statement, Tier, TierError, TierLocation, inspect, migrate};

crate::queries! {
    /// Statements that report on a tier.
    mod sql = "check" {
        Shared: "queries.sql",
        Sqlite: "queries.sqlite.sql",
        Postgres: "queries.postgres.sql",
        Mssql: "queries.mssql.sql",
    }
    [sort]
}

/// Returns the statements that report on a tier.
pub fn statements() -> Vec<Statement> {
    sql::all().into_iter().copied().collect()
}

/// The state of a tier.
#[derive(Debug, Default, Serialize)]
pub struct TierReport {
    /// `hot` or `cold`.
    pub tier: &'static str,
    /// The location, without passwords.
    pub place: String,
    /// Whether no check failed.
    pub sound: bool,
    /// Why the tier could not be inspected completely.
    pub error: Option<String>,
    /// The name and version of the server.
    pub server: Option<String>,
    /// The size of the database in bytes, where it is known.
    pub bytes: Option<i64>,
    /// Whether snapshot isolation is on, for an engine where it is an option.
    pub snapshots: Option<bool>,
    /// The version of the schema.
    pub version: Option<i64>,
    /// The newest version that this program knows.
    pub newest: i64,
    /// The pending migrations.
    pub pending: Vec<&'static str>,
    /// The number of declared tables.
    pub expected: usize,
    /// The tables that exist.
    pub tables: Vec<TableSize>,
    /// Differences from the declaration, faults first.
    pub findings: Vec<Finding>,
    /// Whether the engine sorts keys as this program does.
    pub sorts: Option<bool>,
    /// The epoch of each resource; in cold, the last claimed number.
    pub epochs: Vec<Epoch>,
    /// Whether hot has a change feed.
    pub live: Option<bool>,
}

/// The size of a table.
#[derive(Debug, Serialize)]
pub struct TableSize {
    /// The name of the table.
    pub table: String,
    /// The number of rows, where it is known.
    pub rows: Option<i64>,
    /// Whether the rows were counted; otherwise the number is an estimate from the catalogs.
    pub exact: bool,
    /// The size in bytes, where it is known.
    pub bytes: Option<i64>,
}

/// The epoch of a resource.
#[derive(Debug, Serialize)]
pub struct Epoch {
    /// The resource.
    pub resource: String,
    /// The epoch.
    pub epoch: i64,
}

/// Returns the names of the declared tables of a tier and of all tables that its migrations ever created.
pub fn table_names(database: &dyn Schema) -> Vec<&'static str> {
    let mut names: Vec<&str> = schema::of(database.tier()).tables.iter().map(|table| table.name).collect();
    for name in migrate::made(database.steps()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Inspects a tier.
pub async fn inspect_tier(tier: Tier, location: &TierLocation) -> TierReport {
    let mut report = TierReport {
        tier: tier.name(),
        place: location.to_string(),
        expected: schema::of(tier).tables.len(),
        ..TierReport::default()
    };
    match open_existing(tier, location).await {
        Ok(database) => {
            if let Err(error) = fill(&*database, &mut report).await {
                report.error = Some(explain(&error));
            }
            database.close().await;
        }
        Err(text) => report.error = Some(text),
    }
    report.sound = report.error.is_none()
        && report.version == Some(report.newest)
        && report.snapshots != Some(false)
        && report.sorts != Some(false)
        && report.findings.iter().all(|finding| !finding.fault);
    report
}

/// Opens a tier, but does not create an embedded file that does not exist.
pub async fn open_existing(tier: Tier, location: &TierLocation) -> Result<Arc<dyn Schema>, String> {
    if let Some(file) = location.path().filter(|path| !path.is_file()) {
        return Err(format!("there is no file {}; `db upgrade` creates it", file.display()));
    }
    connect::open(tier, location).await.map_err(|failure| match failure {
        Failure::Failed(text) | Failure::Usage(text) => text,
        Failure::Reported => "it cannot be opened".to_owned(),
    })
}

/// Returns the differences of a database from its declaration, in its tables and in how they are spread and cut.
pub async fn differences(database: &dyn Schema, tables: &Live) -> Result<Vec<Finding>, TierError> {
    let mut found = findings::findings(schema::of(database.tier()).tables, tables);
    let is_postgres = tables.dialect == Dialect::Postgres;
    found.extend(schema::spread::findings(database, is_postgres).await?);
    Ok(found)
}

async fn fill(database: &dyn Schema, report: &mut TierReport) -> Result<(), TierError> {
    let names = table_names(database);
    let inspect::Survey { server, live: tables, sizes } = database.survey(&names).await?;
    (report.server, report.bytes) = (Some(server.version), server.bytes);
    report.snapshots = server.snapshots;
    let version = database.version().await?;
    (report.version, report.newest) = (Some(version), migrate::newest(database));
    let pending = database.steps().iter().filter(|step| step.version() > version);
    report.pending = pending.map(migrate::Step::name).collect();
    report.sorts = Some(sorts_keys_correctly(database).await?);

    report.findings = differences(database, &tables).await?;
    report.findings.sort_by_key(|finding| !finding.fault);
    for inspect::Size { table, rows, bytes } in sizes {
        report.tables.push(TableSize { table, rows, exact: false, bytes });
    }
    count(database, server.dialect, &mut report.tables).await?;
    let place = |table: &str| names.iter().position(|name| *name == table);
    report.tables.sort_by_key(|counted| place(&counted.table));
    if database.tier() == Tier::Hot {
        report.live = Some(live::kind(database).await?.is_some());
    }
    let epochs = match database.tier() {
        Tier::Hot if tables.model.table("archive_state").is_some() => state::epochs(database).await?,
        Tier::Cold if tables.model.table("archive_head").is_some() => pair::claims(database).await?,
        _ => return Ok(()),
    };
    report.epochs = epochs.into_iter().map(|(resource, epoch)| Epoch { resource, epoch }).collect();
    Ok(())
}

/// The most rows of a table that a server counts one by one.
const FEW: i64 = 1_000;

/// Counts the rows of all tables in one statement, and so at one instant. SQLite has no estimates, and counts all of them. A
/// server counts a few, so that a large table costs nothing and the number of a small one is not what it was yesterday.
async fn count(engine: &dyn Engine, dialect: Dialect, tables: &mut [TableSize]) -> Result<(), TierError> {
    if tables.is_empty() {
        return Ok(());
    }
    let part = |(place, counted): (usize, &TableSize)| count_text(dialect, place, &counted.table);
    let parts: Vec<String> = tables.iter().enumerate().map(part).collect();
    let text: &'static str = format!("-- check.count\n{}", parts.join("\nUNION ALL ")).leak();
    let statement = Statement::new(text).postgres(text).mssql(text);
    for record in engine.fetch(&statement, &[]).await? {
        let place = usize::try_from(record.int("place")?).unwrap_or(usize::MAX);
        let Some(counted) = tables.get_mut(place) else { continue };
        let n = record.int("n")?;
        if dialect == Dialect::Sqlite || n <= FEW {
            (counted.rows, counted.exact) = (Some(n), true);
        } else {
            // The estimate may be older than the rows.
            counted.rows = counted.rows.map(|estimate| estimate.max(n));
        }
    }
    Ok(())
}

/// Returns the query that counts the rows of a table, on a server no more than one above a few.
fn count_text(dialect: Dialect, place: usize, table: &str) -> String {
    let most = FEW + 1;
    match dialect {
        Dialect::Sqlite => format!("SELECT {place} AS place, count(*) AS n FROM \"{table}\""),
        Dialect::Postgres => format!(
            "SELECT {place}::bigint AS place, count(*) AS n FROM (SELECT 1 FROM \"{table}\" LIMIT {most}) AS few{place}"
        ),
        Dialect::Mssql => format!(
            "SELECT CAST({place} AS BIGINT) AS place, COUNT_BIG(*) AS n FROM (SELECT TOP ({most}) 1 AS one FROM [{table}]) AS few{place}"
        ),
    }
}

/// Returns whether the tier sorts keys in the order that pages rely on.
async fn sorts_keys_correctly(engine: &dyn Engine) -> Result<bool, TierError> {
    let at = |micros| Timestamp::default().plus(micros);
    let mut keys = vec![
        Key::MAX,
        Key::new(at(0), 1),
        Key::new(at(-1), 7),
        Key::MIN,
        Key::new(at(1), -1),
        Key::new(at(1), i64::MAX),
        Key::new(at(0), 0),
        Key::new(at(1), 2),
    ];
    let instants: Vec<i64> = keys.iter().map(|key| key.at.micros()).collect();
    let ids: Vec<i64> = keys.iter().map(|key| key.id).collect();
    let records = engine.fetch(sql::sort(), &[instants.into(), ids.into()]).await?;
    let mut sorted = Vec::new();
    for record in &records {
        sorted.push(Key::new(record.time("at")?, record.int("id")?));
    }
    keys.sort_unstable_by(|a, b| b.cmp(a));
    Ok(sorted == keys)
}
