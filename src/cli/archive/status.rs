//! `thermocline archive status`

use std::time::Duration;

use serde::Serialize;

use super::due::DueArgs;
use super::pace;
use super::resources::ResourceArgs;
use super::watch;
use crate::archive::status::{self, Status};
use crate::cli::args;
use crate::cli::failure::Failure;
use crate::cli::output::print_json;
use crate::cli::tiers::Tiers;
use crate::clock::Clock;
use crate::config::Settings;

/// The time between two looks.
const EVERY: Duration = Duration::from_secs(2);

/// Show how far rows have moved, what is due, and what prevents moves
///
/// Changes nothing, and works while cold is unavailable.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  thermocline archive status --json\n  thermocline archive status --watch --resource messages"
)]
pub struct Args {
    #[command(flatten)]
    resources: ResourceArgs,
    #[command(flatten)]
    due: DueArgs,
    /// Look again and again, and show how fast the rows of every mover move and how long it will take
    #[arg(long)]
    watch: bool,
    /// The time between two looks of --watch [default: 2s]
    #[arg(long, value_name = "DURATION", value_parser = args::span, requires = "watch")]
    every: Option<i64>,
}

#[derive(Debug, Serialize)]
struct StatusReport {
    /// Why cold is unavailable.
    #[serde(skip_serializing_if = "Option::is_none")]
    cold_is_away: Option<String>,
    resources: Vec<Status>,
}

/// Runs the command.
pub async fn run(args: &Args, settings: &Settings, clock: &Clock, json: bool) -> Result<(), Failure> {
    let (tiers, cold_is_away) = Tiers::open_degraded(settings).await?;
    let families = args.resources.families().into_iter();
    let rules: Vec<_> =
        families.map(|family| (family, args.due.rule(&settings.archive, family.resource))).collect();
    if args.watch {
        let every = args.every.map_or(EVERY, |micros| Duration::from_micros(micros.cast_unsigned()));
        let done = watch::run(&rules, every, &tiers, clock, json).await;
        tiers.close().await;
        return done;
    }
    let mut report = StatusReport { cold_is_away, resources: Vec::new() };
    for (family, rule) in rules {
        let status = status::status(&*tiers.hot, tiers.cold(), clock, family, rule).await;
        report.resources.push(status.map_err(Failure::of)?);
    }
    tiers.close().await;
    if json {
        return print_json(&report);
    }
    if let Some(fault) = &report.cold_is_away {
        outln!("cold is unavailable: {fault}");
    }
    report.resources.iter().for_each(print);
    Ok(())
}

fn print(status: &Status) {
    let Status { resource, epoch, rows_in_hot, due, lag_days, .. } = status;
    outln!("{resource}: epoch {epoch}");
    let lag = if *due > 0 { format!(", the oldest for {lag_days:.1} days") } else { String::new() };
    outln!("  hot      {rows_in_hot} rows, {due} due{lag}");
    if let Some(cold) = &status.cold {
        let about = if cold.rows_exact { "" } else { "about " };
        outln!("  cold     {about}{} rows", cold.rows);
        if let Some(last) = &cold.last {
            outln!("  last     {} {}, {} rows, {}", last.kind, last.epoch, last.rows, last.finished);
        }
        if let Some(mover) = &cold.mover {
            outln!("  running  {} since {}, on move {}", mover.name, mover.since, mover.epoch);
        }
        if !cold.unconfirmed.is_empty() {
            outln!("  not yet confirmed: {:?}", cold.unconfirmed);
        }
    }
    let pace = pace::describe(status.rows_per_second, status.max_hot_latency_ms);
    if let Some(pace) = pace {
        outln!("  pace     {pace}");
    }
    for reason in &status.waits {
        outln!("  waiting  {reason}");
    }
    if status.rejects.rows > 0 {
        outln!("  rejects  {} rows that cold cannot store", status.rejects.rows);
        for reject in &status.rejects.newest {
            outln!("           {}: {} ({})", reject.id, reject.reason, reject.at);
        }
    }
}
