//! `thermocline db generate`

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::Which;
use crate::cli::{Failure, look, print_json};
use crate::config::{Settings, TierLocation};
use crate::schema::emit::{Plan, Script};
use crate::schema::findings::Live;
use crate::schema::{Dialect, Model, docs};
use crate::tier::{Tier, migrate};

/// Write a migration that brings the databases to the declared schema
///
/// Compares the declaration in `src/schema/` with the live database and writes `NNNN_name.up.sql` and `.down.sql` for every
/// engine of the tier. Read them before you commit them: what they lose is said in them and here. What is neither declared
/// nor made by a migration is somebody else's, and stays unless you say --drop-unknown.
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
    /// What the migration does; its files are called after it
    #[arg(short, long, value_name = "TEXT", required_unless_present_any = ["sql", "docs"])]
    message: Option<String>,
    /// Which tier
    #[arg(long, value_enum, default_value = "both")]
    tier: Which,
    /// Print the statements and write no file
    #[arg(long)]
    sql: bool,
    /// Write empty files, to be filled in by hand; no database is asked
    #[arg(long, conflicts_with = "sql")]
    empty: bool,
    /// Drop also what no migration has made: a platform's own columns and indexes
    #[arg(long, conflicts_with = "empty")]
    drop_unknown: bool,
    /// The folder of the migrations
    #[arg(long, value_name = "FOLDER", default_value = "migrations")]
    dir: PathBuf,
    /// Print the description of the data model and do nothing else
    #[arg(long, conflicts_with_all = ["sql", "empty", "message"])]
    docs: bool,
}

/// What was found and written for a tier.
#[derive(Debug, Serialize)]
struct Report {
    tier: &'static str,
    /// Whether the database is as declared.
    fits: bool,
    /// What the engine that was asked cannot tell.
    unseen: Option<&'static str>,
    notes: Vec<String>,
    /// What is not ours, and stays.
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

/// Runs it.
pub async fn run(args: &Args, settings: &Settings, json: bool) -> Result<(), Failure> {
    if args.docs {
        say!("{}", docs::markdown(&crate::schema::HOT, &crate::schema::COLD).trim_end());
        return Ok(());
    }
    let places = args.tier.places(settings)?;
    if args.empty && places.len() > 1 {
        return Err(Failure::Usage("--empty: say which tier, with --tier hot or --tier cold".to_owned()));
    }
    let mut reports = Vec::new();
    // Nothing is written before everything is known.
    let mut plans = Vec::new();
    for (tier, place) in places {
        plans.push(if args.empty {
            (tier, empty(tier), None)
        } else {
            let (plan, asked) = plan(tier, place, args).await?;
            (tier, plan, Plan::unseen(asked))
        });
    }
    for (tier, plan, unseen) in plans {
        let report = carry_out(args, tier, &plan, unseen)?;
        if !json {
            print(&report);
        }
        reports.push(report);
    }
    if json { print_json(&reports) } else { Ok(()) }
}

/// The engines a tier may be on.
const fn engines(tier: Tier) -> [Dialect; 2] {
    match tier {
        Tier::Hot => Dialect::HOT,
        Tier::Cold => Dialect::COLD,
    }
}

fn empty(tier: Tier) -> Plan {
    let scripts = engines(tier).map(|engine| (engine, Script::default(), Script::default()));
    Plan { obstacles: Vec::new(), kept: Vec::new(), scripts: scripts.to_vec() }
}

/// Compares a tier with its declaration.
async fn plan(tier: Tier, place: &TierLocation, args: &Args) -> Result<(Plan, Dialect), Failure> {
    let database = look::open(tier, place).await.map_err(Failure::Failed)?;
    let found = async {
        let (version, newest) = (database.version().await?, migrate::newest(&*database));
        Ok::<_, crate::tier::TierError>((version, newest, database.inspect(&look::names(&*database)).await?))
    };
    let found = found.await;
    database.close().await;
    let (version, newest, live): (i64, i64, Live) = found.map_err(Failure::of)?;
    if version != newest {
        return Err(Failure::Usage(format!(
            "the {tier} schema is at version {version} and this program knows {newest}: `db upgrade --tier {tier}` first"
        )));
    }
    let written = last(tier, &args.dir)?;
    if written > newest {
        return Err(Failure::Usage(format!(
            "{} has version {written} of {tier}, and this program knows {newest}: build it and run `db upgrade` first",
            args.dir.display()
        )));
    }
    let declared = Model::of(look::tables(tier));
    let made = migrate::models(crate::schema::of(tier)).await.map_err(Failure::of)?.pop().unwrap_or_default();
    let made = Dialect::Sqlite.lift(&made, &declared);
    let plan = Plan::new(&live, &declared, &engines(tier), (!args.drop_unknown).then_some(&made));
    if plan.obstacles.is_empty() {
        Ok((plan, live.dialect))
    } else {
        Err(Failure::Failed(plan.obstacles.join("\n")))
    }
}

/// Writes or shows what is planned.
fn carry_out(args: &Args, tier: Tier, plan: &Plan, unseen: Option<&'static str>) -> Result<Report, Failure> {
    let notes = plan.notes().into_iter().map(str::to_owned).collect();
    let fits = plan.is_empty();
    let kept = plan.kept.clone();
    let mut report =
        Report { tier: tier.name(), fits, unseen, notes, kept, files: Vec::new(), sql: Vec::new() };
    if args.empty || !fits {
        for (engine, up, down) in &plan.scripts {
            let [up, down] = [up, down].map(|script| {
                if args.empty { "-- Write what is to be done.\n".to_owned() } else { script.text(*engine) }
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

fn print(report: &Report) {
    let Report { tier, fits, unseen, notes, kept, files, sql } = report;
    if let Some(unseen) = unseen {
        complain!("{tier}: this engine does not tell {unseen}");
    }
    for kept in kept {
        complain!("{tier}: {kept}");
    }
    if *fits && files.is_empty() {
        say!("{tier}: as declared, nothing to do");
        return;
    }
    for note in notes {
        complain!("{tier}: {note}");
    }
    for Sql { engine, up, down } in sql {
        say!("-- {tier}, {engine}, up\n{up}\n-- {tier}, {engine}, down\n{down}");
    }
    for file in files {
        say!("{tier}: {}", file.display());
    }
    if !files.is_empty() {
        say!("{tier}: read the files, then `cargo build` and `thermocline db upgrade --tier {tier}`");
    }
}

fn folder(tier: Tier, dir: &Path, engine: &str) -> PathBuf {
    dir.join(tier.name()).join(engine)
}

/// The newest version among a tier's files.
fn last(tier: Tier, dir: &Path) -> Result<i64, Failure> {
    let mut last = 0;
    for engine in engines(tier) {
        let folder = folder(tier, dir, engine.name());
        let entries = std::fs::read_dir(&folder).map_err(|error| {
            Failure::Usage(format!("{}: {error}; say where the migrations are with --dir", folder.display()))
        })?;
        for entry in entries.flatten() {
            let name = entry.file_name();
            let number = name.to_str().and_then(|name| name.split('_').next()?.parse::<i64>().ok());
            last = last.max(number.unwrap_or(0));
        }
    }
    Ok(last)
}

/// `add email to users` as a file is called: `add_email_to_users`.
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
