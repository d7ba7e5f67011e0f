//! `thermocline archive run`

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::ProgressBar;
use serde::Serialize;

use crate::archive::{Mover, Outcome, Plan, Report};
use crate::cli::tiers::Tiers;
use crate::cli::{Failure, args, print_json};
use crate::clock::Clock;
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
    /// How old a row must be
    #[arg(long, default_value = "30d", value_parser = args::span)]
    older_than: i64,
    /// Rows of a batch, children included
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(i64).range(1..=2000))]
    batch: i64,
    /// Stop a resource after this many rows
    #[arg(long, value_parser = clap::value_parser!(i64).range(1..))]
    max_rows: Option<i64>,
    /// Milliseconds to pause between batches
    #[arg(long, default_value_t = 0)]
    pause: u64,
    /// Count what is due and change nothing
    #[arg(long = "dry-run")]
    only_count: bool,
}

#[derive(Debug, Serialize)]
struct Due {
    resource: &'static str,
    due: i64,
}

/// Runs it.
pub async fn run(args: &Args, tiers: &Tiers, clock: &Clock, json: bool) -> Result<(), Failure> {
    let mover = super::mover(tiers, clock)?;
    let families = super::families(&args.resource);
    if args.only_count {
        let mut all = Vec::new();
        for family in families {
            let due = mover.due(family, args.older_than).await.map_err(Failure::of)?;
            all.push(Due { resource: family.resource, due });
        }
        if json {
            return print_json(&all);
        }
        for Due { resource, due } in all {
            println!("{resource}: {due} due");
        }
        return Ok(());
    }
    let plan = Plan {
        older_than: args.older_than,
        batch: args.batch,
        max_rows: args.max_rows,
        pause: Duration::from_millis(args.pause),
    };
    let stop = stop_on_signal();
    let mut reports = Vec::new();
    for family in families {
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
    plan: &Plan,
    stop: &AtomicBool,
    quiet: bool,
) -> Report {
    let bar = args::bar(family.resource, 0, false);
    let mut progress = |report: &Report| show(&bar, report);
    let report = mover.run(family, plan, stop, &mut progress).await;
    bar.finish_and_clear();
    tell(&report, quiet);
    report
}

/// Brings a progress bar up to date.
pub fn show(bar: &ProgressBar, report: &Report) {
    bar.set_length(report.due.cast_unsigned());
    bar.set_position(report.of_resource.cast_unsigned());
}

/// Says what became of one resource; its error in any case.
pub fn tell(report: &Report, quiet: bool) {
    let Report { resource, rows, batches, seconds, .. } = report;
    if let Some(error) = &report.error {
        eprintln!("error: {error}");
    }
    if quiet {
        return;
    }
    let ended = match report.outcome {
        Outcome::Done => "",
        Outcome::Stopped => ", stopped",
        Outcome::Held => ", held until `thermocline archive resume`",
        Outcome::Failed => ", failed",
    };
    println!("{resource}: {rows} rows in {batches} batches, {seconds:.1} s{ended}");
}

/// Set when the process is asked to stop: the batch in hand is finished first.
pub fn stop_on_signal() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&stop);
    tokio::spawn(async move {
        server::asked_to_stop().await;
        told.store(true, Ordering::Relaxed);
    });
    stop
}
