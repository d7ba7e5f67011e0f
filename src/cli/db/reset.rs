//! `thermocline db reset`

use serde::Serialize;

use super::target::{TierChoice, open_existing};
use crate::cli::failure::Failure;
use crate::cli::output::{confirm, print_json};
use crate::config::Settings;
use crate::tier::migrate::Task;

/// Drop the version table and nothing else
///
/// Afterwards `db auto` records the version that the tables have, and `db stamp` records a given one.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  thermocline db reset --tier cold")]
pub struct Args {
    /// The tier
    #[arg(long, value_enum, default_value = "both")]
    tier: TierChoice,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, Serialize)]
struct Reset {
    tier: &'static str,
    from: i64,
}

/// Runs the command.
pub async fn run(args: &Args, settings: &Settings, json: bool) -> Result<(), Failure> {
    let locations = args.tier.locations(settings)?;
    let tiers: Vec<&str> = locations.iter().map(|(tier, _)| tier.name()).collect();
    confirm(
        &format!("The version table of {} will be dropped; nothing else changes", tiers.join(" and ")),
        args.yes,
    )?;
    let mut report = Vec::new();
    for (tier, location) in locations {
        let Some(database) = open_existing(tier, location).await? else { continue };
        let done = database.migrate(database.steps(), Task::Reset).await;
        database.close().await;
        let from = done.map_err(Failure::of)?;
        if !json {
            outln!("{tier}: version table dropped (was {from})");
        }
        report.push(Reset { tier: tier.name(), from });
    }
    if json { print_json(&report) } else { Ok(()) }
}
