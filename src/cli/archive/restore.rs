//! `thermocline archive restore`

use chrono::NaiveDate;
use serde::Serialize;

use super::mover::{mover, stop_on_signal};
use super::resources::{ResourceArgs, find};
use super::run::with_progress;
use crate::archive::{Family, Outcome, RunReport, Selection};
use crate::cli::args;
use crate::cli::failure::Failure;
use crate::cli::output::{print_all, print_json};
use crate::cli::tiers::Tiers;
use crate::clock::Clock;

/// Move rows back from cold to hot with their ids
///
/// Comments and likes come back with their post. The resource is then held: `archive run` and the schedule skip it until
/// `archive resume`. The command may be killed at any moment and run again.
#[derive(Debug, clap::Args)]
#[command(
    group = clap::ArgGroup::new("chosen").required(true).args(["batch", "from", "post", "all"]),
    after_help = "\
Examples:
  thermocline archive restore --post 4711                         so that it can get comments
  thermocline archive restore --resource messages --batch 12
  thermocline archive restore --resource prices --from 2026-01-01 --to 2026-03-31 --dry-run
  thermocline archive restore --all                               return to one database"
)]
pub struct Args {
    #[command(flatten)]
    resources: ResourceArgs,
    /// The rows of this batch of one resource
    #[arg(long, value_name = "NUMBER", requires = "resource", value_parser = clap::value_parser!(i64).range(1..))]
    batch: Option<i64>,
    /// Rows from this day on
    #[arg(long, value_name = "DATE", requires = "to")]
    from: Option<NaiveDate>,
    /// Rows up to and including this day
    #[arg(long, value_name = "DATE", requires = "from")]
    to: Option<NaiveDate>,
    /// One post with its comments and likes
    #[arg(long, value_name = "ID", conflicts_with = "resource", allow_negative_numbers = true)]
    post: Option<i64>,
    /// All rows
    #[arg(long)]
    all: bool,
    /// Rows in a batch, children included
    #[arg(long, default_value_t = 1000, value_name = "NUMBER", value_parser = clap::value_parser!(i64).range(1..=2000))]
    rows: i64,
    /// Count the rows that would come back and change nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Serialize)]
struct Restorable {
    resource: &'static str,
    rows: i64,
}

impl Args {
    /// Returns the chosen resources and rows.
    fn selection(&self) -> Result<(Vec<&'static Family>, Selection), Failure> {
        let families = self.resources.families();
        if let Some(post) = self.post {
            return Ok((find("posts").into_iter().collect(), Selection::Row(post)));
        }
        if let Some(batch) = self.batch {
            if families.len() != 1 {
                return Err(Failure::Usage(
                    "--batch: every resource has its own numbers; choose one with --resource".to_owned(),
                ));
            }
            return Ok((families, Selection::Batch(batch)));
        }
        let span = args::range_of_days(self.from, self.to)?;
        Ok((families, span.map_or(Selection::All, |(from, to)| Selection::Span(from, to))))
    }
}

/// Runs the command.
pub async fn run(args: &Args, tiers: &Tiers, clock: &Clock, json: bool) -> Result<(), Failure> {
    let (families, chosen) = args.selection()?;
    let mover = mover(tiers, clock)?;
    super::verify::check_known(args.batch, mover.hot, mover.cold, &families).await?;
    if args.dry_run {
        let mut all = Vec::new();
        for family in families {
            let rows = mover.restorable(family, chosen).await.map_err(Failure::of)?;
            all.push(Restorable { resource: family.resource, rows });
        }
        return print_all(&all, json, |Restorable { resource, rows }| {
            outln!("{resource}: {rows} would come back");
        });
    }
    let stop = stop_on_signal();
    let mut reports = Vec::new();
    for family in families {
        // Before the first batch: another mover could archive the restored rows again.
        let was_held = mover.is_held(family).await.map_err(Failure::of)?;
        mover.hold(family).await.map_err(Failure::of)?;
        let report = with_progress(family.resource, json, async |progress| {
            mover.restore(family, chosen, args.rows, &stop, progress).await
        });
        let report = report.await;
        if report.rows == 0 && !was_held {
            mover.resume(family).await.map_err(Failure::of)?;
        } else if !json {
            outln!("{}: held until `thermocline archive resume`", family.resource);
        }
        reports.push(report);
    }
    if json {
        print_json(&reports)?;
    }
    let incomplete = |report: &RunReport| {
        matches!(report.outcome, Outcome::Failed | Outcome::Overtaken) || report.left > 0
    };
    if reports.iter().any(incomplete) {
        return Err(Failure::Reported);
    }
    Ok(())
}
