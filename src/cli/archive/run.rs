//! `thermocline archive run`

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::ProgressBar;
use serde::Serialize;

use super::due;
use crate::archive::{self, ArchiveOptions, Mover, Outcome, RunReport};
use crate::cli::tiers::Tiers;
use crate::cli::{Failure, args, print_json};
use crate::clock::Clock;
use crate::config;
use crate::server;

/// Move what is old enough from hot to cold
///
/// May be killed at any moment: the next run takes back what was half done, and no row is lost or doubled.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  thermocline archive run --dry-run
  thermocline archive run --resource messages --older-than 90d --batch 2000")]
pub struct Args {
    /// Only this resource; may be given several times [messages, posts, prices]
    #[arg(long, value_parser = super::RESOURCES)]
    resource: Vec<String>,
    #[command(flatten)]
    due: due::Args,
    /// Rows of a batch, children included [default: as in the settings, or 1000]
    #[arg(long, value_parser = clap::value_parser!(i64).range(1..=2000))]
    batch: Option<i64>,
    /// Stop a resource after this many rows
    #[arg(long, value_parser = clap::value_parser!(i64).range(1..))]
    max_rows: Option<i64>,
    /// Milliseconds to pause between batches [default: as in the settings, or 0]
    #[arg(long, value_name = "MS")]
    pause: Option<u64>,
    /// Begin no batch while a cheap read of hot takes longer than so many milliseconds
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u64).range(1..))]
    max_hot_latency: Option<u64>,
    /// How long to wait for hot to become fast enough, or for cold to come back [default: as in the settings, or 10m]
    #[arg(long, value_parser = args::span)]
    patience: Option<i64>,
    /// Try the rows again that could not move, after they were mended
    #[arg(long)]
    retry_rejects: bool,
    /// Count what is due and change nothing
    #[arg(long = "dry-run")]
    only_count: bool,
}

impl Args {
    /// What flags say, over what the settings do.
    fn plan(&self, settings: &config::ArchiveSettings, resource: &str) -> ArchiveOptions {
        let plan = plan(settings, resource);
        ArchiveOptions {
            rule: self.due.rule(settings, resource),
            batch: self.batch.unwrap_or(plan.batch),
            max_rows: self.max_rows,
            pause: self.pause.map_or(plan.pause, Duration::from_millis),
            max_hot_latency: self.max_hot_latency.map(Duration::from_millis).or(plan.max_hot_latency),
            patience: self
                .patience
                .map_or(plan.patience, |micros| Duration::from_micros(micros.cast_unsigned())),
        }
    }
}

/// How the settings say that a resource moves.
pub fn plan(settings: &config::ArchiveSettings, resource: &str) -> ArchiveOptions {
    ArchiveOptions {
        rule: due::rule(settings, resource),
        batch: settings.batch,
        max_rows: None,
        pause: settings.pause,
        max_hot_latency: settings.max_hot_latency,
        patience: settings.patience,
    }
}

#[derive(Debug, Serialize)]
struct Due {
    resource: &'static str,
    due: i64,
}

/// Runs it.
pub async fn run(
    args: &Args,
    settings: &config::ArchiveSettings,
    tiers: &Tiers,
    clock: &Clock,
    json: bool,
) -> Result<(), Failure> {
    let mover = super::mover(tiers, clock)?;
    let families = super::families(&args.resource);
    if args.only_count {
        let mut all = Vec::new();
        for family in families {
            let rule = args.due.rule(settings, family.resource);
            let due = mover.due(family, rule).await.map_err(Failure::of)?;
            all.push(Due { resource: family.resource, due });
        }
        if json {
            return print_json(&all);
        }
        for Due { resource, due } in all {
            say!("{resource}: {due} due");
        }
        return Ok(());
    }
    let stop = stop_on_signal();
    let mut reports = Vec::new();
    for family in families {
        if args.retry_rejects {
            archive::retry_rejects(&*tiers.hot, family).await.map_err(Failure::of)?;
        }
        let plan = args.plan(settings, family.resource);
        reports.push(one(&mover, family, &plan, &stop, json).await);
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
    plan: &ArchiveOptions,
    stop: &AtomicBool,
    quiet: bool,
) -> RunReport {
    let bar = args::bar(family.resource, 0, false);
    let mut progress = |report: &RunReport| show(&bar, report);
    let report = mover.run(family, plan, stop, &mut progress).await;
    bar.finish_and_clear();
    tell(&report, quiet);
    report
}

/// Brings a progress bar up to date.
pub fn show(bar: &ProgressBar, report: &RunReport) {
    match report.due {
        Some(due) => bar.set_length(due.cast_unsigned()),
        None => bar.unset_length(),
    }
    bar.set_position(report.of_resource.cast_unsigned());
}

/// Says what became of one resource; its error in any case.
pub fn tell(report: &RunReport, quiet: bool) {
    let RunReport { resource, rows, batches, rejected, left, seconds, .. } = report;
    if let Some(error) = report.error.as_ref().filter(|_| report.outcome == Outcome::Failed) {
        complain!("error: {error}");
    }
    for row in &report.lacking {
        complain!("stays in cold: {row}");
    }
    if quiet {
        return;
    }
    let ended = match report.outcome {
        Outcome::Done => "",
        Outcome::Stopped => ", stopped",
        Outcome::Held => ", held until `thermocline archive resume`",
        Outcome::Overtaken => ", overtaken by another mover",
        Outcome::HotIsSlow => ", stopped: hot is slow",
        Outcome::Failed => ", failed",
    };
    let kept = match (rejected, left) {
        (1.., _) => format!(", {rejected} stay: see `archive status`"),
        (_, 1..) => format!(", {left} stay: hot does not have what they refer to"),
        _ => String::new(),
    };
    say!("{resource}: {rows} rows in {batches} batches, {seconds:.1} s{kept}{ended}");
}

/// Set when the process is asked to stop: the batch in hand is finished first.
pub fn stop_on_signal() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&stop);
    tokio::spawn(async move {
        server::stop_signal().await;
        told.store(true, Ordering::Relaxed);
    });
    stop
}
