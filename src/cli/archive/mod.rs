//! `thermocline archive`: one file for each command.

mod due;
mod erase;
mod export;
pub mod mover;
mod pace;
mod purge;
mod recover;
mod resources;
mod restore;
mod resume;
pub mod run;
mod status;
mod vacuum;
mod verify;
mod watch;

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

impl Args {
    /// Returns whether the command runs long without a terminal, so that its log is the only sign of progress.
    pub fn runs_unattended(&self) -> bool {
        let long = match &self.command {
            Command::Run(_)
            | Command::Restore(_)
            | Command::Erase(_)
            | Command::Export(_)
            | Command::Purge(_) => true,
            Command::Verify(args) => args.continuous,
            Command::Status(_)
            | Command::Pause(_)
            | Command::Continue(_)
            | Command::Pace(_)
            | Command::Resume(_)
            | Command::Vacuum(_)
            | Command::Recover(_) => false,
        };
        long && !std::io::stderr().is_terminal()
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Args),
    Status(status::Args),
    Pause(pace::PauseArgs),
    Continue(pace::ContinueArgs),
    Pace(pace::Args),
    Verify(verify::Args),
    Restore(restore::Args),
    Resume(resume::Args),
    Vacuum(vacuum::Args),
    Erase(erase::Args),
    Export(export::Args),
    Purge(purge::Args),
    Recover(recover::Args),
}

/// Runs the command.
pub async fn run(args: Args, settings: &Settings, json: bool) -> Result<(), Failure> {
    let clock = Clock::system();
    // These work while cold is unavailable, and beside a move that waits for it.
    match &args.command {
        Command::Status(args) => return status::run(args, settings, &clock, json).await,
        Command::Pause(args) => return pace::pause(args, settings, &clock, json).await,
        Command::Continue(args) => return pace::go_on(args, settings, &clock, json).await,
        Command::Pace(args) => return pace::run(args, settings, &clock, json).await,
        Command::Export(args) if args.verify => return export::verify(args, json),
        _ => {}
    }
    if let Command::Recover(args) = &args.command {
        // It works while the databases disagree.
        let (tiers, standing) = Tiers::open_to_join(settings, &clock).await?;
        let done = recover::run(args, (&tiers, standing), &clock, json).await;
        tiers.close().await;
        return done;
    }
    let tiers = Tiers::open_existing(settings, &clock).await?;
    let done = match &args.command {
        Command::Run(args) => run::run(args, &settings.archive, &tiers, &clock, json).await,
        Command::Status(_)
        | Command::Pause(_)
        | Command::Continue(_)
        | Command::Pace(_)
        | Command::Recover(_) => Ok(()),
        Command::Vacuum(args) => vacuum::run(args, &tiers, &clock, json).await,
        Command::Verify(args) => verify::run(args, &tiers, &clock, json).await,
        Command::Restore(args) => restore::run(args, &tiers, &clock, json).await,
        Command::Resume(args) => resume::run(args, &tiers, &clock, json).await,
        Command::Erase(args) => erase::run(args, &tiers, &clock, json).await,
        Command::Export(args) => export::run(args, &tiers, &clock, json).await,
        Command::Purge(args) => purge::run(args, &tiers, &clock, json).await,
    };
    tiers.close().await;
    done
}
