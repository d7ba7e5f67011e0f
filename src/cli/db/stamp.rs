//! `thermocline db stamp`

use serde::Serialize;

use super::{Which, shown, steps, version};
use crate::cli::{Failure, print_json, tiers};
use crate::config::Settings;
use crate::tier::migrate::Task;

/// Record that a schema stands at a version, and run nothing
///
/// For a database that was brought there by other means, after a migration that stopped half-way, and to record a
/// changed file anew. Nobody checks that it is true.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  thermocline db stamp 2 --tier hot")]
pub struct Args {
    /// A version's number or name, head, or base for none
    version: String,
    /// Which tier
    #[arg(long, value_enum, default_value = "both")]
    tier: Which,
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
        wanted.push((tier, place, version(tier, steps(tier, place), &args.version)?));
    }
    let mut report = Vec::new();
    for (tier, place, to) in wanted {
        let database = tiers::open(tier, place).await?;
        let done = database.migrate(database.steps(), Task::Stamp(to)).await;
        database.close().await;
        let from = done.map_err(Failure::of)?;
        if !json {
            println!("{tier}: recorded as {} (was {from})", shown(steps(tier, place), to));
        }
        report.push(Stamped { tier: tier.name(), from, to });
    }
    if json { print_json(&report) } else { Ok(()) }
}
