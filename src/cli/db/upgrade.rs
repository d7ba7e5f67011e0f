//! `thermocline db upgrade`

use super::{Which, version};
use crate::cli::{Failure, print_json, tiers};
use crate::config::Settings;
use crate::tier::migrate;

/// Apply the migrations that are pending
///
/// Each is a transaction of its own with its record: one that fails is taken back, and those before it stay.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  thermocline db upgrade\n  thermocline db upgrade 2 --tier hot")]
pub struct Args {
    /// How far: a version's number or name
    #[arg(default_value = "head")]
    to: String,
    /// Which tier
    #[arg(long, value_enum, default_value = "both")]
    tier: Which,
}

/// Runs it.
pub async fn run(args: &Args, settings: &Settings, json: bool) -> Result<(), Failure> {
    let mut wanted = Vec::new();
    for (tier, place) in args.tier.places(settings)? {
        wanted.push((tier, place, version(tier, super::steps(tier, place), &args.to)?));
    }
    let mut reports = Vec::new();
    for (tier, place, to) in wanted {
        let database = tiers::open(tier, place).await?;
        let done = migrate::upgrade_to(&*database, Some(to)).await;
        database.close().await;
        let report = done.map_err(Failure::of)?;
        if !json {
            match report.applied.as_slice() {
                [] => say!("{tier}: version {}, nothing to do", report.to),
                applied => {
                    say!("{tier}: version {} to {}: {}", report.from, report.to, applied.join(", "));
                }
            }
        }
        reports.push(report);
    }
    if json { print_json(&reports) } else { Ok(()) }
}
