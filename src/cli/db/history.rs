//! `thermocline db history`

use serde::Serialize;

use super::target::{TierChoice, open_existing, steps};
use crate::cli::failure::Failure;
use crate::cli::output::print_all;
use crate::clock::Timestamp;
use crate::config::Settings;
use crate::tier::migrate::{Recorded, Step};

/// Show the applied migrations with time, duration and state, and the pending ones
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  thermocline db history --tier cold")]
pub struct Args {
    /// The tier
    #[arg(long, value_enum, default_value = "both")]
    tier: TierChoice,
}

#[derive(Debug, Serialize)]
struct History {
    tier: &'static str,
    place: String,
    applied: Vec<Applied>,
    pending: Vec<&'static str>,
}

#[derive(Debug, Serialize)]
struct Applied {
    version: i64,
    name: String,
    at: Timestamp,
    /// `None` if it was only recorded.
    milliseconds: Option<f64>,
    /// `ok`, `half done`, `changed` (its file) or `unknown` (to this program).
    state: &'static str,
}

impl Applied {
    fn new(row: Recorded, steps: &[Step]) -> Self {
        let step = steps.iter().find(|step| step.version() == row.version);
        let state = match step {
            None => "unknown",
            Some(_) if !row.whole => "half done",
            Some(step) if step.checksum() != row.checksum => "changed",
            Some(_) => "ok",
        };
        let milliseconds = (row.nanos > 0).then_some((row.nanos / 1_000) as f64 / 1e3);
        Self { version: row.version, name: row.name, at: row.at, milliseconds, state }
    }
}

/// Runs the command.
pub async fn run(args: &Args, settings: &Settings, json: bool) -> Result<(), Failure> {
    let mut report = Vec::new();
    for (tier, location) in args.tier.locations(settings)? {
        let steps = steps(tier, location);
        let mut rows = Vec::new();
        if let Some(database) = open_existing(tier, location).await? {
            rows = database.recorded().await.map_err(Failure::of)?.unwrap_or_default();
            database.close().await;
        }
        let pending = steps.iter().filter(|step| rows.iter().all(|row| row.version != step.version()));
        let pending = pending.map(Step::name).collect();
        let applied = rows.into_iter().map(|row| Applied::new(row, steps)).collect();
        report.push(History { tier: tier.name(), place: location.to_string(), applied, pending });
    }
    print_all(&report, json, print)
}

fn print(History { tier, place, applied, pending }: &History) {
    outln!("{tier} ({place})");
    let width = applied.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
    for Applied { version, name, at, milliseconds, state } in applied {
        let took = milliseconds.map_or("recorded".to_owned(), |took| format!("{took:.1} ms"));
        outln!("  {version:>4}  {name:<width$}  {at}  {took:>12}  {state}");
    }
    for name in pending {
        outln!("  {name}: pending");
    }
}
