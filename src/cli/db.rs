//! `thermocline db`

use clap::{Subcommand, ValueEnum};

use super::{Failure, print_json, tiers};
use crate::config::Settings;
use crate::tier::{Tier, migrate};

/// Look after the schema of the databases
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Apply the migrations that are pending
    #[command(after_help = "Example:\n  thermocline db upgrade --tier hot")]
    Upgrade {
        /// Which tier
        #[arg(long, value_enum, default_value = "both")]
        tier: Which,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Which {
    Hot,
    Cold,
    Both,
}

/// Runs it.
pub async fn run(args: Args, settings: &Settings, json: bool) -> Result<(), Failure> {
    let Command::Upgrade { tier } = args.command;
    let hot = (tier != Which::Cold).then_some((Tier::Hot, Some(&settings.hot)));
    let cold = (tier != Which::Hot).then_some((Tier::Cold, settings.cold.as_ref()));
    let mut reports = Vec::new();
    for (which, place) in hot.into_iter().chain(cold) {
        let Some(place) = place else {
            if tier == Which::Cold {
                return Err(Failure::Usage("COLD_DATABASE_URL: not set".to_owned()));
            }
            continue;
        };
        let database = tiers::open(which, place).await?;
        let report = migrate::upgrade(&*database).await.map_err(Failure::of)?;
        database.close().await;
        if !json {
            match report.applied.as_slice() {
                [] => println!("{which}: version {}, nothing to do", report.to),
                applied => {
                    println!("{which}: version {} to {}: {}", report.from, report.to, applied.join(", "));
                }
            }
        }
        reports.push(report);
    }
    if json { print_json(&reports) } else { Ok(()) }
}
