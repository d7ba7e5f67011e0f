//! `thermocline db downgrade`

use std::fmt::Write as _;
use std::sync::Arc;

use serde::Serialize;

use super::target::{TierChoice, open_existing, parse_version, steps, version_name};
use crate::cli::failure::Failure;
use crate::cli::output::{confirm, print_json};
use crate::config::Settings;
use crate::journal::pair;
use crate::tier::migrate::{self, Dropped, Step};
use crate::tier::{Schema, Statement, Tier};

crate::queries! {
    /// Statements of `db downgrade`.
    mod sql = "downgrade" { Shared: "queries.sql", Mssql: "queries.mssql.sql" }
    [open_rows, rows]
}

/// Revert migrations, newest first, with the tables and rows they created
///
/// Shows how many rows would be lost and asks for confirmation, unless --yes is given. Refuses to drop what hot and cold need
/// to find archived rows again, while there are any.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  thermocline db downgrade --tier cold
  thermocline db downgrade 1 --tier hot
  thermocline db downgrade base --tier hot --yes")]
pub struct Args {
    /// -1 for the newest migration, -2 for two, the number or name of a version to return to, or base for all
    #[arg(default_value = "-1", allow_hyphen_values = true)]
    to: String,
    /// The tier
    #[arg(long, value_enum, default_value = "both")]
    tier: TierChoice,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
}

/// The table without which hot belongs to no cold.
const STATE: &str = "archive_state";

#[derive(Debug, Serialize)]
struct Downgraded {
    tier: &'static str,
    from: i64,
    to: i64,
    taken_back: Vec<&'static str>,
    lost: Vec<Lost>,
}

#[derive(Debug, Serialize)]
struct Lost {
    table: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<String>,
    rows: i64,
}

struct Downgrade {
    tier: Tier,
    database: Arc<dyn Schema>,
    steps: &'static [Step],
    report: Downgraded,
}

/// Runs the command.
pub async fn run(args: &Args, settings: &Settings, json: bool) -> Result<(), Failure> {
    let mut plans = Vec::new();
    for (tier, location) in args.tier.locations(settings)? {
        let steps = steps(tier, location);
        let target = Target::parse(tier, steps, &args.to)?;
        let Some(database) = open_existing(tier, location).await? else { continue };
        let recorded = database.recorded().await.map_err(Failure::of)?.unwrap_or_default();
        let from = migrate::stands(&recorded);
        let to = target.resolve(steps, from).min(from);
        let reverted = steps.iter().rev().filter(|step| step.version() > to && step.version() <= from);
        let mut report = Downgraded { tier: tier.name(), from, to, taken_back: Vec::new(), lost: Vec::new() };
        for step in reverted {
            report.taken_back.push(step.name());
            for dropped in step.drops() {
                report.lost.push(count(&*database, dropped).await?);
            }
        }
        plans.push(Downgrade { tier, database, steps, report });
    }
    if let Some(refusal) = cut(&plans).await? {
        return Err(Failure::Failed(refusal));
    }
    if plans.iter().any(|plan| !plan.report.taken_back.is_empty()) {
        confirm(&question(&plans), args.yes)?;
    }
    let mut reports = Vec::new();
    for Downgrade { tier, database, steps, report } in plans {
        let (report, stopped) = revert(&*database, report).await;
        database.close().await;
        if !json {
            match report.taken_back.as_slice() {
                [] if stopped.is_none() => {
                    outln!("{tier}: {}, nothing to do", version_name(steps, report.from));
                }
                [] => {}
                names => {
                    outln!("{tier}: version {} to {}: reverted {}", report.from, report.to, names.join(", "));
                }
            }
        }
        reports.push(report);
        if let Some(stopped) = stopped {
            if json {
                print_json(&reports)?;
            }
            return Err(stopped);
        }
    }
    if json { print_json(&reports) } else { Ok(()) }
}

/// Reverts the migrations of a plan. Each is a transaction, so those before one that fails stay reverted: returns what was
/// reverted, and the failure.
async fn revert(database: &dyn Schema, mut report: Downgraded) -> (Downgraded, Option<Failure>) {
    if report.taken_back.is_empty() {
        return (report, None);
    }
    let Err(error) = migrate::downgrade(database, report.to).await else { return (report, None) };
    let Ok(stands) = database.version().await else { return (report, Some(Failure::of(error))) };
    let steps = database.steps();
    report.to = stands;
    let is_reverted =
        |name: &&'static str| steps.iter().any(|step| step.name() == *name && step.version() > stands);
    report.taken_back.retain(is_reverted);
    let dropped: Vec<Dropped> = steps
        .iter()
        .filter(|step| step.version() > stands && step.version() <= report.from)
        .flat_map(Step::drops)
        .collect();
    report.lost.retain(|lost| {
        dropped.iter().any(|Dropped { table, column }| *table == lost.table && *column == lost.column)
    });
    (report, Some(Failure::of(error)))
}

/// Returns why a downgrade would cut hot from the rows in cold, if it would.
async fn cut(plans: &[Downgrade]) -> Result<Option<String>, Failure> {
    const REMEDY: &str = "bring the rows back to hot first, with `thermocline archive restore --all`";
    for Downgrade { tier, database, report, .. } in plans {
        let drops = |table: &str| report.lost.iter().any(|lost| lost.table == table && lost.column.is_none());
        if *tier == Tier::Hot && drops(STATE) {
            let archived = pair::archived(&**database).await.map_err(Failure::of)?;
            if !archived.is_empty() {
                let archived = archived.join(", ");
                return Ok(Some(format!(
                    "hot: cold holds rows of {archived}, and without {STATE} hot could not find them; {REMEDY}"
                )));
            }
        }
        for table in versions(*tier).filter(|table| drops(table)) {
            let rows = number(&**database, &open_statement(table)).await?;
            if rows > 0 {
                return Ok(Some(format!("{tier}: {table} holds {rows} archived rows; {REMEDY}")));
            }
        }
    }
    Ok(None)
}

/// Returns the tables of a tier with versions of rows.
fn versions(tier: Tier) -> impl Iterator<Item = &'static str> {
    let tables = crate::schema::of(tier).tables.iter();
    tables
        .filter(|table| table.columns.iter().any(|column| column.name == "to_epoch"))
        .map(|table| table.name)
}

/// Returns the statement that counts the rows that a table of cold shows.
fn open_statement(table: &str) -> Statement {
    sql::open_rows().bind(table, &[("table", table)])
}

/// The extent of a downgrade.
#[derive(Clone, Copy)]
enum Target {
    Version(i64),
    Steps(usize),
}

impl Target {
    fn parse(tier: Tier, steps: &[Step], text: &str) -> Result<Self, Failure> {
        match text.strip_prefix('-').map(str::parse) {
            Some(Ok(back)) => Ok(Self::Steps(back)),
            _ => parse_version(tier, steps, text).map(Self::Version),
        }
    }

    /// Returns the version to return to from `current`.
    fn resolve(self, steps: &[Step], current: i64) -> i64 {
        match self {
            Self::Version(version) => version,
            Self::Steps(back) => {
                let applied = steps.iter().rev().map(Step::version).filter(|version| *version <= current);
                applied.into_iter().nth(back).unwrap_or(0)
            }
        }
    }
}

/// Returns the statement that counts the rows of a table, or the values of a column.
fn count_statement(table: &str, column: Option<&str>) -> Statement {
    let subject = column.map_or_else(|| table.to_owned(), |column| format!("{table}.{column}"));
    sql::rows().bind(&subject, &[("table", table), ("what", column.unwrap_or("*"))])
}

/// Returns the statements for everything that the migrations of a tier drop when they are taken back.
pub(super) fn statements(steps: &[Step]) -> Vec<Statement> {
    let dropped = steps.iter().flat_map(Step::drops);
    let mut all: Vec<Statement> =
        dropped.map(|Dropped { table, column }| count_statement(&table, column.as_deref())).collect();
    all.extend(versions(Tier::Cold).map(open_statement));
    all
}

async fn count(database: &dyn Schema, Dropped { table, column }: Dropped) -> Result<Lost, Failure> {
    let rows = number(database, &count_statement(&table, column.as_deref())).await?;
    Ok(Lost { table, column, rows })
}

async fn number(database: &dyn Schema, statement: &Statement) -> Result<i64, Failure> {
    let rows = database.fetch(statement, &[]).await.map_err(Failure::of)?;
    rows.first().map_or(Ok(0), |row| row.int("n")).map_err(Failure::of)
}

fn question(plans: &[Downgrade]) -> String {
    let mut text = String::new();
    for Downgrade { tier, report, .. } in plans {
        for name in &report.taken_back {
            let _ = writeln!(text, "{tier}: {name} will be reverted");
        }
        for Lost { table, column, rows } in &report.lost {
            let _ = match column {
                None => writeln!(text, "  table {table} will be dropped, with {rows} rows"),
                Some(column) => {
                    writeln!(text, "  column {table}.{column} will be dropped, with {rows} values")
                }
            };
        }
    }
    text.trim_end().to_owned()
}
