//! `thermocline db upgrade`

use super::target::{TierChoice, parse_version, steps};
use crate::cli::connect;
use crate::cli::failure::Failure;
use crate::cli::output::print_json;
use crate::config::Settings;
use crate::tier::migrate;

/// Apply the pending migrations
///
/// Each migration and its record are one transaction: one that fails is rolled back, and those before it stay.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  thermocline db upgrade\n  thermocline db upgrade 2 --tier hot")]
pub struct Args {
    /// The number or name of the version to reach
    #[arg(default_value = "head")]
    to: String,
    /// The tier
    #[arg(long, value_enum, default_value = "both")]
    tier: TierChoice,
}

/// Runs the command.
pub async fn run(args: &Args, settings: &Settings, json: bool) -> Result<(), Failure> {
    let mut wanted = Vec::new();
    for (tier, location) in args.tier.locations(settings)? {
        wanted.push((tier, location, parse_version(tier, steps(tier, location), &args.to)?));
    }
    let mut reports = Vec::new();
    for (tier, location, to) in wanted {
        let database = connect::open(tier, location).await?;
        let done = migrate::upgrade_to(&*database, Some(to)).await;
        database.close().await;
        let report = done.map_err(Failure::of)?;
        if !json {
            match report.applied.as_slice() {
                [] => outln!("{tier}: version {}, nothing to do", report.to),
                applied => {
                    outln!("{tier}: version {} to {}: {}", report.from, report.to, applied.join(", "));
                }
            }
        }
        reports.push(report);
    }
    if json { print_json(&reports) } else { Ok(()) }
}
