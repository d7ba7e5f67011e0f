//! `thermocline db history`

use serde::Serialize;

use super::{Which, existing, steps};
use crate::cli::{Failure, print_json, tiers};
use crate::clock::Timestamp;
use crate::config::Settings;
use crate::tier::migrate::{Recorded, Step};

/// Show what was applied, when, how long it took, whether its file is still the same, and what is pending
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  thermocline db history --tier cold")]
pub struct Args {
    /// Which tier
    #[arg(long, value_enum, default_value = "both")]
    tier: Which,
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
    /// None when it was only recorded.
    milliseconds: Option<f64>,
    /// `ok`, `half done`, `changed` (its file) or `unknown` (to this program).
    state: &'static str,
}

impl Applied {
    fn of(row: Recorded, steps: &[Step]) -> Self {
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

/// Runs it.
pub async fn run(args: &Args, settings: &Settings, json: bool) -> Result<(), Failure> {
    let mut report = Vec::new();
    for (tier, place) in args.tier.places(settings)? {
        let steps = steps(tier, place);
        let mut rows = Vec::new();
        if let Some(database) = existing(tier, place).await? {
            rows = database.recorded().await.map_err(Failure::of)?.unwrap_or_default();
            database.close().await;
        }
        let pending = steps.iter().filter(|step| rows.iter().all(|row| row.version != step.version()));
        let pending = pending.map(Step::name).collect();
        let applied = rows.into_iter().map(|row| Applied::of(row, steps)).collect();
        let history = History { tier: tier.name(), place: tiers::describe(tier, place)?, applied, pending };
        if !json {
            print(&history);
        }
        report.push(history);
    }
    if json { print_json(&report) } else { Ok(()) }
}

fn print(History { tier, place, applied, pending }: &History) {
    say!("{tier} ({place})");
    let width = applied.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
    for Applied { version, name, at, milliseconds, state } in applied {
        let took = milliseconds.map_or("recorded".to_owned(), |took| format!("{took:.1} ms"));
        say!("  {version:>4}  {name:<width$}  {at}  {took:>12}  {state}");
    }
    for name in pending {
        say!("  {name}: pending");
    }
}
