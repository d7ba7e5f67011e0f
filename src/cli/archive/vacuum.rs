//! `thermocline archive vacuum`

use super::mover::stop_on_signal;
use super::resources::ResourceArgs;
use crate::archive::vacuum::{Vacuum, VacuumReport};
use crate::cli::args;
use crate::cli::failure::Failure;
use crate::cli::output::print_json;
use crate::cli::tiers::Tiers;
use crate::clock::Clock;

/// Remove from cold the versions that no reader can see any more, and refresh its statistics
///
/// Rows that were restored to hot or replaced by a correction stay in cold until this command removes them. Blocks of rows that
/// have no signature yet get one, so that a search can skip them. It may be killed at any moment; the next run continues. Once a
/// week is enough.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  thermocline archive vacuum --dry-run
  thermocline archive vacuum --keep 90d")]
pub struct Args {
    #[command(flatten)]
    resources: ResourceArgs,
    /// The time to keep versions: longer than the oldest backup of hot that could be restored
    #[arg(long, default_value = "30d", value_parser = args::span)]
    keep: i64,
    /// Count what would be removed and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// Runs the command.
pub async fn run(args: &Args, tiers: &Tiers, clock: &Clock, json: bool) -> Result<(), Failure> {
    let cold = tiers.need_cold()?;
    let stop = stop_on_signal();
    let mut all = Vec::new();
    for family in args.resources.families() {
        let vacuum = Vacuum { cold, clock, family, keep: args.keep };
        let swept = if args.dry_run { vacuum.count().await } else { vacuum.run(&stop).await };
        let swept = swept.map_err(Failure::of)?;
        if !json {
            let VacuumReport {
                resource, oldest_readable_epoch, versions, deltas, actions, signatures, ..
            } = &swept;
            let (would, ended) =
                (if args.dry_run { "would " } else { "" }, if swept.stopped { ", stopped" } else { "" });
            outln!(
                "{resource}: {would}remove {versions} versions, {would}fold {deltas} row counts and {actions} user \
                 actions, {would}sign {signatures} blocks, oldest readable epoch {oldest_readable_epoch}{ended}"
            );
        }
        all.push(swept);
    }
    if json { print_json(&all) } else { Ok(()) }
}
