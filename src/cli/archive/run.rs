//! `thermocline archive run`

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use indicatif::ProgressBar;
use serde::Serialize;

use super::due::{self, DueArgs};
use super::mover::{mover, stop_on_signal};
use super::resources::ResourceArgs;
use crate::archive::{self, ArchiveOptions, Mover, Outcome, RunReport};
use crate::cli::args;
use crate::cli::failure::Failure;
use crate::cli::output::{print_all, print_json};
use crate::cli::tiers::Tiers;
use crate::clock::Clock;
use crate::config;

/// Move old rows from hot to cold
///
/// May be killed at any moment: the next run undoes the unfinished batch, and no row is lost or duplicated.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  thermocline archive run --dry-run
  thermocline archive run --resource messages --older-than 90d --batch 2000")]
pub struct Args {
    #[command(flatten)]
    resources: ResourceArgs,
    #[command(flatten)]
    due: DueArgs,
    /// Rows in a batch, children included [default: as in the settings, or 1000]
    #[arg(long, value_parser = clap::value_parser!(i64).range(1..=2000))]
    batch: Option<i64>,
    /// Stop a resource after this many rows
    #[arg(long, value_parser = clap::value_parser!(i64).range(1..))]
    max_rows: Option<i64>,
    /// Milliseconds to pause between batches [default: as in the settings, or 0]
    #[arg(long, value_name = "MS")]
    pause: Option<u64>,
    /// Start no batch while a cheap read of hot takes longer than this many milliseconds
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u64).range(1..))]
    max_hot_latency: Option<u64>,
    /// The time to wait for hot to become fast enough or for cold to return [default: as in the settings, or 10m]
    #[arg(long, value_parser = args::span)]
    patience: Option<i64>,
    /// Retry the rows that could not move, after a repair
    #[arg(long)]
    retry_rejects: bool,
    /// Count the due rows and change nothing
    #[arg(long)]
    dry_run: bool,
}

impl Args {
    /// Returns the options of the flags, and of the settings where a flag is missing.
    fn options(&self, settings: &config::ArchiveSettings, resource: &str) -> ArchiveOptions {
        let options = options(settings, resource);
        ArchiveOptions {
            rule: self.due.rule(settings, resource),
            batch: self.batch.unwrap_or(options.batch),
            max_rows: self.max_rows,
            pause: self.pause.map_or(options.pause, Duration::from_millis),
            max_hot_latency: self.max_hot_latency.map(Duration::from_millis).or(options.max_hot_latency),
            patience: self
                .patience
                .map_or(options.patience, |micros| Duration::from_micros(micros.cast_unsigned())),
            ..options
        }
    }
}

/// Returns the options of the settings for a resource.
pub fn options(settings: &config::ArchiveSettings, resource: &str) -> ArchiveOptions {
    ArchiveOptions {
        rule: due::rule(settings, resource),
        batch: settings.batch,
        pause: settings.pause,
        max_hot_latency: settings.max_hot_latency,
        patience: settings.patience,
        ..ArchiveOptions::default()
    }
}

#[derive(Debug, Serialize)]
struct Due {
    resource: &'static str,
    due: i64,
}

/// Runs the command.
pub async fn run(
    args: &Args,
    settings: &config::ArchiveSettings,
    tiers: &Tiers,
    clock: &Clock,
    json: bool,
) -> Result<(), Failure> {
    let mover = mover(tiers, clock)?;
    let families = args.resources.families();
    if args.dry_run {
        let mut all = Vec::new();
        for family in families {
            let rule = args.due.rule(settings, family.resource);
            let due = mover.due(family, rule).await.map_err(Failure::of)?;
            all.push(Due { resource: family.resource, due });
        }
        return print_all(&all, json, |Due { resource, due }| outln!("{resource}: {due} due"));
    }
    let stop = stop_on_signal();
    let mut reports = Vec::new();
    for family in families {
        if args.retry_rejects {
            archive::retry_rejects(&*tiers.hot, family).await.map_err(Failure::of)?;
        }
        let options = args.options(settings, family.resource);
        reports.push(one(&mover, family, &options, &stop, json).await);
    }
    if json {
        print_json(&reports)?;
    }
    if reports.iter().any(|report| report.outcome == Outcome::Failed) {
        return Err(Failure::Reported);
    }
    Ok(())
}

/// Moves one resource, with a progress bar on a terminal.
pub async fn one(
    mover: &Mover<'_>,
    family: &crate::archive::Family,
    options: &ArchiveOptions,
    stop: &AtomicBool,
    quiet: bool,
) -> RunReport {
    with_progress(family.resource, quiet, async |progress| mover.run(family, options, stop, progress).await)
        .await
}

/// Shows the progress of a run on a terminal, and prints its outcome; with `quiet`, its errors only.
pub async fn with_progress(
    resource: &str,
    quiet: bool,
    run: impl AsyncFnOnce(&mut (dyn FnMut(&RunReport) + Send)) -> RunReport,
) -> RunReport {
    let bar = args::bar(resource, 0, false);
    let report = run(&mut |report: &RunReport| show(&bar, report)).await;
    bar.finish_and_clear();
    print(&report, quiet);
    report
}

/// Updates a progress bar.
fn show(bar: &ProgressBar, report: &RunReport) {
    match report.due {
        Some(due) => bar.set_length(due.cast_unsigned()),
        None => bar.unset_length(),
    }
    bar.set_position(report.of_resource.cast_unsigned());
    let state = if report.paused { " (paused)" } else { "" };
    bar.set_prefix(format!("{}{state}", report.resource));
}

/// Prints the outcome of one resource; with `quiet`, its errors only.
fn print(report: &RunReport, quiet: bool) {
    let RunReport { resource, rows, batches, rejected, left, seconds, .. } = report;
    if let Some(error) = report.error.as_ref().filter(|_| report.outcome == Outcome::Failed) {
        errln!("error: {error}");
    }
    for row in &report.lacking {
        errln!("stays in cold: {row}");
    }
    if quiet {
        return;
    }
    let ended = match report.outcome {
        Outcome::Done => "",
        Outcome::Stopped => ", stopped",
        Outcome::Held => ", held until `thermocline archive resume`",
        Outcome::Paused => ", paused until `thermocline archive continue`",
        Outcome::Overtaken => ", overtaken by another mover",
        Outcome::HotIsSlow => ", stopped: hot is slow",
        Outcome::Failed => ", failed",
    };
    let kept = match (rejected, left) {
        (1.., _) => format!(", {rejected} stay: see `archive status`"),
        (_, 1..) => format!(", {left} stay: hot does not have what they refer to"),
        _ => String::new(),
    };
    outln!("{resource}: {rows} rows in {batches} batches, {seconds:.1} s{kept}{ended}");
}
