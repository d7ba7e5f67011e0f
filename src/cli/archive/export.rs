//! `thermocline archive export`

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::NaiveDate;
use serde::Serialize;
use thermocline_export::{Fault, Format, Manifest};

use super::mover::stop_on_signal;
use super::resources::ResourceArgs;
use crate::cli::args;
use crate::cli::failure::Failure;
use crate::cli::output::print_all;
use crate::cli::tiers::Tiers;
use crate::clock::Clock;
use crate::export::{self, Export};
use crate::telemetry::explain;

/// Rows of a resource in a file, unless told otherwise.
pub const ROWS: i64 = 250_000;

/// Write what is archived into files, as it is at one moment
///
/// A resource gets a folder with a manifest, and files of its tables: posts with comments and likes. Each file is read back and
/// compared with what was read from cold before it gets its name. The command may be killed at any moment; run again, it goes on at the
/// same moment. Rows that are still in hot are not archived. `import` reads the files of csv.gz.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  thermocline archive export /backup/archive
  thermocline archive export --resource prices --from 2015-01-01 --to 2019-12-31 prices-2015-2019
  thermocline archive export --verify /backup/archive")]
pub struct Args {
    #[command(flatten)]
    resources: ResourceArgs,
    /// Rows from this day on
    #[arg(long, value_name = "DATE")]
    from: Option<NaiveDate>,
    /// Rows up to and including this day
    #[arg(long, value_name = "DATE")]
    to: Option<NaiveDate>,
    /// The format of the files
    #[arg(long, default_value_t = Format::CsvGz, value_name = "FORMAT", value_parser = format())]
    format: Format,
    /// Rows of a resource in a file
    #[arg(long, default_value_t = ROWS, value_name = "NUMBER", value_parser = clap::value_parser!(i64).range(1..))]
    rows: i64,
    /// Check that the files hold what their manifests say; asks no database
    #[arg(long, conflicts_with_all = ["from", "to", "format", "rows"])]
    pub verify: bool,
    /// The folder
    dir: PathBuf,
}

/// Accepts the names of formats.
pub fn format() -> impl clap::builder::TypedValueParser<Value = Format> {
    use clap::builder::TypedValueParser as _;
    clap::builder::PossibleValuesParser::new(Format::ALL.map(Format::name))
        .try_map(|name| name.parse::<Format>())
}

/// The export of a resource.
#[derive(Debug, Serialize)]
pub struct Exported {
    resource: String,
    folder: PathBuf,
    /// The epoch as of which it is.
    pub epoch: i64,
    files: usize,
    /// The number of rows by table.
    rows: BTreeMap<String, u64>,
    /// Whether the export was there already.
    already: bool,
}

impl Exported {
    fn of(folder: PathBuf, manifest: &Manifest, already: bool) -> Self {
        let mut rows = BTreeMap::new();
        for proof in manifest.files() {
            *rows.entry(proof.table.clone()).or_default() += proof.rows;
        }
        let resource = manifest.origin.resource.clone();
        Self { resource, folder, epoch: manifest.epoch, files: manifest.files().count(), rows, already }
    }

    /// Prints it.
    pub fn print(&self) {
        let Self { resource, folder, epoch, files, rows, already } = self;
        let rows: Vec<String> = rows.iter().map(|(table, rows)| format!("{rows} {table}")).collect();
        let rows = if rows.is_empty() { "nothing".to_owned() } else { rows.join(", ") };
        let already = if *already { ", was there already" } else { "" };
        outln!("{resource}: {rows} as of epoch {epoch}, {files} files in {}{already}", folder.display());
    }
}

/// Runs the command.
pub async fn run(args: &Args, tiers: &Tiers, clock: &Clock, json: bool) -> Result<(), Failure> {
    let span = args::range_of_days(args.from, args.to)?;
    let stop = stop_on_signal();
    let mut all = Vec::new();
    for family in args.resources.families() {
        let export = Export {
            hot: &*tiers.hot,
            cold: tiers.need_cold()?,
            clock,
            family,
            span,
            format: args.format,
            rows: args.rows,
            folder: &args.dir,
        };
        all.push(one(&export, &stop).await?);
    }
    print_all(&all, json, Exported::print)
}

/// Exports one resource, with a progress bar on a terminal.
pub async fn one(export: &Export<'_>, stop: &std::sync::atomic::AtomicBool) -> Result<Exported, Failure> {
    let bar = args::bar(export.family.resource, 0, false);
    let mut progress = |written: u64, all: i64| {
        bar.set_length(all.cast_unsigned());
        bar.set_position(written);
    };
    let done = export.run(stop, &mut progress).await;
    bar.finish_and_clear();
    let (manifest, wrote) = done.map_err(|error| match error {
        export::Failed::Another(_) => Failure::Usage(error.to_string()),
        export::Failed::Cold(crate::archive::export::ExportError::Expired { .. }) => {
            let place = export.place();
            Failure::Failed(format!("{}; remove {} and begin anew", explain(&error), place.display()))
        }
        error => Failure::of(error),
    })?;
    Ok(Exported::of(export.place(), &manifest, !wrote))
}

#[derive(Debug, Serialize)]
struct Verified {
    resource: String,
    epoch: i64,
    rows: u64,
    faults: Vec<Fault>,
}

/// Runs `--verify`.
pub fn verify(args: &Args, json: bool) -> Result<(), Failure> {
    let names: Vec<&str> = args.resources.families().iter().map(|family| family.resource).collect();
    let checked = export::check(&args.dir, &names).map_err(Failure::of)?;
    if checked.is_empty() {
        return Err(Failure::Failed(format!("{} has no export", args.dir.display())));
    }
    let all: Vec<Verified> = checked
        .into_iter()
        .map(|(Manifest { origin, epoch, .. }, rows, faults)| Verified {
            resource: origin.resource,
            epoch,
            rows,
            faults,
        })
        .collect();
    print_all(&all, json, |Verified { resource, epoch, rows, faults }| {
        let verdict = if faults.is_empty() { "sound".to_owned() } else { format!("{} FAULTS", faults.len()) };
        outln!("{resource}: {verdict}; {rows} rows as of epoch {epoch}");
        for Fault { file, problem } in faults {
            outln!("  {file}: {problem}");
        }
    })?;
    if all.iter().any(|verified| !verified.faults.is_empty()) {
        return Err(Failure::Reported);
    }
    Ok(())
}
