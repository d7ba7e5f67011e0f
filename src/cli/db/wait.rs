//! `thermocline db wait`

use std::time::Instant;

use serde::Serialize;

use super::Which;
use crate::cli::{Failure, print_json, tiers, wait};
use crate::config::Settings;

/// Wait until the databases let us in
///
/// The pause between two looks grows from 0.5 s to 5 s. A wrong password or a database that does not exist is
/// waited for too, as both may still be made, but it is called what it is.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  thermocline db wait --tries 10 && thermocline db upgrade")]
pub struct Args {
    /// Which tier
    #[arg(long, value_enum, default_value = "both")]
    tier: Which,
    /// How often to look [default: 30]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    tries: Option<u32>,
}

#[derive(Debug, Serialize)]
struct Waited {
    tier: &'static str,
    place: String,
    seconds: f64,
}

/// Runs it.
pub async fn run(args: &Args, settings: &Settings, json: bool) -> Result<(), Failure> {
    let mut report = Vec::new();
    for (tier, place) in args.tier.places(settings)? {
        let begun = Instant::now();
        let shown = tiers::describe(tier, place)?;
        // A file that is not there will be made.
        if place.path().is_none_or(std::path::Path::is_file) {
            let tries = args.tries.unwrap_or(settings.tries);
            wait::wait(tier, place, tries, &mut |miss| complain!("{miss}")).await?.close().await;
        }
        let seconds = begun.elapsed().as_secs_f64();
        if !json {
            say!("{tier} {shown} is there");
        }
        report.push(Waited { tier: tier.name(), place: shown, seconds });
    }
    if json { print_json(&report) } else { Ok(()) }
}
