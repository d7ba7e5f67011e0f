//! `thermocline db`: one file a command.

mod check;
mod generate;
mod upgrade;

use clap::{Subcommand, ValueEnum};

use super::Failure;
use crate::config::{Place, Settings};
use crate::tier::Tier;

/// Look after the schema of the databases
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(check::Args),
    Generate(generate::Args),
    Upgrade(upgrade::Args),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Which {
    Hot,
    Cold,
    Both,
}

impl Which {
    /// The tiers that are meant and configured.
    fn places(self, settings: &Settings) -> Result<Vec<(Tier, &Place)>, Failure> {
        let mut places = Vec::new();
        if self != Self::Cold {
            places.push((Tier::Hot, &settings.hot));
        }
        if self != Self::Hot {
            match &settings.cold {
                Some(place) => places.push((Tier::Cold, place)),
                None if self == Self::Cold => {
                    return Err(Failure::Usage("COLD_DATABASE_URL: not set".to_owned()));
                }
                None => {}
            }
        }
        Ok(places)
    }
}

/// Runs it.
pub async fn run(args: Args, settings: &Settings, json: bool) -> Result<(), Failure> {
    match args.command {
        Command::Check(args) => check::run(&args, settings, json).await,
        Command::Generate(args) => generate::run(&args, settings, json).await,
        Command::Upgrade(args) => upgrade::run(&args, settings, json).await,
    }
}
