//! `thermocline db heads`

use serde::Serialize;

use super::{Which, steps};
use crate::cli::{Failure, print_json};
use crate::config::Settings;
use crate::tier::migrate::Step;

/// Show the newest version this program knows for each tier; asks no database
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  thermocline db heads")]
pub struct Args {
    /// Which tier
    #[arg(long, value_enum, default_value = "both")]
    tier: Which,
}

#[derive(Debug, Serialize)]
struct Head {
    tier: &'static str,
    version: i64,
    name: &'static str,
}

/// Runs it.
pub fn run(args: &Args, settings: &Settings, json: bool) -> Result<(), Failure> {
    let places = args.tier.places(settings)?;
    let heads = places.into_iter().map(|(tier, place)| {
        let head = steps(tier, place).last();
        Head {
            tier: tier.name(),
            version: head.map_or(0, Step::version),
            name: head.map_or("base", Step::name),
        }
    });
    let heads: Vec<Head> = heads.collect();
    if json {
        return print_json(&heads);
    }
    for Head { tier, name, .. } in heads {
        say!("{tier}: {name}");
    }
    Ok(())
}
