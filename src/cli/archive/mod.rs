//! `thermocline archive`: one file a command.

pub mod run;

use clap::Subcommand;

use super::Failure;
use super::tiers::Tiers;
use crate::clock::Clock;
use crate::config::Settings;

/// Move rows between the tiers
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Args),
}

/// Runs it.
pub async fn run(args: Args, settings: &Settings, json: bool) -> Result<(), Failure> {
    let clock = Clock::system();
    let tiers = Tiers::open(settings, &clock).await?;
    let done = match &args.command {
        Command::Run(args) => run::run(args, &tiers, &clock, json).await,
    };
    tiers.close().await;
    done
}
