//! `thermocline archive`: one file a command.

pub mod run;
mod status;

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

/// The resources that move.
const RESOURCES: [&str; 3] = ["messages", "posts", "prices"];

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Args),
    Status(status::Args),
}

/// Runs it.
pub async fn run(args: Args, settings: &Settings, json: bool) -> Result<(), Failure> {
    let clock = Clock::system();
    if let Command::Status(args) = &args.command {
        // It has something to say without cold too.
        return status::run(args, settings, &clock, json).await;
    }
    let tiers = Tiers::open(settings, &clock).await?;
    let done = match &args.command {
        Command::Run(args) => run::run(args, &tiers, &clock, json).await,
        Command::Status(_) => Ok(()),
    };
    tiers.close().await;
    done
}
