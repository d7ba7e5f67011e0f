//! `thermocline db generate`

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::target::TierChoice;
use crate::cli::failure::Failure;
use crate::cli::output::print_all;
use crate::cli::tier_report::{open_existing, table_names};
use crate::config::Settings;
use crate::schema::emit::{Plan, Script};
use crate::schema::findings::Live;
use crate::schema::{Dialect, Model, docs};
use crate::tier::{Tier, TierLocation, migrate};

/// Write a migration that brings the databases to the declared schema
///
/// Compares the declaration with the live database and writes `NNNN_name.up.sql` and `.down.sql` for every engine of the
/// tier. Read the files before you commit them: they and this command name any loss of data. Columns and indexes that are
/// neither declared nor created by a migration belong to others, and stay unless --drop-unknown is given.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags")]
#[command(after_help = "\
Examples:
  thermocline db generate -m \"add email to users\"
  thermocline db generate --tier hot --sql
  thermocline db generate --tier hot --drop-unknown -m \"drop what was left behind\"
  thermocline db generate --tier cold --empty -m \"fill in the titles\"
  thermocline db generate --docs > docs/data-model.md")]
pub struct Args {
    /// A description of the migration; its files are named after it
    #[arg(short, long, value_name = "TEXT", required_unless_present_any = ["sql", "docs"])]
    message: Option<String>,
    /// The tier
    #[arg(long, value_enum, default_value = "both")]
    tier: TierChoice,
    /// Print the statements and write no file
    #[arg(long)]
    sql: bool,
    /// Write empty files to fill in by hand, without a database
    #[arg(long, conflicts_with = "sql")]
    empty: bool,
    /// Also drop columns and indexes that no migration created, such as those of a platform
    #[arg(long, conflicts_with = "empty")]
    drop_unknown: bool,
    /// The folder with the migrations
    #[arg(long, value_name = "FOLDER", default_value = "migrations")]
    dir: PathBuf,
    /// Only print the description of the data model
    #[arg(long, conflicts_with_all = ["sql", "empty", "message"])]
    docs: bool,
}

/// The differences and the new files of a tier.
#[derive(Debug, Serialize)]
struct GenerateReport {
    tier: &'static str,
    /// Whether the database has no differences from the declaration.
    fits: bool,
    /// Properties of tables that the engine does not report.
    unseen: Option<&'static str>,
    notes: Vec<String>,
    /// Columns and indexes of others, which stay.
    kept: Vec<String>,
    files: Vec<PathBuf>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sql: Vec<Sql>,
}

/// The statements for an engine.
#[derive(Debug, Serialize)]
struct Sql {
    engine: &'static str,
    up: String,
    down: String,
}

/// Runs the command.
pub async fn run(args: &Args, settings: &Settings, json: bool) -> Result<(), Failure> {
    if args.docs {
        outln!("{}", docs::markdown(&crate::schema::HOT, &crate::schema::COLD).trim_end());
        return Ok(());
    }
    let locations = args.tier.locations(settings)?;
    if args.empty && locations.len() > 1 {
        return Err(Failure::Usage("--empty: choose a tier with --tier hot or --tier cold".to_owned()));
    }
    let mut reports = Vec::new();
    // All tiers are compared before any file is written.
    let mut plans = Vec::new();
    for (tier, location) in locations {
        plans.push(if args.empty {
            (tier, empty(tier), None)
        } else {
            let (plan, engine) = plan(tier, location, args).await?;
            (tier, plan, Plan::unseen(engine))
        });
    }
    for (tier, plan, unseen) in plans {
        reports.push(carry_out(args, tier, &plan, unseen)?);
    }
    print_all(&reports, json, print)
}

/// Returns the engines that a tier can use.
const fn engines(tier: Tier) -> &'static [Dialect] {
    match tier {
        Tier::Hot => &Dialect::HOT,
        Tier::Cold => &Dialect::COLD,
    }
}

fn empty(tier: Tier) -> Plan {
    let scripts = engines(tier).iter().map(|engine| (*engine, Script::default(), Script::default()));
    Plan { obstacles: Vec::new(), kept: Vec::new(), scripts: scripts.collect() }
}

/// Compares a tier with its declaration.
async fn plan(tier: Tier, location: &TierLocation, args: &Args) -> Result<(Plan, Dialect), Failure> {
    let database = open_existing(tier, location).await.map_err(Failure::Failed)?;
    let found = async {
        let (version, newest) = (database.version().await?, migrate::newest(&*database));
        Ok::<_, crate::tier::TierError>((version, newest, database.inspect(&table_names(&*database)).await?))
    };
    let found = found.await;
    database.close().await;
    let (version, newest, live): (i64, i64, Live) = found.map_err(Failure::of)?;
    if version != newest {
        return Err(Failure::Usage(format!(
            "the {tier} schema is at version {version} and this program knows {newest}: run `db upgrade --tier {tier}` first"
        )));
    }
    let written = last(tier, &args.dir)?;
    if written > newest {
        return Err(Failure::Usage(format!(
            "{} has version {written} of {tier}, and this program knows {newest}: build the program and run `db upgrade` first",
            args.dir.display()
        )));
    }
    let declared = Model::of(crate::schema::of(tier).tables);
    let made = migrate::models(crate::schema::of(tier)).await.map_err(Failure::of)?.pop().unwrap_or_default();
    let made = Dialect::Sqlite.lift(&made, &declared);
    let plan = Plan::new(&live, &declared, engines(tier), (!args.drop_unknown).then_some(&made));
    if plan.obstacles.is_empty() {
        Ok((plan, live.dialect))
    } else {
        Err(Failure::Failed(plan.obstacles.join("\n")))
    }
}

/// Writes the files or collects the statements.
fn carry_out(
    args: &Args,
    tier: Tier,
    plan: &Plan,
    unseen: Option<&'static str>,
) -> Result<GenerateReport, Failure> {
    let notes = plan.notes().into_iter().map(str::to_owned).collect();
    let fits = plan.is_empty();
    let kept = plan.kept.clone();
    let mut report =
        GenerateReport { tier: tier.name(), fits, unseen, notes, kept, files: Vec::new(), sql: Vec::new() };
    if args.empty || !fits {
        for (engine, up, down) in &plan.scripts {
            let [up, down] = [up, down].map(|script| {
                if args.empty { "-- Write the statements here.\n".to_owned() } else { script.text(*engine) }
            });
            report.sql.push(Sql { engine: engine.name(), up, down });
        }
    }
    if args.sql {
        return Ok(report);
    }
    let message = args.message.as_deref().unwrap_or_default();
    let name = format!("{:04}_{}", last(tier, &args.dir)? + 1, file_name(message)?);
    for Sql { engine, up, down } in std::mem::take(&mut report.sql) {
        for (text, end) in [(up, "up"), (down, "down")] {
            let file = folder(tier, &args.dir, engine).join(format!("{name}.{end}.sql"));
            std::fs::write(&file, format!("-- {message}\n{text}"))
                .map_err(|error| Failure::Failed(format!("{}: {error}", file.display())))?;
            report.files.push(file);
        }
    }
    Ok(report)
}

fn print(report: &GenerateReport) {
    let GenerateReport { tier, fits, unseen, notes, kept, files, sql } = report;
    if let Some(unseen) = unseen {
        errln!("{tier}: this engine does not report {unseen}");
    }
    for kept in kept {
        errln!("{tier}: {kept}");
    }
    if *fits && files.is_empty() {
        outln!("{tier}: no differences, nothing to do");
        return;
    }
    for note in notes {
        errln!("{tier}: {note}");
    }
    for Sql { engine, up, down } in sql {
        outln!("-- {tier}, {engine}, up\n{up}\n-- {tier}, {engine}, down\n{down}");
    }
    for file in files {
        outln!("{tier}: {}", file.display());
    }
    if !files.is_empty() {
        outln!("{tier}: read the files, then `cargo build` and `thermocline db upgrade --tier {tier}`");
    }
}

fn folder(tier: Tier, dir: &Path, engine: &str) -> PathBuf {
    dir.join(tier.name()).join(engine)
}

/// Returns the newest version among the files of a tier.
fn last(tier: Tier, dir: &Path) -> Result<i64, Failure> {
    let mut last = 0;
    for engine in engines(tier) {
        let folder = folder(tier, dir, engine.name());
        let entries = std::fs::read_dir(&folder).map_err(|error| {
            Failure::Usage(format!(
                "{}: {error}; name the folder with the migrations with --dir",
                folder.display()
            ))
        })?;
        for entry in entries.flatten() {
            let name = entry.file_name();
            let number = name.to_str().and_then(|name| name.split('_').next()?.parse::<i64>().ok());
            last = last.max(number.unwrap_or(0));
        }
    }
    Ok(last)
}

/// Returns the file name for a message: `add_email_to_users` for `add email to users`.
fn file_name(message: &str) -> Result<String, Failure> {
    let words = message.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let name = words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("_");
    if name.is_empty() {
        return Err(Failure::Usage(
            "--message: expected a few words, such as \"add email to users\"".to_owned(),
        ));
    }
    Ok(name)
}
