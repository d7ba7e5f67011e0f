//! `thermocline archive`: one file a command.

mod due;
mod erase;
mod recover;
mod restore;
mod resume;
pub mod run;
mod status;
mod vacuum;
mod verify;

use std::io::IsTerminal as _;

use clap::Subcommand;

use super::Failure;
use super::tiers::Tiers;
use crate::archive::{BlockSizes, Family, Mover};
use crate::clock::Clock;
use crate::config::Settings;
use crate::resources;

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
            Command::Run(_) | Command::Restore(_) | Command::Erase(_) => true,
            Command::Verify(args) => args.continuous,
            Command::Status(_) | Command::Resume(_) | Command::Vacuum(_) | Command::Recover(_) => false,
        };
        long && !std::io::stderr().is_terminal()
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Args),
    Status(status::Args),
    Verify(verify::Args),
    Restore(restore::Args),
    Resume(resume::Args),
    Vacuum(vacuum::Args),
    Erase(erase::Args),
    Recover(recover::Args),
}

/// Runs it.
pub async fn run(args: Args, settings: &Settings, json: bool) -> Result<(), Failure> {
    let clock = Clock::system();
    if let Command::Status(args) = &args.command {
        // It has something to say without cold too.
        return status::run(args, settings, &clock, json).await;
    }
    let tiers = match &args.command {
        Command::Recover(_) => Tiers::open_of_any_time(settings, &clock).await?,
        _ => Tiers::open(settings, &clock).await?,
    };
    let done = match &args.command {
        Command::Run(args) => run::run(args, &settings.archive, &tiers, &clock, json).await,
        Command::Status(_) => Ok(()),
        Command::Vacuum(args) => vacuum::run(args, &tiers, &clock, json).await,
        Command::Verify(args) => verify::run(args, &tiers, &clock, json).await,
        Command::Restore(args) => restore::run(args, &tiers, &clock, json).await,
        Command::Resume(args) => resume::run(args, &tiers, &clock, json).await,
        Command::Erase(args) => erase::run(args, &tiers, &clock, json).await,
        Command::Recover(args) => recover::run(args, &tiers, &clock, json).await,
    };
    tiers.close().await;
    done
}

/// Who moves in this process.
fn mover<'a>(tiers: &'a Tiers, clock: &'a Clock) -> Result<Mover<'a>, Failure> {
    Ok(Mover {
        hot: &*tiers.hot,
        cold: tiers.need_cold()?,
        clock,
        name: format!("process {}", std::process::id()),
        sizes: BlockSizes::default(),
    })
}

/// The resources of these names; all without any.
fn families(names: &[String]) -> Vec<&'static Family> {
    let wanted = |name| names.is_empty() || names.iter().any(|wanted| wanted == name);
    resources::families().into_iter().filter(|family| wanted(family.resource)).collect()
}
