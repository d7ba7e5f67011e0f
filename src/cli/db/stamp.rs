//! `thermocline db stamp`

use std::sync::Arc;

use serde::Serialize;

use super::{Which, shown, steps, version};
use crate::cli::ready::listed;
use crate::cli::talk::confirm;
use crate::cli::{Failure, print_json, tiers};
use crate::config::Settings;
use crate::telemetry::explain;
use crate::tier::Schema;
use crate::tier::migrate::{self, DetectedSchema, Fault, Task};

/// Record that a schema stands at a version, and run nothing
///
/// For a database that was brought there by other means, after a migration that stopped half-way, and to record a
/// changed file anew. What the tables look like is compared with that version: if they say otherwise, it names how and
/// asks, unless told --yes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  thermocline db stamp 2 --tier hot")]
pub struct Args {
    /// A version's number or name, head, or base for none
    version: String,
    /// Which tier
    #[arg(long, value_enum, default_value = "both")]
    tier: Which,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, Serialize)]
struct Stamped {
    tier: &'static str,
    from: i64,
    to: i64,
}

/// Runs it.
pub async fn run(args: &Args, settings: &Settings, json: bool) -> Result<(), Failure> {
    let mut wanted = Vec::new();
    for (tier, place) in args.tier.places(settings)? {
        let to = version(tier, steps(tier, place), &args.version)?;
        wanted.push((tiers::open(tier, place).await?, to));
    }
    let done = stamp(args, &wanted, json).await;
    for (database, _) in wanted {
        database.close().await;
    }
    done
}

async fn stamp(args: &Args, wanted: &[(Arc<dyn Schema>, i64)], json: bool) -> Result<(), Failure> {
    // Nothing is recorded before everything was asked.
    let mut doubts = Vec::new();
    for (database, to) in wanted {
        let doubt = doubt(&**database, *to).await?;
        let name = if *to == 0 { "base".to_owned() } else { shown(database.steps(), *to) };
        doubts
            .extend(doubt.map(|doubt| format!("{}: recorded would be {name}, and {doubt}", database.tier())));
    }
    if !doubts.is_empty() {
        confirm(&doubts.join("\n"), args.yes)?;
    }
    let mut report = Vec::new();
    for (database, to) in wanted {
        let from = database.migrate(database.steps(), Task::Stamp(*to)).await.map_err(Failure::of)?;
        let tier = database.tier().name();
        if !json {
            say!("{tier}: recorded as {} (was {from})", shown(database.steps(), *to));
        }
        report.push(Stamped { tier, from, to: *to });
    }
    if json { print_json(&report) } else { Ok(()) }
}

/// What the tables say against a version, if they do.
async fn doubt(database: &dyn Schema, to: i64) -> Result<Option<String>, Failure> {
    let rows = database.recorded().await.map_err(Failure::of)?.unwrap_or_default();
    if let Err(fault @ Fault::Newer { .. }) = migrate::verify(database, &rows) {
        return Err(Failure::Failed(fault.to_string()));
    }
    Ok(match migrate::detect(database).await {
        Ok(DetectedSchema::Empty | DetectedSchema::Platform) if to == 0 => None,
        Ok(DetectedSchema::Version(version)) if version == to => None,
        Ok(DetectedSchema::Empty) => Some("there are no tables".to_owned()),
        Ok(DetectedSchema::Platform) => {
            Some("there are the platform's own tables alone, not adopted yet".to_owned())
        }
        Ok(DetectedSchema::Version(version)) => {
            Some(format!("the tables are as version {version} makes them"))
        }
        Ok(DetectedSchema::Diverged(wrong)) => Some(format!(
            "the tables are as no version makes them; compared with the nearest:{}",
            listed(&wrong)
        )),
        Err(error) => Some(format!("what there is cannot be compared: {}", explain(&error))),
    })
}
