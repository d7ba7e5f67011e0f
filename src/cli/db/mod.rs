//! `thermocline db`: one file a command.

mod auto;
mod check;
mod current;
mod downgrade;
mod generate;
mod heads;
mod history;
mod reset;
mod stamp;
mod upgrade;
mod wait;

use std::sync::Arc;

use clap::{Subcommand, ValueEnum};

use super::{Failure, tiers};
use crate::config::{Settings, TierLocation};
use crate::tier::migrate::Step;
use crate::tier::{Schema, Tier};

/// Look after the schema of the databases
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
    Current(current::Args),
    History(history::Args),
    Heads(heads::Args),
    Check(check::Args),
    Generate(generate::Args),
    Upgrade(upgrade::Args),
    Downgrade(downgrade::Args),
    Stamp(stamp::Args),
    Reset(reset::Args),
}

/// Runs it.
pub async fn run(args: Args, settings: &Settings, json: bool) -> Result<(), Failure> {
    match args.command {
        Command::Wait(args) => wait::run(&args, settings, json).await,
        Command::Auto(args) => auto::run(&args, settings, json).await,
        Command::Check(args) => check::run(&args, settings, json).await,
        Command::Generate(args) => generate::run(&args, settings, json).await,
        Command::Current(args) => current::run(&args, settings, json).await,
        Command::History(args) => history::run(&args, settings, json).await,
        Command::Heads(args) => heads::run(&args, settings, json),
        Command::Upgrade(args) => upgrade::run(&args, settings, json).await,
        Command::Downgrade(args) => downgrade::run(&args, settings, json).await,
        Command::Stamp(args) => stamp::run(&args, settings, json).await,
        Command::Reset(args) => reset::run(&args, settings, json).await,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Which {
    Hot,
    Cold,
    Both,
}

impl Which {
    /// The tiers that are meant and configured.
    fn places(self, settings: &Settings) -> Result<Vec<(Tier, &TierLocation)>, Failure> {
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

/// The migrations of a place.
fn steps(tier: Tier, place: &TierLocation) -> &'static [Step] {
    crate::schema::of(tier).steps(tiers::dialect(place))
}

/// Opens what is there; an embedded file is not made for a look.
async fn existing(tier: Tier, place: &TierLocation) -> Result<Option<Arc<dyn Schema>>, Failure> {
    match place.path() {
        Some(file) if !file.is_file() => Ok(None),
        _ => tiers::open(tier, place).await.map(Some),
    }
}

/// The version that somebody means: its number, its name with or without the number, `head` or `base`.
fn version(tier: Tier, steps: &[Step], text: &str) -> Result<i64, Failure> {
    let newest = steps.last().map_or(0, Step::version);
    let named = |step: &&Step| {
        step.name() == text || step.name().split_once('_').is_some_and(|(_, name)| name == text)
    };
    let found = match text {
        "head" => Some(newest),
        "base" => Some(0),
        text => match text.parse::<i64>() {
            Ok(number) => (0..=newest).contains(&number).then_some(number),
            Err(_) => steps.iter().find(named).map(Step::version),
        },
    };
    found.ok_or_else(|| {
        let known: Vec<&str> = steps.iter().map(Step::name).collect();
        Failure::Usage(format!("{tier} has no version {text}; it has {}, base and head", known.join(", ")))
    })
}

/// `2 (archive_state)`, or that there is nothing.
fn shown(steps: &[Step], version: i64) -> String {
    let step = steps.iter().find(|step| step.version() == version);
    step.map_or_else(|| version.to_string(), |step| step.name().to_owned())
}
