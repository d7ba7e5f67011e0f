//! `thermocline archive purge`

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use chrono::Months;
use serde::Serialize;
use thermocline_export::Format;

use super::export::{Exported, format, one};
use super::mover::{mover, stop_on_signal};
use super::resources::ResourceArgs;
use super::run::with_progress;
use crate::archive::export::Snapshot;
use crate::archive::{Family, Mover, Outcome, RunReport, Selection};
use crate::cli::args;
use crate::cli::failure::Failure;
use crate::cli::output::{confirm, print_all, print_json};
use crate::cli::tiers::Tiers;
use crate::clock::{Clock, DAY, Timestamp};
use crate::export::{self, Export};

/// Remove archived rows that are old enough, for good
///
/// Posts go with their comments and likes. Shows what would go and asks for confirmation. Rows that are still in hot are not archived:
/// `archive run` moves them first. With --export the rows are written into files, read back and proven before the first one goes,
/// and no row goes that is not in them. The command may be killed at any moment and run again.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  thermocline archive purge --older-than 10y --dry-run
  thermocline archive purge --older-than 10y --export /backup/purged
  thermocline archive purge --resource messages --older-than 7y --yes")]
pub struct Args {
    #[command(flatten)]
    resources: ResourceArgs,
    /// The age from which a row goes, in years (10y) or days (4000d), counted from the beginning of this day
    #[arg(long, value_name = "AGE", value_parser = age)]
    older_than: Age,
    /// Write the rows into a folder of this one first
    #[arg(long, value_name = "DIR")]
    export: Option<PathBuf>,
    /// The format of the files
    #[arg(long, default_value_t = Format::CsvGz, value_name = "FORMAT", value_parser = format(), requires = "export")]
    format: Format,
    /// Rows in a batch, children included
    #[arg(long, default_value_t = 1000, value_name = "NUMBER", value_parser = clap::value_parser!(i64).range(1..=2000))]
    rows: i64,
    /// Count what would go and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
}

/// An age in whole days or calendar years.
#[derive(Clone, Copy, Debug)]
enum Age {
    Days(i64),
    Years(u32),
}

/// Parses `10y` or `4000d`.
fn age(text: &str) -> Result<Age, String> {
    let read = || match text.strip_suffix('y') {
        Some(years) => years.parse().ok().filter(|years| *years > 0).map(Age::Years),
        None => args::span(text).ok().filter(|span| *span >= DAY).map(|span| Age::Days(span / DAY)),
    };
    read().ok_or_else(|| "expected a number of years or days, such as 10y or 4000d".to_owned())
}

impl Age {
    /// Returns the midnight before which rows have reached the age.
    fn before(self, now: Timestamp) -> Timestamp {
        let today = now.date();
        match self {
            Self::Days(days) => Timestamp::midnight(today).plus(days.saturating_mul(-DAY)),
            Self::Years(years) => {
                let months = Months::new(years.saturating_mul(12));
                let day = today.checked_sub_months(months).filter(|day| *day >= Timestamp::MIN.date());
                day.map_or(Timestamp::MIN, Timestamp::midnight)
            }
        }
    }
}

/// The rows that would go.
#[derive(Debug, Serialize)]
struct Old {
    resource: &'static str,
    before: Timestamp,
    /// The number of archived rows of the resource itself.
    rows: i64,
    /// The number of rows of the resource that are as old and still in hot.
    in_hot: i64,
}

impl Old {
    fn text(&self, verb: &str) -> String {
        let Self { resource, before, rows, in_hot } = self;
        let day = before.date();
        let hot = match in_hot {
            0 => String::new(),
            in_hot => format!("; {in_hot} as old are in hot, `archive run` moves them first"),
        };
        format!("{resource}: {rows} rows from before {day} {verb}{hot}")
    }
}

#[derive(Debug, Serialize)]
struct Purged {
    #[serde(skip_serializing_if = "Option::is_none")]
    exported: Option<Exported>,
    #[serde(flatten)]
    report: RunReport,
}

/// Runs the command.
pub async fn run(args: &Args, tiers: &Tiers, clock: &Clock, json: bool) -> Result<(), Failure> {
    let mover = mover(tiers, clock)?;
    let before = args.older_than.before(clock.now());
    let selection = Selection::Span(Timestamp::MIN, before);
    let mut all = Vec::new();
    for family in args.resources.families() {
        if !args.dry_run {
            // An interrupted purge is completed first: its rows are no part of this one.
            mover.finish_erasures(family).await.map_err(Failure::of)?;
        }
        let archived = Snapshot::now(mover.hot, mover.cold, family, selection).await.map_err(Failure::of)?;
        let rows = archived.count().await.map_err(Failure::of)?;
        let age = clock.now().micros() - before.micros();
        let in_hot = mover.due(family, age).await.map_err(Failure::of)?;
        all.push((family, Old { resource: family.resource, before, rows, in_hot }));
    }
    if args.dry_run {
        let all: Vec<Old> = all.into_iter().map(|(_, old)| old).collect();
        return print_all(&all, json, |old| outln!("{}", old.text("would go")));
    }
    all.retain(|(_, old)| old.rows > 0);
    if all.is_empty() {
        return print_all(&[] as &[Purged], json, |_| {});
    }
    let lines: Vec<String> = all.iter().map(|(_, old)| old.text("will be removed for good")).collect();
    confirm(&lines.join("\n"), args.yes)?;
    let stop = stop_on_signal();
    let (mut purged, mut failure) = (Vec::new(), None);
    for (family, _) in all {
        let exported = match &args.export {
            Some(folder) => export_before(before, folder, args, family, &mover, &stop, json).await.map(Some),
            None => Ok(None),
        };
        let exported = match exported {
            Ok(exported) => exported,
            Err(error) => {
                failure = Some(error);
                break;
            }
        };
        // Without an export every row that is archived by now may go.
        let last = exported.as_ref().map_or(i64::MAX, |exported| exported.epoch);
        let report = with_progress(family.resource, json, async |progress| {
            mover.purge(family, (before, last), args.rows, &stop, progress).await
        });
        let report = report.await;
        purged.push(Purged { exported, report });
    }
    // Also when a later export has failed: these rows are gone.
    if json {
        print_json(&purged)?;
    }
    if let Some(failure) = failure {
        return Err(failure);
    }
    let ended = |purged: &Purged| matches!(purged.report.outcome, Outcome::Done | Outcome::Stopped);
    if purged.iter().all(ended) { Ok(()) } else { Err(Failure::Reported) }
}

/// Exports the rows of a resource that are as old, and checks the files.
async fn export_before(
    before: Timestamp,
    folder: &Path,
    args: &Args,
    family: &'static Family,
    mover: &Mover<'_>,
    stop: &AtomicBool,
    json: bool,
) -> Result<Exported, Failure> {
    let folder = folder.join(format!("before-{}", before.date()));
    let export = Export {
        hot: mover.hot,
        cold: mover.cold,
        clock: mover.clock,
        family,
        span: Some((Timestamp::MIN, before)),
        format: args.format,
        rows: super::export::ROWS,
        folder: &folder,
    };
    let done = one(&export, stop).await?;
    ensure_sound(&export)?;
    if !json {
        done.print();
    }
    Ok(done)
}

/// Fails when a file of the export, which may be of an earlier run, does not hold what its manifest says.
fn ensure_sound(export: &Export<'_>) -> Result<(), Failure> {
    for (_, _, faults) in export::check(export.folder, &[export.family.resource]).map_err(Failure::of)? {
        if let Some(fault) = faults.first() {
            let place = export.place().join(&fault.file);
            return Err(Failure::Failed(format!(
                "{}: {}; nothing was removed",
                place.display(),
                fault.problem
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_calendar_years_or_days() {
        let before = |text: &str| {
            let now = "2028-02-29T15:00:00Z".parse().expect("a time");
            age(text).map(|age| age.before(now).date().to_string())
        };
        assert_eq!(before("10y").as_deref(), Ok("2018-02-28"));
        assert_eq!(before("4y").as_deref(), Ok("2024-02-29"));
        assert_eq!(before("365d").as_deref(), Ok("2027-03-01"));
        assert_eq!(before("9999y").as_deref(), Ok("0001-01-01"));
        for wrong in ["0y", "10", "1h", "-3y", "y", ""] {
            assert!(before(wrong).is_err(), "{wrong}");
        }
    }
}
