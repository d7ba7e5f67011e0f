//! `thermocline archive resume`

use serde::Serialize;

use crate::cli::tiers::Tiers;
use crate::cli::{Failure, print_json};
use crate::clock::Clock;

/// Let the mover have what `archive restore` holds
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  thermocline archive resume --resource messages")]
pub struct Args {
    /// Only this resource; may be given several times [messages, posts, prices]
    #[arg(long, value_parser = super::RESOURCES)]
    resource: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Resumed {
    resource: &'static str,
    was_held: bool,
}

/// Runs it.
pub async fn run(args: &Args, tiers: &Tiers, clock: &Clock, json: bool) -> Result<(), Failure> {
    let mover = super::mover(tiers, clock)?;
    let mut all = Vec::new();
    for family in super::families(&args.resource) {
        let was_held = mover.is_held(family).await.map_err(Failure::of)?;
        mover.resume(family).await.map_err(Failure::of)?;
        all.push(Resumed { resource: family.resource, was_held });
    }
    if json {
        return print_json(&all);
    }
    for Resumed { resource, was_held } in all {
        say!("{resource}: {}", if was_held { "resumed" } else { "was not held" });
    }
    Ok(())
}
