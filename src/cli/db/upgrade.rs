//! `thermocline db upgrade`

use super::Which;
use crate::cli::{Failure, print_json, tiers};
use crate::config::Settings;
use crate::tier::migrate;

/// Apply the migrations that are pending
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  thermocline db upgrade --tier hot")]
pub struct Args {
    /// Which tier
    #[arg(long, value_enum, default_value = "both")]
    tier: Which,
}

/// Runs it.
pub async fn run(args: &Args, settings: &Settings, json: bool) -> Result<(), Failure> {
    let mut reports = Vec::new();
    for (which, place) in args.tier.places(settings)? {
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
