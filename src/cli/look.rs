//! What a tier is found to be: for `check` and `db check`. Nothing is changed.

use std::sync::{Arc, LazyLock};

use serde::Serialize;

use super::{Failure, tiers};
use crate::clock::Timestamp;
use crate::config::TierLocation;
use crate::page::Key;
use crate::schema::findings::{self, Finding};
use crate::schema::{Dialect, Table, cold, hot};
use crate::telemetry::explain;
use crate::tier::{Engine, Schema, Statement, Tier, TierError, any_sql, cold_sql, hot_sql, inspect, migrate};

static SORT: LazyLock<Statement> = LazyLock::new(|| any_sql!("sort"));
static EPOCHS: LazyLock<Statement> = LazyLock::new(|| hot_sql!("epochs"));
static CLAIMS: LazyLock<Statement> = LazyLock::new(|| cold_sql!("claims"));

/// What there is to say of one tier.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// `hot` or `cold`.
    pub tier: &'static str,
    /// Where it is, without a password.
    pub place: String,
    /// Whether everything is as it should be.
    pub sound: bool,
    /// Why the tier could not be looked at, or not to the end.
    pub error: Option<String>,
    /// The server's name and version.
    pub server: Option<String>,
    /// Bytes of the whole database, where it says.
    pub bytes: Option<i64>,
    /// Whether snapshot isolation is on, where that is a question.
    pub snapshots: Option<bool>,
    /// The version of the schema.
    pub version: Option<i64>,
    /// The newest version this program knows.
    pub newest: i64,
    /// The migrations that are still to be applied.
    pub pending: Vec<&'static str>,
    /// How many tables there should be.
    pub expected: usize,
    /// The tables that are there.
    pub tables: Vec<Counted>,
    /// What differs from the declaration, faults first.
    pub findings: Vec<Finding>,
    /// Whether it sorts keys as this program does.
    pub sorts: Option<bool>,
    /// The epoch of each resource; in cold, the number claimed last.
    pub epochs: Vec<Epoch>,
}

/// A table and how much it holds.
#[derive(Debug, Serialize)]
pub struct Counted {
    /// Its name.
    pub table: String,
    /// Its rows, where they are known.
    pub rows: Option<i64>,
    /// Whether the rows were counted; else the catalogs' estimate.
    pub exact: bool,
    /// Its bytes, where the catalogs tell.
    pub bytes: Option<i64>,
}

/// Where a resource stands.
#[derive(Debug, Serialize)]
pub struct Epoch {
    /// The resource.
    pub resource: String,
    /// Its number.
    pub epoch: i64,
}

/// The tables of a tier.
pub const fn tables(tier: Tier) -> &'static [&'static Table] {
    match tier {
        Tier::Hot => &hot::TABLES,
        Tier::Cold => &cold::TABLES,
    }
}

/// The names of a tier's tables: those that are declared, and those that a migration has made at any time.
pub fn names(database: &dyn Schema) -> Vec<&'static str> {
    let mut names: Vec<&str> = tables(database.tier()).iter().map(|table| table.name).collect();
    let made = migrate::made(database.steps());
    names.extend(
        made.into_iter().filter(|name| !tables(database.tier()).iter().any(|table| table.name == *name)),
    );
    names
}

/// Looks at one tier.
pub async fn look(tier: Tier, place: &TierLocation) -> Report {
    let shown = tiers::describe(tier, place).unwrap_or_default();
    let mut report =
        Report { tier: tier.name(), place: shown, expected: tables(tier).len(), ..Report::default() };
    match open(tier, place).await {
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

/// Opens a tier that is there already.
pub async fn open(tier: Tier, place: &TierLocation) -> Result<Arc<dyn Schema>, String> {
    if let Some(file) = place.path().filter(|path| !path.is_file()) {
        return Err(format!("there is no file {}; `db upgrade` makes it", file.display()));
    }
    tiers::open(tier, place).await.map_err(|failure| match failure {
        Failure::Failed(text) | Failure::Usage(text) => text,
        Failure::Reported => "it cannot be opened".to_owned(),
    })
}

async fn fill(database: &dyn Schema, report: &mut Report) -> Result<(), TierError> {
    let names = names(database);
    let inspect::Survey { server, live, sizes } = database.survey(&names).await?;
    (report.server, report.bytes) = (Some(server.version), server.bytes);
    report.snapshots = server.snapshots;
    let version = database.version().await?;
    (report.version, report.newest) = (Some(version), migrate::newest(database));
    let pending = database.steps().iter().filter(|step| step.version() > version);
    report.pending = pending.map(migrate::Step::name).collect();
    report.sorts = Some(sorts_as_we_do(database).await?);

    report.findings = findings::findings(tables(database.tier()), &live);
    for inspect::Size { table, rows, bytes } in sizes {
        report.tables.push(Counted { table, rows, exact: false, bytes });
    }
    if server.dialect == Dialect::Sqlite {
        count(database, &mut report.tables).await?;
    }
    let place = |table: &str| names.iter().position(|name| *name == table);
    report.tables.sort_by_key(|counted| place(&counted.table));
    let (standing, statement) = match database.tier() {
        Tier::Hot => ("archive_state", &EPOCHS),
        Tier::Cold => ("archive_head", &CLAIMS),
    };
    if live.model.table(standing).is_some() {
        for record in database.fetch(statement, &[]).await? {
            let (resource, epoch) = (record.text("resource")?, record.int("epoch")?);
            report.epochs.push(Epoch { resource, epoch });
        }
    }
    Ok(())
}

/// Counts the rows of each table, all of one instant: SQLite keeps no count.
async fn count(engine: &dyn Engine, tables: &mut [Counted]) -> Result<(), TierError> {
    if tables.is_empty() {
        return Ok(());
    }
    let parts = tables
        .iter()
        .enumerate()
        .map(|(place, counted)| format!("SELECT {place} AS place, count(*) AS n FROM \"{}\"", counted.table));
    let text = format!("-- check.count\n{}", parts.collect::<Vec<_>>().join("\nUNION ALL "));
    for record in engine.fetch(&Statement::new(text.leak()), &[]).await? {
        let place = usize::try_from(record.int("place")?).unwrap_or(usize::MAX);
        if let Some(counted) = tables.get_mut(place) {
            (counted.rows, counted.exact) = (Some(record.int("n")?), true);
        }
    }
    Ok(())
}

/// Whether the tier puts keys into the order every page relies on.
async fn sorts_as_we_do(engine: &dyn Engine) -> Result<bool, TierError> {
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
    let records = engine.fetch(&SORT, &[instants.into(), ids.into()]).await?;
    let mut sorted = Vec::new();
    for record in &records {
        sorted.push(Key::new(record.time("at")?, record.int("id")?));
    }
    keys.sort_unstable_by(|a, b| b.cmp(a));
    Ok(sorted == keys)
}
