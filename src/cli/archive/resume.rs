//! `thermocline archive resume`

use serde::Serialize;

use super::mover::mover;
use super::resources::ResourceArgs;
use crate::cli::failure::Failure;
use crate::cli::output::print_all;
use crate::cli::tiers::Tiers;
use crate::clock::Clock;

/// Release the resources that `archive restore` holds
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  thermocline archive resume --resource messages")]
pub struct Args {
    #[command(flatten)]
    resources: ResourceArgs,
}

#[derive(Debug, Serialize)]
struct Resumed {
    resource: &'static str,
    was_held: bool,
}

/// Runs the command.
pub async fn run(args: &Args, tiers: &Tiers, clock: &Clock, json: bool) -> Result<(), Failure> {
    let mover = mover(tiers, clock)?;
    let mut all = Vec::new();
    for family in args.resources.families() {
        let was_held = mover.is_held(family).await.map_err(Failure::of)?;
        mover.resume(family).await.map_err(Failure::of)?;
        all.push(Resumed { resource: family.resource, was_held });
    }
    print_all(&all, json, |Resumed { resource, was_held }| {
        outln!("{resource}: {}", if *was_held { "resumed" } else { "was not held" });
    })
}
