//! `thermocline archive vacuum`

use super::{RESOURCES, run::stop_on_signal};
use crate::archive::vacuum::{Vacuum, VacuumReport};
use crate::cli::tiers::Tiers;
use crate::cli::{Failure, args, print_json};
use crate::clock::Clock;
use crate::resources;

/// Remove from cold what no reader may see any more, and refresh its statistics
///
/// Rows that were brought back to hot or replaced by a correction stay in cold until this removes them. May be killed
/// at any moment; the next one goes on. Once a week is enough.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  thermocline archive vacuum --dry-run
  thermocline archive vacuum --keep 90d")]
pub struct Args {
    /// Only this resource; may be given several times [messages, posts, prices]
    #[arg(long, value_parser = RESOURCES)]
    resource: Vec<String>,
    /// How long to keep it: longer than the oldest backup of hot that one would restore
    #[arg(long, default_value = "30d", value_parser = args::span)]
    keep: i64,
    /// Count what would go and change nothing
    #[arg(long = "dry-run")]
    only_count: bool,
}

/// Runs it.
pub async fn run(args: &Args, tiers: &Tiers, clock: &Clock, json: bool) -> Result<(), Failure> {
    let cold = tiers.need_cold()?;
    let wanted = |name| args.resource.is_empty() || args.resource.iter().any(|wanted| wanted == name);
    let stop = stop_on_signal();
    let mut all = Vec::new();
    for family in resources::families().into_iter().filter(|family| wanted(family.resource)) {
        let vacuum = Vacuum { cold, clock, family, keep: args.keep };
        let swept = if args.only_count { vacuum.count().await } else { vacuum.run(&stop).await };
        let swept = swept.map_err(Failure::of)?;
        if !json {
            let VacuumReport { resource, oldest_readable_epoch, versions, deltas, actions, .. } = &swept;
            let (would, ended) =
                (if args.only_count { "would " } else { "" }, if swept.stopped { ", stopped" } else { "" });
            say!(
                "{resource}: {would}remove {versions} versions, {would}fold {deltas} counts of rows and {actions} of \
                 what users did, oldest readable epoch {oldest_readable_epoch}{ended}"
            );
        }
        all.push(swept);
    }
    if json { print_json(&all) } else { Ok(()) }
}
