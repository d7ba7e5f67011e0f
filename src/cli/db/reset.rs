//! `thermocline db reset`

use serde::Serialize;

use super::{Which, existing};
use crate::cli::talk::confirm;
use crate::cli::{Failure, print_json};
use crate::config::Settings;
use crate::tier::migrate::Task;

/// Drop the version table, and nothing else
///
/// Afterwards `db auto` looks at the tables and records the version they fit, `db stamp` records one that is named.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  thermocline db reset --tier cold")]
pub struct Args {
    /// Which tier
    #[arg(long, value_enum, default_value = "both")]
    tier: Which,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, Serialize)]
struct Forgotten {
    tier: &'static str,
    from: i64,
}

/// Runs it.
pub async fn run(args: &Args, settings: &Settings, json: bool) -> Result<(), Failure> {
    let places = args.tier.places(settings)?;
    let tiers: Vec<&str> = places.iter().map(|(tier, _)| tier.name()).collect();
    confirm(
        &format!("The version table of {} is dropped; nothing else changes", tiers.join(" and ")),
        args.yes,
    )?;
    let mut report = Vec::new();
    for (tier, place) in places {
        let Some(database) = existing(tier, place).await? else { continue };
        let done = database.migrate(database.steps(), Task::Reset).await;
        database.close().await;
        let from = done.map_err(Failure::of)?;
        if !json {
            say!("{tier}: no version is recorded any more (was {from})");
        }
        report.push(Forgotten { tier: tier.name(), from });
    }
    if json { print_json(&report) } else { Ok(()) }
}
