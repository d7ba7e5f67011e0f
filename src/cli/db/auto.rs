//! `thermocline db auto`

use super::Which;
use crate::cli::ready::{Readied, bring_up_to_date};
use crate::cli::{Failure, print_json, wait};
use crate::config::Settings;

/// Wait, create or adopt, upgrade, verify: what the start of a container runs
///
/// Tables that are there without a version table are recorded if they are what a version makes; a live platform's own
/// tables in a SQL Server are adopted; anything else is refused, with what differs. Nothing is overwritten. Many may
/// run it at once.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  thermocline db auto && thermocline serve")]
pub struct Args {
    /// Which tier
    #[arg(long, value_enum, default_value = "both")]
    tier: Which,
    /// How often to look for each database [default: 30]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    tries: Option<u32>,
}

/// Runs it.
pub async fn run(args: &Args, settings: &Settings, json: bool) -> Result<(), Failure> {
    let mut reports = Vec::new();
    for (tier, place) in args.tier.places(settings)? {
        let tries = args.tries.unwrap_or(settings.tries);
        let database = wait::wait(tier, place, tries, &mut |miss| complain!("{miss}")).await?;
        let done = bring_up_to_date(&*database, true).await;
        database.close().await;
        let report = done?;
        if !json {
            say(&report);
        }
        reports.push(report);
    }
    if json { print_json(&reports) } else { Ok(()) }
}

fn say(Readied { adopted, upgraded, differs }: &Readied) {
    let (tier, to) = (upgraded.tier, upgraded.to);
    if let Some(version) = adopted {
        say!("{tier}: found as version {version} makes it, and recorded");
    }
    match upgraded.applied.as_slice() {
        [] => say!("{tier}: version {to}, nothing to do"),
        applied => say!("{tier}: version {} to {to}: {}", upgraded.from, applied.join(", ")),
    }
    for text in differs {
        say!("{tier}: {text}");
    }
}
