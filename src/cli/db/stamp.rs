//! `thermocline db stamp`

use std::sync::Arc;

use serde::Serialize;

use super::target::{TierChoice, parse_version, steps, version_name};
use crate::cli::connect;
use crate::cli::failure::Failure;
use crate::cli::output::{confirm, print_json};
use crate::cli::schema_setup::listed;
use crate::config::Settings;
use crate::telemetry::explain;
use crate::tier::Schema;
use crate::tier::migrate::{self, DetectedSchema, Fault, Task};

/// Record a version of a schema without running migrations
///
/// For a database that was changed by other means, after a migration that stopped half-way, and to accept a changed file.
/// If the tables are not those of the version, shows the differences and asks for confirmation, unless --yes is given.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  thermocline db stamp 2 --tier hot")]
pub struct Args {
    /// The number or name of a version, head, or base for none
    version: String,
    /// The tier
    #[arg(long, value_enum, default_value = "both")]
    tier: TierChoice,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, Serialize)]
struct Stamped {
    tier: &'static str,
    from: i64,
    to: i64,
}

/// Runs the command.
pub async fn run(args: &Args, settings: &Settings, json: bool) -> Result<(), Failure> {
    let mut wanted = Vec::new();
    for (tier, location) in args.tier.locations(settings)? {
        let to = parse_version(tier, steps(tier, location), &args.version)?;
        wanted.push((connect::open(tier, location).await?, to));
    }
    let done = stamp(args, &wanted, json).await;
    for (database, _) in wanted {
        database.close().await;
    }
    done
}

async fn stamp(args: &Args, wanted: &[(Arc<dyn Schema>, i64)], json: bool) -> Result<(), Failure> {
    // All tiers are compared before anything is recorded.
    let mut mismatches = Vec::new();
    for (database, to) in wanted {
        let mismatch = mismatch(&**database, *to).await?;
        let name = if *to == 0 { "base".to_owned() } else { version_name(database.steps(), *to) };
        mismatches.extend(
            mismatch.map(|text| format!("{}: {name} would be recorded, but {text}", database.tier())),
        );
    }
    if !mismatches.is_empty() {
        confirm(&mismatches.join("\n"), args.yes)?;
    }
    let mut report = Vec::new();
    for (database, to) in wanted {
        let from = database.migrate(database.steps(), Task::Stamp(*to)).await.map_err(Failure::of)?;
        let tier = database.tier().name();
        if !json {
            outln!("{tier}: recorded as {} (was {from})", version_name(database.steps(), *to));
        }
        report.push(Stamped { tier, from, to: *to });
    }
    if json { print_json(&report) } else { Ok(()) }
}

/// Returns how the tables differ from a version, if they do.
async fn mismatch(database: &dyn Schema, to: i64) -> Result<Option<String>, Failure> {
    let rows = database.recorded().await.map_err(Failure::of)?.unwrap_or_default();
    if let Err(fault @ Fault::Newer { .. }) = migrate::verify(database, &rows) {
        return Err(Failure::Failed(fault.to_string()));
    }
    Ok(match migrate::detect(database).await {
        Ok(DetectedSchema::Empty | DetectedSchema::Platform) if to == 0 => None,
        Ok(DetectedSchema::Version(version)) if version == to => None,
        Ok(DetectedSchema::Empty) => Some("there are no tables".to_owned()),
        Ok(DetectedSchema::Platform) => {
            Some("there are only the tables of the platform, which are not adopted yet".to_owned())
        }
        Ok(DetectedSchema::Version(version)) => Some(format!("the tables are those of version {version}")),
        Ok(DetectedSchema::Diverged(wrong)) => Some(format!(
            "the tables are not those of any version; differences from the nearest:{}",
            listed(&wrong)
        )),
        Err(error) => Some(format!("the tables cannot be compared: {}", explain(&error))),
    })
}
