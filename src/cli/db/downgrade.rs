//! `thermocline db downgrade`

use std::fmt::Write as _;
use std::sync::Arc;

use serde::Serialize;

use super::target::{TierChoice, open_existing, parse_version, steps, version_name};
use crate::cli::failure::Failure;
use crate::cli::output::{confirm, print_json};
use crate::config::Settings;
use crate::tier::migrate::{self, Dropped, Step};
use crate::tier::{Schema, Statement, Tier};

crate::queries! {
    /// Statements of `db downgrade`.
    mod sql = "downgrade" { Shared: "queries.sql", Mssql: "queries.mssql.sql" }
    [rows]
}

/// Revert migrations, newest first, with the tables and rows they created
///
/// Shows how many rows would be lost and asks for confirmation, unless --yes is given.
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
    if plans.iter().any(|plan| !plan.report.taken_back.is_empty()) {
        confirm(&question(&plans), args.yes)?;
    }
    let mut reports = Vec::new();
    for Downgrade { tier, database, steps, report } in plans {
        let done = if report.taken_back.is_empty() {
            Ok(0)
        } else {
            migrate::downgrade(&*database, report.to).await
        };
        database.close().await;
        done.map_err(Failure::of)?;
        if !json {
            match report.taken_back.as_slice() {
                [] => outln!("{tier}: {}, nothing to do", version_name(steps, report.from)),
                names => {
                    outln!("{tier}: version {} to {}: reverted {}", report.from, report.to, names.join(", "));
                }
            }
        }
        reports.push(report);
    }
    if json { print_json(&reports) } else { Ok(()) }
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
    dropped.map(|Dropped { table, column }| count_statement(&table, column.as_deref())).collect()
}

async fn count(database: &dyn Schema, Dropped { table, column }: Dropped) -> Result<Lost, Failure> {
    let rows = database.fetch(&count_statement(&table, column.as_deref()), &[]).await.map_err(Failure::of)?;
    let rows = rows.first().map_or(Ok(0), |row| row.int("n")).map_err(Failure::of)?;
    Ok(Lost { table, column, rows })
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
