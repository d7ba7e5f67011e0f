//! `thermocline archive`: one file a command.

pub mod run;
mod status;
mod vacuum;
mod verify;

use std::io::IsTerminal as _;

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

impl Args {
    /// Whether the command runs long, and nobody watches: then it tells the log how it goes.
    pub fn is_watched_by_nobody(&self) -> bool {
        let long = match &self.command {
            Command::Run(_) => true,
            Command::Verify(args) => args.continuous,
            Command::Status(_) | Command::Vacuum(_) => false,
        };
        long && !std::io::stderr().is_terminal()
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Args),
    Status(status::Args),
    Verify(verify::Args),
    Vacuum(vacuum::Args),
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
        Command::Run(args) => run::run(args, &settings.archive, &tiers, &clock, json).await,
        Command::Status(_) => Ok(()),
        Command::Vacuum(args) => vacuum::run(args, &tiers, &clock, json).await,
        Command::Verify(args) => verify::run(args, &tiers, &clock, json).await,
    };
    tiers.close().await;
    done
}
