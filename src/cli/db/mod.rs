//! `thermocline db`: one file for each command.

mod adopt;
mod auto;
mod check;
mod current;
mod distribute;
mod downgrade;
mod generate;
mod grants;
mod heads;
mod history;
mod hypertable;
mod reset;
mod stamp;
mod statements;
mod target;
mod upgrade;
mod wait;

use clap::Subcommand;

use crate::cli::failure::Failure;
use crate::config::Settings;

/// Manage the schema of the databases
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  thermocline db auto\n  thermocline db history --tier cold")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Wait(wait::Args),
    Auto(auto::Args),
    Adopt(adopt::Args),
    Current(current::Args),
    History(history::Args),
    Heads(heads::Args),
    Check(check::Args),
    Generate(generate::Args),
    Upgrade(upgrade::Args),
    Downgrade(downgrade::Args),
    Stamp(stamp::Args),
    Reset(reset::Args),
    Statements(statements::Args),
    Grants(grants::Args),
    Distribute(distribute::Args),
    Hypertable(hypertable::Args),
}

/// Runs the command.
pub async fn run(args: Args, settings: &Settings, json: bool) -> Result<(), Failure> {
    match args.command {
        Command::Wait(args) => wait::run(&args, settings, json).await,
        Command::Auto(args) => auto::run(&args, settings, json).await,
        Command::Adopt(args) => adopt::run(&args, settings, json).await,
        Command::Check(args) => check::run(&args, settings, json).await,
        Command::Generate(args) => generate::run(&args, settings, json).await,
        Command::Current(args) => current::run(&args, settings, json).await,
        Command::History(args) => history::run(&args, settings, json).await,
        Command::Heads(args) => heads::run(&args, settings, json),
        Command::Upgrade(args) => upgrade::run(&args, settings, json).await,
        Command::Downgrade(args) => downgrade::run(&args, settings, json).await,
        Command::Stamp(args) => stamp::run(&args, settings, json).await,
        Command::Reset(args) => reset::run(&args, settings, json).await,
        Command::Statements(args) => statements::run(&args, json),
        Command::Grants(args) => grants::run(&args, json),
        Command::Hypertable(args) => hypertable::run(&args, settings, json).await,
        Command::Distribute(args) => distribute::run(&args, settings, json).await,
    }
}
