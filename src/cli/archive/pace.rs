//! `thermocline archive pause`, `continue` and `pace`: requests of operators to the movers of every process.

use std::time::Duration;

use super::resources::ResourceArgs;
use crate::cli::failure::Failure;
use crate::cli::output::print_all;
use crate::cli::tiers::Tiers;
use crate::clock::Clock;
use crate::config::Settings;
use crate::journal::{Control, control};
use crate::ops::archive::control::ResourceControl;

/// Let no batch of a resource begin until `archive continue`
///
/// Reaches the movers of every server and command: `archive run`, the schedule, a restore and a purge finish their batch and wait,
/// without a lock or a transaction. An erasure and a recovery are carried out all the same.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  thermocline archive pause
  thermocline archive pause --resource messages")]
pub struct PauseArgs {
    #[command(flatten)]
    resources: ResourceArgs,
}

/// Let the movers that `archive pause` stopped go on
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  thermocline archive continue --resource messages")]
pub struct ContinueArgs {
    #[command(flatten)]
    resources: ResourceArgs,
}

/// Slow the movers of a resource down, or let them run freely again
///
/// Reaches the movers of every server and command before their next batch. A limit that is not given stays as it is. Where a run has
/// options of its own, the stricter limit counts.
#[derive(Debug, clap::Args)]
#[command(
    group = clap::ArgGroup::new("asked").required(true).multiple(true)
        .args(["rows_per_second", "max_hot_latency", "unlimited"]),
    after_help = "\
Examples:
  thermocline archive pace --rows-per-second 500 --max-hot-latency 20
  thermocline archive pace --resource messages --rows-per-second 2000
  thermocline archive pace --unlimited"
)]
pub struct Args {
    #[command(flatten)]
    resources: ResourceArgs,
    /// Rows that move in a second at most, children included
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(i64).range(1..))]
    rows_per_second: Option<i64>,
    /// Begin no batch while a cheap read of hot takes longer than this many milliseconds
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u32).range(1..))]
    max_hot_latency: Option<u32>,
    /// Take both limits back
    #[arg(long, conflicts_with_all = ["rows_per_second", "max_hot_latency"])]
    unlimited: bool,
}

/// Runs `archive pause`.
pub async fn pause(args: &PauseArgs, settings: &Settings, clock: &Clock, json: bool) -> Result<(), Failure> {
    let all = change(&args.resources, settings, clock, |control| control.paused = true).await?;
    print_all(&all, json, |ResourceControl { resource, changed, .. }| {
        outln!("{resource}: {}", if *changed { "paused" } else { "was paused already" });
    })
}

/// Runs `archive continue`.
pub async fn go_on(
    args: &ContinueArgs,
    settings: &Settings,
    clock: &Clock,
    json: bool,
) -> Result<(), Failure> {
    let all = change(&args.resources, settings, clock, |control| control.paused = false).await?;
    print_all(&all, json, |ResourceControl { resource, changed, .. }| {
        outln!("{resource}: {}", if *changed { "goes on" } else { "was not paused" });
    })
}

/// Runs `archive pace`.
pub async fn run(args: &Args, settings: &Settings, clock: &Clock, json: bool) -> Result<(), Failure> {
    let set = |control: &mut Control| {
        if args.unlimited {
            (control.rows_per_second, control.max_hot_latency) = (None, None);
        }
        let latency = args.max_hot_latency.map(|millis| Duration::from_millis(millis.into()));
        control.rows_per_second = args.rows_per_second.or(control.rows_per_second);
        control.max_hot_latency = latency.or(control.max_hot_latency);
    };
    let all = change(&args.resources, settings, clock, set).await?;
    print_all(
        &all,
        json,
        |ResourceControl { resource, paused, rows_per_second, max_hot_latency_ms, .. }| {
            let pace = describe(*rows_per_second, *max_hot_latency_ms);
            let paused = if *paused { ", paused" } else { "" };
            outln!("{resource}: {}{paused}", pace.as_deref().unwrap_or("unlimited"));
        },
    )
}

/// Describes a pace; `None` when there is no limit.
pub fn describe(rows_per_second: Option<i64>, max_hot_latency_ms: Option<i64>) -> Option<String> {
    let rows = rows_per_second.map(|rows| format!("at most {rows} rows/s"));
    let latency =
        max_hot_latency_ms.map(|millis| format!("no batch while hot takes longer than {millis} ms"));
    let limits: Vec<String> = [rows, latency].into_iter().flatten().collect();
    (!limits.is_empty()).then(|| limits.join(", "))
}

async fn change(
    resources: &ResourceArgs,
    settings: &Settings,
    clock: &Clock,
    change: impl Fn(&mut Control) + Send + Sync,
) -> Result<Vec<ResourceControl>, Failure> {
    let hot = Tiers::open_hot(settings).await?;
    let mut all = Vec::new();
    for family in resources.families() {
        let changed = control::change(&*hot, family.resource, clock.now(), &change).await;
        all.push(ResourceControl::new(family.resource, changed.map_err(Failure::of)?));
    }
    hot.close().await;
    Ok(all)
}
