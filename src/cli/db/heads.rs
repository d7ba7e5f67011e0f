//! `thermocline db heads`

use serde::Serialize;

use super::target::{TierChoice, steps};
use crate::cli::failure::Failure;
use crate::cli::output::print_all;
use crate::config::Settings;
use crate::tier::migrate::Step;

/// Show the newest version that this program knows for each tier, without a database
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  thermocline db heads")]
pub struct Args {
    /// The tier
    #[arg(long, value_enum, default_value = "both")]
    tier: TierChoice,
}

#[derive(Debug, Serialize)]
struct Head {
    tier: &'static str,
    version: i64,
    name: &'static str,
}

/// Runs the command.
pub fn run(args: &Args, settings: &Settings, json: bool) -> Result<(), Failure> {
    let locations = args.tier.locations(settings)?;
    let heads = locations.into_iter().map(|(tier, location)| {
        let head = steps(tier, location).last();
        Head {
            tier: tier.name(),
            version: head.map_or(0, Step::version),
            name: head.map_or("base", Step::name),
        }
    });
    let heads: Vec<Head> = heads.collect();
    print_all(&heads, json, |Head { tier, name, .. }| outln!("{tier}: {name}"))
}
