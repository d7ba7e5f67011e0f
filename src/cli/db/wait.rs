//! `thermocline db wait`

use std::time::Instant;

use serde::Serialize;

use super::target::TierChoice;
use crate::cli::connect;
use crate::cli::failure::Failure;
use crate::cli::output::print_json;
use crate::config::Settings;

/// Wait until the databases accept connections
///
/// The pause between two attempts grows from 0.5 s to 5 s. A wrong password or a missing database is retried too, because
/// it may still be created, but the output names it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  thermocline db wait --tries 10 && thermocline db upgrade")]
pub struct Args {
    /// The tier
    #[arg(long, value_enum, default_value = "both")]
    tier: TierChoice,
    /// The number of attempts [default: 30]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    tries: Option<u32>,
}

#[derive(Debug, Serialize)]
struct Waited {
    tier: &'static str,
    place: String,
    seconds: f64,
}

/// Runs the command.
pub async fn run(args: &Args, settings: &Settings, json: bool) -> Result<(), Failure> {
    let mut report = Vec::new();
    for (tier, location) in args.tier.locations(settings)? {
        let begun = Instant::now();
        // An embedded file that does not exist is created later.
        if location.path().is_none_or(std::path::Path::is_file) {
            let tries = args.tries.unwrap_or(settings.tries);
            connect::wait(tier, location, tries, &mut |attempt| errln!("{attempt}")).await?.close().await;
        }
        let seconds = begun.elapsed().as_secs_f64();
        if !json {
            outln!("{tier} {location} is there");
        }
        report.push(Waited { tier: tier.name(), place: location.to_string(), seconds });
    }
    if json { print_json(&report) } else { Ok(()) }
}
