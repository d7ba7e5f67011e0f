//! `thermocline archive restore`

use chrono::NaiveDate;
use serde::Serialize;

use super::run::{show, stop_on_signal, tell};
use crate::archive::{Family, Outcome, RunReport, Selection};
use crate::cli::tiers::Tiers;
use crate::cli::{Failure, args, print_json};
use crate::clock::{Clock, DAY, Timestamp};

/// Bring rows back from cold to hot, with their ids
///
/// Comments and likes come back with their post. What is restored is held: `archive run` and the schedule leave the
/// resource alone until `archive resume`. May be killed at any moment and run again.
#[derive(Debug, clap::Args)]
#[command(
    group = clap::ArgGroup::new("chosen").required(true).args(["batch", "from", "post", "all"]),
    after_help = "\
Examples:
  thermocline archive restore --post 4711                         so that it can be commented on
  thermocline archive restore --resource messages --batch 12
  thermocline archive restore --resource prices --from 2026-01-01 --to 2026-03-31 --dry-run
  thermocline archive restore --all                               the way back to one database"
)]
pub struct Args {
    /// Only this resource; may be given several times [messages, posts, prices]
    #[arg(long, value_parser = super::RESOURCES, conflicts_with = "post")]
    resource: Vec<String>,
    /// What came with this batch of one resource
    #[arg(long, value_name = "NUMBER", requires = "resource", value_parser = clap::value_parser!(i64).range(1..))]
    batch: Option<i64>,
    /// Rows from this day on
    #[arg(long, value_name = "DATE", requires = "to")]
    from: Option<NaiveDate>,
    /// Rows up to this day, which is included
    #[arg(long, value_name = "DATE", requires = "from")]
    to: Option<NaiveDate>,
    /// One post with its comments and likes
    #[arg(long, value_name = "ID", value_parser = clap::value_parser!(i64).range(1..))]
    post: Option<i64>,
    /// Everything
    #[arg(long)]
    all: bool,
    /// Rows of a batch, children included
    #[arg(long, default_value_t = 1000, value_name = "NUMBER", value_parser = clap::value_parser!(i64).range(1..=2000))]
    rows: i64,
    /// Count what would come back and change nothing
    #[arg(long = "dry-run")]
    only_count: bool,
}

#[derive(Debug, Serialize)]
struct Archived {
    resource: &'static str,
    rows: i64,
}

impl Args {
    fn chosen(&self) -> Result<(Vec<&'static Family>, Selection), Failure> {
        let families = super::families(&self.resource);
        if let Some(post) = self.post {
            return Ok((super::families(&["posts".to_owned()]), Selection::Row(post)));
        }
        if let Some(batch) = self.batch {
            if families.len() != 1 {
                return Err(Failure::Usage("--batch: every resource counts its own; name one".to_owned()));
            }
            return Ok((families, Selection::Batch(batch)));
        }
        if let (Some(from), Some(to)) = (self.from, self.to) {
            if from > to {
                return Err(Failure::Usage(format!("--from {from} --to {to}: ends before it begins")));
            }
            let end = Timestamp::midnight(to).plus(DAY);
            return Ok((families, Selection::Span(Timestamp::midnight(from), end)));
        }
        Ok((families, Selection::All))
    }
}

/// Runs it.
pub async fn run(args: &Args, tiers: &Tiers, clock: &Clock, json: bool) -> Result<(), Failure> {
    let (families, chosen) = args.chosen()?;
    let mover = super::mover(tiers, clock)?;
    super::verify::check_known(args.batch, mover.hot, mover.cold, &families).await?;
    if args.only_count {
        let mut all = Vec::new();
        for family in families {
            let rows = mover.restorable(family, chosen).await.map_err(Failure::of)?;
            all.push(Archived { resource: family.resource, rows });
        }
        if json {
            return print_json(&all);
        }
        for Archived { resource, rows } in all {
            say!("{resource}: {rows} would come back");
        }
        return Ok(());
    }
    let stop = stop_on_signal();
    let mut reports = Vec::new();
    for family in families {
        let bar = args::bar(family.resource, 0, false);
        let mut progress = |report: &RunReport| show(&bar, report);
        // Before the first batch: a mover at work would take back what comes.
        let was_held = mover.is_held(family).await.map_err(Failure::of)?;
        mover.hold(family).await.map_err(Failure::of)?;
        let report = mover.restore(family, chosen, args.rows, &stop, &mut progress).await;
        bar.finish_and_clear();
        tell(&report, json);
        if report.rows == 0 && !was_held {
            mover.resume(family).await.map_err(Failure::of)?;
        } else if !json {
            say!("{}: held until `thermocline archive resume`", family.resource);
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
